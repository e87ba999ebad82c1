"""Ask an index queries whose relevant items are known, and keep what a calibration is fitted on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.search.doubt import CROWD, signs_of
from sinonom_cli.search.finder import Found
from sinonom_cli.search.probability import ANSWERS, wanted_rows
from sinonom_cli.search.relevance import Wanted
from sinonom_cli.search.rows import Row, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.answers import Batch
    from sinonom_cli.search.finder import Finder


@dataclass
class Asked:
    """Answers to known queries, where each answer is a label or a source.

    Attributes
    ----------
    energies, right : energies of each query's `ANSWERS` nearest answers, nearest first, and which of them are relevant.
    near, without : distance of each query's nearest answer, and of the nearest answer with another character, which the
        query would find if its own character were not in the index.
    signs, signs_without : signs of each query in both cases, see `doubt.signs_of`; None if there is no other character.
    labels : names of each query's relevant items, as the truth table writes them.
    """

    energies: list[NDArray[np.float64]] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)
    near: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    signs: list[tuple[float, ...]] = field(default_factory=list)
    signs_without: list[tuple[float, ...] | None] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return energies (inf where there are fewer answers) and which answers are relevant, each (Q, ANSWERS)."""
        energies = np.full((len(self.energies), ANSWERS), np.inf)
        right = np.zeros((len(self.energies), ANSWERS), bool)
        for query, (own, yes) in enumerate(zip(self.energies, self.right, strict=True)):
            energies[query, : len(own)], right[query, : len(own)] = own, yes
        return energies, right


def ask(
    finder: Finder,
    batches: Iterable[Batch],
    wanted: Mapping[str, Wanted],
    there: frozenset[str],
) -> tuple[dict[str, Asked], list[str], int]:
    """Return answers by label (if labels decide relevance) and by source, failures, and the number of absent queries.

    A query is absent if the index holds none of its relevant items.
    """
    asked = {"label": Asked(), "source": Asked()}
    failed: list[str] = []
    absent = 0
    for batch in batches:
        failed += batch.failures.values()
        for failure in batch.failures.values():
            messages.warn(failure)
        found = finder.answers(batch.vectors, wanted_rows(finder.searcher)) if len(batch.vectors) else iter(())
        # Rows in Milvus are available only until the next search.
        seen = [([finder.index.rows[number] for number in one.rows], one) for one in found]
        for (item, vector, spread, *_), (rows, answers) in zip(batch.read(), seen, strict=True):
            sought = wanted.get(item.key)
            if sought is None:
                continue
            if not sought.names & there or not rows:
                absent += 1
                continue
            relevant = [sought.by(row) for row in rows]
            if "label" in asked and not _told_by_label(rows, relevant):
                del asked["label"]
            energies = answers.energies
            others, left = _without(finder, vector, sought, rows, answers)
            signs = signs_of(rows, energies, spread)
            signs_without = signs_of(others, left.energies, spread) if others else None
            for by, each in asked.items():
                first = nearest(rows, by)
                places = list(first.values())[:ANSWERS]
                each.energies.append(energies[places])
                each.right.append(np.array(relevant)[places])
                each.near.append(answers.distances[0])
                each.without.append(left.distances[0] if others else float("inf"))
                each.signs.append(signs)
                each.signs_without.append(signs_without)
                each.labels.append(",".join(sorted(sought.names)))
    return asked, failed, absent


def _told_by_label(rows: list[Row], relevant: list[bool]) -> bool:
    """Return whether all rows have labels, and the rows of each label are either all relevant or all irrelevant."""
    meant: dict[str, bool] = {}
    return all(row.label and meant.setdefault(row.label, yes) == yes for row, yes in zip(rows, relevant, strict=True))


def _without(
    finder: Finder, vector: NDArray[np.float32], sought: Wanted, rows: list[Row], answers: Found
) -> tuple[list[Row], Found]:
    """Return the answers that a query would have if the index held nothing that shows its character.

    Left out are relevant rows, and rows with the label of one. If too few other labels are left for `signs_of`, the
    search goes deeper; the result is not longer than `rows`.
    """
    wanted = len(rows)
    right: set[str] = set()
    while True:
        yes = [sought.by(row) for row in rows]
        right |= {row.label for row, one in zip(rows, yes, strict=True) if one and row.label}
        kept = [place for place, one in enumerate(yes) if not one and rows[place].label not in right][:wanted]
        others = [rows[place] for place in kept]
        if len(nearest(others, "label")) > CROWD or len(rows) == len(finder.index):
            break
        looked_at = min(8 * len(rows), len(finder.index))
        deeper = next(finder.answers(vector[None], looked_at))
        if len(deeper.rows) <= len(rows):  # a compressed index, or one with few labels, has no more rows
            break
        answers, rows = deeper, [finder.index.rows[number] for number in deeper.rows]
    numbers, distances = [answers.rows[place] for place in kept], [answers.distances[place] for place in kept]
    return others, Found(numbers, distances, answers.energies[kept])
