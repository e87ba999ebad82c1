"""The answers to one picture, and what takes them: tables, files, pages."""

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
"""What is said of a rejected query."""
NONE = "no answer found"
"""What is said of a query for which the index, which is compressed, or lies in Milvus, finds no row."""


@dataclass(frozen=True)
class Answer:
    """The answers to one picture, nearest first, at least as many as the metrics need.

    Attributes
    ----------
    item : the picture.
    rows, distances : what was found.
    wanted : what the truth says of the picture; None: nothing.
    relevant : which of the rows are wanted.
    probabilities : of each row's label or source, if the index is calibrated.
    known : whether the picture shows anything in the index; None: `--reject` was not asked for.
    beyond : distance of the next answer, inf if there is none; None: the order is not that of the distances.
    numbers : of the rows, in the index.
    changed : sets of the rows that are shown which have changed since they were indexed.
    pictures : of each row that is shown, "gone" or "changed" where its picture is; else "".
    """

    item: Item
    rows: list[Row]
    distances: list[float]
    wanted: Wanted | None = None
    relevant: list[bool] = field(default_factory=list)
    probabilities: list[float] = field(default_factory=list)
    known: bool | None = None
    beyond: float | None = None
    numbers: list[int] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    pictures: list[str] = field(default_factory=list)

    def told(self, place: int) -> str:
        """Return the distance of an answer, counted from 0, and its probability if it is known, as people read it."""
        distance = f"{round(self.distances[place], 6):.4g}"
        return f"{distance} {percent(self.probabilities[place])}" if self.probabilities else distance

    @property
    def rejected(self) -> bool:
        """Whether it is said of the picture that it shows nothing in the index: then nothing is answered."""
        return self.known is False

    @property
    def nothing(self) -> str:
        """Why nothing is answered; "" where something is."""
        return NOTHING if self.rejected else "" if self.rows else NONE

    @property
    def right(self) -> int | None:
        """Place of the first relevant answer, counted from 0; None: there is none."""
        return next((place for place, yes in enumerate(self.relevant) if yes), None)

    @property
    def rank(self) -> int:
        """Rank of the first relevant answer, from 1; 0: none. What lies as near as it counts as before it."""
        if self.rejected:
            return 0
        if self.beyond is None:
            return 0 if self.right is None else self.right + 1
        return worst_rank(self.relevant, self.distances[: len(self.relevant)], self.beyond)


@dataclass(frozen=True)
class Figures:
    """How good the answers to some queries are.

    Attributes
    ----------
    queries : how many.
    values : "mrr@5", "recall@1", "recall@5", ... in [0, 1].
    intervals : 95 % bootstrap interval of each.
    """

    queries: int
    values: dict[str, float]
    intervals: dict[str, tuple[float, float]]


def figures_of(ranks: Mapping[str, int], wanted: Mapping[str, Wanted], depths: list[int]) -> dict[str, Figures]:
    """Return the figures of all queries and of each kind.

    Parameters
    ----------
    ranks : of the first relevant answer by query; a query that is missing (it could not be read) found nothing.
    wanted : what is relevant, and the kind, by query.
    depths : at which MRR and recall are taken; recall is taken at 1, too.
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
    """Return a probability as people read it; without a space, at which narrow tables would break it."""
    if probability > 0.99:
        return ">99%"
    return "<1%" if probability < 0.01 else f"{100 * probability:.0f}%"


class AnswerWriter:
    """Takes answers one by one and then their figures, and shows or writes them. Does nothing of itself."""

    def answer(self, answer: Answer) -> None:
        """Take the answers to a picture."""

    def unread(self, item: Item, wanted: Wanted | None, reason: str) -> None:
        """Take a picture that could not be read."""

    def figures(self, figures: Mapping[str, Figures]) -> None:
        """Take the figures by kind of query; the first kind is "all". Comes after all answers, if there is a truth."""

    def close(self) -> None:
        """Finish what is shown or written."""


def file_of(row: Row) -> str:
    """Return the name of the file that a row shows: a mesh's, or a picture's."""
    return PurePosixPath(row.origin or row.item).name


def name_of(row: Row, characters: bool = False) -> str:
    """Return how people call a row: character and file; or, of characters, how it is read in Vietnamese, and label."""
    if characters:
        read = reading(row.char) if row.char else None
        return " ".join(filter(None, (row.char, read and (read.vietnamese or read.mandarin), row.label)))
    what = PurePosixPath(row.source or row.item).name
    return f"{row.char} {what}" if row.char else what
