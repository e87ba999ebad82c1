"""Hold the answers to one picture, and define the interface of the tables, files and pages that show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.characters import reading
from sinonom_cli.search.metrics import bootstrap, reciprocal_at, worst_rank
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.inputs import Item

if TYPE_CHECKING:
    from sinonom_cli.search.relevance import Wanted

NOTHING = "nothing like it in the index"
"""Text for a rejected query."""
NONE = "no answer found"
"""Text for a query without answers, which is possible in a compressed index and in Milvus."""


@dataclass(frozen=True)
class Answer:
    """Answers to one picture, nearest first, at least as many as the metrics need.

    Attributes
    ----------
    item : the picture.
    rows, distances : the rows found and their distances.
    wanted : relevant items of the picture; None: the truth table does not name the picture.
    relevant : whether each row is relevant.
    probabilities : probability of each row's label or source; empty if the index is not calibrated.
    known : whether the picture shows anything in the index; None without `--reject`.
    beyond : energy of the next answer, inf if there is none; None: the answers are not in the order of energies.
    energies : ascending, what decided the order, see `finder.Found`; they mean nothing if `beyond` is None.
    numbers : numbers of the rows in the index.
    changed : sets of the shown rows that have changed since they were indexed.
    turn : by how many degrees the picture was set upright before the search, positive: clockwise.
    pictures : state of each shown row's picture: "gone", "changed", or "" if neither.
    """

    item: Item
    rows: list[Row]
    distances: list[float]
    wanted: Wanted | None = None
    relevant: list[bool] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    known: bool | None = None
    beyond: float | None = None
    energies: list[float] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)
    turn: int = 0

    def told(self, place: int) -> str:
        """Return the distance of the answer at `place` (from 0), and its probability if it is known, as text."""
        distance = f"{round(self.distances[place], 6):.4g}"
        return f"{distance} {percent(self.probabilities[place])}" if self.probabilities else distance

    @property
    def rejected(self) -> bool:
        """True if the picture was rejected because it shows nothing in the index; then it has no answers."""
        return self.known is False

    @property
    def nothing(self) -> str:
        """Reason why there are no answers; "" if there are some."""
        return NOTHING if self.rejected else "" if self.rows else NONE

    @property
    def right(self) -> int | None:
        """Position of the first relevant answer, counted from 0; None if there is none."""
        return next((place for place, yes in enumerate(self.relevant) if yes), None)

    @property
    def rank(self) -> int:
        """Rank of the first relevant answer, from 1; 0 if there is none. Irrelevant answers as near come before it."""
        if self.rejected:
            return 0
        if self.beyond is None:
            return 0 if self.right is None else self.right + 1
        return worst_rank(self.relevant, self.energies[: len(self.relevant)], self.beyond)


@dataclass(frozen=True)
class Figures:
    """Metrics of the answers to a group of queries.

    Attributes
    ----------
    queries : number of queries.
    values : values in [0, 1] by name: "mrr@5", "recall@1", "recall@5", ...
    intervals : 95 % bootstrap interval of each value.
    """

    queries: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def figures_of(ranks: Mapping[str, int], wanted: Mapping[str, Wanted], depths: list[int]) -> dict[str, Figures]:
    """Return the metrics of all queries ("all") and of each kind.

    Parameters
    ----------
    ranks : rank of the first relevant answer by query; a missing query (it could not be read) counts as not found.
    wanted : relevant items and kind by query.
    depths : values of k for MRR@k and recall@k; recall@1 is always included.
    """
    groups = {"all": list(wanted)}
    for kind in sorted({query.kind for query in wanted.values()} - {""}):
        groups[kind] = [key for key, query in wanted.items() if query.kind == kind]
    return {
        kind: _figures(np.array([ranks.get(key, 0) for key in keys], np.int64), depths) for kind, keys in groups.items()
    }


def _figures(ranks: np.ndarray, depths: list[int]) -> Figures:
    single = {f"mrr@{k}": reciprocal_at(ranks, k) for k in depths}
    single |= {f"recall@{k}": (reciprocal_at(ranks, k) > 0).astype(np.float64) for k in sorted({1, *depths})}
    values = {name: float(each.mean()) if len(each) else 0.0 for name, each in single.items()}
    return Figures(len(ranks), values, {name: bootstrap(each) for name, each in single.items()})


def percent(probability: float) -> str:
    """Return a probability as text in per cent, without a space, at which narrow tables would break it."""
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{100 * probability:.0f}%"


class AnswerWriter:
    """Base class of outputs, which receive answers one by one and then their metrics, and show or write them."""

    def answer(self, answer: Answer) -> None:
        """Receive the answers to a picture."""

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        """Receive a picture that could not be read."""

    def figures(self, figures: Mapping[str, Figures]) -> None:
        """Receive the metrics by kind of query, "all" first; it is called after all answers if there is a truth."""

    def close(self) -> None:
        """Finish what is shown or written."""


def file_of(row: Row) -> str:
    """Return the name of the file from which a row was made: that of a mesh or of a picture."""
    return PurePosixPath(row.origin or row.item).name


def name_of(row: Row, characters: bool = False) -> str:
    """Return the displayed name of a row: character and file, or with `characters`: character, reading and label."""
    if characters:
        read = reading(row.char) if row.char else None
        return " ".join(filter(None, (row.char, read and (read.vietnamese or read.mandarin), row.label)))
    what = PurePosixPath(row.source or row.item).name
    return f"{row.char} {what}" if row.char else what
