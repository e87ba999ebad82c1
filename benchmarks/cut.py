"""Measure `sinonom cut`: outlines, order, names and the way blocks lie, on simulated blocks and on a real one.

Simulated blocks: pages are composed of characters of an image set, carved by `carve --page` with its default tilt, bow,
wear, cracks and handles, mirrored, and cut. A real block: a folder with `block.png` and `boxes.csv` (columns id, char,
polygon in pixels of the map).

Run: `python benchmarks/cut.py [--blocks 20] [--glyphs SET] [--real FOLDER --pixel 0.38 --deeper light]`.
"""

import argparse
import csv
import json
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.layout.measure import Agreement, neighbours_in_order, outline_overlaps, pairs
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.storage.image_set import read_imageset

Rows = list[dict[str, str]]


class Figures:
    """Sums over blocks."""

    def __init__(self) -> None:
        self.outlines = Agreement()
        self.order, self.named, self.ways = np.zeros(2, int), np.zeros(2, int), np.zeros(2, int)

    def add(self, rows: Rows, true: list[np.ndarray], chars: list[str], way_is_right: bool) -> str:
        """Compare the characters of a block with the true ones, which are in reading order."""
        found = [points_of(row["polygon"]) for row in rows]
        scores = np.array([float(row["score"]) for row in rows])
        matches = pairs(outline_overlaps(found, true), scores)
        here = Agreement(right=len(matches), found=len(found), true=len(true))
        order = neighbours_in_order(matches, len(true))
        known = [(rows[a]["names"].split(" ")[0], chars[b]) for a, b in matches if chars[b]]
        named = sum(name == char for name, char in known), len(known)
        self.outlines += here
        self.order += order
        self.named += named
        self.ways += (way_is_right, 1)
        return f"F1 {here.f1:.3f}, order {order[0]}/{order[1]}, named {named[0]}/{named[1]}, way {way_is_right}"

    def __str__(self) -> str:
        (ordered, neighbours), (named, known), (ways, blocks) = self.order, self.named, self.ways
        return (
            f"F1 of outlines at IoU 0.5: {self.outlines.f1:.4f} (precision {self.outlines.precision:.4f}, recall "
            f"{self.outlines.recall:.4f}, {self.outlines.true} characters); neighbours in order "
            f"{ordered / max(neighbours, 1):.4f}; named {named / max(known, 1):.4f} of {known}; way {ways} of {blocks}"
        )


def points_of(text: str) -> np.ndarray:
    return np.array([[float(value) for value in point.split(",")] for point in text.split(";")])


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments: object) -> None:
    if (code := cli.run([str(argument) for argument in arguments])) not in (0, 6):  # 6: some blocks failed
        sys.exit(f"sinonom {' '.join(map(str, arguments))}: exit code {code}")


def simulated(folder: Path, glyphs: Path, count: int, seed: int) -> None:
    """Compose pages, carve and cut them, and print the figures."""
    images = read_imageset(glyphs)
    pictures: dict[str, list[np.ndarray]] = {}
    for picture in images.pictures:
        pictures.setdefault(picture.char, []).append(load_picture(images.path / picture.file_name))
    (folder / "pages").mkdir(parents=True)
    truth = []
    for number in range(count):
        page = compose_page(pictures, np.random.default_rng([seed, number]))
        Image.fromarray(page.picture).save(folder / "pages" / f"{number:03d}.png")
        truth.append(page)
    run("carve", folder / "pages", folder / "scans", "--page", "--mirror", "--seed", seed, "-q")
    started, worked = time.perf_counter(), time.process_time()
    run("cut", folder / "scans", folder / "cut", "--workers", 0, "-q")
    clock, processor = time.perf_counter() - started, time.process_time() - worked
    rows, carved = table(folder / "cut" / "metadata.csv"), table(folder / "scans" / "metadata.csv")
    figures = Figures()
    for number, page in enumerate(truth):
        known = next(row for row in carved if Path(row["source"]).stem == f"{number:03d}")
        name = Path(known["file_name"]).stem
        here = [row for row in rows if Path(row["source"]).stem == name]
        if not here:
            print(f"{number:3d}  nothing found")
            figures.outlines += Agreement(true=len(page.characters))
            figures.ways += (0, 1)
            continue
        record = json.loads((folder / "cut" / here[0]["record_file_name"]).read_text(encoding="utf-8"))
        true = [in_scan(placed.box, known) for placed in page.characters]
        chars = [placed.char for placed in page.characters]
        upright = record["mirrored"] and record["turned"] == 0
        print(f"{number:3d}  {figures.add(here, true, chars, upright)}", flush=True)
    faces = sum(int(row["faces"]) for row in carved)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{count} simulated blocks: {figures}")
    print(
        f"cut: {clock / count:.1f} s a block on the clock, {processor / count:.1f} s of a processor, "
        f"{1e6 * processor / faces:.1f} s for a million faces; {memory:.2f} GB"
    )


def in_scan(box: tuple[int, int, int, int], known: dict[str, str]) -> np.ndarray:
    """Return the corners of a box of a page, (4, 2), in the scan's x and y; see `whole_block.BLOCK_KNOWN`."""
    value = {name: float(known[name]) for name in ("mm_per_pixel", "page_x", "page_y", "bow_xx", "bow_yy", "bow_xy")}
    x0, y0, x1, y1 = box
    corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], float)
    sign = -1 if known["mirrored"] == "yes" else 1
    x = value["page_x"] + sign * corners[:, 0] * value["mm_per_pixel"]
    y = value["page_y"] - corners[:, 1] * value["mm_per_pixel"]
    u, v = x / 150, y / 150
    points = np.stack([x, y, value["bow_xx"] * u * u + value["bow_yy"] * v * v + value["bow_xy"] * u * v], axis=1)
    for axis, name in enumerate(("tilt_x", "tilt_y", "turn")):
        angle = np.radians(float(known[name]))
        a, b = [(1, 2), (2, 0), (0, 1)][axis]
        turned = points.copy()
        turned[:, a] = np.cos(angle) * points[:, a] - np.sin(angle) * points[:, b]
        turned[:, b] = np.sin(angle) * points[:, a] + np.cos(angle) * points[:, b]
        points = turned
    return points[:, :2]


def real(folder: Path, out: Path, options: Any) -> None:
    """Cut a real block and print the figures."""
    run("cut", folder / "block.png", out, "--pixel", options.pixel, "--deeper", options.deeper, "--workers", 0, "-q")
    rows, true = table(out / "metadata.csv"), table(folder / "boxes.csv")
    to_map = np.array([1, -1]) * options.pixel
    figures = Figures()
    record = json.loads((out / rows[0]["record_file_name"]).read_text(encoding="utf-8"))
    outlines = [points_of(row["polygon"]) * to_map for row in true]
    figures.add(rows, outlines, [row["char"] for row in true], not record["mirrored"] and record["turned"] == 0)
    print(f"real block {folder.name}: {figures}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--glyphs", type=Path, default=GLYPHS / "yuji", help="image set that pages are composed of")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="folder with block.png and boxes.csv")
    parser.add_argument("--pixel", type=float, default=0.38)
    parser.add_argument("--deeper", default="light")
    parser.add_argument("--keep", type=Path, help="where the blocks are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cut-") as temporary:
        folder = options.keep or Path(temporary)
        if options.real:
            real(options.real, folder / "real", options)
        if options.blocks:
            simulated(folder / "simulated", options.glyphs, options.blocks, options.seed)


if __name__ == "__main__":
    main()
