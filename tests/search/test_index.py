"""FAISS reads from an index on disk what was written, and no damaged or foreign file ever reaches FAISS."""

import csv
import hashlib
import io
import json
from pathlib import Path

import faiss
import numpy as np
import pytest

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.search import index_files
from sinonom_cli.search import rows as rows_module
from sinonom_cli.search.index import read_index
from sinonom_cli.search.index_files import rows_path, write_index
from sinonom_cli.search.integrity import read_vectors
from sinonom_cli.search.plain_vectors import HEADER
from sinonom_cli.search.rows import Row, Rows
from sinonom_cli.storage.record import begin

NAMES = ["000.png", "a b/001.png", "bản khắc 𡦂/002.png", 'quo"te,comma.png', "line\nend.png"]


def make(path: Path, vectors: np.ndarray | None = None) -> np.ndarray:
    if vectors is None:
        vectors = np.random.default_rng(0).standard_normal((len(NAMES), 6)).astype(np.float32)
    rows = [Row(NAMES[i % len(NAMES)], f"{i:03d}.stl#1", "U+5B57", "字", "../set") for i in range(len(vectors))]
    artifact = begin(path, "index", {"sets": ["set of prints"]}, {})
    blocks = [vectors[:2], vectors[2:]]
    write_index(artifact, blocks, rows, model={"identity": "0" * 64, "path": "model"}, distance="euclidean")
    return vectors


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "chữ 𡦂 x" / "db.faiss"
    make(path)
    return path


def refusal(path: Path) -> SinonomError:
    with pytest.raises(SinonomError) as caught:
        read_index(path)
    assert caught.value.code == ExitCode.BAD_INPUT
    return caught.value


def test_the_file_is_byte_for_byte_what_faiss_writes(tmp_path: Path) -> None:
    vectors = make(tmp_path / "db.faiss")
    reference = faiss.IndexFlatL2(vectors.shape[1])
    reference.add(vectors)
    assert (tmp_path / "db.faiss").read_bytes() == faiss.serialize_index(reference).tobytes()
    assert faiss.read_index(str(tmp_path / "db.faiss")).ntotal == len(vectors)


def test_vectors_and_rows_come_back_as_written(path: Path) -> None:
    index = read_index(path)
    assert np.array_equal(index.vectors, np.random.default_rng(0).standard_normal((5, 6)).astype(np.float32))
    assert [row.item for row in index.rows] == NAMES
    assert index.rows[2] == Row("bản khắc 𡦂/002.png", "002.stl#1", "U+5B57", "字", "../set")
    assert not index.unit
    _, found = index.faiss.search(index.vectors[3:4].copy(), 1)
    assert found.tolist() == [[3]]


def test_rows_without_quotes_are_parsed_alike() -> None:
    text = "item,source,label,char,set\na.png,a,U+5B57,字,s\r\nb 𡦂.png,b,,,s\n"
    rows = Rows(np.frombuffer(text.encode(), np.uint8))
    assert len(rows) == 2
    assert list(rows) == [Row("a.png", "a", "U+5B57", "字", "s"), Row("b 𡦂.png", "b", "", "", "s")]


def test_unit_vectors_are_known_as_such(tmp_path: Path) -> None:
    make(tmp_path / "db.faiss", np.eye(4, dtype=np.float32))
    assert read_index(tmp_path / "db.faiss").unit


def test_rows_of_another_length_are_refused(path: Path) -> None:
    table = rows_path(path)
    table.write_bytes(table.read_bytes() + b"more.png,m,,,s\n")
    error = refusal(path)
    assert table.name in error.message
    assert error.hint.startswith("sinonom index ") and "--overwrite" in error.hint


def test_reordered_rows_are_refused(path: Path) -> None:
    table = rows_path(path)
    text = table.read_bytes()
    swapped = text.replace(b"000.stl", b"xxx.stl").replace(b"001.stl", b"000.stl").replace(b"xxx.stl", b"001.stl")
    assert len(swapped) == len(text)
    table.write_bytes(swapped)
    assert "checksum" in refusal(path).message


@pytest.mark.parametrize("damage", ["truncated", "longer", "one bit", "empty", "text"])
def test_a_changed_faiss_file_is_refused(path: Path, damage: str) -> None:
    content = bytearray(path.read_bytes())
    if damage == "one bit":
        content[-1] ^= 1
    changed = {
        "truncated": bytes(content[:-7]),
        "longer": bytes(content) + b"\0",
        "one bit": bytes(content),
        "empty": b"",
        "text": b"no index at all",
    }[damage]
    path.write_bytes(changed)
    assert str(path) in refusal(path).message


def test_missing_files_and_foreign_ones_are_refused(path: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.faiss"
    faiss.write_index(faiss.IndexFlatL2(4), str(foreign))
    assert "foreign.faiss.json" in refusal(foreign).message
    assert "folder" in refusal(tmp_path).message
    rows_path(path).unlink()
    assert "missing" in refusal(path).message
    assert "none.faiss" in refusal(tmp_path / "none.faiss").message


@pytest.mark.parametrize(
    "claim",
    [
        (b"IxF2", 6, 5, 0, 0, 1, 1, 2**60),
        (b"IxF2", 6, 2**40, 0, 0, 1, 1, 30),
        (b"IxF2", 2**30, 5, 0, 0, 1, 1, 30),
        (b"IwPQ", 6, 5, 0, 0, 1, 1, 30),
        (b"IxF2", 6, 5, 0, 0, 1, 0, 30),
    ],
)
def test_a_header_that_claims_too_much_never_reaches_faiss(
    path: Path, monkeypatch: pytest.MonkeyPatch, claim: tuple[object, ...]
) -> None:
    content = HEADER.pack(*claim) + path.read_bytes()[HEADER.size :]
    path.write_bytes(content)
    record_path = path.with_name("db.faiss.json")
    record = json.loads(record_path.read_text(encoding="utf-8"))
    record["faiss"]["sha256"] = hashlib.sha256(content).hexdigest()  # a forger can also change the record
    record_path.write_text(json.dumps(record), encoding="utf-8")
    monkeypatch.setattr(faiss, "read_index", lambda *_: pytest.fail("FAISS was asked to read it"))
    assert "flat" in refusal(path).message


def test_a_large_file_is_mapped_and_its_sampled_checksum_verified(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index_files, "WHOLE", 100)
    path = tmp_path / "db.faiss"
    vectors = make(path, np.random.default_rng(1).standard_normal((50, 6)).astype(np.float32))
    index = read_index(path)
    assert isinstance(index.vectors, np.memmap)
    assert np.array_equal(index.vectors, vectors)
    assert index.faiss.search(vectors[7:8], 1)[1].tolist() == [[7]]
    del index
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert "checksum" in refusal(path).message


def test_an_unfinished_index_says_so(tmp_path: Path) -> None:
    begin(tmp_path / "db.faiss", "index", {"sets": ["set"]}, {})
    assert "db.faiss" in refusal(tmp_path / "db.faiss").message


def test_rows_are_what_the_csv_module_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rows_module, "BLOCK", 7)
    rng = np.random.default_rng(3)
    cells = ["", "a", "字", "𡦂 b", 'q"u"o', "l\ni\r\nne", "com,ma", '"', "\n"]
    table = [[cells[i] for i in rng.integers(len(cells), size=5)] for _ in range(200)]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([["item", "source", "label", "char", "set"], *table])
    rows = Rows(np.frombuffer(text.getvalue().encode(), np.uint8))
    assert len(rows) == 200
    assert list(rows) == [Row(*cells) for cells in table]
    assert len(Rows(np.frombuffer(b"item,source,label,char,set\n", np.uint8))) == 0 == len(Rows(np.zeros(0, np.uint8)))


def test_adding_to_a_large_index_verifies_all_of_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_files, "WHOLE", 100)
    monkeypatch.setattr(index_files, "SAMPLES", 2)
    monkeypatch.setattr(index_files, "SAMPLE", 8)
    path.with_name("db.faiss.json").unlink()
    path.unlink()
    make(path)
    content = bytearray(path.read_bytes())
    content[80] ^= 1
    path.write_bytes(bytes(content))
    record = read_index(path).record  # the sampled bytes have not changed
    with pytest.raises(SinonomError, match="checksum"):
        read_vectors(path, record)


def test_a_compressed_index_that_lies_is_refused_or_answers_within_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tinymodel import tiny_model

    from sinonom_cli import cli

    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    vectors = np.random.default_rng(0).standard_normal((200, 8)).astype(np.float32)
    np.save("a.npy", vectors)
    assert cli.run(["index", "a.npy", "db.faiss", "--type", "IVF8,SQ8"]) == 0
    good, record_path = Path("db.faiss").read_bytes(), Path("db.faiss.json")
    record, refusals = json.loads(record_path.read_text(encoding="utf-8")), 0
    for place in [*range(4, 200, 8), len(good) - 3000, len(good) - 1603]:
        bad = bytearray(good)
        bad[place : place + 8] = (2**40).to_bytes(8, "little")
        Path("db.faiss").write_bytes(bad)
        record["faiss"]["sha256"] = hashlib.sha256(bad).hexdigest()  # a forger can also change the record
        record_path.write_text(json.dumps(record), encoding="utf-8")
        try:
            rows, found = read_index(tmp_path / "db.faiss").candidates(vectors[:3], 4)
        except SinonomError as error:
            assert error.code == ExitCode.BAD_INPUT and "db.faiss" in error.message
            refusals += 1
        else:
            assert rows.max() < 200 and len(found) == 3
    assert refusals > 5
