"""A search requests enough candidates to include all ties, and no more, in any order of the candidates."""

from pathlib import Path

import numpy as np
import pytest
from tinyindex import tiny_index

from sinonom_cli.search import searcher as search
from sinonom_cli.search.distances import ClassDistance
from sinonom_cli.search.index import Index
from sinonom_cli.search.searcher import Searcher


class Backwards:
    """Finds the nearest rows of an index, the last row first among equal distances, and records each request."""

    def __init__(self, index: Index) -> None:
        self.vectors, self.calls = index.vectors, []

    def candidates(self, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        self.calls.append((len(queries), k))
        far = ((queries[:, None].astype(float) - self.vectors) ** 2).sum(axis=2)
        last_first = np.broadcast_to(-np.arange(len(self.vectors)), far.shape)
        rows = np.lexsort((last_first, far), axis=1)[:, :k]
        return rows, self.vectors[rows]


def searcher_of(tmp_path: Path, vectors: np.ndarray, labels: list[str] | None = None) -> tuple[Searcher, Backwards]:
    searcher = Searcher(tiny_index(tmp_path / "db.faiss", vectors, labels), "euclidean", bool(labels))
    backwards = Backwards(searcher.index)
    searcher.searchable = backwards  # type: ignore[assignment]
    return searcher, backwards


@pytest.fixture
def many_alike(tmp_path: Path) -> tuple[Searcher, Backwards, np.ndarray]:
    """Make 600 vectors, of which 400 are equal; return the searcher, its index and the rows of the 400."""
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((600, 6)).astype(np.float32)
    vectors[rng.permutation(600)[:400]] = 0.25
    return *searcher_of(tmp_path, vectors), np.flatnonzero((vectors == 0.25).all(axis=1))


def test_as_many_are_looked_at_as_lie_at_the_distance_of_the_last_answer(
    many_alike: tuple[Searcher, Backwards, np.ndarray],
) -> None:
    searcher, backwards, alike = many_alike
    rows, distances = searcher.nearest(np.full((1, 6), 0.25, np.float32), 5)
    assert rows.tolist() == [alike[:5].tolist()] and (distances == 0).all()
    assert backwards.calls == [(1, 13), (1, 104), (1, 600)]


def test_a_few_more_than_were_asked_for_do_where_nothing_is_cut_off(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    vectors = rng.standard_normal((200, 6)).astype(np.float32)
    vectors[50:90] = vectors[3] * 100  # many equal vectors at a large distance
    searcher, backwards = searcher_of(tmp_path, vectors)
    rows, _ = searcher.nearest(vectors[:4], 3)
    assert rows[:, 0].tolist() == [0, 1, 2, 3]
    assert searcher.nearest(vectors[:2], 0)[0].shape == (2, 0)
    assert backwards.calls == [(4, 11), (2, 8)]


def test_ties_behind_the_last_answer_are_not_looked_at(tmp_path: Path) -> None:
    vectors = np.zeros((60, 2), np.float32)
    vectors[:, 0] = 9.0
    vectors[[40, 41, 42], 0] = 1.0, 2.0, 3.0
    searcher, backwards = searcher_of(tmp_path, vectors)
    assert searcher.nearest(np.zeros((1, 2), np.float32), 3)[0].tolist() == [[40, 41, 42]]
    assert backwards.calls == [(1, 11)]
    assert searcher.nearest(np.zeros((1, 2), np.float32), 4)[0].tolist() == [[40, 41, 42, 0]]
    assert backwards.calls[1:] == [(1, 12), (1, 60)]


@pytest.mark.parametrize(("ties", "asked"), [(256, [104, 256]), (64, [64]), (104, [104])])
def test_no_more_are_looked_at_at_a_time_than_memory_holds(
    many_alike: tuple[Searcher, Backwards, np.ndarray], ties: int, asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "TIES", ties)
    searcher, backwards, _ = many_alike
    queries = np.full((7, 6), 0.25, np.float32)
    queries[4] = searcher.index.vectors[0] + 5
    assert searcher.nearest(queries, 5)[1].shape == (7, 5)
    assert backwards.calls[0] == (7, 13)
    assert sorted({k for _, k in backwards.calls[1:]}) == asked
    assert all(count * k <= ties for count, k in backwards.calls[1:])
    assert sum(count for count, k in backwards.calls if k == asked[0]) == 6
    assert max(count for count, k in backwards.calls if k == asked[0]) == ties // asked[0]


def test_milvus_gives_as_many_as_are_ever_asked_for() -> None:
    assert search.TIES <= 16_384 and search.CANDIDATES + search.SPARE <= 16_384


def test_rows_that_a_compressed_index_does_not_find_are_no_answers(tmp_path: Path) -> None:
    vectors = np.float32([[0, 0], [1, 0], [2, 0], [3, 0]])
    searcher, backwards = searcher_of(tmp_path, vectors)
    rows = np.array([[3, -1, 1, -1]])
    backwards.candidates = lambda queries, k: (rows, vectors[np.maximum(rows, 0)])  # type: ignore[method-assign]
    assert list(searcher.answers(vectors[:1], 2)) == [([1, 3], [1.0, 3.0])]
    assert list(searcher.answers(vectors[:1], 4)) == [([1, 3], [1.0, 3.0])]


def test_labels_are_looked_for_until_there_are_enough_of_them(tmp_path: Path) -> None:
    vectors = np.stack([np.arange(300), np.zeros(300)], axis=1).astype(np.float32)
    labels = ["U+4E00"] * 120 + [f"U+{0x4E01 + i // 20:04X}" for i in range(180)]
    searcher, backwards = searcher_of(tmp_path, vectors, labels)
    [(rows, distances)] = searcher.answers(vectors[:1], 4)
    assert rows == [0, 120, 140, 160] and distances == [0, 120, 140, 160]
    assert backwards.calls == [(1, 32 + 8), (1, 128 + 8), (1, 300)]


@pytest.mark.parametrize(("less", "whole"), [(0, True), (1, False)])
def test_distributions_of_a_whole_index_are_made_up_to_a_second_of_work(
    tmp_path: Path, less: int, whole: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(5)
    measure = ClassDistance(rng.standard_normal((3, 4), np.float32), np.zeros(3, np.float32), True)
    monkeypatch.setattr(search, "distance_of", lambda *_: measure)
    monkeypatch.setattr(search, "PRODUCTS", 20 * 12 - less)
    index = tiny_index(tmp_path / "db.faiss", rng.standard_normal((20, 4)).astype(np.float32))
    searcher = Searcher(index, "kl", model=True)  # type: ignore[arg-type]
    assert (searcher.searchable is not index) == whole
