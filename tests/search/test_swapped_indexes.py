"""Files of another index of equal size are refused, and so is a model that has changed."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search.index_files import beside

FILES = {
    **dict.fromkeys(("flat", "fp16"), ("", ".rows.csv", ".json")),
    **dict.fromkeys(("ivf-sq8", "hnsw"), ("", ".rows.csv", ".vectors", ".json")),
    "pictures": ("", ".rows.csv", ".marks", ".json"),
}
KINDS = tuple(FILES)


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a model and two indexes of each type, which have different content but equal sizes."""
    folder = tmp_path_factory.mktemp("swapped") / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder, ["hỏi.png"])
    for seed, name in enumerate(("one", "two")):
        tiny_pictures(folder / name, [f"{name} {i}.png" for i in range(4)], seed=seed)
        vectors = np.random.default_rng(seed).standard_normal((300, 8)).astype(np.float32)
        np.save(folder / f"{name}.npy", vectors)
        rows = "\n".join(f"{name} {i}" for i in range(300))
        (folder / f"{name}.csv").write_text(f"item\n{rows}\n", encoding="utf-8")
        for kind in KINDS:
            given = (folder / name,) if kind == "pictures" else (folder / f"{name}.npy", "--type", kind)
            index = folder / f"{name} {kind}.faiss"
            assert sinonom("index", given[0], index, *given[1:], "--model", folder / "model", "-q") == 0
    return folder


@pytest.fixture
def house(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / made.name)
    return tmp_path / made.name


@pytest.mark.parametrize(("kind", "suffix"), [(kind, suffix) for kind in KINDS for suffix in FILES[kind]])
def test_a_file_of_another_index_is_refused(house: Path, kind: str, suffix: str) -> None:
    one, two = (house / f"{name} {kind}.faiss" for name in ("one", "two"))
    assert sinonom("query", house / "hỏi.png", "-i", one) == 0
    if suffix not in ("", ".json"):
        assert beside(one, suffix).stat().st_size == beside(two, suffix).stat().st_size
    shutil.copy(beside(two, suffix), beside(one, suffix))
    assert sinonom("query", house / "hỏi.png", "-i", one) == 4
    assert sinonom("index", one, "--remove", "#0") == 4


@pytest.mark.parametrize("kind", KINDS)
def test_a_row_that_somebody_has_edited_is_refused(house: Path, kind: str) -> None:
    index = house / f"one {kind}.faiss"
    table = beside(index, ".rows.csv")
    table.write_bytes(table.read_bytes().replace(b"one 1", b"two 1", 1))
    assert sinonom("query", house / "hỏi.png", "-i", index) == 4


def test_a_model_that_has_changed_since_is_refused(house: Path) -> None:
    index = house / "one flat.faiss"
    shutil.rmtree(house / "model")
    tiny_model(house / "model", seed=5)
    assert sinonom("query", house / "hỏi.png", "-i", index) == 4
    assert sinonom("query", house / "hỏi.png", "-i", index, "--model", house / "model") == 4
    assert sinonom("index", house / "two.npy", index, "--add", "--model", house / "model") == 4


@pytest.mark.parametrize("name", ["model.onnx", "model.safetensors"])
def test_a_network_under_the_record_of_another_is_refused(house: Path, name: str) -> None:
    tiny_model(house / "other", seed=5)
    shutil.copy(house / "other" / name, house / "model" / name)
    assert sinonom("query", house / "hỏi.png", "-i", house / "one flat.faiss") == 4


def test_the_record_of_another_kind_of_index_is_refused(house: Path) -> None:
    for given, taken in (("flat", "hnsw"), ("hnsw", "flat"), ("flat", "fp16"), ("ivf-sq8", "hnsw")):
        index = house / f"one {given}.faiss"
        kept = beside(index, ".json").read_bytes()
        shutil.copy(beside(house / f"one {taken}.faiss", ".json"), beside(index, ".json"))
        assert sinonom("query", house / "hỏi.png", "-i", index) == 4
        beside(index, ".json").write_bytes(kept)
        record = json.loads(kept)
        beside(index, ".json").write_text(json.dumps({**record, "type": taken}), encoding="utf-8")
        if {given, taken} & {"flat", "fp16"}:
            assert sinonom("query", house / "hỏi.png", "-i", index) == 4
        beside(index, ".json").write_bytes(kept)
