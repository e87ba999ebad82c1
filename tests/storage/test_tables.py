"""Test tables and lists that users supply: every usual way to save them is read, and errors name the line."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.tables import Table, csv_line, read_lines, text_of

TEXT = "query,label\n字/0.png,一\n1.png,國\n"


def rows_of(path: Path, **options: bool) -> list[dict[str, str]]:
    return [row.cells for row in Table(path, ("query", "label"), **options)]


def saved(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (b"", "utf-8"),
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (b"", "utf-16-le"),
        (b"", "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_table_reads_alike_however_it_was_saved(
    tmp_path: Path, mark: bytes, encoding: str, delimiter: str, end: str
) -> None:
    text = TEXT.replace(",", delimiter).replace("\n", end)
    path = saved(tmp_path, mark + text.encode(encoding))
    assert rows_of(path) == [{"query": "字/0.png", "label": "一"}, {"query": "1.png", "label": "國"}]
    assert [row.number for row in Table(path, ("query",))] == [2, 3]
    assert read_lines(path) == text.split(end)[:-1]


def test_an_odd_byte_order_mark_spaces_capitals_and_excels_first_line_are_understood(tmp_path: Path) -> None:
    path = saved(tmp_path, "\ufeffsep=;\r\n\ufeff Query ;Label;more\r\na.png;字;\r\n;;\r\n\r\nb.png;字\r\n".encode())
    assert rows_of(path) == [
        {"query": "a.png", "label": "字", "more": ""},
        {"query": "b.png", "label": "字", "more": ""},
    ]


def test_quoted_cells_hold_delimiters_quotes_and_line_ends_and_rows_know_their_first_line(tmp_path: Path) -> None:
    path = saved(tmp_path, b'query,label\n"a,""b"".png","x\ny"\nc.png,z\n')
    rows = list(Table(path, ("query", "label")))
    assert [row.cells for row in rows] == [{"query": 'a,"b".png', "label": "x\ny"}, {"query": "c.png", "label": "z"}]
    assert [row.number for row in rows] == [2, 4]


MANY = b"1.png,x\n" * 30_000


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "first line"),
        (b"query,name\n", "'label'"),
        (b"query,label,label\na,b,c\n", "'label'"),
        (b'query,label\n0.png,b\n1.png,"x\n' + MANY, "line 3"),  # this cell is longer than csv accepts
        (b'query,label\n0.png,b\n1.png,"x\n2.png,y\n', "line 3"),
        (b'query,label\n0.png,"x\n1.png,"y\n', "line 2"),
        (b'query,label\n0.png,x"\n1.png,y"\n', "line 2"),
        (b'query,"label\n0.png,x\n', "line 1"),
        (b"query,label\n0.png,x\n1.png,y,z\n", "line 3"),
        (b"query,label\n0.png,x\n1.png\n", "line 3"),
        (b"query,label\n0.png,x\n1.p\0ng,y\n", "line 3"),
        (b"query,label\n0.png,x\n1.png,\xb9\xfa\n", "line 3"),  # GB18030
        (b"query,label\n" + MANY + b"1.png,\xb9\xfa\n", "line 30002"),
        ((TEXT + "3.png,x").encode("utf-16")[:-1], "line 4"),
        (b"query,label\n0.png," + b"x" * 200_000 + b"\n", "line 2"),
    ],
)
def test_what_is_wrong_with_a_table_is_told_with_its_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = saved(tmp_path, content)
    with pytest.raises(SinonomError) as caught:
        rows_of(path)
    assert caught.value.code == ExitCode.BAD_INPUT
    assert path.name in caught.value.message and said in caught.value.message
    assert csv.field_size_limit() == 131072  # other users of csv in the process keep this limit


def test_a_missing_file_and_a_folder_are_bad_input(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(SinonomError) as caught:
            Table(path, ("query",))
        assert caught.value.code == ExitCode.BAD_INPUT
        with pytest.raises(SinonomError):
            read_lines(path)


def test_faults_leave_the_other_rows_to_be_read(tmp_path: Path) -> None:
    path = saved(tmp_path, b"query,label\n0.png\n1.png,x\n2.png,x,y\n3.png,x,\n")
    rows = list(Table(path, ("query", "label"), faults=True))
    assert [bool(row.fault) for row in rows] == [True, False, True, False]
    assert rows[0].cells == {"query": "0.png", "label": ""}


def test_file_names_of_any_bytes_are_kept_where_they_are_asked_for(tmp_path: Path) -> None:
    path = saved(tmp_path, b"query,label\n\xff.png,x\n")
    assert rows_of(path, names=True) == [{"query": "\udcff.png", "label": "x"}]
    with pytest.raises(SinonomError, match="line 2"):
        rows_of(path)


def test_a_text_is_not_split_at_separators_other_than_line_ends(tmp_path: Path) -> None:
    path = saved(tmp_path, "天\u2028地\x0b玄\r\n黃\n\n宇".encode())
    assert read_lines(path) == ["天\u2028地\x0b玄", "黃", "", "宇"]


def test_utf_16_without_a_mark_is_not_seen_in_damaged_utf_8() -> None:
    text = "天地玄黃\n宇宙洪荒\n"
    assert text_of(text.encode("utf-16-le"), "list") == text
    for damaged in (text.encode()[:6] + bytes(8) + text.encode()[14:], b"abcdefghijklmnopqrstuvwxyz\0\n"):
        with pytest.raises(SinonomError, match="line 1"):
            text_of(damaged, "list")


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_what_csv_line_writes_is_read_back_and_is_what_csv_writes(cells: list[str]) -> None:
    line = csv_line(cells)
    assert next(csv.reader(io.StringIO(line, newline=""), strict=True)) == cells
    written = io.StringIO(newline="")
    csv.writer(written, lineterminator="\r\n").writerow(cells)
    assert line == written.getvalue()[:-2] + "\n"
