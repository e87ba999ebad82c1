"""Answers are also ordered by the characters that query and row probably show; the formula is computed by loops."""

import math
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tinyindex import tiny_index

from sinonom_cli.search import common_names
from sinonom_cli.search.common_names import DOUBT, WEIGHT, CommonNames, common_names_of
from sinonom_cli.search.finder import Finder
from sinonom_cli.search.index import Index
from sinonom_cli.search.opening import open_index
from sinonom_cli.search.probability import command
from sinonom_cli.search.searcher import Searcher


@pytest.fixture(scope="module")
def characters() -> Index:
    return open_index(None)


def near(vectors: np.ndarray, away: float, seed: int) -> np.ndarray:
    """Return unit vectors at about the distance `away` from unit vectors (N, D)."""
    noise = np.random.default_rng(seed).standard_normal(vectors.shape)
    moved = vectors + away * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return np.asarray(moved / np.linalg.norm(moved, axis=1, keepdims=True), np.float32)


def similar(characters: Index, number: int, place: int) -> np.ndarray:
    """Return the row that is at `place` among the rows of characters nearest to a row, (1, D) float32."""
    vectors = characters.vectors
    order = np.argsort(-(vectors @ vectors[number]), kind="stable")
    return vectors[order[place]][None]


def looped(query: np.ndarray, row: np.ndarray, characters: Index, temperature: float) -> float:
    """Return the probability that two vectors show the same character, over all characters."""
    shares = []
    for vector in (query, row):
        alike = characters.vectors.astype(np.float64) @ vector.astype(np.float64)
        least: dict[str, float] = defaultdict(lambda: 4.0)
        for number, cosine in enumerate(alike.tolist()):
            label = characters.rows[number].label
            least[label] = min(least[label], 2 - 2 * cosine)
        weights = {label: math.exp(-energy / temperature) for label, energy in least.items()}
        total = sum(weights.values())
        shares.append({label: weight / total for label, weight in weights.items()})
    return sum(share * shares[1][label] for label, share in shares[0].items())


def test_energies_grow_by_the_doubt_that_both_show_one_character(
    characters: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(common_names, "NEAREST", len(characters))
    vectors = characters.vectors
    [query] = near(vectors[:1], 0.6, 1)
    rows = near(vectors[[0, 0, 1, 900]], 0.7, 2)
    energies = ((query.astype(float) - rows) ** 2).sum(axis=1)
    temperature = characters.record.calibration["euclidean"]["temperature"]
    wanted = [
        energy + WEIGHT * math.log((1 + DOUBT) / (looped(query, row, characters, temperature) + DOUBT))
        for energy, row in zip(energies, rows, strict=True)
    ]
    found = CommonNames("euclidean")(query, rows, energies)
    assert found == pytest.approx(wanted, abs=1e-5)
    assert found[0] - energies[0] < 0.1 < found[3] - energies[3]  # the fourth row shows another character
    half = CommonNames("cosine")(query, rows, energies / 2)
    assert half == pytest.approx(found / 2, abs=1e-12)


def test_few_characters_near_the_query_give_nearly_the_same_as_all(
    characters: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    [query] = near(characters.vectors[5:6], 0.6, 3)
    rows = near(characters.vectors[[5, 6, 40, 700]], 0.6, 4)
    some = CommonNames("euclidean")(query, rows, np.zeros(4))
    monkeypatch.setattr(common_names, "NEAREST", len(characters))
    assert some == pytest.approx(CommonNames("euclidean")(query, rows, np.zeros(4)), abs=0.05)


def test_a_farther_row_of_the_query_s_character_comes_before_a_nearer_row_of_another(
    tmp_path: Path, characters: Index
) -> None:
    centre, other = characters.vectors[0], similar(characters, 0, 60)
    query = near(centre[None], 0.3, 5)
    right = near(centre[None], 1.2, 6)
    wrong = query * 0.66 + other * 0.75
    wrong = (wrong / np.linalg.norm(wrong)).astype(np.float32)
    index = tiny_index(tmp_path / "db.faiss", np.concatenate([wrong, right]), identity=characters.model_identity)
    searcher = Searcher(index, "euclidean")
    [alone], [both] = (list(Finder(searcher, names).answers(query, 2)) for names in (False, True))
    assert alone.rows == [0, 1] and both.rows == [1, 0]
    assert both.distances == alone.distances[::-1]  # what is shown stays the distance of the embeddings
    assert alone.energies == pytest.approx(np.square(alone.distances))
    assert both.energies[0] < both.energies[1]


def test_equal_rows_keep_the_order_of_the_index(tmp_path: Path, characters: Index) -> None:
    rows = np.repeat(near(characters.vectors[[3]], 0.5, 7), 40, axis=0)
    index = tiny_index(tmp_path / "db.faiss", rows, identity=characters.model_identity)
    query = near(characters.vectors[[3]], 0.5, 8)
    [found] = Finder(Searcher(index, "euclidean"), True).answers(query, 12)
    assert found.rows == list(range(12)) and len(set(found.energies.tolist())) == 1


def test_more_rows_are_looked_at_than_answers_are_asked_for(tmp_path: Path, characters: Index) -> None:
    query = near(characters.vectors[:1], 0.3, 5)
    right = near(characters.vectors[:1], 1.2, 6)
    wrong = query * 0.66 + near(np.repeat(similar(characters, 0, 60), 30, axis=0), 0.1, 9) * 0.75
    wrong = (wrong / np.linalg.norm(wrong, axis=1, keepdims=True)).astype(np.float32)
    index = tiny_index(tmp_path / "db.faiss", np.concatenate([wrong, right]), identity=characters.model_identity)
    [found] = Finder(Searcher(index, "euclidean"), True).answers(query, 1)
    assert found.rows == [30]


def test_only_whole_embeddings_of_pictures_by_the_model_that_ships_are_compared_with_characters(
    tmp_path: Path, characters: Index
) -> None:
    vectors = near(characters.vectors[:4], 0.3, 1)
    ours = tiny_index(tmp_path / "a.faiss", vectors, identity=characters.model_identity)
    other = tiny_index(tmp_path / "b.faiss", vectors)
    short = near(vectors[:, :64], 0.0, 1)
    half = tiny_index(tmp_path / "c.faiss", short, identity=characters.model_identity)
    long = tiny_index(tmp_path / "d.faiss", vectors * 2, identity=characters.model_identity)
    assert common_names_of(ours, "euclidean") and common_names_of(ours, "cosine")
    refused = [(ours, "kl"), (other, "euclidean"), (half, "euclidean"), (long, "euclidean")]
    refused += [(characters, "euclidean"), (replace(ours, faiss=None), "euclidean")]  # prototypes; Milvus
    assert [common_names_of(*each) for each in refused] == [None] * 6


def test_the_way_of_asking_says_whether_characters_count(tmp_path: Path, characters: Index) -> None:
    index = tiny_index(tmp_path / "db.faiss", characters.vectors[:4], identity=characters.model_identity)
    assert index.unit
    searcher = Searcher(index, "euclidean")
    assert Finder(searcher, True).way(True).key == "euclidean names --tta"
    assert Finder(searcher, False).way(True).key == "euclidean --tta"


def test_the_command_that_calibrates_repeats_that_characters_do_not_count(tmp_path: Path, characters: Index) -> None:
    index = tiny_index(tmp_path / "db.faiss", characters.vectors[:4], identity=characters.model_identity)
    given = [command(index, Finder(Searcher(index, "euclidean"), names).way(True)).split() for names in (True, False)]
    assert [("--no-names" in words, "--tta" in words) for words in given] == [(False, True), (True, True)]
