"""Read pages with one box per character in YOLO's layout: `images/{train,val}`, `labels/{train,val}`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import Item, find_inputs
from sinonom_cli.storage.names import Spelling
from sinonom_cli.storage.tables import read_lines

LEAST_SIDE = 10
"""Smallest side of a page, in pixels; ultralytics silently leaves out smaller pages."""


@dataclass(frozen=True)
class Page:
    """Page with the boxes of its characters.

    Attributes
    ----------
    item : picture of the page.
    label : file of the boxes.
    boxes : (n, 4) float64 in [0, 1]; centre x, centre y, width, height, relative to the page, without repetitions.
    """

    item: Item
    label: Item
    boxes: NDArray[np.float64]


def read_pages(folder: Path) -> dict[str, list[Page]]:
    """Return the pages for "train" and for "val".

    Raises
    ------
    SinonomError
        If a part is missing, is empty or has no box, if a page has no label file, or if a line of one is not a box.
    """
    pages = {}
    for part in ("train", "val"):
        pictures, labels = folder / "images" / part, folder / "labels" / part
        for needed in (pictures, labels):
            if not needed.is_dir():
                raise SinonomError(
                    f"{needed} is not a folder", "give pages as images/{train,val}/*.jpg with labels/{train,val}/*.txt"
                )
        spelling = Spelling(labels)
        found = []
        for item in find_inputs([str(pictures)], PICTURE_SUFFIXES, "pages"):
            name = spelling(Path(item.key).with_suffix(".txt").as_posix())
            boxes = _boxes(labels / name)
            found.append(Page(item, Item(name, labels / name, size=(labels / name).stat().st_size), boxes))
        _say_idle(labels, {page.label.key for page in found})
        if not any(len(page.boxes) for page in found):
            raise SinonomError(
                f"{labels} has no box in any of {len(found)} label files", "write a line for each character"
            )
        pages[part] = found
    return pages


def _say_idle(labels: Path, used: set[str]) -> None:
    """Warn of label files that have no page."""
    there = {path.relative_to(labels).as_posix() for path in labels.rglob("*") if path.suffix.lower() == ".txt"}
    idle = sorted(there - used - {"classes.txt"})
    if idle:
        messages.warn(f"label files without a page, left out: {len(idle)}; the first: {labels / idle[0]}")


def check_readable(pages: dict[str, list[Page]]) -> None:
    """Decode every page.

    Raises
    ------
    SinonomError
        If a page cannot be read or is too small to be trained on; the message names the first such page.
    """
    members = [page for part in pages.values() for page in part]
    with messages.progress(len(members), "pages") as progress:
        for page in members:
            height, width = load_picture(page.item.path, whole=True).shape
            if min(height, width) < LEAST_SIDE:
                raise SinonomError(
                    f"{page.item.path} is {width}x{height} pixels, too small for a page", "remove it and its labels"
                )
            progress.advance()


def _boxes(path: Path) -> NDArray[np.float64]:
    """Read the boxes of a label file from its `class x y w h` lines; the class is not used."""
    boxes: dict[tuple[float, ...], None] = {}
    for number, line in enumerate(read_lines(path, "each page needs a label file (empty: no characters)"), 1):
        if not line.strip():
            continue
        try:
            _, *numbers = map(float, line.split())
        except ValueError:
            numbers = []
        inside = len(numbers) == 4 and all(0 <= value <= 1 for value in numbers) and min(numbers[2:]) > 0
        if not inside:
            raise SinonomError(f"{path}, line {number}: not `class x y w h` with values in [0, 1]", "correct the line")
        boxes[tuple(numbers)] = None
    return np.array(list(boxes), np.float64).reshape(-1, 4)


def corners(boxes: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Return relative boxes as (n, 4) float64 x0, y0, x1, y1 in pixels."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.hstack([middle - half, middle + half]) * np.array([width, height, width, height])
