"""Answers on stdout: JSON lines, CSV, tab-separated lines, or a table where stdout is a terminal."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from sinonom_cli import console
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.query.answer import Answer, Figures, Output, file_of, name_of
from sinonom_cli.query.truth import Wanted

JSON_FIGURES = ("mrr@5", "recall@1", "recall@5")
COLUMNS = ("query", "rank", "item", "source", "label", "char", "distance")


def show(top: int, characters: bool, form: str | None) -> Output:
    """Return how to print answers here.

    Parameters
    ----------
    top : answers to print for each picture.
    characters : the answers are characters and not items.
    form : of CSV, "rows" or "pairs"; None: no CSV.
    """
    if console.settings.json:
        return _Json(top)
    if form:
        return _Rows(top) if form == "rows" else _Pairs(top, characters)
    return _Table(top, characters) if sys.stdout.isatty() else _Tabs(top)


def _results(answer: Answer, top: int) -> list[dict[str, Any]]:
    found = zip(answer.rows[:top], answer.distances[:top], strict=True)
    return [
        {
            "rank": rank,
            "item": row.item,
            "source": row.source,
            "label": row.label,
            "char": row.char,
            "distance": round(distance, 6),
        }
        for rank, (row, distance) in enumerate(found, 1)
    ]


class _Json(Output):
    def __init__(self, top: int) -> None:
        self.top = top

    def answer(self, answer: Answer) -> None:
        console.data_json({"query": str(answer.item.path), "results": _results(answer, self.top)})

    def figures(self, figures: Mapping[str, Figures]) -> None:
        every = figures["all"]
        console.data_json({"metrics": {"queries": every.queries} | {name: every.values[name] for name in JSON_FIGURES}})


class _Tabs(Output):
    def __init__(self, top: int) -> None:
        self.top = top
        console.data(_tabs(COLUMNS))

    def answer(self, answer: Answer) -> None:
        console.data("\n".join(_tabs((answer.item.path, *result.values())) for result in _results(answer, self.top)))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        console.data("\n".join(["", *map(_tabs, table_of(figures))]))


class _Rows(Output):
    """CSV with a line for each answer; figures go to stderr, so that stdout stays one table."""

    def __init__(self, top: int) -> None:
        self.top = top
        console.data(_csv(COLUMNS))

    def answer(self, answer: Answer) -> None:
        console.data("\n".join(_csv((answer.item.path, *result.values())) for result in _results(answer, self.top)))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        for line in table_of(figures):
            console.say("\t".join(line))


class _Pairs(_Rows):
    """CSV in the form of a truth table, `query,label`: the names of the answered files, comma-joined, best first."""

    def __init__(self, top: int, characters: bool) -> None:
        self.top, self.characters = top, characters
        console.data(_csv(("query", "label")))

    def answer(self, answer: Answer) -> None:
        names = [(row.char or row.label) if self.characters else file_of(row) for row in answer.rows[: self.top]]
        console.data(_csv((answer.item.key, ",".join(names))))

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        console.data(_csv((item.key, "")))


class _Table(Output):
    def __init__(self, top: int, characters: bool) -> None:
        from rich.console import Console
        from rich.table import Table

        self.top, self.characters, self.console = top, characters, Console()
        self.table = Table("query", *(str(rank) for rank in range(1, top + 1)), show_lines=False)

    def answer(self, answer: Answer) -> None:
        from rich.text import Text

        cells = []
        for place, (row, distance) in enumerate(zip(answer.rows[: self.top], answer.distances, strict=False)):
            style = "bold green" if answer.relevant and answer.relevant[place] else ""
            name = name_of(row, self.characters)
            cells.append(Text.assemble((name, style), (f" {round(distance, 6):.4g}", "dim")))
        self.table.add_row(Text(answer.item.path.name), *cells)

    def figures(self, figures: Mapping[str, Figures]) -> None:
        self.close()
        from rich.table import Table
        from rich.text import Text

        self.table = Table("queries of kind", "queries", *figures["all"].values)
        for kind, each in figures.items():
            cells = [f"{value:.4f} ({_ends(each, name, '-')})" for name, value in each.values.items()]
            self.table.add_row(Text(kind), str(each.queries), *cells)
        self.table.caption = "in brackets: 95 % bootstrap intervals"

    def close(self) -> None:
        if self.table.row_count:
            self.console.print(self.table)


def _ends(figures: Figures, name: str, between: str) -> str:
    return between.join(f"{end:.3f}" for end in figures.intervals[name])


def table_of(figures: Mapping[str, Figures]) -> Iterable[list[str]]:
    """Return the figures as lines of cells, the 95 % intervals last."""
    names = list(figures["all"].values)
    yield ["queries of kind", "queries", *names, *(f"{name} 95 %" for name in names)]
    for kind, each in figures.items():
        values = [f"{each.values[name]:.4f}" for name in names]
        yield [kind, str(each.queries), *values, *(_ends(each, name, "-") for name in names)]


def _tabs(cells: Iterable[object]) -> str:
    return "\t".join(" ".join(str(cell).split()) for cell in cells)


def _csv(cells: Iterable[object]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(cells)
    return line.getvalue()
