"""Read and write the rows of an index: a CSV file that describes each vector, of which only needed rows are parsed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROW_COLUMNS = ("item", "source", "label", "char", "set")

BLOCK = 2**22
PARSED = 2**15
"""Number of rows that are kept after they were parsed: the characters of a page have many near rows in common. They
take 15 MB at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """Description of what vector i of an index shows.

    Attributes
    ----------
    item : path of the picture below its set's `images/`.
    source : file that the picture was made from; `#k` at its end means the k-th thing in that file.
    label : `U+5B57`, or "".
    char : the character itself, or "".
    set : path of the image set, relative to the index's folder.
    """

    item: str
    source: str
    label: str
    char: str
    set: str

    @property
    def origin(self) -> str:
        """File that the picture was made from: `source` without the `#k` at its end."""
        file, sign, number = self.source.rpartition("#")
        return file if sign and number.isdecimal() and file else self.source


KEYS = {
    "label": lambda row: row.label or (row.set, row.item),
    "source": lambda row: (row.set, row.source or row.item),
}
"""Functions whose value is equal for rows that count as one answer."""


def nearest(rows: Sequence[Row], by: str) -> dict[Any, int]:
    """Return the first position of each label or source in a list of rows, nearest first."""
    key = KEYS[by]
    first: dict[Any, int] = {}
    for place, row in enumerate(rows):
        first.setdefault(key(row), place)
    return first


def picture_of(index: Path, row: Row) -> Path:
    """Return the path where the picture of a row of the index at `index` should be."""
    folder = index.parent / row.set
    below = folder / "images" / row.item
    return below if below.exists() else folder / row.item


class Rows:
    """Rows of an index, each parsed when it is requested, because a query needs five of ten million.

    Parameters
    ----------
    content : the bytes of the table, 1-D uint8; may be mapped.
    starts : (N + 1,) integers, the byte offsets of all rows and of the table's end; None: they are found by reading all
        of the table.
    """

    def __init__(self, content: NDArray[np.uint8], starts: NDArray[np.generic] | None = None) -> None:
        self._content = content
        self._starts = _line_starts(content) if starts is None else starts
        # What is kept does not refer to this object: the file would stay mapped until Python looks for circles.
        self._parsed = lru_cache(PARSED)(partial(_row_at, self._content, self._starts))

    def __len__(self) -> int:
        return max(len(self._starts) - 1, 0)

    def __getitem__(self, position: int) -> Row:
        return self._parsed(position)

    def line(self, position: int) -> bytes:
        """Return a row as it is written in the table, including its line end."""
        return _line_at(self._content, self._starts, position)

    def __iter__(self) -> Iterator[Row]:
        return (_row_at(self._content, self._starts, position) for position in range(len(self)))


def _line_at(content: NDArray[np.uint8], starts: NDArray[np.generic], position: int) -> bytes:
    return content[int(starts[position]) : int(starts[position + 1])].tobytes()


def _row_at(content: NDArray[np.uint8], starts: NDArray[np.generic], position: int) -> Row:
    line = _line_at(content, starts, position).decode("utf-8", "surrogateescape")
    quoted = '"' in line
    cells = next(csv.reader(io.StringIO(line, newline=""))) if quoted else line.rstrip("\r\n").split(",")
    if len(cells) != len(ROW_COLUMNS):
        raise SinonomError(f"row {position} of the index has {len(cells)} cells", "make the index again")
    if "\\u" in line:
        from sinonom_cli.storage.own_tables import unescaped

        cells = list(map(unescaped, cells))
    return Row(*cells)


def _line_starts(content: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return where rows start: after each line end that an even number of quotes precedes; others are in a cell."""
    ends, quotes = _places(content, ord("\n")), _places(content, ord('"'))
    return (ends[np.searchsorted(quotes, ends) % 2 == 0] if len(quotes) else ends) + 1


def _places(content: NDArray[np.uint8], value: int) -> NDArray[np.int64]:
    """Return the offsets of a byte, block by block, because a mask of all bytes would be as large as the file."""
    found = [np.flatnonzero(content[at : at + BLOCK] == value) + at for at in range(0, len(content), BLOCK)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def write_rows(table: Path, starts: Path, rows: Iterable[Row], before: Iterable[bytes] = ()) -> int:
    """Write rows as CSV, and their byte offsets ((N + 1,) uint64, little-endian) to another file; return their number.

    Parameters
    ----------
    table, starts : the two files.
    rows : the rows to write.
    before : rows to write before them, as `Rows.line` returns them.
    """
    count, place = 0, 0
    with table.open("wb") as file, starts.open("wb") as places:
        for line in chain([_line(ROW_COLUMNS)], before, map(line_of, rows)):
            place += file.write(line)
            places.write(place.to_bytes(8, "little"))
            count += 1
    return count - 1


def line_of(row: Row) -> bytes:
    """Return a row as it is written in the table, including its line end."""
    return _line((row.item, row.source, row.label, row.char, row.set))


def _line(cells: Iterable[str]) -> bytes:
    from sinonom_cli.storage.own_tables import escaped
    from sinonom_cli.storage.tables import csv_line  # a search of the index does not need to write tables

    return escaped(csv_line(cells)).encode()
