"""Draw reliefs for the documentation: strip.png and reliefs.png, from the characters that ship. See pictures.py."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from picture_files import run, save
from PIL import Image, ImageDraw, ImageFont

from sinonom_cli.assets import GLYPHS
from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.render.render import View, draw
from sinonom_cli.storage.own_tables import read_table

HAND = GLYPHS / "wenkai"
STRIP = "國"
SHEET = "書南春道軍喃𡨸史"
WOOD = np.array([214, 178, 136])
PAPER = np.array([255, 255, 255])
GAP, LINE = 8, 20


def shaded(triangles: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8: a mesh as it lies, lit from the upper left."""
    heights = draw(triangles, View(size=size, level="off")).heights.astype(np.float64) * size
    there = np.isfinite(heights)
    down, across = np.gradient(np.where(there, heights, np.nan))
    normal = np.stack([-across, -down, np.ones_like(down)], axis=-1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    light = np.nan_to_num(normal @ (np.array([-1, -1, 1.6]) / np.linalg.norm([1, 1, 1.6])))
    colour = WOOD * np.clip(0.25 + 0.85 * light, 0, 1.15)[..., None]
    return np.where(there[..., None], colour, PAPER).clip(0, 255).astype(np.uint8)


def heights_in_grey(triangles: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """(size, size, 3) uint8: heights as they are, high is light; black where there is no surface."""
    heights = draw(triangles, View(size=size, level="off")).heights
    there = np.isfinite(heights)
    low, high = heights[there].min(), heights[there].max()
    return grey(np.where(there, 30 + 225 * (heights - low) / (high - low), 0))


def turned(triangles: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Lean a mesh back, about x."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return (triangles @ np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])).astype(np.float32)


def grey(picture: NDArray[np.generic]) -> NDArray[np.uint8]:
    """(S, S) grey to (S, S, 3)."""
    return np.repeat(picture.astype(np.uint8)[..., None], 3, axis=2)


def reliefs(folder: Path, chars: str) -> list[tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.uint8]]]:
    """Carve characters and render the meshes; return print, mesh and depth image of each."""
    for char in chars:
        label = f"U+{ord(char):04X}"
        (folder / "prints" / label).mkdir(parents=True)
        source = next((HAND / "images" / label).glob("*.png"))
        (folder / "prints" / label / source.name).write_bytes(source.read_bytes())
    carve = ["carve", "prints", "meshes", "--resolution", "256", "--tilt", "4:12", "--neighbours", "1:3", "--seed", "2"]
    for command in (carve, ["render", "meshes", "depth"]):
        run(*(folder / word if word in ("prints", "meshes", "depth") else word for word in command))
    found = {}
    meshes = read_table(folder / "meshes" / "metadata.csv")[1]
    images = read_table(folder / "depth" / "metadata.csv")[1]
    for mesh, image in zip(meshes, images, strict=True):
        with (
            Image.open(folder / "prints" / mesh["source"]) as opened,
            Image.open(folder / "depth" / image["file_name"]) as depth,
        ):
            found[mesh["char"]] = (
                np.asarray(opened.convert("L")),
                read_mesh(folder / "meshes" / mesh["file_name"]),
                np.asarray(depth),
            )
    return [found[char] for char in chars]


def scaled(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """(size, size, 3) of a grey picture."""
    return grey(np.asarray(Image.fromarray(picture).resize((size, size), Image.Resampling.LANCZOS)))


def page(rows: list[list[NDArray[np.uint8]]], titles: list[str], across: bool) -> Image.Image:
    """Lay square pictures out in rows; titles above the columns (`across`) or before the rows."""
    size = len(rows[0][0])
    left, top = (0, LINE) if across else (90, 0)
    width = left + len(rows[0]) * (size + GAP) - GAP
    out = Image.new("RGB", (width, top + len(rows) * (size + GAP) - GAP), "white")
    pen, font = ImageDraw.Draw(out), ImageFont.load_default(14)
    for i, row in enumerate(rows):
        for j, picture in enumerate(row):
            out.paste(Image.fromarray(picture), (left + j * (size + GAP), top + i * (size + GAP)))
    for k, title in enumerate(titles):
        at = (k * (size + GAP) + size / 2, LINE / 2) if across else (left - GAP, k * (size + GAP) + size / 2)
        pen.text(at, title, fill="black", font=font, anchor="mm" if across else "rm")
    return out


def draw_reliefs(out: Path) -> None:
    """Write strip.png, one character from mesh to depth image, and reliefs.png, prints with their carvings."""
    with tempfile.TemporaryDirectory() as folder:
        (_, mesh, depth), *others = reliefs(Path(folder), STRIP + SHEET)
    side = 230
    panels = [shaded(turned(mesh, 35), side), heights_in_grey(mesh, side), scaled(depth, side)]
    titles = ["mesh, leaned back", "depth, as it was scanned", "levelled and toned"]
    save(page([panels], titles, across=True), out / "strip.png")
    side = 100
    rows = [
        [scaled(print_, side) for print_, _, _ in others],
        [shaded(mesh, side) for _, mesh, _ in others],
        [scaled(depth, side) for _, _, depth in others],
    ]
    save(page(rows, ["print", "carved mesh", "depth image"], across=False), out / "reliefs.png")
