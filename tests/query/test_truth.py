"""truth.csv: every way to name a relevant item, and what is said of a file that is not one."""

from pathlib import Path

import pytest

from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.artifacts.rows import Row
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.query.answer import figures_of
from sinonom_cli.query.truth import Wanted, bearers, match, names_of, read_truth


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "truth.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


def test_a_row_answers_to_mesh_picture_path_label_and_character() -> None:
    row = Row("khắc 1/000.png", "khắc 1/000.stl#2", "U+5B57", "字", "set")
    want = {"000.png", "khắc 1/000.png", "images/khắc 1/000.png", "000.stl", "khắc 1/000.stl", "U+5B57", "字"}
    assert want <= names_of(row)
    assert "" not in names_of(Row("a.png", "a.stl", "", "", "set"))


def test_several_labels_lines_and_kinds_are_read(tmp_path: Path) -> None:
    text = (
        '\ufeffquery,label,char,kind\r\na.png,"000.stl, 001.stl",x,same\r\na.png,字,x,\r\n./b\\c.png,2.stl,y,other\r\n'
    )
    truth = read_truth(write(tmp_path, text))
    assert truth["a.png"].names == {"000.stl", "001.stl", "字"} and truth["a.png"].kind == "same"
    assert truth["b/c.png"].names == {"2.stl"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("query,mesh\na,b\n", "label"),
        ("", "query"),
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
    with pytest.raises(SinonomError, match="fits 2 pictures"):
        match(read_truth(write(tmp_path, "query,label\n0.png,A\n")), items)


def test_the_first_row_that_bears_each_name_is_found(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path, 'query,label\na,"000.stl,字"\nb,404.stl\n'))
    rows = [Row("9.png", "009.stl", "", "", "s"), Row("0.png", "000.stl", "U+5B57", "字", "s")]
    rows.append(Row("1.png", "001.stl", "U+5B57", "字", "s"))
    assert bearers(truth, rows) == {"000.stl": rows[1], "字": rows[1]}


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
