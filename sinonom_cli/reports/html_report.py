"""Write the page of `--report`: self-contained HTML with figures, ranks, confusions, and each query's answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli import console
from sinonom_cli.characters import reading
from sinonom_cli.reports.html_page import histogram, page
from sinonom_cli.reports.html_thumbnails import Thumbs
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
        body = [self._head(), self._figures(), self._ranks(), self._confusions(), self._failures()]
        body += [self._queries(self._worst())]
        write_text(self.path, page(escape(f"sinonom query {self.path.stem}"), self.thumbs.css(), "\n".join(body)))
        console.say(f"report: {self.path}")

    def _head(self) -> str:
        about = "<br>".join(f"{escape(name)}: {escape(text)}" for name, text in self.about.items())
        return f'<h1>{self.asked:,} queries and their answers</h1>\n<p class="faint">{about}</p>'

    def _figures(self) -> str:
        if not self.found:
            return ""
        names = list(self.found["all"].values)
        head = "".join(f'<th class="n">{_pretty(name)}</th>' for name in names)
        lines = []
        for kind, each in self.found.items():
            cells = "".join(
                f'<td class="n">{each.values[name]:.3f} <small>{low:.3f}-{high:.3f}</small></td>'
                for name in names
                for low, high in [each.intervals[name]]
            )
            lines.append(f'<tr><td>{escape(kind)}</td><td class="n">{each.queries:,}</td>{cells}</tr>')
        return (
            f'<h2>Figures</h2>\n<table><tr><th>queries</th><th class="n"></th>{head}</tr>{"".join(lines)}</table>'
            '<p class="faint">Small: 95 % bootstrap interval over queries. MRR@k is the mean of 1 / rank of the first '
            "right answer, or 0 beyond k; recall@k is the share of queries with a right answer in the first k.</p>"
        )

    def _ranks(self) -> str:
        ranks = self.ranks
        if not ranks:
            return ""
        bars = [(str(rank), ranks[rank]) for rank in range(1, 6)]
        edges = [edge for edge in (5, 10, 20, self.deep) if edge <= self.deep]
        for low, high in pairwise(edges):
            if high > low:
                bars.append((f"{low + 1}-{high}", sum(ranks[rank] for rank in range(low + 1, high + 1))))
        bars.append((f"beyond {self.deep}", ranks[0]))
        return f"<h2>Rank of the first right answer</h2>\n{histogram(bars, sum(ranks.values()))}"

    def _confusions(self) -> str:
        if not self.confused:
            return ""
        cards = []
        commonest = sorted(self.confused.items(), key=lambda pair: -pair[1][0])
        for (sought, taken), (count, answer) in commonest[:CONFUSIONS]:
            right = self._right(answer)
            query = self.thumbs.tag(answer.item.path, escape(answer.item.key), "query")
            pictures = query + (self._tag(right, "right") if right else "") + self._tag(answer.rows[0])
            times = f"<br>{count} times" if count > 1 else ""
            cards.append(
                f"<div>{pictures}<span>{escape(sought)}<br>confused with<br>{escape(taken)}{times}</span></div>"
            )
        more = (
            f'<p class="faint">and {len(commonest) - CONFUSIONS:,} more pairs</p>'
            if len(commonest) > CONFUSIONS
            else ""
        )
        return (
            '<h2>Confusions</h2>\n<p class="faint">Blue: the query. Green: the right answer. Grey: the first '
            f'answer.</p>\n<div class="confused">{"".join(cards)}</div>{more}'
        )

    def _failures(self) -> str:
        if not self.failed:
            return ""
        lines = "".join(f"<li>{escape(item.key)}: {escape(reason)}</li>" for item, reason in self.failed[:CONFUSIONS])
        return f"<h2>{len(self.failed):,} pictures could not be used</h2>\n<ul>{lines}</ul>"

    def _queries(self, shown: list[Answer]) -> str:
        kinds = sorted({answer.wanted.kind for answer in shown if answer.wanted} - {""})
        judged = [("wrong", "first answer wrong"), ("missed", f"not among the first {self.top}")] if self.found else []
        judged += [("rejected", NOTHING)] if any(answer.nothing for answer in shown) else []
        options = [("", "all queries"), *judged, *((kind, kind) for kind in kinds)]
        choices = "".join(f'<option value="{escape(value)}">{escape(text)}</option>' for value, text in options)
        body = "\n".join(self._line(answer) for answer in shown)
        left_out = f"; {self.asked - len(shown):,} more are not listed" if self.asked > len(shown) else ""
        if self.thumbs.left_out:
            left_out += f"; {self.thumbs.left_out:,} pictures are not drawn, to keep the page small"
        order = "those answered worst first" if self.found else "in the order in which they were asked"
        return (
            f'<h2>Queries</h2>\n<p class="faint">{order}{left_out}. Blue: the query. Green: a right answer.</p>\n'
            f'<nav><input id="text" type="search" placeholder="file, character, code point">'
            f'<select id="which">{choices}</select><span id="count" class="faint"></span></nav>\n{body}'
        )

    def _line(self, answer: Answer) -> str:
        outcome, tags = "", []
        if answer.wanted:
            tags = [answer.wanted.kind] + ["wrong"] * (answer.rank != 1)
            tags += ["missed"] * (not 1 <= answer.rank <= self.top)
            good = "good" if answer.rank == 1 else "bad"
            rank = f"rank {answer.rank}" if answer.rank else f"not among the first {self.deep}"
            outcome = f'<br><b class="{good}">{rank}</b>'
        if answer.nothing:
            tags, outcome = [*tags, "rejected"], f"<br><b>{answer.nothing}</b>"
        query = self.thumbs.tag(answer.item.path, escape(answer.item.key), "query")
        cells = [f"<div>{query}<br>{escape(answer.item.key)}{outcome}</div>"]
        rows = [] if answer.rejected else answer.rows[: self.top]
        for place, row in enumerate(rows):
            kind = "right" if answer.relevant and answer.relevant[place] else ""
            cells.append(f"<div>{self._tag(row, kind)}<br>{_caption(row)}<br><small>{answer.told(place)}</small></div>")
        right = None if not answer.wanted or 1 <= answer.rank <= self.top else self._right(answer)
        if right:
            cells.append(f"<div>{self._tag(right, 'right')}<br><b>right: </b>{_caption(right)}</div>")
        text = " ".join([answer.item.key, *(part for row in rows for part in (file_of(row), row.char, row.label))])
        return (
            f'<div class="answer" data-tags="{escape("|".join(tags))}" data-text="{escape(text.lower())}">'
            f"{''.join(cells)}</div>"
        )

    def _right(self, answer: Answer) -> Row | None:
        """Return a row that should have come first: the nearest relevant answer, or else any relevant row."""
        if answer.right is not None:
            return answer.rows[answer.right]
        names = sorted(answer.wanted.names) if answer.wanted else []
        return next((self.bearers[name] for name in names if name in self.bearers), None)

    def _tag(self, row: Row, kind: str = "") -> str:
        return self.thumbs.tag(self.index.picture(row), escape(_meaning(row)), kind, escape(row.char))


_reading = cache(reading)


def _badness(answer: Answer, deep: int) -> int:
    return 0 if answer.wanted is None else (answer.rank or deep + 1)


def _called(row: Row) -> str:
    return f"{row.char} {row.label}" if row.char else file_of(row)


def _caption(row: Row) -> str:
    name = file_of(row)
    if not row.char:
        return escape(name)
    read = _reading(row.char)
    shown = [f'<b class="char">{escape(row.char)}</b> {escape(row.label)}', escape(read.vietnamese or read.mandarin)]
    return "<br>".join([*(part for part in shown if part), *([] if row.label in name else [escape(name)])])


def _meaning(row: Row) -> str:
    read = _reading(row.char) if row.char else None
    told = [row.item, *(part for part in (read or ()) if part)]
    return "\n".join(told)


def _pretty(name: str) -> str:
    return name.upper() if name.startswith("mrr") else name
