"""Measure the quality of ranked lists: the rank of the first relevant item, MRR@k and recall@k.

A query with several relevant items counts as answered as soon as one of them is found. This is the recall of the metric
learning literature (Jégou et al. 2011, "Product quantization for nearest neighbor search"; Musgrave et al. 2020). In
information retrieval, recall is instead the share of all relevant items that are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

RESAMPLED = 10_000

if TYPE_CHECKING:
    from numpy.typing import NDArray


def first_relevant_rank(relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rank of the first relevant answer of each query.

    Parameters
    ----------
    relevant : (Q, K) bool, True where the k-th answer (best first) of a query is relevant.

    Returns
    -------
    (Q,) int64, counted from 1; 0 where none of the K answers is relevant.
    """
    relevant = np.asarray(relevant, dtype=bool)
    if relevant.shape[1] == 0:
        return np.zeros(len(relevant), dtype=np.int64)
    return np.where(relevant.any(axis=1), relevant.argmax(axis=1) + 1, 0).astype(np.int64)


def worst_rank(relevant: Sequence[bool], distances: Sequence[float], beyond: float) -> int:
    """Return the rank of the first relevant answer to one query, placed behind irrelevant ones at the same distance.

    Parameters
    ----------
    relevant, distances : whether each answer is relevant, and its distance, nearest first.
    beyond : distance of the next answer, which is not among them; inf: there is none.

    Returns
    -------
    The rank, counted from 1; 0 if no answer is relevant, or if answers that are not among them may come before it.
    """
    first = next((place for place, yes in enumerate(relevant) if yes), None)
    if first is None or distances[first] == beyond:
        return 0
    tied = sum(far == distances[first] and not yes for far, yes in zip(distances, relevant, strict=True))
    return 1 + sum(far < distances[first] for far in distances) + tied


def ranks_by_distance(distances: NDArray[np.floating], relevant: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rank of the nearest relevant item of each query in the whole gallery.

    Parameters
    ----------
    distances : (Q, N) float, from query to gallery item; +inf for an item that must not count (the query itself).
    relevant : (Q, N) bool.

    Returns
    -------
    (Q,) int64, counted from 1; 0 where no relevant item has a finite distance. Ties get the worst rank: all irrelevant
    items at the same distance come first. So a network that embeds all pictures alike gets no credit.
    """
    distances = np.asarray(distances)
    reachable = np.asarray(relevant, dtype=bool) & np.isfinite(distances)
    if distances.shape[1] == 0:
        return np.zeros(len(distances), dtype=np.int64)
    best = np.where(reachable, distances, np.inf).min(axis=1, keepdims=True)
    before = (distances <= best) & ~np.asarray(relevant, dtype=bool)
    return np.where(reachable.any(axis=1), before.sum(axis=1) + 1, 0).astype(np.int64)


def mrr_at(ranks: NDArray[np.integer], k: int) -> float:
    """Return the mean reciprocal rank: the mean over queries of 1 / rank, or of 0 for a rank beyond `k` or 0.

    Parameters
    ----------
    ranks : (Q,) int, counted from 1; 0: not found. An empty array gives 0.0.
    """
    found = reciprocal_at(ranks, k)
    return float(found.mean()) if len(found) else 0.0


def reciprocal_at(ranks: NDArray[np.integer], k: int) -> NDArray[np.float64]:
    """Return 1 / rank of each query, (Q,) float64; 0 for a rank beyond `k` or 0 (not found)."""
    return np.where(_found(ranks, k), 1.0 / np.maximum(np.asarray(ranks), 1), 0.0)


def recall_at(ranks: NDArray[np.integer], k: int) -> float:
    """Return the share of queries, in [0, 1], that have a relevant item among their first `k` answers.

    Parameters
    ----------
    ranks : (Q,) int, counted from 1; 0: not found. An empty array gives 0.0.
    """
    found = _found(ranks, k)
    return float(found.mean()) if len(found) else 0.0


def bootstrap(values: NDArray[np.floating], level: float = 0.95, seed: int = 0) -> tuple[float, float]:
    """Return the percentile bootstrap interval of a mean over queries (Efron 1979).

    Parameters
    ----------
    values : (Q,) float, one for each query: its reciprocal rank, or 0 or 1 for recall. An empty array gives (0.0, 0.0).
    level : share of the resampled means inside the interval.

    Returns
    -------
    The lower and the upper end. Queries are drawn independently with replacement. If queries belong together, such as
    several pictures of one character, the true interval is wider.
    """
    if len(values) == 0:
        return 0.0, 0.0
    # Ranks take few distinct values. The number of times that each is drawn is multinomial, so a million queries take
    # no more time than a hundred.
    distinct, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    draws = np.random.default_rng(seed).multinomial(len(values), counts / len(values), RESAMPLED)
    means = np.einsum("rv,v->r", draws, distinct) / len(values)  # without BLAS: the same digits on every machine
    low, high = np.quantile(means, ((1 - level) / 2, (1 + level) / 2))
    return float(low), float(high)


def _found(ranks: NDArray[np.integer], k: int) -> NDArray[np.bool_]:
    ranks = np.asarray(ranks)
    return (ranks >= 1) & (ranks <= k)
