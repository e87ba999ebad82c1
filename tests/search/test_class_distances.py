"""Distances between class distributions agree with loops over the outputs of the network itself."""

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tinyindex import tiny_index
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.embedder import session_of
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search import searcher
from sinonom_cli.search.distances import ClassDistance, distance_of
from sinonom_cli.search.index import Index
from sinonom_cli.storage.model_folder import read_model

COUNT = 14


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model", unit=False, distance="cosine", classes=7)
    tiny_model(tmp_path / "plain")
    tiny_pictures(tmp_path / "set", [f"{i:02d}.png" for i in range(COUNT)])
    assert cli.run(["index", "set", "db.faiss", "-q"]) == 0
    return tmp_path


def distributions(house: Path) -> np.ndarray:
    """Return the class distributions that ONNX Runtime computes for the pictures: (COUNT, 7), rows sum to 1."""
    pictures = [prepare(load_picture(house / "set" / f"{i:02d}.png"), 16) for i in range(COUNT)]
    session = session_of(str(house / "model" / "model.onnx"), 1)
    [classes] = session.run(["classes"], {"image": np.stack(pictures)[:, None]})
    return classes.astype(np.float64)


@pytest.mark.parametrize("distance", ["kl", "cross-entropy"])
def test_answers_are_ordered_by_the_distance_of_what_the_network_answers(
    house: Path, capsys: pytest.CaptureFixture[str], distance: str
) -> None:
    shares = distributions(house)
    capsys.readouterr()
    assert cli.run(["query", "set", "-i", "db.faiss", "--distance", distance, "-k", str(COUNT), "--json"]) == 0
    for number, line in enumerate(capsys.readouterr().out.splitlines()):
        own = shares[number]
        want = {}
        for other in range(COUNT):
            total = 0.0
            for p, q in zip(own.tolist(), shares[other].tolist(), strict=True):
                total += p * (math.log(p) - math.log(q)) if distance == "kl" else -p * math.log(q)
            want[f"{other:02d}.png"] = total
        found = {result["item"]: result["distance"] for result in json.loads(line)["results"]}
        assert list(found.values()) == sorted(found.values())
        assert found == pytest.approx(want, abs=1e-4)
        assert min(found, key=found.__getitem__) == f"{number:02d}.png"  # each picture is nearest to itself


def test_a_model_that_is_no_classifier_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["index", "set", "other.faiss", "--model", "plain", "-q"]) == 0
    capsys.readouterr()
    assert cli.run(["query", "set/00.png", "-i", "other.faiss", "--model", "plain", "--distance", "kl"]) == 4
    assert "--loss cross-entropy" in capsys.readouterr().err


def test_tensors_are_read_as_safetensors_reads_them(house: Path) -> None:
    numpy_file = pytest.importorskip("safetensors.numpy")
    model = read_model(house / "model")
    for name, tensor in numpy_file.load_file(house / "model" / "model.safetensors").items():
        read = model.tensor(name)
        assert read is not None and np.array_equal(read, tensor)
    assert model.tensor("none such") is None


def a_gallery(folder: Path, count: int) -> tuple[Index, ClassDistance, np.ndarray]:
    """Make embeddings of very different lengths, so that angles do not predict the distances of distributions."""
    rng = np.random.default_rng(0)
    vectors = (rng.standard_normal((count, 8)) * rng.uniform(0.2, 3, (count, 1))).astype(np.float32)
    index = tiny_index(folder / "db.faiss", vectors, distance="cosine")
    weight, bias = rng.standard_normal((11, 8)).astype(np.float32), rng.standard_normal(11).astype(np.float32)
    return index, ClassDistance(weight, bias, relative=True), vectors


@pytest.mark.parametrize("relative", [True, False])
def test_the_nearest_distributions_are_those_of_the_whole_index(
    tmp_path: Path, relative: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, measure, vectors = a_gallery(tmp_path, 3000)
    measure = replace(measure, relative=relative)
    monkeypatch.setattr(searcher, "distance_of", lambda *_: measure)
    queries = vectors[:20] * 1.1
    every = measure(queries[:, None], np.broadcast_to(vectors, (20, *vectors.shape)))
    rows, distances = searcher.Searcher(index, "kl", model=True).nearest(queries, 5)
    np.testing.assert_allclose(distances, np.sort(every, axis=1)[:, :5], atol=1e-9)
    np.testing.assert_allclose(np.take_along_axis(every, rows, 1), distances, atol=1e-9)
    monkeypatch.setattr(searcher, "PRODUCTS", 0)
    _, among_some = searcher.Searcher(index, "kl", model=True).nearest(queries, 5)
    assert (among_some >= distances - 1e-9).all() and (among_some > distances + 1e-9).any()


def test_large_logits_have_a_finite_normaliser(tmp_path: Path) -> None:
    _, measure, vectors = a_gallery(tmp_path, 100)
    measure = replace(measure, weight=measure.weight * 300)
    products = measure.as_products(vectors[:5]) @ measure.of_gallery(vectors).T
    every = measure(vectors[:5, None], np.broadcast_to(vectors, (5, *vectors.shape)))
    assert np.isfinite(products).all() and every.max() > 1000
    found = np.take_along_axis(every, products.argmax(axis=1)[:, None], 1)[:, 0]
    np.testing.assert_allclose(found, every.min(axis=1), atol=0.05)  # many distances are 0 or nearly 0


@pytest.mark.parametrize(
    ("weight", "bias"), [(None, np.zeros(3)), (np.zeros((3, 5)), None), (None, None), (np.zeros((3, 4)), np.zeros(3))]
)
def test_a_model_without_a_linear_head_is_refused(weight: Any, bias: Any) -> None:
    tensors = {"classify.weight": weight, "classify.bias": bias}
    model: Any = SimpleNamespace(path=Path("m"), embedding_size=5, tensor=tensors.get)
    with pytest.raises(SinonomError):
        distance_of("kl", model)
