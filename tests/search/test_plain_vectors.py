"""FAISS opens indexes of half floats, they answer like those of floats, and FAISS never sees a false header."""

import hashlib
import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from refused import naming, refused
from tinymodel import tiny_model

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.search.index import read_index
from sinonom_cli.search.plain_vectors import HALF_HEADER
from sinonom_cli.search.searcher import Searcher

D = 64


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def unit_vectors(count: int, seed: int) -> np.ndarray:
    vectors = np.random.default_rng(seed).standard_normal((count, D))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make two files of embeddings; index the first as floats (`flat.faiss`) and as half floats (`half.faiss`)."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model", dimension=D)
    monkeypatch.chdir(folder)
    np.save("a.npy", unit_vectors(500, 0))
    np.save("b.npy", unit_vectors(40, 1))
    assert sinonom("index", "a.npy", "flat.faiss", "--type", "flat") == 0
    assert sinonom("index", "a.npy", "half.faiss", "--type", "fp16") == 0
    return folder


def test_the_file_is_what_faiss_makes_of_sqfp16_and_opens(house: Path, tmp_path: Path) -> None:
    reference = faiss.index_factory(D, "SQfp16")
    reference.add(unit_vectors(500, 0))
    ours, theirs = np.fromfile(house / "half.faiss", np.uint8), faiss.serialize_index(reference)
    assert ours[: HALF_HEADER.size].tobytes() == theirs[: HALF_HEADER.size].tobytes() and ours.shape == theirs.shape
    halves = [file[HALF_HEADER.size :].view("<u2").astype(int) for file in (ours, theirs)]
    differ = halves[0] != halves[1]  # if two halves are equally near, numpy takes the even one, FAISS the larger
    assert np.abs(halves[0] - halves[1]).max() <= 1 and differ.mean() < 0.01 and not (halves[0][differ] % 2).any()
    plain = (house / "half.faiss").rename(tmp_path / "half.faiss")  # FAISS cannot open Nôm file names on Windows
    opened = faiss.read_index(str(plain))
    assert opened.ntotal == 500
    assert opened.search(unit_vectors(500, 0)[:9], 1)[1][:, 0].tolist() == list(range(9))


def test_it_is_half_as_large_with_nothing_beside_it_and_answers_as_whole_floats_do(house: Path) -> None:
    sizes = [(house / name).stat().st_size for name in ("half.faiss", "flat.faiss")]
    assert sizes[0] / sizes[1] == pytest.approx(0.5, abs=0.001)
    assert not (house / "half.faiss.vectors").exists()
    half, whole = read_index(house / "half.faiss"), read_index(house / "flat.faiss")
    assert half.type == "fp16" and half.unit
    assert np.array_equal(half.vectors, unit_vectors(500, 0).astype(np.float16).astype(np.float32))
    queries = unit_vectors(60, 2)
    for distance in ("euclidean", "cosine"):
        rows, distances = Searcher(half, distance).nearest(queries, 5)
        wanted, true = Searcher(whole, distance).nearest(queries, 5)
        assert (rows[:, 0] == wanted[:, 0]).mean() > 0.98
        assert np.allclose(distances, true, rtol=0, atol=5e-4)
    own = half.vectors[rows[0]].astype(np.float64)
    assert np.allclose(1 - own @ queries[0] / np.linalg.norm(own, axis=1), distances[0], atol=1e-6)


def test_rows_are_added_and_removed_without_rounding_again(house: Path) -> None:
    assert sinonom("index", "b.npy", "half.faiss", "--add") == 0
    assert sinonom("index", "half.faiss", "--remove", "#3", "--remove", "b#7") == 0
    both = np.concatenate([unit_vectors(500, 0), unit_vectors(40, 1)]).astype(np.float16)
    index = read_index(house / "half.faiss")
    assert np.array_equal(index.vectors, np.delete(both, [3, 507], axis=0).astype(np.float32))
    assert index.type == "fp16" and index.unit and len(index) == 538
    assert index.faiss.search(unit_vectors(40, 1)[:1], 1)[1].tolist() == [[499]]


def test_embeddings_that_half_floats_cannot_hold_are_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save("big.npy", 1e5 * unit_vectors(3, 0) + 7e4)
    assert sinonom("index", "big.npy", "big.faiss", "--type", "fp16") == 4
    naming(capsys, 65504, "--type flat")


def test_embeddings_of_any_length_are_compared_by_cosine(house: Path) -> None:
    np.save("long.npy", unit_vectors(200, 3) * np.linspace(0.5, 9, 200, dtype=np.float32)[:, None])
    assert sinonom("index", "long.npy", "long.faiss", "--type", "fp16") == 0
    index = read_index(house / "long.faiss")
    assert not index.unit
    rows, _ = Searcher(index, "cosine").nearest(unit_vectors(20, 4), 3)
    wanted = np.argsort(-(unit_vectors(20, 4) @ unit_vectors(200, 3).T), axis=1)[:, :3]
    assert (rows == wanted).mean() > 0.97


FIELDS = {1: 2**30, 2: 2**40, 5: 0, 6: 0, 7: 1, 8: 2, 10: 2**40, 11: 1, 12: 2**60, 13: 2**60}


@pytest.mark.parametrize("field", FIELDS)
def test_a_header_that_lies_never_reaches_faiss(house: Path, monkeypatch: pytest.MonkeyPatch, field: int) -> None:
    path, record_path = house / "half.faiss", house / "half.faiss.json"
    content = path.read_bytes()
    fields = list(HALF_HEADER.unpack(content[: HALF_HEADER.size]))
    fields[field] = FIELDS[field]
    forged = HALF_HEADER.pack(*fields) + content[HALF_HEADER.size :]
    path.write_bytes(forged)
    record = json.loads(record_path.read_text(encoding="utf-8"))
    record["faiss"]["sha256"] = hashlib.sha256(forged).hexdigest()  # a forger can also change the record
    record_path.write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(faiss, "read_index", lambda *_: pytest.fail("FAISS was asked to read it"))
    with refused(ExitCode.BAD_INPUT, path, "fp16"):
        read_index(path)


def test_the_bytes_are_the_same_after_a_failure_was_mended(house: Path) -> None:
    from tinymodel import tiny_pictures

    paths = tiny_pictures(house / "set", [f"{i}.png" for i in range(7)])
    good = paths[4].read_bytes()
    arguments = ("index", "set", "db.faiss", "--type", "fp16", "--batch-size", 2)
    assert sinonom(*arguments) == 0
    want = [(house / name).read_bytes() for name in ("db.faiss", "db.faiss.json")]
    for name in ("db.faiss", "db.faiss.json", "db.faiss.rows.csv", "db.faiss.marks"):
        (house / name).unlink()
    paths[4].write_bytes(b"no picture")
    assert sinonom(*arguments) == 6
    paths[4].write_bytes(good)
    assert sinonom(*arguments) == 0
    assert [(house / name).read_bytes() for name in ("db.faiss", "db.faiss.json")] == want
