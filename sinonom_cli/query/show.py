"""Answers on stdout: JSON lines, tab-separated lines, or a table where stdout is a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any, Protocol

from sinonom_cli import console
from sinonom_cli.artifacts.index import Row
from sinonom_cli.query.answer import Answer

JSON_FIGURES = ("queries", "mrr@5", "recall@1", "recall@5")
COLUMNS = ("query", "rank", "item", "source", "label", "char", "distance")

Figures = Mapping[str, Mapping[str, float]]


class Show(Protocol):
    """A way to print answers and, at the end, figures by kind of query; the first kind is "all"."""

    def answer(self, answer: Answer) -> None: ...

    def figures(self, figures: Figures) -> None: ...

    def close(self) -> None: ...


def show(top: int, characters: bool) -> Show:
    """Return how to print answers here.

    Parameters
    ----------
    top : answers to print for each picture.
    characters : the answers are characters and not items.
    """
    if console.settings.json:
        return _Json(top)
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


class _Json:
    def __init__(self, top: int) -> None:
        self.top = top

    def answer(self, answer: Answer) -> None:
        console.data_json({"query": str(answer.item.path), "results": _results(answer, self.top)})

    def figures(self, figures: Figures) -> None:
        console.data_json({"metrics": {name: figures["all"][name] for name in JSON_FIGURES}})

    def close(self) -> None:
        pass


class _Tabs:
    def __init__(self, top: int) -> None:
        self.top = top
        self._line(COLUMNS)

    def answer(self, answer: Answer) -> None:
        for result in _results(answer, self.top):
            self._line((answer.item.path, *result.values()))

    def figures(self, figures: Figures) -> None:
        console.data("")
        names = tuple(figures["all"])
        self._line(("queries of kind", *names))
        for kind, values in figures.items():
            self._line((kind, *(_figure(values[name]) for name in names)))

    def close(self) -> None:
        pass

    def _line(self, cells: tuple[object, ...]) -> None:
        console.data("\t".join(" ".join(str(cell).split()) for cell in cells))


class _Table:
    def __init__(self, top: int, characters: bool) -> None:
        from rich.console import Console
        from rich.table import Table

        self.top, self.characters, self.console = top, characters, Console()
        self.table = Table("query", *(str(rank) for rank in range(1, top + 1)), show_lines=False)

    def answer(self, answer: Answer) -> None:
        from rich.text import Text

        cells = []
        for position, (row, distance) in enumerate(
            zip(answer.rows[: self.top], answer.distances[: self.top], strict=True)
        ):
            right = answer.relevant is not None and answer.relevant[position]
            cells.append(
                Text.assemble((self._name(row), "bold green" if right else ""), (f" {round(distance, 6):.4g}", "dim"))
            )
        self.table.add_row(Text(answer.item.path.name), *cells)

    def figures(self, figures: Figures) -> None:
        self.close()
        from rich.table import Table
        from rich.text import Text

        names = tuple(figures["all"])
        self.table = Table("queries of kind", *names)
        for kind, values in figures.items():
            self.table.add_row(Text(kind), *(_figure(values[name]) for name in names))

    def close(self) -> None:
        if self.table.row_count:
            self.console.print(self.table)

    def _name(self, row: Row) -> str:
        what = row.label if self.characters else PurePosixPath(row.source or row.item).name
        return f"{row.char} {what}" if row.char else what


def _figure(value: float) -> str:
    return f"{value:.4f}" if isinstance(value, float) else str(value)
