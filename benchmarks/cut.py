"""Measure `sinonom cut`: outlines, order, names and the way blocks lie, on simulated blocks and on a real one.

Simulated blocks: pages are composed of characters of an image set, carved by `carve --page` with its default tilt, bow,
wear, cracks and handles, mirrored, and cut. Their text is random: context can only do harm there. A real block: a
folder with `block.png` and `boxes.csv` (columns id, char, polygon in pixels of the map).

With `--rapidocr FOLDER` (`pip install --target FOLDER rapidocr`), PP-OCRv6 looks at the same levelled pictures; see
`cut_peer.py`. With `--resolution 87`, a block has 10 million faces: this measures time, memory and storage.
`--keep FOLDER` keeps pages, scans and characters; the same command then goes on where it was stopped.

Run: `python benchmarks/cut.py [--blocks 20] [--glyphs SET] [--real FOLDER --pixel 0.38 --deeper light]`.
"""

import argparse
import csv
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from cut_peer import Peer
from PIL import Image
from processes import Taken, alone

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.blocks.cut_block import cut_block
from sinonom_cli.blocks.upright import cropped
from sinonom_cli.layout.measure import Agreement, neighbours_in_order, outline_overlaps, pairs
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Page
from sinonom_cli.search.naming import shipped_namer
from sinonom_cli.storage.image_set import read_imageset

Rows = list[dict[str, str]]
ARCHIVE = 34_600
"""Number of blocks of the archive that figures are extrapolated to."""


class Figures:
    """Sums over blocks."""

    def __init__(self) -> None:
        self.outlines = Agreement()
        self.order, self.named, self.by_sight, self.ways, self.as_print = (np.zeros(2, int) for _ in range(5))

    def add(
        self, rows: Rows, true: list[np.ndarray], chars: list[str], way_is_right: bool, prints: list[str] | None = None
    ) -> str:
        """Compare the characters of a block with the true ones, which are in reading order.

        `prints` are the names that the model gives to the characters of the block's print.
        """
        found = [points_of(row["polygon"]) for row in rows]
        scores = np.array([float(row["score"]) for row in rows])
        matches = pairs(outline_overlaps(found, true), scores)
        here = Agreement(right=len(matches), found=len(found), true=len(true))
        order = neighbours_in_order(matches, len(true))
        known = [(rows[a], chars[b]) for a, b in matches if chars[b]]
        named, by_sight = (
            (sum(row[column].split(" ")[0] == char for row, char in known), len(known))
            for column in ("names", "names_by_sight")
        )
        self.outlines += here
        self.order += order
        self.named += named
        self.by_sight += by_sight
        self.ways += (way_is_right, 1)
        if prints:
            alike = sum(rows[a]["names_by_sight"].split(" ")[0] == prints[b] for a, b in matches)
            self.as_print += (alike, len(matches))
        return f"F1 {here.f1:.3f}, order {order[0]}/{order[1]}, named {named[0]}/{named[1]}, way {way_is_right}"

    def __str__(self) -> str:
        (ordered, neighbours), (named, known), (ways, blocks) = self.order, self.named, self.ways
        alike, printed = self.as_print
        as_print = f" ({alike / printed:.4f} as their print crops)" if printed else ""
        return (
            f"F1 of outlines at IoU 0.5: {self.outlines.f1:.4f} (precision {self.outlines.precision:.4f}, recall "
            f"{self.outlines.recall:.4f}, {self.outlines.true} characters); neighbours in order "
            f"{ordered / max(neighbours, 1):.4f}; named {named / max(known, 1):.4f} of {known}, by sight alone "
            f"{self.by_sight[0] / max(known, 1):.4f}{as_print}; "
            f"way {ways} of {blocks}"
        )


def points_of(text: str) -> np.ndarray:
    return np.array([[float(value) for value in point.split(",")] for point in text.split(";")])


def table(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments: object) -> None:
    if (code := cli.run([str(argument) for argument in arguments])) not in (0, 6):  # 6: some blocks failed
        sys.exit(f"sinonom {' '.join(map(str, arguments))}: exit code {code}")


def composed(folder: Path, glyphs: Path, count: int, seed: int) -> list[Page]:
    """Compose pages and write their pictures."""
    images = read_imageset(glyphs)
    pictures: dict[str, list[np.ndarray]] = {}
    for picture in images.pictures:
        pictures.setdefault(picture.char, []).append(load_picture(images.path / picture.file_name))
    (folder / "pages").mkdir(parents=True, exist_ok=True)
    pages = [compose_page(pictures, np.random.default_rng([seed, number])) for number in range(count)]
    for number, page in enumerate(pages):
        if not (path := folder / "pages" / f"{number:03d}.png").exists():
            Image.fromarray(page.picture).save(path)
    return pages


def names_of(page: Page) -> list[str]:
    """Return the name that the model gives to the picture of each character of a page."""
    boxes = np.array([placed.box for placed in page.characters], float)
    names = shipped_namer()([cropped(page.picture, box) for box in boxes])
    return [called[0].char if called else "" for called in names]


def simulated(folder: Path, options: Any) -> None:
    """Compose pages, carve and cut them, and print the figures."""
    truth = composed(folder, options.glyphs, options.blocks, options.seed)
    finer = ["--resolution", options.resolution, "--solid", "--tilt", "0:15"] if options.resolution else []
    run("carve", folder / "pages", folder / "scans", "--page", "--mirror", "--seed", options.seed, *finer, "-q")
    fresh = not (folder / "cut").exists()
    cut = "cut", folder / "scans", folder / "cut", "--workers", 0, "-q"
    used = alone(*cut, fine=(0, 6), OMP_NUM_THREADS="1")  # 6: some blocks failed
    rows, carved = table(folder / "cut" / "metadata.csv"), table(folder / "scans" / "metadata.csv")
    figures, peer = Figures(), Peer(folder / "levelled")
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
        true = [in_space(placed.box, known) for placed in page.characters]
        chars = [placed.char for placed in page.characters]
        upright = record["mirrored"] and record["turned"] == 0
        print(
            f"{number:3d}  {figures.add(here, [one[:, :2] for one in true], chars, upright, names_of(page))}",
            flush=True,
        )
        if options.rapidocr:
            block = cut_block(folder / "scans" / known["file_name"], name=name)
            surface = block.seen.surface
            points = np.einsum("nij,kj->nik", np.array(true), surface.rotation) + surface.shift
            corners = points[..., :2] * [1, -1] / surface.pixel
            peer.add(name, block, corners, [placed.column for placed in page.characters])
    print(f"{options.blocks} simulated blocks: {figures}")
    if fresh:  # what an earlier run has cut takes no time
        print_cost(folder, used, [int(row["faces"]) for row in carved])
    if options.rapidocr:
        peer.print(options.rapidocr)


def print_cost(folder: Path, used: Taken, faces: list[int]) -> None:
    """Print time, memory and storage of the cut blocks, and of all the blocks of an archive."""
    count = len(faces)
    sizes = {
        part: sum(path.stat().st_size for path in (folder / part).rglob("*") if path.is_file()) / count
        for part in ("scans", "cut")
    }
    print(
        f"cut, {sum(faces) / count / 1e6:.2f} million faces a block: {used.clock / count:.1f} s a block on the clock, "
        f"{used.processor / count:.1f} s of a processor, {1e6 * used.processor / sum(faces):.2f} s for a million "
        f"faces; at most {used.memory:.2f} GB; a scan has {sizes['scans'] / 1e6:.1f} MB, its characters "
        f"{sizes['cut'] / 1e6:.1f} MB"
    )
    print(
        f"{ARCHIVE:,} such blocks: {ARCHIVE * used.processor / count / 3600:.0f} core-hours, "
        f"{ARCHIVE * sizes['scans'] / 1e12:.2f} TB of scans, {ARCHIVE * sizes['cut'] / 1e12:.2f} TB of characters"
    )


def in_space(box: tuple[int, int, int, int], known: dict[str, str]) -> np.ndarray:
    """Return the corners of a box of a page, (4, 3), in the scan's coordinates; see `whole_block.BLOCK_KNOWN`."""
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
    return points


def in_scan(box: tuple[int, int, int, int], known: dict[str, str]) -> np.ndarray:
    """Return the corners of a box of a page, (4, 2), in the scan's x and y."""
    return in_space(box, known)[:, :2]


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
    if options.rapidocr:
        peer = Peer(out.parent / "levelled real")
        block = cut_block(folder / "block.png", name=folder.name, scale=Scale(options.pixel, options.deeper))
        boxes = [np.array([[*one.min(axis=0)], [*one.max(axis=0)]]) for one in outlines]
        middles = np.array([one.mean(axis=0)[0] for one in boxes])
        width = float(np.median([np.ptp(one[:, 0]) for one in boxes]))
        order = np.argsort(middles)
        columns = np.empty(len(boxes), int)
        columns[order] = np.cumsum(np.diff(middles[order], prepend=middles[order[0]]) > width / 2)
        peer.add(folder.name, block, np.array(boxes) / to_map, columns.tolist())
        peer.print(options.rapidocr)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=20)
    parser.add_argument("--glyphs", type=Path, default=GLYPHS / "yuji", help="image set that pages are composed of")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="folder with block.png and boxes.csv")
    parser.add_argument("--pixel", type=float, default=0.38)
    parser.add_argument("--deeper", default="light")
    parser.add_argument("--resolution", type=int, help="points across a character; 87 give 10 million faces")
    parser.add_argument("--rapidocr", type=Path, help="folder with the package rapidocr")
    parser.add_argument("--keep", type=Path, help="where the blocks are kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cut-") as temporary:
        folder = options.keep or Path(temporary)
        if options.real:
            real(options.real, folder / "real", options)
        if options.blocks:
            simulated(folder / "simulated", options)


if __name__ == "__main__":
    main()
