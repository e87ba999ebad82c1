"""Write the page of `--report`: self-contained HTML with figures, ranks, confusions, and each query's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli import messages
from sinonom_cli.characters import reading
from sinonom_cli.reports.html_pages import template
from sinonom_cli.reports.html_thumbnails import Thumb, Thumbs
from sinonom_cli.search.index import Index
from sinonom_cli.search.results import NOTHING, Answer, AnswerWriter, Figures, file_of
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.atomic import write_text
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.single_files import holds, refuse_foreign

if TYPE_CHECKING:
    from sinonom_cli.search.relevance import Wanted

MOST_BYTES = 24_000_000
"""Largest number of bytes of pictures in a page, which a browser opens at once.

It is enough for about 4,000 queries, each with its own picture, and 20,000 pictures of answers.
"""
MOST_QUERIES = 5_000
"""Largest number of queries that are listed, those with the worst answers first; the figures cover all queries."""
CONFUSIONS = 60
"""Largest number of pairs of confused characters, and of failures, that a page lists."""
HIGHEST = 150
"""Height of the highest bar of the histogram, pixels."""


class Report(AnswerWriter):
    """Report that collects answers and writes the page when it is closed.

    Parameters
    ----------
    path : path of the page; it ends in `.html` or `.htm`.
    index : index whose pictures are shown.
    top : number of answers shown for each query.
    deep : number of answers compared with the truth, so the greatest rank that is known.
    bearers : a row of the index for each name in the truth, to show what should have been found.
    about : lines for the head of the page (index, model, distance, truth), by their names.

    Raises
    ------
    SinonomError
        With exit code 5, if `path` is a file that is not a report of sinonom; with 2, if it does not end in `.html`.
    """

    def __init__(
        self, path: Path, index: Index, top: int, deep: int, bearers: Mapping[str, Row], about: Mapping[str, str]
    ) -> None:
        refuse_foreign(path, "--report", "report", holds('content="sinonom query --report"'), (".html", ".htm"))
        self.path, self.index, self.top, self.deep, self.bearers, self.about = path, index, top, deep, bearers, about
        self.answers: list[Answer] = []
        self.asked, self.ranks = 0, Counter[int]()
        self.confused: dict[tuple[str, str], tuple[int, Answer]] = {}
        self.failed: list[tuple[Item, str]] = []
        self.found: Mapping[str, Figures] = {}
        self.thumbs = Thumbs(MOST_BYTES)

    def answer(self, answer: Answer) -> None:
        """Count an answer, and keep it for the page, unless there are enough worse answers."""
        self.asked += 1
        if answer.wanted:
            self.ranks[answer.rank] += 1
            if answer.right != 0 and not answer.nothing:
                self._confuse(answer)
        self.answers.append(replace(answer, rows=answer.rows[: max(self.top, (answer.right or 0) + 1)]))
        if len(self.answers) >= 4 * MOST_QUERIES:
            self.answers = self._worst()

    def _confuse(self, answer: Answer) -> None:
        wanted = self._right(answer)
        sought = _called(wanted) if wanted else ", ".join(sorted(answer.wanted.names if answer.wanted else ()))
        pair = sought, _called(answer.rows[0])
        count, first = self.confused.get(pair, (0, answer))
        self.confused[pair] = count + 1, first

    def _worst(self) -> list[Answer]:
        """Return the answers that are listed, the worst first; equally bad ones keep the order of the queries."""
        return sorted(self.answers, key=lambda answer: -_badness(answer, self.deep))[:MOST_QUERIES]

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        """Keep the reason why a picture could not be read."""
        self.failed.append((item, reason))

    def figures(self, figures: Mapping[str, Figures]) -> None:
        """Keep the figures for the page."""
        self.found = figures

    def close(self) -> None:
        """Write the page."""
        # The worst answers come first, so that they get their pictures before the limit of bytes is reached.
        confusions = self._confusions()
        lines = [self._line(answer) for answer in self._worst()]
        text = template("report_page", "page.html.j2").render(
            name=self.path.stem,
            asked=self.asked,
            about=self.about,
            figures=self.found,
            bars=self._bars(),
            confusions=confusions,
            more_confusions=len(self.confused) - len(confusions),
            failed=len(self.failed),
            failures=[(item.key, reason) for item, reason in self.failed[:CONFUSIONS]],
            order=self._order(len(lines)),
            choices=self._choices(),
            lines=lines,
            pictures=self.thumbs.css(),
        )
        write_text(self.path, text + "\n")
        messages.say(f"report: {self.path}")

    def _bars(self) -> list[dict[str, Any]]:
        """Return the histogram of ranks: name, count, share in percent and height of each bar, pixels."""
        ranks = self.ranks
        if not ranks:
            return []
        bars = [(str(rank), ranks[rank]) for rank in range(1, 6)]
        edges = [edge for edge in (5, 10, 20, self.deep) if edge <= self.deep]
        for low, high in pairwise(edges):
            if high > low:
                bars.append((f"{low + 1}-{high}", sum(ranks[rank] for rank in range(low + 1, high + 1))))
        bars.append((f"beyond {self.deep}", ranks[0]))
        most, total = max([count for _, count in bars] + [1]), max(sum(ranks.values()), 1)
        return [
            {"name": name, "count": count, "percent": 100 * count / total, "height": round(HIGHEST * count / most)}
            for name, count in bars
        ]

    def _confusions(self) -> list[dict[str, Any]]:
        """Return the most frequent pairs of characters, of which one was found for the other."""
        commonest = sorted(self.confused.items(), key=lambda pair: -pair[1][0])
        confusions = []
        for (wanted, taken), (count, answer) in commonest[:CONFUSIONS]:
            right = self._right(answer)
            pictures = [self.thumbs.of(answer.item.path, answer.item.key, "query")]
            pictures += [self._thumb(right, "right")] if right else []
            pictures.append(self._thumb(answer.rows[0]))
            confusions.append({"wanted": wanted, "taken": taken, "count": count, "pictures": pictures})
        return confusions

    def _choices(self) -> list[tuple[str, str]]:
        """Return the choices of the filter, as tags and texts."""
        shown = self._worst()
        kinds = sorted({answer.wanted.kind for answer in shown if answer.wanted} - {""})
        judged = [("wrong", "first answer wrong"), ("missed", f"not among the first {self.top}")] if self.found else []
        judged += [("rejected", NOTHING)] if any(answer.nothing for answer in shown) else []
        return [("", "all queries"), *judged, *((kind, kind) for kind in kinds)]

    def _order(self, shown: int) -> str:
        """Return in words the order of the queries, and what the page leaves out."""
        text = "those answered worst first" if self.found else "in the order in which they were asked"
        if self.asked > shown:
            text += f"; {self.asked - shown:,} more are not listed"
        if self.thumbs.left_out:
            text += f"; {self.thumbs.left_out:,} pictures are not drawn, to keep the page small"
        return text

    def _line(self, answer: Answer) -> dict[str, Any]:
        """Return one query and its answers."""
        rank, tags = "", []
        if answer.wanted:
            tags = [answer.wanted.kind] + ["wrong"] * (answer.rank != 1)
            tags += ["missed"] * (not 1 <= answer.rank <= self.top)
            rank = f"rank {answer.rank}" if answer.rank else f"not among the first {self.deep}"
        if answer.nothing:
            tags, rank = [*tags, "rejected"], ""
        query = self.thumbs.of(answer.item.path, answer.item.key, "query")
        rows = [] if answer.rejected else answer.rows[: self.top]
        cells: list[dict[str, Any]] = [
            {
                "picture": self._thumb(row, "right" if answer.relevant and answer.relevant[place] else ""),
                "caption": _caption(row),
                "told": answer.told(place),
            }
            for place, row in enumerate(rows)
        ]
        right = None if not answer.wanted or 1 <= answer.rank <= self.top else self._right(answer)
        if right:
            cells.append({"picture": self._thumb(right, "right"), "caption": _caption(right), "right": True})
        text = " ".join([answer.item.key, *(part for row in rows for part in (file_of(row), row.char, row.label))])
        return {
            "query": query,
            "key": answer.item.key,
            "rank": rank,
            "rank_kind": "good" if answer.rank == 1 else "bad",
            "nothing": answer.nothing,
            "tags": tags,
            "text": text.lower(),
            "cells": cells,
        }

    def _right(self, answer: Answer) -> Row | None:
        """Return a row that should have come first: the nearest relevant answer, or else any relevant row."""
        if answer.right is not None:
            return answer.rows[answer.right]
        names = sorted(answer.wanted.names) if answer.wanted else []
        return next((self.bearers[name] for name in names if name in self.bearers), None)

    def _thumb(self, row: Row, kind: str = "") -> Thumb:
        return self.thumbs.of(self.index.picture(row), _meaning(row), kind, row.char)


_reading = cache(reading)


def _badness(answer: Answer, deep: int) -> int:
    return 0 if answer.wanted is None else (answer.rank or deep + 1)


def _called(row: Row) -> str:
    return f"{row.char} {row.label}" if row.char else file_of(row)


def _caption(row: Row) -> list[dict[str, str]]:
    """Return the lines below the picture of a row; the first may begin with its character."""
    name = file_of(row)
    if not row.char:
        return [{"char": "", "text": name}]
    read = _reading(row.char)
    rest = [read.vietnamese or read.mandarin, "" if row.label in name else name]
    return [{"char": row.char, "text": row.label}, *({"char": "", "text": text} for text in rest if text)]


def _meaning(row: Row) -> str:
    read = _reading(row.char) if row.char else None
    told = [row.item, *(part for part in (read or ()) if part)]
    return "\n".join(told)
