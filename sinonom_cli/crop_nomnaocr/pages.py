"""Pages with one box per character in YOLO's layout: `images/{train,val}`, `labels/{train,val}`."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.artifacts.inputs import Item, find_inputs
from sinonom_cli.errors import SinonomError

SUFFIXES = frozenset((".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".webp"))


@dataclass(frozen=True)
class Page:
    """A page: its picture, and (n, 4) float64 boxes, centre x, centre y, width, height, relative to the page."""

    item: Item
    boxes: NDArray[np.float64]


def read_pages(folder: Path) -> dict[str, list[Page]]:
    """Return the pages for "train" and for "val".

    Raises
    ------
    SinonomError
        If a part is missing or empty, a page has no label file, or a line of one is not a box.
    """
    pages = {}
    for part in ("train", "val"):
        pictures, labels = folder / "images" / part, folder / "labels" / part
        for needed in (pictures, labels):
            if not needed.is_dir():
                raise SinonomError(
                    f"{needed} is not a folder", "give pages as images/{train,val}/*.jpg with labels/{train,val}/*.txt"
                )
        items = find_inputs([str(pictures)], SUFFIXES, "pages")
        pages[part] = [Page(item, _boxes(labels / Path(item.key).with_suffix(".txt"))) for item in items]
    return pages


def _boxes(path: Path) -> NDArray[np.float64]:
    """Read `class x y w h` lines; the class is not used."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SinonomError(
            f"cannot read {path}: {error}", "each page needs a label file (empty: no characters)"
        ) from None
    boxes = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            _, *numbers = map(float, line.split())
        except ValueError:
            numbers = []
        inside = len(numbers) == 4 and all(0 <= value <= 1 for value in numbers) and min(numbers[2:]) > 0
        if not inside:
            raise SinonomError(f"{path}, line {number}: not `class x y w h` with parts of the page", "correct the line")
        boxes.append(numbers)
    return np.array(boxes, np.float64).reshape(-1, 4)


def corners(boxes: NDArray[np.float64], width: int, height: int) -> NDArray[np.float64]:
    """Return relative boxes as (n, 4) float64 x0, y0, x1, y1 in pixels."""
    middle, half = boxes[:, :2], boxes[:, 2:] / 2
    return np.hstack([middle - half, middle + half]) * np.array([width, height, width, height])
