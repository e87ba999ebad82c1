"""Columns of `metadata.csv` that say where on which block a carved character stands: of `cut`, which `render` keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from sinonom_cli.storage.names import relative_to
from sinonom_cli.storage.own_tables import numbers_cell

UPRIGHT_COLUMNS = ("upright_box", "upright_size")
"""Box of a character, `x0 y0 x1 y1`, and size of the block, `width height`, both of the levelled block as it is read
(upright, not mirrored), in the scan's units; x goes to the right and y down from its upper left corner."""
PLACE_COLUMNS = ("block", "column", "place", "part", *UPRIGHT_COLUMNS)
"""Columns that `render` keeps of a character that `cut` has cut out."""
PICTURE_COLUMN = "block_picture"
"""Path of the picture of the block, relative to the image set; `render` adds it."""


def upright_cells(box: Sequence[float], size: Sequence[int], pixel: float) -> dict[str, str]:
    """Return the cells of `UPRIGHT_COLUMNS`.

    Parameters
    ----------
    box : x0, y0, x1, y1 in pixels of the upright map.
    size : its width and height, pixels.
    pixel : side of a pixel, in the scan's units.
    """
    lengths = (numbers_cell(value * pixel for value in values) for values in (box, size))
    return dict(zip(UPRIGHT_COLUMNS, lengths, strict=True))


def kept_cells(row: Mapping[str, str], folder: Path, out: Path) -> dict[str, str]:
    """Return what an image set keeps of the row of a mesh: `PLACE_COLUMNS` and `PICTURE_COLUMN`; nothing without block.

    Parameters
    ----------
    row : of the mesh set in `folder`.
    out : the image set.
    """
    if not row.get("block"):
        return {}
    picture = row.get("clean_file_name") or row.get("picture_file_name", "")
    there = {PICTURE_COLUMN: relative_to(folder / picture, out)} if picture else {}
    return {name: row.get(name, "") for name in PLACE_COLUMNS} | there
