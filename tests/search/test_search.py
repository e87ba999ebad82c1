"""The answers of FAISS and the exact distances agree with plain loops."""

from pathlib import Path

import numpy as np
import pytest
from tinyindex import tiny_index

from sinonom_cli.search.distances import cosine, euclidean, unit
from sinonom_cli.search.index import Index
from sinonom_cli.search.searcher import Searcher


def loop_euclidean(a: np.ndarray, b: np.ndarray) -> float:
    return sum((float(x) - float(y)) ** 2 for x, y in zip(a, b, strict=True)) ** 0.5


def loop_cosine(a: np.ndarray, b: np.ndarray) -> float:
    dot = sum(float(x) * float(y) for x, y in zip(a, b, strict=True))
    return 1 - dot / (sum(float(x) ** 2 for x in a) * sum(float(y) ** 2 for y in b)) ** 0.5


LOOPS = {"euclidean": loop_euclidean, "cosine": loop_cosine}


def test_distances_agree_with_loops() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 7)), rng.standard_normal((5, 7))
    for name, measure in (("euclidean", euclidean), ("cosine", cosine)):
        want = [[LOOPS[name](x, y) for y in b] for x in a]
        assert np.allclose(measure(a[:, None], b), want, atol=1e-12)
    assert cosine(np.zeros(3), np.ones(3)) == 1
    assert cosine(np.ones(3), -np.ones(3)) == pytest.approx(2)
    many = rng.standard_normal((2000, 7))
    assert (cosine(many, -3 * many) <= 2).all()
    assert (unit(np.zeros((2, 3))) == 0).all()


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
@pytest.mark.parametrize("unit", [False, True])
@pytest.mark.parametrize("queries", [1, 40])
def test_the_nearest_agree_with_sorting_all_distances(tmp_path: Path, distance: str, unit: bool, queries: int) -> None:
    rng = np.random.default_rng(1)
    vectors = (rng.standard_normal((300, 16)) * rng.uniform(0.5, 3, (300, 1))).astype(np.float32)
    if unit:
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[200:210] = vectors[:10]  # these make ties
    asked = vectors[:queries] + rng.normal(0, 1e-3, (queries, 16)).astype(np.float32)
    asked[0] = vectors[0]
    rows, distances = Searcher(tiny_index(tmp_path / "db.faiss", vectors), distance).nearest(asked, 5)
    for query, found, how_far in zip(asked, rows, distances, strict=True):
        every = [LOOPS[distance](query, vector) for vector in vectors]
        want = sorted(range(len(every)), key=lambda i: (round(every[i], 9), i))[:5]
        assert found.tolist() == want
        assert np.allclose(how_far, [every[i] for i in want], atol=1e-6)


class Shuffled:
    """An index that returns candidates in another order, as graphs and inverted files do."""

    def __init__(self, index: Index) -> None:
        self.index = index

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        rows, vectors = self.index.candidates(queries, k)
        order = np.random.default_rng(0).permutation(rows.shape[1])
        return rows[:, order], vectors[:, order]


@pytest.mark.parametrize("distance", ["euclidean", "cosine"])
def test_ties_stand_in_the_order_of_the_index_whatever_order_they_are_found_in(tmp_path: Path, distance: str) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((12, 8)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    vectors[[2, 5, 7, 11]] = vectors[9]
    searcher = Searcher(tiny_index(tmp_path / "db.faiss", vectors), distance)
    searcher.searchable = Shuffled(searcher.searchable)  # type: ignore[assignment]
    rows, distances = searcher.nearest(vectors[9:10], 12)
    assert rows[0, :5].tolist() == [2, 5, 7, 9, 11]
    assert (distances[0, :5] == 0).all() and (np.diff(distances[0]) >= 0).all()
    assert searcher.nearest(vectors[9:10], 3)[0].tolist() == [[2, 5, 7]]


def test_of_labels_equally_near_the_one_that_the_index_has_first_goes_first(tmp_path: Path) -> None:
    vectors = np.tile(np.float32([[0, 1]]), (6, 1))
    labels = ["U+4E05", "U+4E03", "U+4E03", "U+4E01", "U+4E02", "U+4E05"]
    searcher = Searcher(tiny_index(tmp_path / "db.faiss", vectors, labels), "euclidean", each_label_once=True)
    searcher.searchable = Shuffled(searcher.searchable)  # type: ignore[assignment]
    [(rows, _)] = searcher.answers(vectors[:1], 3)
    assert rows == [0, 1, 3]


def test_a_small_index_gives_what_it_has(tmp_path: Path) -> None:
    index = tiny_index(tmp_path / "db.faiss", np.eye(3, dtype=np.float32))
    rows, _ = Searcher(index, "euclidean").nearest(np.eye(3, dtype=np.float32)[:1], 5)
    assert rows.tolist() == [[0, 1, 2]]


def test_each_label_is_answered_once_by_its_nearest_row(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    vectors = rng.standard_normal((200, 4)).astype(np.float32)
    labels = ["U+4E00"] * 120 + [f"U+{0x4E01 + i % 3:04X}" for i in range(80)]
    index = tiny_index(tmp_path / "db.faiss", vectors, labels)
    queries = vectors[:40] + 0.01
    answers = list(Searcher(index, "euclidean", each_label_once=True).answers(queries, 5))
    assert len(answers) == len(queries)
    for query, (rows, distances) in zip(queries, answers, strict=True):
        every = euclidean(query, vectors)
        best = {label: min(every[i] for i in range(200) if labels[i] == label) for label in set(labels)}
        assert [labels[row] for row in rows] == sorted(best, key=best.__getitem__)
        assert distances == pytest.approx(sorted(best.values()))


@pytest.mark.parametrize("queries", [1, 40])
@pytest.mark.parametrize("kind", ["euclidean", "cosine"])
def test_ties_come_in_the_order_of_the_rows_however_many_there_are(tmp_path: Path, queries: int, kind: str) -> None:
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((600, 6)).astype(np.float32)
    vectors[rng.permutation(600)[:400]] = vectors[7]
    same = np.flatnonzero((vectors == vectors[7]).all(axis=1))
    asked = np.repeat(vectors[7][None], queries, axis=0)
    searcher = Searcher(tiny_index(tmp_path / "db.faiss", vectors), kind)
    for k in (1, 5, 13, 200):
        rows, distances = searcher.nearest(asked, k)
        assert rows.tolist() == [same[:k].tolist()] * queries
        assert (distances == distances[0, 0]).all()
    rows, _ = searcher.nearest(np.concatenate([asked, vectors[:1]]), 3)
    assert rows[-1][0] == 0 and rows[:-1].tolist() == [same[:3].tolist()] * queries


def test_labels_at_one_distance_come_in_the_order_of_their_rows(tmp_path: Path) -> None:
    vectors = np.ones((90, 4), np.float32)
    labels = [f"U+{0x4E00 + (i * 7) % 30:04X}" for i in range(90)]
    index = tiny_index(tmp_path / "db.faiss", vectors, labels)
    [(rows, _)] = Searcher(index, "euclidean", each_label_once=True).answers(vectors[:1], 5)
    assert rows == [0, 1, 2, 3, 4]
