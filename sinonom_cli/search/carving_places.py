"""Know on which block, and where on it, each row of an index stands, from the tables of the sets that it indexes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import BadInput
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import remake
from sinonom_cli.storage.block_places import PICTURE_COLUMN, UPRIGHT_COLUMNS
from sinonom_cli.storage.own_tables import cells_of

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
    boxes : (N, 4) float32, x0, y0, x1, y1 on the levelled, upright block, y down, in the scan's units; NaN if unknown.
    """

    blocks: tuple[Block, ...]
    owner: NDArray[np.int32]
    boxes: NDArray[np.float32]
    _order: NDArray[np.int32] = field(repr=False)
    _starts: NDArray[np.int64] = field(repr=False)

    def rows_of(self, block: int) -> NDArray[np.int64]:
        """Return the rows of a block, in the order of the index."""
        return self._order[self._starts[block] : self._starts[block + 1]].astype(np.int64)

    def middles(self, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the middles of the boxes of rows, (n, 2) float64."""
        boxes = self.boxes[rows].astype(np.float64)
        return (boxes[:, :2] + boxes[:, 2:]) / 2


def carving_places(index: Index) -> CarvingPlaces:
    """Read the places of all rows of an index from the `metadata.csv` of its sets.

    Raises
    ------
    BadInput
        If a set is not where the index has it.
    """
    tables = {name: _Table(index.path.parent / name / "metadata.csv") for name in _sets_of(index)}
    owner = np.full(len(index), NOWHERE, np.int32)
    boxes = np.full((len(index), 4), np.nan, np.float32)
    numbers: dict[tuple[str, str], int] = {}
    known: list[tuple[str, _Place]] = []
    lost = 0
    for number, row in enumerate(index.rows):
        if row.set not in tables:
            continue
        about = tables[row.set].find(row.item)
        lost += about is None
        if about is None or about.box is None:
            continue
        key = row.set, about.block
        if key not in numbers:
            numbers[key] = len(known)
            known.append((row.set, about))
        owner[number] = numbers[key]
        boxes[number] = about.box
    if lost and known:
        messages.warn(
            f"rows of {index.path} that are not in the tables of their sets any more: {lost}; "
            f"their blocks are unknown: {remake(index.path, index.record)}"
        )
    sets_with = Counter(about.block for _, about in known)
    blocks = tuple(
        Block(
            name=about.block if sets_with[about.block] == 1 else f"{where}/{about.block}",
            size=_pair(about.size),
            picture=index.path.parent / where / about.picture if about.picture else None,
        )
        for where, about in known
    )
    order = np.argsort(owner, kind="stable").astype(np.int32)
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


TABLE_COLUMNS = ("file_name", "block", *UPRIGHT_COLUMNS, PICTURE_COLUMN)
"""Columns of a set's table that say where a picture's carving stands."""


class _Place(NamedTuple):
    """What a set's table says of a picture: its block, its box there, and the block's size and picture.

    `box` is None for a picture that does not know its place.
    """

    block: str
    box: tuple[float, ...] | None
    size: str
    picture: str


NO_PLACE = _Place("", None, "", "")


class _Table:
    """Reads the places of a set's pictures from its table, which is read once and never held as a whole.

    An index has the pictures of a set in the order of the set's table, so that the next row is nearly always the one
    that is looked for. Rows that were passed over on the way to another are kept.
    """

    def __init__(self, path: Path) -> None:
        self._rows = cells_of(path, TABLE_COLUMNS)
        self._passed: dict[str, _Place] = {}

    def find(self, item: str) -> _Place | None:
        """Return the place of a picture; None if the table does not have it."""
        if item in self._passed:
            return self._passed[item]
        for row in self._rows:
            name, place = row[0].removeprefix("images/"), _place_of(*row[1:])
            if name == item:
                return place
            self._passed[name] = place
        return None


def _place_of(block: str, box: str, size: str, picture: str) -> _Place:
    """Return the place that the cells of a row give."""
    return _Place(block, tuple(map(float, box.split(" "))), size, picture) if block and box else NO_PLACE


def _pair(text: str) -> tuple[float, float]:
    first, second = (float(value) for value in text.split(" "))
    return first, second
