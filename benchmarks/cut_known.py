"""Measure the names of `sinonom cut` without anything known, with a transcript, and with prints.

Simulated blocks are composed and carved as by `benchmarks/cut.py`; the transcript is the page's text, the print the
page itself, once with its boxes and names and once without. A real block is a folder with `block.png` and `boxes.csv`
as `benchmarks/cut.py` takes it: the transcript is made of the people's names, and their boxes stand for those of a
print, as no picture of its print is at hand.

Run: `python benchmarks/cut_known.py [--blocks 8] [--real FOLDER --pixel 0.38 --deeper light]`.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from cut import Rows, composed, in_scan, points_of, run, table
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.crops.annotations import columns_of
from sinonom_cli.layout.measure import outline_overlaps, pairs
from sinonom_cli.relief.composition import Page

Truth = tuple[list[np.ndarray], list[str]]
"""Outlines of a block in the scan's x and y, and names, "" for unknown ones."""


def right(rows: Rows, truth: Truth) -> np.ndarray:
    """Return how many outlines are right, of how many found and true, and how many names, of how many known."""
    outlines, chars = truth
    found = [points_of(row["polygon"]) for row in rows]
    matches = pairs(outline_overlaps(found, outlines), np.array([float(row["score"]) for row in rows]))
    known = [(rows[a]["char"], chars[b]) for a, b in matches if chars[b]]
    return np.array([len(matches), len(rows), len(outlines), sum(a == b for a, b in known), len(known)])


def simulated(folder: Path, count: int, seed: int) -> None:
    """Compose pages, carve them, cut the blocks in each way and print the figures."""
    pages = composed(folder, GLYPHS / "yuji", count, seed)
    run("carve", folder / "pages", folder / "scans", "--page", "--mirror", "--seed", seed, "-q")
    carved = table(folder / "scans" / "metadata.csv")
    names = {Path(row["file_name"]).stem: pages[int(Path(row["source"]).stem)] for row in carved}
    known = {Path(row["file_name"]).stem: row for row in carved}
    truths = {
        name: ([in_scan(one.box, known[name]) for one in page.characters], [one.char for one in page.characters])
        for name, page in names.items()
    }
    write_known(folder, names)
    prints, boxes = folder / "prints", folder / "boxes.csv"
    for what, options in (
        ("nothing known", ()),
        ("transcript", ("--transcripts", folder / "texts")),
        ("print, read", ("--print", prints)),
        ("print, its boxes and names given", ("--print", prints, "--print-boxes", boxes)),
    ):
        out = folder / what.replace(" ", "-")
        run("cut", folder / "scans", out, *options, "--workers", 0, "-q")
        rows = table(out / "metadata.csv")
        total = sum(right([row for row in rows if row["block"] == name], truth) for name, truth in truths.items())
        print(said(f"{count} simulated blocks, {what}", np.asarray(total)), flush=True)


def write_known(folder: Path, pages: dict[str, Page]) -> None:
    """Write texts/, prints/ and boxes.csv for the blocks of these names."""
    for name in ("texts", "prints"):
        (folder / name).mkdir()
    lines = ["picture,x0,y0,x1,y1,text"]
    for name, page in pages.items():
        columns: dict[int, str] = {}
        for one in page.characters:
            columns[one.column] = columns.get(one.column, "") + one.char
            lines.append(f"{name}.png,{','.join(map(str, one.box))},{one.char}")
        (folder / "texts" / f"{name}.txt").write_text("\n".join(columns.values()), encoding="utf-8")
        Image.fromarray(page.picture).save(folder / "prints" / f"{name}.png")
    (folder / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def real(block: Path, folder: Path, pixel: float, deeper: str) -> None:
    """Cut a real block in each way and print the figures."""
    people = table(block / "boxes.csv")
    outlines = [points_of(row["polygon"]) * np.array([1, -1]) * pixel for row in people]
    boxes = [(float(row["x0"]), float(row["y0"]), float(row["x1"]), float(row["y1"])) for row in people]
    (folder / "prints").mkdir(parents=True)
    columns = ["".join(people[k]["char"] or "□" for k in column) for column in columns_of(boxes)]
    (folder / "text.txt").write_text("\n".join(columns), encoding="utf-8")
    lines = [f"block.png,{','.join(map(str, box))},{row['char']}" for box, row in zip(boxes, people, strict=True)]
    (folder / "boxes.csv").write_text("\n".join(["picture,x0,y0,x1,y1,text", *lines]) + "\n", encoding="utf-8")
    Image.new("L", Image.open(block / "block.png").size, 255).save(folder / "prints" / "block.png")
    for what, options in (
        ("nothing known", ()),
        ("transcript", ("--transcripts", folder / "text.txt")),
        ("boxes and names", ("--print", folder / "prints", "--print-boxes", folder / "boxes.csv")),
    ):
        out = folder / what.replace(" ", "-")
        run("cut", block / "block.png", out, "--pixel", pixel, "--deeper", deeper, *options, "--workers", 0, "-q")
        total = right(table(out / "metadata.csv"), (outlines, [row["char"] for row in people]))
        print(said(f"real block {block.name}, {what}", total), flush=True)


def said(what: str, total: np.ndarray) -> str:
    matched, found, true, named, known = total.tolist()
    return (
        f"{what}: named {named / max(known, 1):.4f} ({named} of {known}); outlines: precision "
        f"{matched / max(found, 1):.4f}, recall {matched / max(true, 1):.4f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, help="folder with block.png and boxes.csv")
    parser.add_argument("--pixel", type=float, default=0.38)
    parser.add_argument("--deeper", default="light")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cut-known-") as temporary:
        if options.real:
            real(options.real, Path(temporary) / "real", options.pixel, options.deeper)
        if options.blocks:
            simulated(Path(temporary) / "simulated", options.blocks, options.seed)


if __name__ == "__main__":
    main()
