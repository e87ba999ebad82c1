"""MRR@k and recall@k agree with cases computed by hand and with a plain loop."""

from __future__ import annotations

import numpy as np
import pytest

from sinonom_cli.search.metrics import bootstrap, first_relevant_rank, mrr_at, ranks_by_distance, recall_at, worst_rank


def loop_rank(distances: list[float], relevant: list[bool]) -> int:
    """Sort items by distance, irrelevant ones first among equals; return the rank of the first relevant item."""
    order = sorted(range(len(distances)), key=lambda i: (distances[i], relevant[i]))
    for rank, item in enumerate(order, start=1):
        if distances[item] == float("inf"):
            return 0
        if relevant[item]:
            return rank
    return 0


def test_the_first_of_several_relevant_answers_counts() -> None:
    relevant = np.array(
        [[False, True, True], [True, True, True], [False, False, False], [False, False, True]], dtype=bool
    )
    assert first_relevant_rank(relevant).tolist() == [2, 1, 0, 3]
    assert first_relevant_rank(np.zeros((2, 0), dtype=bool)).tolist() == [0, 0]


def test_mrr_is_zero_beyond_k_and_where_nothing_is_found() -> None:
    ranks = np.array([1, 2, 5, 6, 0])
    assert mrr_at(ranks, 5) == pytest.approx((1 + 1 / 2 + 1 / 5) / 5)
    assert mrr_at(ranks, 1) == pytest.approx(1 / 5)
    assert recall_at(ranks, 5) == pytest.approx(3 / 5)
    assert recall_at(ranks, 1) == pytest.approx(1 / 5)
    assert mrr_at(np.array([], dtype=np.int64), 5) == 0.0
    assert recall_at(np.array([], dtype=np.int64), 5) == 0.0


def test_ties_count_as_the_worst_rank() -> None:
    distances = np.array([[1.0, 1.0, 1.0, 0.5]])
    assert ranks_by_distance(distances, np.array([[True, True, False, False]])).tolist() == [3]
    assert ranks_by_distance(distances, np.array([[True, False, False, False]])).tolist() == [4]
    assert ranks_by_distance(distances, np.array([[True, True, True, True]])).tolist() == [1]
    assert ranks_by_distance(np.zeros((3, 40)), np.eye(3, 40, dtype=bool)).tolist() == [40, 40, 40]


def test_ties_of_one_query_count_as_the_worst_rank_also_those_that_were_not_looked_at() -> None:
    inf = float("inf")
    assert worst_rank([False, True, False, False], [0.1, 0.2, 0.2, 0.3], inf) == 3
    assert worst_rank([True, False, True], [0.1, 0.1, 0.1], inf) == 2
    assert worst_rank([True, False, False], [0.1, 0.1, 0.1], 0.1) == 0
    assert worst_rank([True, False, False], [0.1, 0.1, 0.2], 0.2) == 2
    assert worst_rank([False, False, True], [0.1, 0.1, 0.2], 0.3) == 3
    assert worst_rank([False, False], [0.1, 0.2], inf) == worst_rank([], [], inf) == 0


def test_without_items_nothing_is_found_and_without_queries_there_are_no_ranks() -> None:
    assert ranks_by_distance(np.zeros((2, 0)), np.zeros((2, 0), bool)).tolist() == [0, 0]
    assert ranks_by_distance(np.zeros((0, 3)), np.zeros((0, 3), bool)).tolist() == []


def test_the_query_itself_at_infinity_never_counts() -> None:
    distances = np.array([[np.inf, 2.0, 1.0], [np.inf, 2.0, 1.0]])
    relevant = np.array([[True, True, False], [True, False, False]])
    assert ranks_by_distance(distances, relevant).tolist() == [2, 0]


def test_ranks_agree_with_a_loop_on_random_distances_with_ties() -> None:
    rng = np.random.default_rng(7)
    for _ in range(50):
        queries, items, k = rng.integers(1, 8), rng.integers(1, 12), int(rng.integers(1, 7))
        distances = rng.integers(0, 5, (queries, items)).astype(np.float32)
        distances[rng.random(distances.shape) < 0.1] = np.inf
        relevant = rng.random(distances.shape) < 0.3
        want = [loop_rank(d.tolist(), r.tolist()) for d, r in zip(distances, relevant, strict=True)]
        ranks = ranks_by_distance(distances, relevant)
        assert ranks.tolist() == want
        assert mrr_at(ranks, k) == pytest.approx(sum(1 / r for r in want if 0 < r <= k) / queries)
        assert recall_at(ranks, k) == pytest.approx(sum(0 < r <= k for r in want) / queries)


def test_the_bootstrap_agrees_with_drawing_queries_in_a_loop_and_with_the_binomial() -> None:
    values = np.array([1.0] * 40 + [0.5] * 12 + [1 / 3] * 5 + [0.0] * 23)
    rng = np.random.default_rng(5)
    means = [rng.choice(values, len(values)).mean() for _ in range(8_000)]
    assert bootstrap(values) == pytest.approx(np.quantile(means, (0.025, 0.975)), abs=0.006)
    hits = np.repeat([1.0, 0.0], (450, 550))
    half = 1.96 * (0.45 * 0.55 / 1000) ** 0.5
    assert bootstrap(hits) == pytest.approx((0.45 - half, 0.45 + half), abs=0.003)
    assert bootstrap(np.ones(7)) == (1.0, 1.0)
    assert bootstrap(np.zeros(0)) == (0.0, 0.0)
