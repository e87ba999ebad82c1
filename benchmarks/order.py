"""Claim: `reading_order` puts the characters of real pages and blocks into the order in which people read them.

BLOCK is a CSV file with the columns x0,y0,x1,y1 and rows in reading order; the figure is the share of neighbours that
are neighbours in the order that was found (see `neighbours_in_order`).

PAGES is a folder with `images/{train,val}` and `labels/{train,val}` in YOLO's layout. Their order is not recorded: the
order that is found on the boxes as they are is the reference, and --draw DIR writes it onto the pages, to be looked at.
The figures say how well the order survives changes that a detector or a photo makes: a turn by 3 degrees, columns bent
by a third of their pitch, 5 % of the boxes missing, and sides moved by normally distributed 5 % of the box's size.

Usage: python benchmarks/order.py (--block BLOCK | --pages PAGES) [--draw DIR] [--seed 0] [--result FILE]
"""

import argparse
import csv
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

sys.path[:0] = [str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.layout.measure import neighbours_in_order  # noqa: E402
from sinonom_cli.layout.order import Placed, reading_order  # noqa: E402
from sinonom_cli.layout.yolo_pages import corners, read_pages  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402

COLOURS = {
    "text": (0, 0, 255),
    "note-right": (0, 140, 0),
    "note-left": (200, 120, 0),
    "heading": (255, 0, 255),
    "centre": (220, 0, 0),
}
SCALE = 2
Boxes = NDArray[np.float64]
Change = Callable[[Boxes, np.random.Generator], tuple[Boxes, NDArray[np.int64]]]


def turned(boxes: Boxes, degrees: float, bend: float = 0.0) -> Boxes:
    """Turn boxes about their middle and bend their columns by `bend` pixels at top and bottom; boxes stay upright."""
    half, centres = (boxes[:, 2:] - boxes[:, :2]) / 2, (boxes[:, 2:] + boxes[:, :2]) / 2
    middle = (centres.min(axis=0) + centres.max(axis=0)) / 2
    x, y = (centres - middle).T
    x = x + bend * (y / max(np.abs(y).max(), 1)) ** 2
    angle = np.radians(degrees)
    moved = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=1) + middle
    return np.hstack([moved - half, moved + half])


def everything(boxes: Boxes) -> tuple[Boxes, NDArray[np.int64]]:
    return boxes, np.arange(len(boxes))


def fewer(boxes: Boxes, rng: np.random.Generator) -> tuple[Boxes, NDArray[np.int64]]:
    kept = np.flatnonzero(rng.random(len(boxes)) >= 0.05)
    return boxes[kept], kept


def moved(boxes: Boxes, rng: np.random.Generator) -> Boxes:
    sides = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
    return boxes + rng.normal(0, 0.05, boxes.shape) * sides


def pitch_of(boxes: Boxes) -> float:
    return 1.5 * float(np.quantile(boxes[:, 2] - boxes[:, 0], 0.85))


def all_changes(boxes: Boxes, rng: np.random.Generator) -> tuple[Boxes, NDArray[np.int64]]:
    some, kept = fewer(boxes, rng)
    return moved(turned(some, rng.choice([-3, 3]), rng.choice([-1, 1]) * pitch_of(boxes) / 3), rng), kept


CHANGES: dict[str, Change] = {
    "turned by 3 degrees": lambda boxes, _: everything(turned(boxes, 3)),
    "turned by -3 degrees": lambda boxes, _: everything(turned(boxes, -3)),
    "bent by a third of the pitch": lambda boxes, _: everything(turned(boxes, 0, pitch_of(boxes) / 3)),
    "5 % missing": fewer,
    "sides moved by 5 %": lambda boxes, rng: everything(moved(boxes, rng)),
    "turned, bent, missing and moved": all_changes,
}


def block(path: Path, result: Path | None) -> None:
    """Publish the share of neighbours in order for a block whose rows are in reading order."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    boxes = np.array([[float(row[side]) for side in ("x0", "y0", "x1", "y1")] for row in rows])
    found = reading_order(boxes)
    matches = np.array([(place, one.index) for place, one in enumerate(found)])
    right, both = neighbours_in_order(matches, len(boxes))
    publish(
        result,
        "`reading_order` puts the characters of a real block into the order in which people read them.",
        [
            Column("block"), Column("boxes"), Column("kept"), Column("columns"),
            Column("neighbours"), Column("of them in order", ".1%"),
        ],
        [(path.parent.name, len(boxes), len(found), found[-1].column, both, right / both)],
        notes="The reference is the order in which people have numbered the boxes.",
    )  # fmt: skip


def pages(folder: Path, draw: Path | None, seed: int, result: Path | None) -> None:
    """Publish how well the order survives changes of the boxes, and draw it."""
    counts = {name: np.zeros(2, int) for name in CHANGES}
    spent, boxes_read = [], 0
    for page in [page for part in read_pages(folder).values() for page in part]:
        grey = load_picture(page.item.path, whole=True)
        boxes = corners(page.boxes, grey.shape[1], grey.shape[0])
        reading_order(boxes[:1])  # Compiles, once.
        started = time.process_time()
        found = reading_order(boxes)
        spent.append(time.process_time() - started)
        boxes_read += len(boxes)
        if draw is not None:
            draw.mkdir(parents=True, exist_ok=True)
            drawn(grey, found).save(draw / f"{Path(page.item.key).stem}.png")
        rng = np.random.default_rng([seed, len(spent)])
        for name, change in CHANGES.items():
            counts[name] += survived(boxes, [one.index for one in found], *change(boxes, rng))
    publish(
        result,
        "The order of a page's characters survives turned, bent, missing and inexact boxes.",
        [Column("boxes"), Column("neighbours", ","), Column("of them still in order", ".2%")],
        [(name, int(both), right / both) for name, (right, both) in counts.items()],
        notes=f"{len(spent)} pages, {boxes_read:,} boxes; a page takes {1000 * np.median(spent):.0f} ms of a processor "
        "(median). The reference is the order of the boxes as they are, which was looked at.",
    )


def survived(boxes: Boxes, order: list[int], changed: Boxes, kept: NDArray[np.int64]) -> tuple[int, int]:
    """Return how many neighbours of the first order are neighbours in that of the changed boxes, and how many of all.

    Boxes that overlap so much that one of them is left out are counted where both orders have them.
    """
    again = [int(kept[one.index]) for one in reading_order(changed)]
    place = {k: n for n, k in enumerate(again)}
    known = [k for k in order if k in set(again)]
    matches = np.array([(place[k], n) for n, k in enumerate(known)])
    return neighbours_in_order(matches, len(known))


def drawn(grey: NDArray[np.uint8], found: list[Placed]) -> Image.Image:
    """Return the page with boxes coloured by part, a line from each character to the next, and columns' numbers."""
    picture = Image.fromarray(128 + grey // 2).convert("RGB")
    picture = picture.resize((picture.width * SCALE, picture.height * SCALE))
    canvas = ImageDraw.Draw(picture)
    for before, one in zip([None, *found], found, strict=False):
        box = SCALE * np.array(one.box)
        canvas.rectangle(tuple(box), outline=COLOURS[one.part])
        if before is not None:
            ends = [tuple(SCALE * (np.array(end.box[:2]) + end.box[2:]) / 2) for end in (before, one)]
            same = before.column == one.column
            canvas.line(ends, fill=COLOURS[one.part] if same else (255, 160, 160), width=2 if same else 1)
        if one.place == 1:
            canvas.text((box[0], box[1] - 14), str(one.column), fill=(255, 0, 0))
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--block", type=Path)
    parser.add_argument("--pages", type=Path)
    parser.add_argument("--draw", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    result_option(parser)
    given = parser.parse_args()
    if (given.block is None) == (given.pages is None):
        parser.error("give --block or --pages")
    if given.block is not None:
        block(given.block, given.result)
    else:
        pages(given.pages, given.draw, given.seed, given.result)


if __name__ == "__main__":
    main()
