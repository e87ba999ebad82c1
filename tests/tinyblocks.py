"""Small blocks as an index knows them: pictures of carvings with their places, and pages that the blocks print."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from scipy import ndimage
from tinyscan import brush

from sinonom_cli import cli
from sinonom_cli.pages.reading import ReadCharacter, Reading

COLUMNS, ROWS, PITCH = 5, 7, 12.0
"""Columns and rows of a block, and distance of its characters, mm."""


@dataclass(frozen=True)
class TinyBlock:
    """A block: the character of each place, in reading order, the place's middle, (N, 2), mm, and the shapes' seeds."""

    name: str
    chars: list[str]
    middles: np.ndarray
    seeds: list[int]

    @property
    def carved(self) -> list[tuple[str, int]]:
        """Character and seed of each carving."""
        return list(zip(self.chars, self.seeds, strict=True))


def blocks(*names: str, chars: int = 20, seed: int = 0) -> list[TinyBlock]:
    """Return blocks of random characters, some of which are repeated."""
    some, made = sorted(brush())[:chars], []
    for number, name in enumerate(names):
        rng = np.random.default_rng([seed, number])
        middles = [
            (PITCH * (COLUMNS - column - 0.5), PITCH * (row + 0.5)) for column in range(COLUMNS) for row in range(ROWS)
        ]
        jitter = rng.uniform(-0.4, 0.4, (len(middles), 2))
        chars = [str(char) for char in rng.choice(some, len(middles))]
        seeds = [int(value) for value in rng.integers(1 << 30, size=len(middles))]
        made.append(TinyBlock(name, chars, np.array(middles) + jitter, seeds))
    return made


def picture(char: str, seed: int, rng: np.random.Generator) -> np.ndarray:
    """Return a picture of a carving or its print: strokes stand where the seed has them, (48, 48) uint8.

    It is somewhat blurred and moved, at random.
    """
    side = 80
    bends = ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(2, side, side)), (0, 7, 7))
    bends *= 2.0 / bends.std()
    places = np.mgrid[:side, :side] + bends
    glyph = np.asarray(Image.fromarray(brush()[char][0]).resize((side, side)), float)
    shaped = ndimage.map_coordinates(glyph, places, order=1, mode="nearest").astype(np.uint8)
    image = Image.fromarray(shaped).resize((40, 40)).filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 0.8)))
    paper = Image.new("L", (48, 48), 255)
    paper.paste(image, tuple(int(value) for value in rng.integers(2, 6, 2)))
    return np.asarray(paper)


def carved_set(folder: Path, made: list[TinyBlock], places: bool = True, seed: int = 0) -> None:
    """Write a folder of pictures of all carvings, and the table that says where they stand."""
    rows = []
    for number, block in enumerate(made):
        rng = np.random.default_rng([seed, 1, number])
        for k, (char, (x, y)) in enumerate(zip(block.chars, block.middles, strict=True)):
            path = folder / block.name / f"{k:03d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture(char, block.seeds[k], rng)).save(path)
            box = " ".join(f"{value:.6g}" for value in (x - 5, y - 5, x + 5, y + 5))
            size = f"{COLUMNS * PITCH:.6g} {ROWS * PITCH:.6g}"
            rows.append((f"{block.name}/{k:03d}.png", block.name, box, size, f"blocks/{block.name}.png"))
    if places:
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(("file_name", "block", "upright_box", "upright_size", "block_picture"))
        table.writerows(rows)
        (folder / "metadata.csv").write_text(text.getvalue(), encoding="utf-8")


def indexed(folder: Path, made: list[TinyBlock], places: bool = True) -> Path:
    """Write the set and its index; return the path of the index."""
    carved_set(folder / "chạm", made, places)
    assert cli.run(["index", str(folder / "chạm"), str(folder / "db.faiss"), "-q"]) == 0
    return folder / "db.faiss"


def page(
    carved: list[tuple[str, int]], middles: np.ndarray, mirrored: bool = False, turned: int = 0, seed: int = 5
) -> tuple[Reading, list[np.ndarray]]:
    """Return the reading of a page with characters at the given places, leaning by 2 degrees, and their pictures.

    A mirrored picture, or one on its side (`turned` by 90), shows the same page.
    """
    rng = np.random.default_rng(seed)
    angle, scale = np.radians(2), 3.5
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    points = middles @ turn.T
    points += 40 - points.min(axis=0) + rng.uniform(-2, 2, points.shape)
    width, height = (int(value) + 60 for value in points.max(axis=0))
    if turned == 90:  # the picture that must be turned clockwise by 90 degrees to show the page
        points, (width, height) = np.stack([points[:, 1], width - points[:, 0]], axis=1), (height, width)
    if mirrored:
        points = np.stack([width - points[:, 0], points[:, 1]], axis=1)
    half, characters = 15.0, []
    for k, (x, y) in enumerate(points.tolist()):
        box = (x - half, y - half, x + half, y + half)
        corners = ((box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3]))
        characters.append(
            ReadCharacter(
                column=k // ROWS + 1,
                place=k % ROWS + 1,
                part="text",
                box=box,
                outline=corners,
                score=1.0,
                sight=(),
                names=(),
            )
        )
    reading = Reading(
        page="trang 1",
        source="trang 1.png",
        width=width,
        height=height,
        direction="vertical",
        turned=turned,
        mirrored=mirrored,
        size=30.0,
        characters=tuple(characters),
    )
    return reading, [picture(char, seed, rng) for char, seed in carved]
