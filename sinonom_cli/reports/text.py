"""Print answers on stdout: as JSON lines, CSV, tab-separated lines, or, on a terminal, a table."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from sinonom_cli import console, messages
from sinonom_cli.reports.names import FACTS, facts_of, named
from sinonom_cli.search.results import Answer, AnswerWriter, Figures, file_of, name_of
from sinonom_cli.storage.inputs import Item

if TYPE_CHECKING:
    from sinonom_cli.search.relevance import Wanted

JSON_FIGURES = ("mrr@5", "recall@1", "recall@5")
ANSWER_COLUMNS = ("query", "rank", "item", "source", "label", "char", "distance")


def show(top: int, characters: bool, form: str | None, sure: bool = False, *, as_json: bool = False) -> AnswerWriter:
    """Return the output that prints answers in the form that the options and stdout ask for.

    Parameters
    ----------
    top : number of answers to print for each picture.
    characters : True if the answers are characters, False if they are items.
    form : form of CSV, "rows" or "pairs"; None: no CSV.
    sure : True if the answers have probabilities.
    as_json : print a JSON object for each picture.
    """
    if as_json:
        return _Json(top, characters)
    if form:
        return _Rows(top, characters, sure) if form == "rows" else _Pairs(top, characters)
    if sys.stdout.isatty():
        return _Names(top) if characters else _Table(top)
    return _Tabs(top, characters, sure)


def _results(answer: Answer, top: int, characters: bool) -> list[dict[str, Any]]:
    if answer.rejected:
        return []
    found = zip(answer.rows[:top], answer.distances[:top], strict=True)
    results: list[dict[str, Any]] = [
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
    for result, probability in zip(results, answer.probabilities, strict=False):
        result["probability"] = round(probability, 6)
    if characters:
        for result, row in zip(results, answer.rows, strict=False):
            result.update(facts_of(row))
    return results


def _columns(characters: bool, sure: bool) -> tuple[str, ...]:
    return ANSWER_COLUMNS + ("probability",) * sure + FACTS * characters


def _cells(answer: Answer, top: int, characters: bool, sure: bool) -> list[list[object]]:
    """Return a list of cells for each answer; a query without answers gets one line with rank 0."""
    if answer.nothing:
        far = round(answer.distances[0], 6) if answer.distances else ""
        rest = [""] * (sure + len(FACTS) * characters)
        return [[answer.item.path, 0, answer.nothing, "", "", "", far, *rest]]
    return [[answer.item.path, *result.values()] for result in _results(answer, top, characters)]


def record_of(answer: Answer, top: int, characters: bool) -> dict[str, Any]:
    """Return an answer as `query --json` prints it; see `show` for the parameters."""
    told: dict[str, Any] = {} if answer.known is None else {"known": answer.known}
    if answer.changed:
        told["changed"] = answer.changed
    if answer.turn:
        told["turned"] = answer.turn
    results = _results(answer, top, characters)
    for result, state in zip(results, answer.pictures, strict=False):
        if state:
            result["picture"] = state
    return {"query": str(answer.item.path), **told, "results": results}


class _Json(AnswerWriter):
    def __init__(self, top: int, characters: bool) -> None:
        self.top, self.characters = top, characters

    def answer(self, answer: Answer) -> None:
        console.data_json(record_of(answer, self.top, self.characters))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        every = figures["all"]
        console.data_json({"metrics": {"queries": every.queries} | {name: every.values[name] for name in JSON_FIGURES}})


class _Tabs(AnswerWriter):
    def __init__(self, top: int, characters: bool, sure: bool) -> None:
        self.top, self.characters, self.sure = top, characters, sure
        console.data(_tabs(_columns(characters, sure)))

    def answer(self, answer: Answer) -> None:
        console.data("\n".join(map(_tabs, _cells(answer, self.top, self.characters, self.sure))))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        console.data("\n".join(["", *map(_tabs, table_of(figures))]))


class _Rows(AnswerWriter):
    """CSV output with a line for each answer; figures go to stderr, so that stdout stays one table."""

    def __init__(self, top: int, characters: bool, sure: bool) -> None:
        self.top, self.characters, self.sure = top, characters, sure
        console.data(_csv(_columns(characters, sure)))

    def answer(self, answer: Answer) -> None:
        console.data("\n".join(map(_csv, _cells(answer, self.top, self.characters, self.sure))))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        for line in table_of(figures):
            messages.say("\t".join(line))


class _Pairs(_Rows):
    """CSV output in the form of a truth, `query,label`: the names of the answers, joined by commas, best first."""

    def __init__(self, top: int, characters: bool) -> None:
        self.top, self.characters = top, characters
        console.data(_csv(("query", "label")))

    def answer(self, answer: Answer) -> None:
        rows = [] if answer.nothing else answer.rows[: self.top]
        names = [(row.char or row.label) if self.characters else file_of(row) for row in rows]
        console.data(_csv((answer.item.key, ",".join(names))))

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        console.data(_csv((item.key, "")))


class _Table(AnswerWriter):
    def __init__(self, top: int) -> None:
        from rich.console import Console
        from rich.table import Table

        self.top, self.console = top, Console()
        self.table = Table("query", *(str(rank) for rank in range(1, top + 1)), show_lines=False)

    def answer(self, answer: Answer) -> None:
        from rich.text import Text

        if answer.nothing:
            self.table.add_row(Text(answer.item.path.name), Text(answer.nothing, "dim"))
            return
        cells = []
        for place, row in enumerate(answer.rows[: self.top]):
            style = "bold green" if answer.relevant and answer.relevant[place] else ""
            name = name_of(row)
            cells.append(Text.assemble((name, style), (f" {answer.told(place)}", "dim")))
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


class _Names(_Table):
    """Output with a table for each picture: each character needs a line of its own for its meaning."""

    def answer(self, answer: Answer) -> None:
        self.console.print(named(answer, self.top))


def _ends(figures: Figures, name: str, between: str) -> str:
    return between.join(f"{end:.3f}" for end in figures.intervals[name])


def table_of(figures: Mapping[str, Figures]) -> Iterable[list[str]]:
    """Yield the figures as lines of cells, with the 95 % intervals last."""
    names = list(figures["all"].values)
    yield ["queries of kind", "queries", *names, *(f"{name} 95 %" for name in names)]
    for kind, each in figures.items():
        values = [f"{each.values[name]:.4f}" for name in names]
        yield [kind, str(each.queries), *values, *(_ends(each, name, "-") for name in names)]


BREAKS = dict.fromkeys(map(ord, "\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Characters that would end a cell or a line of tab-separated text, each replaced by a space.

The options --csv and --json write names with such characters exactly.
"""


def _tabs(cells: Iterable[object]) -> str:
    return "\t".join(str(cell).translate(BREAKS) for cell in cells)


def _csv(cells: Iterable[object]) -> str:
    from sinonom_cli.storage.tables import csv_line

    return csv_line(map(str, cells)).removesuffix("\n")
