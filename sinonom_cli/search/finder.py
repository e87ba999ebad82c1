"""Find the answers to queries in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.search.common_names import AT_LEAST, common_names_of
from sinonom_cli.search.probability import Way, energies_of
from sinonom_cli.search.searcher import Searcher

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.index import Index


class Found(NamedTuple):
    """Answers to one query, in their order.

    Attributes
    ----------
    rows : numbers of the rows in the index.
    distances : between their embeddings and the query's.
    energies : (k,) float64, ascending: what decides the order, see `probability.energies_of` and `common_names`.
    """

    rows: list[int]
    distances: list[float]
    energies: NDArray[np.float64]


class Finder:
    """Finds answers with a searcher, and orders them also by the characters that they show.

    Parameters
    ----------
    searcher : searcher of the index.
    names : whether characters count, where the rows can be compared with them; otherwise distances alone count.
    """

    def __init__(self, searcher: Searcher, names: bool) -> None:
        self.searcher = searcher
        self._names = common_names_of(searcher.index, searcher.distance) if names else None
        self._no_names = not names

    @property
    def index(self) -> Index:
        """The searched index."""
        return self.searcher.index

    def way(self, tta: bool) -> Way:
        """Return this search mode, for which an index may be calibrated."""
        return Way(self.searcher.distance, tta, self._names is not None, self._no_names)

    def answers(self, queries: NDArray[np.float32], k: int) -> Iterator[Found]:
        """Yield the first k answers to each of (Q, D) float32 queries; fewer if the index is smaller."""
        names = self._names
        looked_at = k if names is None else max(k, AT_LEAST)
        for query, (rows, distances) in zip(queries, self.searcher.answers(queries, looked_at), strict=True):
            energies = energies_of(distances, self.searcher.distance)
            if names is None or not rows:
                yield Found(rows, distances, energies)
                continue
            energies = names(query, self.index.vectors_of(np.array(rows)), energies)
            order = np.argsort(energies, kind="stable")[:k].tolist()
            yield Found([rows[n] for n in order], [distances[n] for n in order], energies[order])
