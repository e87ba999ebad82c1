"""Promises of answers: ranks, figures over queries and kinds, and the table of scores; values were counted by hand."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from refused import refused

from sinonom_cli.characters import reading
from sinonom_cli.errors import ExitCode
from sinonom_cli.reports.scores import SCORE_COLUMNS, Scores
from sinonom_cli.search.relevance import Wanted
from sinonom_cli.search.results import Answer, figures_of, name_of, percent
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.inputs import Item

ROWS = [
    Row(f"{name}.png", f"{name}.stl", f"U+4E0{number}", "一丁丂七丄"[number], "s")
    for number, name in enumerate("abcde")
]
WANTED = Wanted(frozenset({"c.stl", "d.stl"}), "worn")


def answer(
    relevant: str, distances: list[float], beyond: float | None = float("inf"), known: bool | None = None
) -> Answer:
    """Return an answer whose rows are relevant where `relevant` has an x."""
    marks = [mark == "x" for mark in relevant]
    return Answer(
        Item("q.png", Path("q.png")),
        ROWS[: len(marks)],
        distances,
        WANTED,
        marks,
        known=known,
        beyond=beyond,
        energies=distances,
    )


@pytest.mark.parametrize(
    ("relevant", "distances", "beyond", "rank"),
    [
        ("..x.x", [1, 2, 3, 4, 5], 6, 3),
        ("x....", [1, 2, 3, 4, 5], 6, 1),
        (".....", [1, 2, 3, 4, 5], 6, 0),
        ("....x", [1, 2, 3, 4, 5], 5, 0),  # the next answer is not examined and has the same distance
        ("....x", [1, 2, 3, 4, 5], float("inf"), 5),
        (".x...", [1, 2, 2, 2, 5], 6, 4),  # answers at the same distance count as ranked before it
        ("x.x..", [2, 2, 2, 3, 5], 6, 2),
        ("..x..", [3, 1, 2, 4, 5], None, 3),  # the order is not by distance
        (".....", [3, 1, 2, 4, 5], None, 0),
    ],
)
def test_the_rank_is_that_of_the_first_relevant_answer(
    relevant: str, distances: list[float], beyond: float | None, rank: int
) -> None:
    found = answer(relevant, [float(far) for far in distances], beyond)
    assert found.rank == rank
    assert found.right == (relevant.index("x") if "x" in relevant else None)
    assert answer(relevant, distances, beyond, known=False).rank == 0
    assert answer(relevant, distances, beyond, known=True).rank == rank


def test_figures_are_taken_over_all_queries_and_over_each_kind() -> None:
    kinds = {"a": "", "b": "worn", "c": "worn", "d": "new", "e": "worn", "f": ""}
    wanted = {name: Wanted(frozenset({"x"}), kind) for name, kind in kinds.items()}
    found = figures_of({"a": 1, "b": 2, "c": 6, "d": 5, "f": 0}, wanted, [5, 3])
    assert list(found) == ["all", "new", "worn"]
    assert [one.queries for one in found.values()] == [6, 1, 3]
    assert found["all"].values == pytest.approx(
        {
            "mrr@5": (1 + 1 / 2 + 1 / 5) / 6,
            "mrr@3": (1 + 1 / 2) / 6,
            "recall@1": 1 / 6,
            "recall@3": 2 / 6,
            "recall@5": 3 / 6,
        }
    )
    assert found["worn"].values["mrr@5"] == pytest.approx(1 / 6)
    assert found["new"].values == {"mrr@5": 0.2, "mrr@3": 0, "recall@1": 0, "recall@3": 0, "recall@5": 1}
    assert found["new"].intervals["mrr@5"] == (0.2, 0.2)
    low, high = found["all"].intervals["recall@5"]
    assert 0 <= low < 0.5 < high <= 1
    assert figures_of({}, {}, [5])["all"].values == {"mrr@5": 0, "recall@1": 0, "recall@5": 0}


@pytest.mark.parametrize(
    ("probability", "shown"),
    [(0.996, ">99%"), (0.99, "99%"), (0.5, "50%"), (0.01, "1%"), (0.0099, "<1%"), (0.0, "<1%"), (0.056, "6%")],
)
def test_probabilities_are_shown_in_whole_per_cent_and_never_as_certain(probability: float, shown: str) -> None:
    assert percent(probability) == shown


def test_a_distance_is_shown_with_its_probability_where_there_is_one() -> None:
    bare = answer("x....", [0.12345678, 2.0, 3.0, 4.0, 5.0])
    assert (bare.told(0), bare.told(1)) == ("0.1235", "2")
    sure = Answer(bare.item, bare.rows, bare.distances, probabilities=[0.7, 0.2, 0.05, 0.03, 0.02])
    assert (sure.told(0), sure.told(2)) == ("0.1235 70%", "3 5%")
    tiny = answer("xx", [4e-7, 1.4e-6])
    assert (tiny.told(0), tiny.told(1)) == ("0", "1e-06")


def test_a_row_is_called_by_its_character_and_its_file_or_by_its_readings() -> None:
    row = Row("U+5B57/0.png", "scans/khắc.stl", "U+5B57", "字", "s")
    assert name_of(row) == "字 khắc.stl"
    assert name_of(replace(row, char="", source="")) == "0.png"
    assert name_of(row, characters=True) == f"字 {reading('字').vietnamese} U+5B57"
    assert name_of(replace(row, char="丂", label="U+4E02"), characters=True) == f"丂 {reading('丂').mandarin} U+4E02"
    assert name_of(replace(row, char="", label="U+F0000"), characters=True) == "U+F0000"


def test_the_table_of_scores_has_a_line_for_each_query_that_the_truth_speaks_of(tmp_path: Path) -> None:
    scores = Scores(tmp_path / "scores.csv")
    scores.answer(answer("..x.x", [0.5, 1.25, 3.0, 4.0, 5.0]))
    scores.answer(answer(".....", [0.5, 1.0, 3.0, 4.0, 5.0]))
    scores.answer(answer("x....", [0.5, 1.0, 3.0, 4.0, 5.0], known=False))
    scores.answer(answer("", []))
    scores.answer(Answer(Item("not asked.png", Path("x")), ROWS[:1], [1.0]))
    scores.unread(Item("bad.png", Path("bad.png")), WANTED, "no picture")
    scores.unread(Item("other.png", Path("other.png")), None, "no picture")
    scores.close()
    with (tmp_path / "scores.csv").open(encoding="utf-8", newline="") as file:
        header, *lines = csv.reader(file)
    assert tuple(header) == SCORE_COLUMNS
    first = ["a.stl", "U+4E00", "一", "0.500000"]
    start = ["q.png", "worn", "c.stl,d.stl"]
    assert lines[0] == [*start, "3", "0.333333", *first, "c.stl", "3.000000", ""]
    assert lines[1] == [*start, "0", "0", *first, "", "", ""]
    assert lines[2][:-1] == [*start, "0", "0", *first, "", ""] and lines[2][-1]
    assert lines[3][:-1] == [*start, "0", "0", "", "", "", "", "", ""] and lines[3][-1]
    assert lines[4] == ["bad.png", *start[1:], "0", "0", *[""] * 6, "no picture"]
    assert len(lines) == 5
    Scores(tmp_path / "scores.csv").close()  # a table of sinonom is replaced
    (tmp_path / "mine.csv").write_text("query,my notes\n", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    for name in ("mine.csv", "folder"):
        with refused(ExitCode.OUTPUT_IN_THE_WAY, tmp_path / name):
            Scores(tmp_path / name)
