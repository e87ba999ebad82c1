"""Read and write the tables of outputs: CSV in UTF-8, with a line feed at the end of each row.

Bytes of file names that are not UTF-8 are written as `\\udcXX`, as in JSON, so that every program can read the rest;
reading a table here restores the original names.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.atomic import replacing

TableRow = dict[str, str]

_TO_ESCAPE = re.compile(r"[\ud800-\udfff]|\\(?=u(?:005c|d[89a-f][0-9a-f]{2}))")
_ESCAPED = re.compile(r"\\u(005c|d[89a-f][0-9a-f]{2})")


def escaped(text: str) -> str:
    """Return valid Unicode: lone surrogates, and backslashes that look like escapes of one, are escaped."""
    return _TO_ESCAPE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def unescaped(text: str) -> str:
    """Return the text from which `escaped` made this one."""
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), text) if "\\u" in text else text


def numbers_cell(values: Iterable[float]) -> str:
    """Return the cell of a box, or of other numbers: six digits each, separated by spaces."""
    return " ".join(f"{value:.6g}" for value in values)


class Table:
    """A table that is written row by row."""

    def __init__(self, file: TextIO, columns: Sequence[str]) -> None:
        self._file, self._columns = file, tuple(columns)
        self.line(columns)

    def add(self, row: Mapping[str, object]) -> None:
        """Write a row; columns missing from it are left empty, and unknown columns raise ValueError."""
        if not row.keys() <= set(self._columns):
            raise ValueError(f"no columns {row.keys() - set(self._columns)} in {self._columns}")
        self.line([str(row.get(name, "")) for name in self._columns])

    def line(self, cells: Iterable[str]) -> None:
        """Write a row, given as cells in the order of the columns."""
        from sinonom_cli.storage.tables import csv_line  # reading alone starts faster

        line = csv_line(cells)
        try:
            line.encode()
            self._file.write(escaped(line) if "\\u" in line else line)
        except UnicodeEncodeError:
            self._file.write(escaped(line))


@contextmanager
def writing_table(path: Path, columns: Sequence[str]) -> Iterator[Table]:
    """Yield a table to write, and move it to `path` when the block ends without an error."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        yield Table(file, columns)


def write_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table, completely or not at all."""
    with writing_table(path, columns) as table:
        for row in rows:
            table.line(row)


def rows_of(path: Path) -> Iterator[TableRow]:
    """Yield the rows of a table one by one; none if the table does not exist."""
    try:
        # Tables of earlier versions hold bytes that are not UTF-8 unescaped.
        file = path.open(encoding="utf-8-sig", newline="", errors="surrogateescape")
    except FileNotFoundError:
        return
    with file:
        for row in csv.DictReader(file):
            yield {name: unescaped(cell) if cell else cell for name, cell in row.items()}


def cells_of(path: Path, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the cells of some columns of a table row by row, in the order of `names`; "" where a cell is missing.

    This is for tables of millions of rows, of which `rows_of` would decode every cell. A table that does not exist has
    no rows.
    """
    try:
        file = path.open(encoding="utf-8-sig", newline="", errors="surrogateescape")
    except FileNotFoundError:
        return
    with file:
        reader = csv.reader(file)
        head = {name: place for place, name in enumerate(next(reader, []))}
        places = [head.get(name, len(head)) for name in names]
        for row in reader:
            if row:
                row[len(head) :] = [""] * max(1, len(head) + 1 - len(row))
                yield [unescaped(row[place]) for place in places]


def read_table(path: Path) -> tuple[list[str], list[TableRow]]:
    """Read a table: its columns and its rows. A byte order mark, which Excel writes, is skipped.

    Raises
    ------
    SinonomError
        If a line has more or fewer cells than the first, or a quote is never closed, which turns the rest into one
        cell.
    """
    text = path.read_bytes().decode("utf-8-sig", "surrogateescape")  # read_text would turn a \r in a name into \n
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows: list[TableRow] = []
    try:
        for row in reader:
            if None in row or None in row.values():
                raise csv.Error("the line has more or fewer cells than the first")
            rows.append(row)
        if "\0" in text:
            raise csv.Error("it holds a NUL byte")
    except csv.Error as error:
        raise SinonomError(
            f"{path}, line {reader.line_num}: {error}", "the file is damaged: make the set again"
        ) from None
    if "\\u" in text:
        rows = [{name: unescaped(cell) for name, cell in row.items()} for row in rows]
    return list(reader.fieldnames or ()), rows
