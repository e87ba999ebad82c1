"""The rows of an index are read as they were written, with commas, quotes and line ends."""

import csv
from pathlib import Path

import numpy as np
import pytest

from sinonom_cli.search import rows as table
from sinonom_cli.search.rows import ROW_COLUMNS, Row, Rows, write_rows
from sinonom_cli.storage.own_tables import unescaped

ODD = [
    Row("a.png", "a.stl", "U+5B57", "字", "set"),
    Row('b, "c".png', "", "", "", "../bản khắc"),
    Row("two\nlines.png", 'quote " and\r\nline', "", "𡦂", "s"),
    Row("", "", "", "", ""),
    Row("\udce9.png", "x", "", "", "set"),
    Row("last.png", "z.stl#3", "U+20027", "\U00020027", "set"),
]


@pytest.fixture
def written(tmp_path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the table's bytes, and the byte offsets of its rows."""
    count = write_rows(tmp_path / "rows.csv", tmp_path / "rows.starts", ODD)
    assert count == len(ODD)
    content = np.fromfile(tmp_path / "rows.csv", np.uint8)
    return content, np.fromfile(tmp_path / "rows.starts", "<u8")


@pytest.mark.parametrize("block", [1, 7, 2**22])
def test_rows_come_back_as_they_were_written(
    written: tuple[np.ndarray, np.ndarray], block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "BLOCK", block)
    content, starts = written
    for rows in (Rows(content), Rows(content, starts)):
        assert len(rows) == len(ODD)
        assert list(rows) == ODD
        assert [rows[position] for position in (5, 0, 2)] == [ODD[5], ODD[0], ODD[2]]


def test_a_csv_reader_finds_the_same_cells(written: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:  # bytes that are not UTF-8 are escaped
        header, *cells = csv.reader(file)
    assert tuple(header) == ROW_COLUMNS
    found = [[unescaped(cell) for cell in line] for line in cells]
    assert found == [[row.item, row.source, row.label, row.char, row.set] for row in ODD]


def test_lines_put_in_front_stay_as_they_are(written: tuple[np.ndarray, np.ndarray], tmp_path: Path) -> None:
    before = Rows(written[0])
    kept = [before.line(position) for position in (2, 4)]
    new = Row("new.png", "", "", "", "set")
    assert write_rows(tmp_path / "more.csv", tmp_path / "more.starts", [new], kept) == 3
    more = np.fromfile(tmp_path / "more.csv", np.uint8), np.fromfile(tmp_path / "more.starts", "<u8")
    assert list(Rows(*more)) == list(Rows(more[0])) == [ODD[2], ODD[4], new]


def test_a_table_of_no_rows_has_none(tmp_path: Path) -> None:
    assert write_rows(tmp_path / "rows.csv", tmp_path / "rows.starts", []) == 0
    content = np.fromfile(tmp_path / "rows.csv", np.uint8)
    assert len(Rows(content)) == len(Rows(np.zeros(0, np.uint8))) == 0
    assert list(Rows(content)) == []
