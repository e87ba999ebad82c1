"""`index --dimensions` keeps the first dimensions of embeddings that are sorted by variance."""

import json
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.search.index import read_index
from sinonom_cli.storage.model_folder import Model, read_model


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def principal(model: Model) -> None:
    """Write into a model's record that its dimensions are principal axes, as `train` does."""
    path = model.path / "artifact.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"axes": "principal"}), encoding="utf-8")


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    principal(tiny_model(folder / "model", dimension=8))
    tiny_pictures(folder / "set", [f"{i:02d}.png" for i in range(12)])
    tiny_pictures(folder / "more", [f"{i:02d}.png" for i in range(5)], seed=1)
    monkeypatch.chdir(folder)
    return folder


def first(vectors: np.ndarray, length: int) -> np.ndarray:
    return np.array([row[:length] / np.sqrt((row[:length].astype(float) ** 2).sum()) for row in vectors])


@pytest.mark.parametrize("kind", ["flat", "fp16", "hnsw"])
def test_a_short_index_holds_the_first_numbers_and_is_asked_by_them(
    house: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sinonom("index", "set", "whole.faiss", "-q") == 0
    assert sinonom("index", "set", "short.faiss", "--dimensions", 3, "--type", kind, "-q") == 0
    assert sinonom("index", "more", "short.faiss", "--add", "-q") == 0
    assert sinonom("index", "set", "more", "both.faiss", "-q") == 0
    expected = first(read_index(house / "both.faiss").vectors, 3)
    short = read_index(house / "short.faiss")
    np.testing.assert_allclose(short.vectors, expected, atol=1e-3 if kind == "fp16" else 1e-6)
    capsys.readouterr()
    assert sinonom("query", "set/07.png", "--index", "short.faiss", "--json", "--top", 17) == 0
    results = json.loads(capsys.readouterr().out)["results"]
    by_loop = sorted((float(np.linalg.norm(row - expected[7])), place) for place, row in enumerate(expected))
    assert results[0]["item"] == "07.png" and results[0]["distance"] == pytest.approx(0, abs=1e-2)
    assert [r["distance"] for r in results] == pytest.approx([far for far, _ in by_loop], abs=2e-3)


def test_a_damaged_short_index_is_made_again_by_the_command_that_the_error_names(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sinonom("index", "set", "short.faiss", "--dimensions", 3, "-q") == 0
    whole = (house / "short.faiss").read_bytes()
    (house / "short.faiss").write_bytes(whole[:-1])
    capsys.readouterr()
    assert sinonom("query", "set/07.png", "--index", "short.faiss") == ExitCode.BAD_INPUT
    line = capsys.readouterr().err.partition("sinonom index ")[2].splitlines()[0]
    assert "--dimensions 3" in line
    assert sinonom("index", *line.split(), "-q") == 0
    assert (house / "short.faiss").read_bytes() == whole


def test_npy_embeddings_are_shortened_too(house: Path) -> None:
    vectors = first(np.random.default_rng(0).standard_normal((20, 8)).astype(np.float32), 8).astype(np.float32)
    np.save("a.npy", vectors)
    assert sinonom("index", "a.npy", "a.faiss", "--dimensions", 4, "-q") == 0
    np.testing.assert_allclose(read_index(house / "a.faiss").vectors, first(vectors, 4), atol=1e-6)


def test_a_model_that_cannot_be_shortened_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("index", "set", "db.faiss", "--dimensions", 9) == ExitCode.USAGE
    naming(capsys, "--dimensions 9", "model", 8)
    tiny_model(house / "plain", dimension=8, seed=1)
    assert sinonom("index", "set", "db.faiss", "--dimensions", 4, "--model", "plain") == ExitCode.BAD_INPUT
    naming(capsys, "plain")
    assert not (house / "db.faiss").exists()
    assert read_model(house / "model").record.axes == "principal"
