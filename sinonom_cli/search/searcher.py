"""Find the rows or labels of an index that are nearest to queries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.search.distances import DISTANCES, ClassDistance, distance_of, unit
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import remake
from sinonom_cli.search.plain_vectors import PLAIN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.storage.model_folder import Model

    Answers = tuple[NDArray[np.int64], NDArray[np.float64]]

PRODUCTS = 20_000_000_000
"""Largest number of multiplications (one second) for computing the class distributions of a whole index."""
CANDIDATES = 500
"""Number of rows, nearest by embedding, whose class distributions are compared in a larger index or in Milvus."""
FORMED = 1024
"""Number of vectors transformed at a time; with tens of thousands of classes they take a few hundred megabytes."""
TIES = 16_384
"""Largest number of candidates when rows at the distance of the last answer are searched; Milvus returns no more."""
TOGETHER = 16
"""Number of queries for labels that are searched together; FAISS searches so few in one thread."""
SPARE = 8
"""Number of additional candidates requested from FAISS, so that its rounding cannot exclude one of the nearest rows."""


class Searcher:
    """Searches one index with one distance.

    Parameters
    ----------
    index : the opened index.
    distance : "euclidean", "cosine", "kl" or "cross-entropy".
    each_label_once : each answer is a label, represented by its nearest row; otherwise each answer is a row.
    model : the index's model, which distances between class distributions need.
    """

    def __init__(self, index: Index, distance: str, each_label_once: bool = False, model: Model | None = None) -> None:
        self.index, self.distance, self.each_label_once = index, distance, each_label_once
        self.measure = DISTANCES[distance] if model is None else distance_of(distance, model)
        self.least = 0
        self.searchable: Index = index
        self.as_searched: Callable[[NDArray[np.float32]], NDArray[np.floating]] = np.asarray
        classes = self.measure if isinstance(self.measure, ClassDistance) else None
        if classes and index.type != "milvus" and len(index) * classes.weight.size <= PRODUCTS:
            self.searchable, self.as_searched = _of_classes(index, classes), classes.as_products
        else:
            self.least = CANDIDATES if classes else 0
            if (index.distance if classes else distance) == "cosine" and not index.unit:
                self.searchable, self.as_searched = _of_unit_vectors(index), unit

    def answers(self, queries: NDArray[np.float32], k: int) -> Iterator[tuple[list[int], list[float]]]:
        """Yield rows and distances of the k nearest answers to each of (Q, D) float32 queries, nearest first."""
        if self.each_label_once:
            parts = (queries[start : start + TOGETHER] for start in range(0, len(queries), TOGETHER))
            found: Iterable[Answers] = (one for part in parts for one in self.nearest_labels(part, k))
        else:
            found = zip(*self.nearest(queries, k), strict=True)
        for rows, distances in found:
            there = rows >= 0  # a compressed index may find fewer rows than requested
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
        wanted = np.ascontiguousarray(self.as_searched(queries), np.float32)
        return self._nearest(queries, wanted, k, min(max(k + SPARE, self.least), len(self.index)))

    def _nearest(
        self, queries: NDArray[np.float32], wanted: NDArray[np.float32], k: int, asked: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Find the k nearest rows among `asked` candidates, or among more if rows at the last distance may be missing.

        If many rows have the same distance, the number of threads decides which of them FAISS returns.
        """
        rows, distances = self._measured(queries, wanted, asked)
        nearest, far = rows[:, :k].copy(), distances[:, :k].copy()
        most = min(len(self.index), TIES)
        if asked < most and 0 < k <= distances.shape[1]:
            last = distances[:, -1]
            cut = np.flatnonzero((distances[:, k - 1] == last) & np.isfinite(last))
            asked = min(8 * asked, most)
            for start in range(0, len(cut), at_once := max(1, TIES // asked)):
                part = cut[start : start + at_once]
                nearest[part], far[part] = self._nearest(queries[part], wanted[part], k, asked)
        return nearest, far

    def _measured(
        self, queries: NDArray[np.float32], wanted: NDArray[np.float32], asked: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return candidates and their exact distances, (Q, C) each, nearest first, ties in the order of the index."""
        rows, vectors = self.searchable.candidates(wanted, asked)
        distances = np.where(rows < 0, np.inf, self.measure(queries[:, None, :], vectors))
        order = np.lexsort((rows, distances), axis=1)
        return np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)

    def nearest_labels(self, queries: NDArray[np.float32], k: int, asked: int | None = None) -> Iterator[Answers]:
        """Yield for each query the nearest row of each of the k nearest labels.

        Parameters
        ----------
        queries : (Q, D) float32; they are searched together.
        k : at most this many labels; fewer if the index has fewer.
        asked : number of rows that are searched first; None: as many as these labels may have.

        Yields
        ------
        (k,) int64 rows and (k,) float64 distances, nearest first.
        """
        # If each label has at most n rows, the k nearest labels are among the k * n nearest rows.
        size, asked = len(self.index), asked or (self.index.prototypes or 8) * k
        for query, rows, distances in zip(queries, *self.nearest(queries, min(asked, size)), strict=True):
            first: dict[str, int] = {}
            for position, row in enumerate(rows[rows >= 0].tolist()):
                first.setdefault(self.index.rows[row].label, position)
            if len(first) < k and asked < size:
                yield from self.nearest_labels(query[None], k, 4 * asked)
            else:
                chosen = list(first.values())[:k]
                yield rows[chosen], distances[chosen]


def _of_unit_vectors(index: Index) -> Index:
    """Return an index that is searched by its vectors scaled to unit length, and returns the unscaled vectors."""
    if index.type not in PLAIN:
        raise SinonomError(
            f"{index.path} ({index.type}) has vectors of different lengths and only supports Euclidean distances",
            f"use --distance euclidean, or {remake(index.path, index.record, type='flat')}",
        )
    import faiss

    vectors = index.vectors
    return _searched_as(index, faiss.IndexFlatL2(vectors.shape[1]), vectors, unit)


def _of_classes(index: Index, measure: ClassDistance) -> Index:
    """Return an index that is searched by class distributions, and returns its unchanged vectors."""
    import faiss

    vectors = index.vectors
    return _searched_as(index, faiss.IndexFlatIP(vectors.shape[1] + 1), vectors, measure.of_gallery)


def _searched_as(
    index: Index, searchable: Any, vectors: NDArray[np.float32], form: Callable[..., NDArray[np.floating]]
) -> Index:
    for start in range(0, len(vectors), FORMED):
        searchable.add(form(vectors[start : start + FORMED]).astype(np.float32))
    return replace(index, faiss=searchable, record=replace(index.record, candidates=1))
