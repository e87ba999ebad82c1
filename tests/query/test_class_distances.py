"""Distances between distributions over classes agree with loops over what the network itself answers."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.artifacts.model import read_model
from sinonom_cli.models.embedder import session_of
from sinonom_cli.models.preprocess import load_picture, prepare

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
    """What ONNX Runtime answers for the pictures of the set: (COUNT, 7), rows sum to 1."""
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
        assert min(found, key=found.__getitem__) == f"{number:02d}.png"  # nothing is nearer than itself


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
