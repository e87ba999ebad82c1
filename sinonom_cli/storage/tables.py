"""Read the tables and lists that users supply, and write lines of CSV: one reader and one writer for all commands.

A table is CSV with a header line, in UTF-8 with or without a byte order mark, or in UTF-16. The delimiter is the comma,
semicolon or tab that splits the header into the needed columns. Any line ends and quoted cells are accepted.
"""

import codecs
import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from sinonom_cli.errors import SinonomError

TABLES = (".csv", ".tsv")
"""Endings of tables; the header decides the delimiter."""
DELIMITERS = ",;\t"
HEAD = 1 << 16
"""Number of bytes at the start of a file from which its encoding is determined."""
LEAST_NULS = 0.1
"""Smallest share of NUL bytes at which a file that is also valid UTF-8 counts as UTF-16: ASCII in UTF-16 has 0.5."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NOT_TEXT = frozenset(("Cc", "Cn", "Cs"))
_QUOTED = re.compile(r'[",\r\n]')


def encoding_of(head: bytes) -> str:
    """Return the encoding of a text file, given its first bytes.

    A byte order mark determines it. UTF-16 without one is recognised by its NUL bytes, if it decodes to existing
    characters; everything else counts as UTF-8, and may fail when it is decoded.
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    nuls = head.count(0)
    if not nuls or (_is_utf8(head) and nuls < LEAST_NULS * len(head)):
        return "utf-8"
    for name in ("utf-16-le", "utf-16-be"):
        try:
            text = codecs.getincrementaldecoder(name)().decode(head, final=len(head) < HEAD)
        except UnicodeDecodeError:
            continue
        if not any(unicodedata.category(char) in _NOT_TEXT for char in set(text) - set("\t\r\n")):
            return name
    return "utf-8"


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < HEAD)
    except UnicodeDecodeError:
        return False
    return True


def text_of(content: bytes, name: str) -> str:
    """Decode a text; remove its byte order mark and keep its line ends.

    Parameters
    ----------
    content : the bytes of a file, or of stdin.
    name : name of the file in messages.

    Raises
    ------
    SinonomError
        If the text is neither UTF-8 nor UTF-16 or holds NUL bytes; it names the line.
    """
    encoding = encoding_of(content[:HEAD])
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "replace")
        raise SinonomError(
            f"{name}, line {_line_of(before)}: neither UTF-8 nor UTF-16 (byte {error.start})", "save it as UTF-8"
        ) from None
    if "\0" in text:
        line = _line_of(text[: text.index("\0")])
        raise SinonomError(f"{name}, line {line}: a NUL byte", "the file is damaged or not text; save it as UTF-8")
    return text.removeprefix("\ufeff")


def _line_of(before: str) -> int:
    return len(split_lines(before + "x"))


def split_lines(text: str) -> list[str]:
    """Split a text at CRLF, CR and LF only: other Unicode separators may occur in names and transcripts."""
    lines = re.split(r"\r\n|\r|\n", text)
    return lines if lines[-1] else lines[:-1]


def read_lines(path: Path, hint: str = "give a UTF-8 text file") -> list[str]:
    """Return the lines of a text file without their line ends.

    Raises
    ------
    SinonomError
        If the file cannot be read, is neither UTF-8 nor UTF-16, or holds NUL bytes.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error, hint) from error
    return split_lines(text_of(content, str(path)))


def _unreadable(path: Path, error: OSError, hint: str) -> SinonomError:
    if path.is_dir():
        return SinonomError(f"{path} is a folder, not a file", hint)
    return SinonomError(f"cannot read {path}: {error.strerror or error}", hint)


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of a table.

    Attributes
    ----------
    number : number of the line where the row starts, from 1.
    cells : cells by column; "" if the line ends before a column that is not needed.
    fault : what is wrong with the number of its cells; "" if nothing.
    """

    number: int
    cells: dict[str, str]
    fault: str = ""


class Table:
    """A table that a user supplies; each iteration reads it row by row.

    Attributes
    ----------
    path : the file.
    columns : names in the header, in small letters, without surrounding spaces.
    delimiter : ",", ";" or a tab.
    """

    def __init__(
        self, path: Path, needed: Sequence[str], hint: str = "", *, faults: bool = False, names: bool = False
    ) -> None:
        """Open a table and read its header.

        Parameters
        ----------
        path : the file.
        needed : columns that the table must have.
        hint : what to do if a column is missing; "": name the needed columns.
        faults : whether a row with a wrong number of cells is returned with its `fault`; otherwise it raises an error.
        names : whether bytes that are not UTF-8 are kept as surrogates, as in file names.

        Raises
        ------
        SinonomError
            If the file cannot be read, is empty, lacks a needed column or has it twice. Iterating raises it, with the
            line, for an unclosed quote, bytes that are not text and NUL bytes. Without `faults`, it also does so for a
            row with too many cells or without those of the needed columns.
        """
        self.path, self._needed, self._faults, self._names = path, tuple(needed), faults, names
        hint = hint or f"its first line must name {','.join(needed)}"
        try:
            with path.open("rb") as file:
                head = file.read(HEAD)
        except OSError as error:
            raise _unreadable(path, error, f"give a table, CSV: {','.join(needed)}") from error
        self._encoding = encoding_of(head)
        with self._open() as file:
            lines = _Lines(self, file)
            first = next(lines, "")
            skipped = re.fullmatch(rf"sep=([{DELIMITERS}])[\r\n]*", first)  # a line that only Excel writes
            self._skipped = 1 if skipped else 0
            header = next(lines, "") if skipped else first
        if not header.strip():
            raise SinonomError(f"{path} is empty" if not header else f"{path}: the first line is empty", hint)
        self.delimiter, self.columns = self._split(header)
        for name in self._needed:
            if self.columns.count(name) != 1:
                how = "two columns" if name in self.columns else "no column"
                raise SinonomError(f"{path} has {how} {name!r}", hint)

    def _split(self, header: str) -> tuple[str, list[str]]:
        """Return the delimiter that finds most needed columns, or else most columns, and the columns."""
        found = {}
        for delimiter in DELIMITERS if header.count('"') % 2 == 0 else "":
            try:
                cells = next(csv.reader([header], delimiter=delimiter, strict=True))
            except csv.Error:
                continue
            found[delimiter] = _lowered([cell.replace("\ufeff", "").strip() for cell in cells])
        if not found:
            raise SinonomError(f"{self.path}, line {self._skipped + 1}: a quote is not closed", QUOTES)
        return max(found.items(), key=lambda entry: (len({*entry[1]} & {*self._needed}), len(entry[1])))

    def _open(self) -> TextIO:
        errors = "surrogateescape" if self._names and self._encoding.startswith("utf-8") else "strict"
        return self.path.open(encoding=self._encoding, errors=errors, newline="")

    def __iter__(self) -> Iterator[TableRow]:
        with self._open() as file:
            lines = _Lines(self, file)
            for _ in range(1 + self._skipped):
                next(lines)
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            while True:
                lines.start()
                try:
                    cells = next(reader, None)
                except csv.Error:
                    raise self._quote(lines) from None
                if cells is None:
                    return
                if lines.quotes % 2:
                    raise self._quote(lines)
                if any(cell.strip() for cell in cells):  # Excel writes empty rows below a table
                    yield self._row(lines.first, cells)

    def _quote(self, lines: "_Lines") -> SinonomError:
        what = "a quote is not closed" if lines.quotes else f"a cell of more than {csv.field_size_limit()} characters"
        return SinonomError(f"{self.path}, line {lines.first}: {what}", QUOTES if lines.quotes else "")

    def _row(self, number: int, cells: list[str]) -> TableRow:
        here = {name: cell for name, cell in zip(self.columns, cells, strict=False) if name}
        lacking = [name for name in self._needed if name not in here]
        fault = ""
        if any(cell.strip() for cell in cells[len(self.columns) :]):
            fault = f"{len(cells)} cells, where the first line has {len(self.columns)}"
        elif lacking:
            fault = f"{len(cells)} cells: none for the column {lacking[0]!r}"
        if fault and not self._faults:
            raise SinonomError(f"{self.path}, line {number}: {fault}", CELLS)
        return TableRow(number, dict.fromkeys(filter(None, self.columns), "") | here, fault)


def _lowered(names: list[str]) -> list[str]:
    """Return names of columns in small letters, except a name that another column has in small letters."""
    return [name if name.lower() in names else name.lower() for name in names]


QUOTES = "write a quote inside a cell twice, and put the cell in quotes"
CELLS = 'put a cell that holds commas in quotes: 000.png,"000.stl,001.stl"'


class _Lines:
    """Iterator over the lines of an open table that counts them; `first` and `quotes` describe the current row."""

    def __init__(self, table: Table, file: TextIO) -> None:
        self._table, self._file = table, file
        self._number = 0
        self.start()

    def start(self) -> None:
        """Start a new row."""
        self.first, self.quotes = self._number + 1, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        try:
            line = next(self._file)
        except UnicodeError:
            text_of(self._table.path.read_bytes(), str(self._table.path))  # raises an error that names the line
            raise
        self._number += 1
        if "\0" in line:
            raise SinonomError(f"{self._table.path}, line {self._number}: a NUL byte", "save the table again")
        self.quotes += line.count('"')
        return line


def csv_line(cells: Iterable[str]) -> str:
    """Return cells as a line of CSV that ends in a line feed; quote cells with a comma, a quote or a line end.

    Before Python 3.13, `csv.writer` does not quote a carriage return in a cell.
    """
    cells = list(cells)
    line = ",".join(cells)
    if line and line.count(",") == len(cells) - 1 and not ('"' in line or "\n" in line or "\r" in line):
        return line + "\n"
    written = [f'"{cell.replace(chr(34), chr(34) * 2)}"' if _QUOTED.search(cell) else cell for cell in cells]
    return ('""' if written == [""] else ",".join(written)) + "\n"
