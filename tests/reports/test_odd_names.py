"""Promises for names with line ends, tabs, quotes and commas: every form of output, even an empty one, can be read."""

import csv
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
from tinyindex import tiny_index
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.reports.answer_sheet import Sheet
from sinonom_cli.reports.html_report import Report
from sinonom_cli.reports.names import named
from sinonom_cli.reports.scores import Scores
from sinonom_cli.reports.terminal_strip import Strips
from sinonom_cli.reports.text import show
from sinonom_cli.search.relevance import Wanted
from sinonom_cli.search.results import NONE, Answer
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.inputs import Item

NAMES = [
    "hai\ndòng.png", "về\rđầu.png", "cột\tcột.png", 'ngoặc "kép".png', "a,b.png", "hai  dấu cách.png", "'a;b.png",
    "\n.png", "x#1.png", "=1+1.png",
]  # fmt: skip

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make an index of pictures with odd names; the index has an odd name too."""
    folder = tmp_path_factory.mktemp("odd") / 'bản\n"khắc", 𡦂'
    tiny_model(folder / "model")
    tiny_pictures(folder / "set\n1", NAMES)
    assert cli.run(["index", str(folder / "set\n1"), str(folder / "db.faiss"), "--model", str(folder / "model")]) == 0
    return folder


def ask(house: Path, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    capsys.readouterr()
    typed = ["query", str(house / "set\n1"), "-i", str(house / "db.faiss"), "--top", "1", *more]
    assert cli.run(typed) == 0
    return capsys.readouterr().out


def test_csv_and_json_keep_every_name(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(house, capsys, "--csv", "rows"), newline="")))
    assert sorted(row["item"] for row in rows) == sorted(NAMES)
    assert all(Path(row["query"]).name == row["item"] and row["rank"] == "1" for row in rows)
    pairs = list(csv.DictReader(io.StringIO(ask(house, capsys, "--csv", "pairs"), newline="")))
    assert {pair["query"]: pair["label"] for pair in pairs} == {name: name for name in NAMES}
    lines = [json.loads(line) for line in ask(house, capsys, "--json").splitlines()]
    assert {Path(line["query"]).name: line["results"][0]["item"] for line in lines} == {name: name for name in NAMES}


def test_tab_separated_lines_stay_lines_of_as_many_cells(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = ask(house, capsys).splitlines()
    assert len(lines) == len(NAMES)
    cells = [line.split("\t") for line in lines]
    assert {len(line) for line in cells} == {len(head.split("\t"))}
    assert {"hai dòng.png", "hai  dấu cách.png", "x#1.png"} <= {line[2] for line in cells}


def test_scores_keep_every_name(house: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = tmp_path / "truth.csv"
    with truth.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([("query", "label"), *((name, name) for name in NAMES if "," not in name)])
    ask(house, capsys, "--truth", str(truth), "--scores", str(tmp_path / "s.csv"))
    with (tmp_path / "s.csv").open(encoding="utf-8", newline="") as file:
        scores = {row["query"]: row for row in csv.DictReader(file)}
    assert scores.keys() == {name for name in NAMES if "," not in name}
    assert all(row["rank"] == "1" and row["first"] == name == row["right"] for name, row in scores.items())


@pytest.mark.parametrize("form", ["rows", "pairs", "json", "tabs", "scores"])
def test_a_query_without_an_answer_has_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], form: str) -> None:
    wanted = Wanted(frozenset({"a"}))
    answer = Answer(Item("q.png", Path("q.png")), [], [], wanted, [], [], None, float("inf"))
    assert answer.rank == 0
    if form == "scores":
        output = Scores(tmp_path / "s.csv")
    else:
        output = show(5, True, form if form in ("rows", "pairs") else None, sure=True, as_json=form == "json")
    output.answer(answer)
    output.close()
    out = (tmp_path / "s.csv").read_text(encoding="utf-8") if form == "scores" else capsys.readouterr().out
    if form == "json":
        assert json.loads(out) == {"query": "q.png", "results": []}
        return
    [row] = csv.DictReader(io.StringIO(out), delimiter="\t" if form == "tabs" else ",")
    assert row["query"] == "q.png" and None not in row and None not in row.values()
    assert row.get("item", row.get("failure", NONE)) == NONE
    assert row.get("rank", "0") == "0" and row["label" if form == "pairs" else "query"] in ("", "q.png")


def test_pages_and_sheets_take_a_query_without_an_answer(tmp_path: Path) -> None:
    index = tiny_index(tmp_path / "db.faiss", np.eye(3, dtype=np.float32))
    [picture] = tiny_pictures(tmp_path, ["q.png"])
    answer = Answer(Item("q.png", picture), [], [], Wanted(frozenset({"a"})), [], [], None, float("inf"))
    report = Report(tmp_path / "r.html", index, 5, 20, {}, {})
    report.answer(answer)
    report.close()
    assert NONE in (tmp_path / "r.html").read_text(encoding="utf-8")
    sheet = Sheet(tmp_path / "s.png", index, 5)
    sheet.answer(answer)
    sheet.close()
    assert Strips(index, 5, False, "sixel").draw(answer).height > 10
    assert named(answer, 5).row_count == 1


def test_rows_of_an_index_keep_every_name(tmp_path: Path) -> None:
    from sinonom_cli.search.rows import Rows, write_rows

    rows = [Row(name, f"{name}#3", "", "", "s\r") for name in (*NAMES, "\r", '"', "\r\n,")]
    write_rows(tmp_path / "r.csv", tmp_path / "starts", rows)
    assert list(Rows(np.frombuffer((tmp_path / "r.csv").read_bytes(), np.uint8))) == rows


def test_a_truth_that_names_nothing_or_two_things_gives_no_figures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", ["x/a.png", "y/a.png", "b.png"])
    index = str(tmp_path / "db.faiss")
    assert cli.run(["index", str(tmp_path / "set"), index, "--model", str(tmp_path / "model")]) == 0
    truth = tmp_path / "truth.csv"
    typed = ["query", str(tmp_path / "set"), "-i", index, "--truth", str(truth), "--json"]
    for label, code in (("a.png", 4), ("404.png", 4), ("U+4E00", 4), ("x/a.png", 0)):
        truth.write_text(f"query,label\nx/a.png,{label}\n", encoding="utf-8")
        capsys.readouterr()
        assert cli.run(typed) == code, label
        assert ('"metrics"' in capsys.readouterr().out) == (code == 0)


def test_a_network_that_answers_every_picture_alike_scores_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_model(tmp_path / "model")
    pictures = tiny_pictures(tmp_path / "set", [f"{i}.png" for i in range(12)])
    for path in pictures:
        path.write_bytes(pictures[0].read_bytes())
    index = str(tmp_path / "db.faiss")
    assert cli.run(["index", str(tmp_path / "set"), index, "--model", str(tmp_path / "model")]) == 0
    truth = tmp_path / "truth.csv"
    truth.write_text("query,label\n" + "".join(f"{i}.png,{i}.png\n" for i in range(12)), encoding="utf-8")
    capsys.readouterr()
    for more in ([], ["--scores", str(tmp_path / "s.csv")], ["--top", "12"]):
        typed = ["query", str(tmp_path / "set"), "-i", index, "--truth", str(truth), "--json", *more]
        assert cli.run(typed) == 0
        metrics = json.loads(capsys.readouterr().out.splitlines()[-1])["metrics"]
        assert metrics["mrr@5"] == metrics["recall@5"] == 0
