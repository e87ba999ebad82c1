"""A truth table can name a relevant item in every documented way, and a bad table is refused."""

import unicodedata
from pathlib import Path

import pytest
from refused import refused

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.search.meaning import resolve
from sinonom_cli.search.relevance import Wanted, match, names_of, read_truth
from sinonom_cli.search.results import figures_of
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.inputs import Item


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_row_answers_to_mesh_picture_path_label_and_character() -> None:
    row = Row("khắc 1/000.png", "khắc 1/000.stl#2", "U+5B57", "字", "set")
    paths = {"khắc 1/000.png", "images/khắc 1/000.png", "set/khắc 1/000.png", "khắc 1/000.stl", "khắc 1/000.stl#2"}
    assert paths | {"U+5B57", "字"} <= names_of(row)
    assert "" not in names_of(Row("a.png", "a.stl", "", "", "set"))
    other = Row("0.png", "0.stl", "", "", "set")
    for name in (*paths, "000.png", "000.stl", "000.stl#2", "U+5B57", "字", "u+5b57", "0x5B57", "&#23383;"):
        assert means(name, [other, row]) == [row], name


def test_several_labels_lines_and_kinds_are_read(tmp_path: Path) -> None:
    text = (
        '\ufeffquery,label,char,kind\r\na.png,"000.stl, 001.stl",x,same\r\na.png,字,x,\r\n./b\\c.png,2.stl,y,other\r\n'
    )
    truth = read_truth(write(tmp_path, text))
    assert truth["a.png"].names == {"000.stl", "001.stl", "字"} and truth["a.png"].kind == "same"
    assert truth["./b\\c.png"].names == {"2.stl"}


def means(name: str, rows: list[Row], *cells: str) -> list[Row]:
    """Return the rows that are relevant if the truth table writes this name."""
    wanted = resolve({"q": Wanted(frozenset({name}), "", frozenset(cells))}, rows)[0]["q"]
    return [row for row in rows if wanted.by(row)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,mesh\na,b\n", "label"),
        ("", "empty"),
        ("query,label\n", "no queries"),
        ("query,label\na.png,0.stl,1.stl\n", "line 2"),
        ("query,label\na.png,\n", "line 2"),
        ("query,label\n,0.stl\n", "line 2"),
    ],
)
def test_a_bad_truth_is_refused_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(SinonomError, match=said) as caught:
        read_truth(write(tmp_path, text))
    assert caught.value.code == ExitCode.BAD_INPUT


def test_pictures_are_matched_by_path_then_by_name(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path, "query,label\na/0.png,A\nq/1.png,B\n2.png,C\n9.png,D\n"))
    items = [Item(key, Path(key)) for key in ("a/0.png", "b/0.png", "1.png", "deep/2.png", "3.png")]
    matched, missing = match(truth, items)
    assert {key: set(wanted.names) for key, wanted in matched.items()} == {
        "a/0.png": {"A"},
        "1.png": {"B"},
        "deep/2.png": {"C"},
    }
    assert missing == ["9.png"]
    with refused(ExitCode.BAD_INPUT):
        match(read_truth(write(tmp_path, "query,label\n0.png,A\n")), items)


def test_the_first_row_that_bears_each_name_is_found(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path, 'query,label\na,"000.stl,字"\nb,404.stl\n'))
    rows = [Row("9.png", "009.stl", "", "", "s"), Row("0.png", "000.stl", "U+5B57", "字", "s")]
    rows.append(Row("1.png", "001.stl", "U+5B57", "字", "s"))
    assert resolve(truth, rows)[1] == {"000.stl": rows[1], "字": rows[1]}


TWO = [
    Row("x/a.png", "x/a.png", "", "", "s"),
    Row("y/a.png", "y/a.png", "", "", "s"),
    Row("b.png", "b.png", "", "", "s"),
]


def test_a_file_name_that_two_items_have_is_refused_and_their_paths_are_not() -> None:
    with refused(ExitCode.BAD_INPUT, "s/x/a.png", "s/y/a.png"):
        means("a.png", TWO)
    assert means("y/a.png", TWO) == means("images/y/a.png", TWO) == means("s/y/a.png", TWO) == [TWO[1]]
    assert means("b.png", TWO) == [TWO[2]]


def test_both_pictures_that_a_name_fits_are_named() -> None:
    items = [Item(key, Path(key)) for key in ("b/a.png", "c/a.png")]
    with pytest.raises(SinonomError) as caught:
        match({"a.png": Wanted(frozenset({"x"}), "")}, items)
    assert all(key in caught.value.message for key in ("b/a.png", "c/a.png"))


def test_a_path_that_is_written_otherwise_is_that_path_and_no_longer_one() -> None:
    items = [Item(key, Path(key)) for key in ("b/a.png", "c/b/a.png")]
    matched, missing = match({".\\b\\a.png": Wanted(frozenset({"x"}), "")}, items)
    assert list(matched) == ["b/a.png"] and missing == []


def test_names_of_files_that_are_no_utf_8_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "truth.csv"
    path.write_bytes(b"query,label\n\xff.png,x\n")
    assert list(read_truth(path)) == ["\udcff.png"]


def test_a_whole_path_goes_before_the_file_name_of_another() -> None:
    rows = [Row("a.png", "a.png", "", "", "s"), Row("y/a.png", "y/a.png", "", "", "s")]
    assert means("a.png", rows) == [rows[0]]


def test_one_path_in_two_sets_is_one_thing_only_where_it_was_made_from_one() -> None:
    folders = [Row("0.png", "0.png", "", "", "s"), Row("0.png", "0.png", "", "", "t")]
    with pytest.raises(SinonomError, match="2 items"):
        means("0.png", folders)
    assert means("t/0.png", folders) == [folders[1]]
    renders = [Row("0.png", "0.stl", "", "", "s"), Row("0.png", "0.stl", "", "", "t")]
    assert means("0.png", renders) == means("0.stl", renders) == renders
    blocks = [Row("0.png", "0.stl", "U+4E00", "一", "s"), Row("0.png", "0.stl", "U+4E8C", "二", "t")]
    for name in ("0.png", "0.stl"):
        with pytest.raises(SinonomError, match="2 items"):
            means(name, blocks)
    assert means("t/0.png", blocks) == means("二", blocks) == [blocks[1]]


def test_a_page_means_all_that_was_cut_from_it() -> None:
    rows = [Row(f"p-{i}.png", f"bộ/p.jpg#{i}", f"U+4E0{i}", "", "s") for i in range(3)]
    assert means("p.jpg", rows) == means("bộ/p.jpg", rows) == rows
    assert means("p.jpg#1", rows) == [rows[1]]


def test_a_sign_in_a_file_name_is_no_number_of_a_thing_in_it() -> None:
    rows = [
        Row("a.png", "a.stl", "", "", "s"),
        Row("a#1.png", "a#1.stl", "", "", "s"),
        Row("a#2.png", "a#2.stl", "", "", "s"),
    ]
    for row in rows:
        assert row.origin == row.source
        assert means(row.source, rows) == means(row.item, rows) == [row]
    assert means("a", rows) == []


def test_file_names_are_found_in_either_normalisation_form_and_characters_are_not() -> None:
    rows = [Row(unicodedata.normalize("NFD", "khắc/bộ.png"), "", "U+F90A", "\uf90a", "s")]
    assert means("khắc/bộ.png", rows) == means("bộ.png", rows) == means("khắc\\bộ.png", rows) == rows
    assert means("\uf90a", rows) == means("U+F90A", rows) == rows
    for name in ("\u91d1", "U+91D1", "0x91d1"):
        with pytest.raises(SinonomError, match="U\\+F90A"):
            means(name, rows)
    assert means("U+4E00", rows) == means("字林", rows) == means("nobody.png", rows) == []


def test_a_file_name_may_hold_commas() -> None:
    rows = [Row("a,b.png", "a,b.png", "", "", "s"), Row("b.png", "b.png", "", "", "s")]
    wanted = resolve({"q": Wanted(frozenset({"a", "b.png"}), "", frozenset({"a,b.png"}))}, rows)
    assert wanted[0]["q"].by(rows[0]) and not wanted[0]["q"].by(rows[1]) and wanted[1] == {"a,b.png": rows[0]}


def test_a_picture_named_in_two_ways_has_one_truth(tmp_path: Path) -> None:
    items = [Item("a.png", Path("q/a.png"))]
    for lines in ("a.png,A\nq/a.png,B\n", "./a.png,A\na.png,B\n", "x/a.png,A\ny/a.png,B\n"):
        with refused(ExitCode.BAD_INPUT, "a.png"):
            match(read_truth(write(tmp_path, f"query,label\n{lines}")), items)
    same = read_truth(write(tmp_path, "query,label\na.png,A\nq/a.png,A\na.png,A\n"))
    assert match(same, items)[0]["a.png"].names == {"A"}
    composed = [Item(unicodedata.normalize("NFD", "bộ.png"), Path("x"))]
    matched, missing = match(read_truth(write(tmp_path, "query,label\nbộ.png,A\n")), composed)
    assert len(matched) == 1 and not missing


def test_a_query_has_one_kind(tmp_path: Path) -> None:
    with pytest.raises(SinonomError, match="line 3"):
        read_truth(write(tmp_path, "query,label,kind\na,A,same\na,B,other\n"))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_a_truth_is_read_however_a_spreadsheet_saves_it(tmp_path: Path, encoding: str, sign: str) -> None:
    path = tmp_path / "truth.csv"
    text = f'query{sign}label{sign}kind\r\nbộ.png{sign}"字,0.stl"{sign}same\r\n'
    path.write_bytes(text.encode(encoding))
    assert read_truth(path) == {"bộ.png": Wanted(frozenset({"字", "0.stl"}), "same", frozenset({"字,0.stl"}))}


def test_figures_by_hand() -> None:
    ranks = {"a": 1, "b": 3, "d": 6, "e": 2}
    wanted = {name: Wanted(frozenset({"x"}), "odd" if name in "ace" else "even") for name in "abcde"}
    found = figures_of(ranks, wanted, [5, 10])
    assert list(found) == ["all", "even", "odd"]
    assert found["all"].queries == 5
    assert found["all"].values == {
        "mrr@5": pytest.approx((1 + 1 / 3 + 1 / 2) / 5),
        "mrr@10": pytest.approx((1 + 1 / 3 + 1 / 2 + 1 / 6) / 5),
        "recall@1": pytest.approx(1 / 5),
        "recall@5": pytest.approx(3 / 5),
        "recall@10": pytest.approx(4 / 5),
    }
    assert found["odd"].values["mrr@5"] == pytest.approx((1 + 0 + 1 / 2) / 3)
    low, high = found["all"].intervals["mrr@5"]
    assert 0 <= low < found["all"].values["mrr@5"] < high <= 1
