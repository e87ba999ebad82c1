"""The nearest rows of an index."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.artifacts.index import Index
from sinonom_cli.artifacts.index_checks import remake
from sinonom_cli.artifacts.plain_vectors import PLAIN
from sinonom_cli.errors import SinonomError
from sinonom_cli.query.distances import DISTANCES, OF_CLASSES, distance_of, unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.artifacts.model import Model

CANDIDATES = 500
"""Rows whose distributions over classes are compared with a query's; of a smaller index, all."""
SPARE = 8
"""How many more candidates FAISS is asked for, so that its rounding cannot cost a right answer its place."""


class Searcher:
    """Searches one index by one distance.

    Parameters
    ----------
    index : opened.
    distance : "euclidean", "cosine", "kl" or "cross-entropy".
    each_label_once : an answer is a label, shown by its nearest row, and not a row.
    model : the index's; distances between distributions over classes need it.
    """

    def __init__(self, index: Index, distance: str, each_label_once: bool = False, model: Model | None = None) -> None:
        self.index, self.distance, self.each_label_once = index, distance, each_label_once
        self.measure = DISTANCES[distance] if model is None else distance_of(distance, model)
        # FAISS knows no distributions: of the rows that are nearest by their embeddings, some hundreds are measured.
        self.least = CANDIDATES if distance in OF_CLASSES else 0
        by = index.distance if distance in OF_CLASSES else distance
        self.scaled = by == "cosine" and not index.unit
        self.searchable: Index = _of_unit_vectors(index) if self.scaled else index

    def answers(self, queries: NDArray[np.float32], k: int) -> Iterator[tuple[list[int], list[float]]]:
        """Yield rows and distances of the k nearest answers to each of (Q, D) float32 queries, nearest first."""
        if self.each_label_once:
            found: Iterable[tuple[NDArray[np.int64], NDArray[np.float64]]] = (
                self.nearest_labels(query, k) for query in queries
            )
        else:
            found = zip(*self.nearest(queries, k), strict=True)
        for rows, distances in found:
            there = rows >= 0  # a compressed index may find fewer than it was asked for
            yield rows[there].tolist(), distances[there].tolist()

    def nearest(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find the k nearest rows of each query, nearest first, ties in the order of the index.

        Parameters
        ----------
        queries : (Q, D) float32.
        k : at most this many answers; fewer if the index is smaller.

        Returns
        -------
        (Q, k) int64 rows and (Q, k) float64 distances.
        """
        wanted = np.ascontiguousarray(unit(queries) if self.scaled else queries, np.float32)
        rows, vectors = self.searchable.candidates(wanted, min(max(k + SPARE, self.least), len(self.index)))
        distances = np.where(rows < 0, np.inf, self.measure(queries[:, None, :], vectors))
        order = np.lexsort((rows, distances), axis=1)[:, :k]
        return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)

    def nearest_labels(self, query: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find the nearest row of each of the k nearest labels.

        Parameters
        ----------
        query : (D,) float32.
        k : at most this many labels; fewer if the index knows fewer.

        Returns
        -------
        (k,) int64 rows and (k,) float64 distances.
        """
        # Where a label has at most so many rows, the k nearest labels are among k times as many.
        size, asked = len(self.index), (self.index.prototypes or 8) * k
        while True:
            rows, distances = self.nearest(query[None], min(asked, size))
            first: dict[str, int] = {}
            for position, row in enumerate(rows[0][rows[0] >= 0].tolist()):
                first.setdefault(self.index.rows[row].label, position)
            if len(first) >= k or asked >= size:
                chosen = list(first.values())[:k]
                return rows[0][chosen], distances[0][chosen]
            asked *= 4


def _of_unit_vectors(index: Index) -> Index:
    """Return an index that is searched by its vectors at unit length, and answers with them as they are."""
    if index.type not in PLAIN:
        raise SinonomError(
            f"{index.path} ({index.type}) is made for Euclidean distances between vectors that have not one length",
            f"--distance euclidean, or {remake(index.path, index.record, type='flat')}",
        )
    import faiss

    vectors = index.vectors
    searchable = faiss.IndexFlatL2(vectors.shape[1])
    for start in range(0, len(vectors), 65_536):
        searchable.add(unit(vectors[start : start + 65_536]).astype(np.float32))
    return replace(index, faiss=searchable)
