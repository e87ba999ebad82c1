"""Know on which block, and where on it, each row of an index stands, from the tables of the sets that it indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import BadInput
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import remake
from sinonom_cli.storage.block_places import PICTURE_COLUMN, UPRIGHT_COLUMNS
from sinonom_cli.storage.own_tables import TableRow, rows_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOWHERE = -1
"""Number of the block of a row that does not know its block."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A block that rows of an index were cut out of.

    Attributes
    ----------
    name : of the block; with its set before it, where several sets have blocks of this name.
    size : width and height of the upright block, in the scan's units.
    picture : path at which its picture should be; None: the set names none.
    """

    name: str
    size: tuple[float, float]
    picture: Path | None


@dataclass(frozen=True, kw_only=True)
class CarvingPlaces:
    """Places of the rows of an index.

    Attributes
    ----------
    blocks : all blocks.
    owner : (N,) int32, number of each row's block; `NOWHERE` if it does not know its block.
    boxes : (N, 4) float64, x0, y0, x1, y1 on the levelled, upright block, y down, in the scan's units; NaN if unknown.
    """

    blocks: tuple[Block, ...]
    owner: NDArray[np.int32]
    boxes: NDArray[np.float64]
    _order: NDArray[np.int64] = field(repr=False)
    _starts: NDArray[np.int64] = field(repr=False)

    def rows_of(self, block: int) -> NDArray[np.int64]:
        """Return the rows of a block, in the order of the index."""
        return self._order[self._starts[block] : self._starts[block + 1]]

    def middles(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the middles of the boxes of rows, (n, 2) float64."""
        return (self.boxes[rows, :2] + self.boxes[rows, 2:]) / 2


def carving_places(index: Index) -> CarvingPlaces:
    """Read the places of all rows of an index from the `metadata.csv` of its sets.

    Raises
    ------
    BadInput
        If a set is not where the index has it.
    """
    tables = {name: _rows_by_item(index, name) for name in _sets_of(index)}
    owner = np.full(len(index), NOWHERE, np.int32)
    boxes = np.full((len(index), 4), np.nan)
    numbers: dict[tuple[str, str], int] = {}
    known: list[tuple[str, str, TableRow]] = []
    lost = 0
    for number, row in enumerate(index.rows):
        about = tables.get(row.set, {}).get(row.item)
        lost += about is None and row.set in tables
        if not about:
            continue
        key = row.set, about["block"]
        if key not in numbers:
            numbers[key] = len(known)
            known.append((*key, about))
        owner[number] = numbers[key]
        boxes[number] = [float(value) for value in about["upright_box"].split(" ")]
    if lost and known:
        messages.warn(
            f"rows of {index.path} that are not in the tables of their sets any more: {lost}; "
            f"their blocks are unknown: {remake(index.path, index.record)}"
        )
    sets_with = Counter(name for _, name, _ in known)
    blocks = tuple(
        Block(
            name=name if sets_with[name] == 1 else f"{where}/{name}",
            size=_pair(about["upright_size"]),
            picture=index.path.parent / where / about[PICTURE_COLUMN] if about.get(PICTURE_COLUMN) else None,
        )
        for where, name, about in known
    )
    order = np.argsort(owner, kind="stable")
    starts = np.searchsorted(owner[order], np.arange(len(blocks) + 1))
    return CarvingPlaces(blocks=blocks, owner=owner, boxes=boxes, _order=order, _starts=starts)


def _sets_of(index: Index) -> Iterator[str]:
    """Yield the sets of an index that this program made; plain folders and rows without a set have no tables.

    Raises
    ------
    BadInput
        If the folder of a set does not exist.
    """
    for name in index.record.sets:
        folder = index.path.parent / name
        if not folder.is_dir():
            raise BadInput(
                f"{folder}, which {index.path} was made from, is not there: its table says on which block a carving is",
                "move the index together with its sets, or make it again: sinonom index SET... OUT.faiss",
            )
        if (folder / "metadata.csv").is_file():
            yield name


def _rows_by_item(index: Index, name: str) -> dict[str, TableRow]:
    """Return the rows of a set's table by item; an empty one for a picture that does not know its place."""
    kept = ("block", *UPRIGHT_COLUMNS, PICTURE_COLUMN)
    found: dict[str, TableRow] = {}
    for row in rows_of(index.path.parent / name / "metadata.csv"):
        placed = bool(row.get("block") and row.get("upright_box"))
        found[row["file_name"].removeprefix("images/")] = {key: row.get(key, "") for key in kept} if placed else {}
    return found


def _pair(text: str) -> tuple[float, float]:
    first, second = (float(value) for value in text.split(" "))
    return first, second
