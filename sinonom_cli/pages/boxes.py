"""Take the boxes of a page's characters from an annotation file, in place of the detector's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.crops.annotations import Given
from sinonom_cli.crops.boxes import given_in
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.storage.inputs import Item

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Known:
    """What an annotation file says of a page.

    Attributes
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1 of characters, pixels of the picture.
    lines : (M, 4) float64, boxes of lines whose characters it does not give; the detector finds these.
    """

    boxes: NDArray[np.float64]
    lines: NDArray[np.float64]


def boxes_of(path: Path, items: Sequence[Item]) -> dict[str, Known]:
    """Return what an annotation file says of each page, by the page's key; a page that it does not name is left out.

    Raises
    ------
    UsageError
        If the pages do not lie in one folder, so that names in the file could mean several of them.
    BadInput
        If the file names none of the pages, or cannot be read.
    """
    folders = {_folder(item) for item in items}
    if len(folders) != 1:
        raise UsageError("with --boxes, the pages must lie in one folder", "sinonom read FOLDER OUT --boxes FILE")
    boxes: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    lines: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for given in usable_in(path, folders.pop(), [item.key for item in items]):
        if given.spots:
            boxes[given.picture] += given.spots
        elif given.region is not None and given.region.box is not None:
            lines[given.picture].append(given.region.box)
    named = {item.key for item in items} & (boxes.keys() | lines.keys())
    if not named:
        raise BadInput(f"{path} names none of the {len(items)} pages", "its names are relative to the pages' folder")
    return {key: Known(boxes=_array(boxes[key]), lines=_array(lines[key])) for key in named}


def usable_in(path: Path, folder: Path, pictures: Sequence[str]) -> list[Given]:
    """Return what an annotation file describes, and warn of entries that cannot be used; see `crops.boxes.given_in`."""
    every = list(given_in(path, folder, pictures))
    faults = [f"{given.picture} {given.name}".strip() + f": {given.fault}" for given in every if given.fault]
    if faults:
        messages.warn(f"{path}: {len(faults)} entries cannot be used; the first, {faults[0]}")
    return [given for given in every if not given.fault]


def inside(boxes: NDArray[np.float64], lines: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which boxes, (N,) bool, have their middle in one of the lines' boxes, (M, 4)."""
    middle = (boxes[:, None, :2] + boxes[:, None, 2:]) / 2
    within = (middle >= lines[None, :, :2]) & (middle <= lines[None, :, 2:])
    return np.any(within[..., 0] & within[..., 1], axis=1)


def _folder(item: Item) -> Path:
    """Return the folder that an item's key is relative to."""
    return item.path.absolute().parents[item.key.count("/")]


def _array(boxes: Sequence[tuple[float, ...]]) -> NDArray[np.float64]:
    return np.array(boxes, np.float64).reshape(-1, 4)
