"""An index in Milvus answers like a flat one; a file of Milvus Lite takes the place of the cluster."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search import milvus as module
from sinonom_cli.search.index import read_index

pytest.importorskip("pymilvus", reason='pymilvus is not installed: pip install "sinonom[milvus]"')
pytest.importorskip("milvus_lite", reason="there is no Milvus Lite here (it has none for Windows)")


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    tiny_pictures(folder / "set", [f"U+5B57/{i:02d}.png" for i in range(12)])
    (folder / "set" / "broken.png").write_bytes(b"no picture")
    monkeypatch.chdir(folder)
    return folder


def answers(capsys: pytest.CaptureFixture[str], index: str) -> list[dict]:
    capsys.readouterr()
    assert sinonom("query", "set/U+5B57", "--index", index, "--json", "--top", 4) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_what_milvus_answers_is_what_a_flat_index_answers(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("index", "set", "db.faiss") == 6
    assert sinonom("index", "set", "far", "--store", "milvus:store 𡦂/lite.db") == 6
    assert not Path("far").exists() and not Path("far.rows.csv").exists()
    assert answers(capsys, "far") == answers(capsys, "db.faiss")
    record = json.loads(Path("far.json").read_text(encoding="utf-8"))
    assert record["store"].items() >= {"kind": "milvus", "uri": "store 𡦂/lite.db"}.items()
    assert record["store"]["collection"].startswith("sinonom_far_")
    assert record["counts"] == {"items": 13, "rows": 12, "failed": 1}
    assert {row.item for row in read_index(house / "far").rows} == {f"U+5B57/{i:02d}.png" for i in range(12)}
    Path("set/broken.png").unlink()
    assert sinonom("index", "set", "far", "--store", "milvus:store 𡦂/lite.db", "--overwrite") == 0
    assert sinonom("index", "set", "far", "--store", "milvus:store 𡦂/lite.db") == 0
    naming(capsys, "far")


def test_one_process_writes_and_another_asks(house: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}

    def process(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "sinonom_cli", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8", env=environment)

    process("index", "set/U+5B57", "far", "--store", "milvus:lite.db")
    asked = process("query", "set/U+5B57/03.png", "--index", "far", "--json")
    assert json.loads(asked.stdout)["results"][0]["item"] == "03.png" and not asked.stderr
    Path("lite.db").rename("moved.db")
    assert sinonom("query", "set/U+5B57/03.png", "--index", "far") == 4
    assert not Path("lite.db").exists()


def test_a_run_that_was_stopped_goes_on_behind_what_is_stored(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    vectors = np.random.default_rng(0).standard_normal((50, 8)).astype(np.float32)
    np.save("a.npy", vectors)
    monkeypatch.setattr(module, "AT_ONCE", 10)
    monkeypatch.setattr("sinonom_cli.search.indexing.milvus_store.AT_ONCE", 10)
    monkeypatch.setattr("sinonom_cli.search.indexing.npy_source.BLOCK", 20)
    written: list[int] = []
    real = module.Collection.write

    def stopping(self: module.Collection, start: int, block: np.ndarray, rows: list) -> None:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(start)
        real(self, start, block, rows)

    with monkeypatch.context() as patch:
        patch.setattr(module.Collection, "write", stopping)
        assert sinonom("index", "a.npy", "far", "--store", "milvus:a.db#own") == 130
    assert sinonom("query", "set", "--index", "far") == 4
    naming(capsys, "far")
    written.clear()
    monkeypatch.setattr(module.Collection, "write", lambda self, start, block, rows: (
        written.extend([start] * len(block)), real(self, start, block, rows)))  # fmt: skip
    assert sinonom("index", "a.npy", "far", "--store", "milvus:a.db#own") == 0
    assert set(written) == {40}
    rows, found = read_index(house / "far").candidates(vectors[::7], 3)
    assert rows[:, 0].tolist() == list(range(0, 50, 7)) and np.array_equal(found[:, 0], vectors[::7])


def test_a_milvus_that_is_away_or_foreign_is_one_clear_line(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("index", "set", "far", "--store", "milvus:http://127.0.0.1:9") == 4
    error = capsys.readouterr().err
    assert "Milvus at http://127.0.0.1:9 fails" in error and len(error.splitlines()) == 2
    assert not Path("far.json").exists()
    from pymilvus import MilvusClient

    client = MilvusClient(uri="theirs.db")
    client.create_collection("theirs", dimension=8)
    client.close()
    assert sinonom("index", "set/U+5B57", "far", "--store", "milvus:theirs.db#theirs") == 5
    naming(capsys, "theirs.db")
    assert not Path("far.json").exists()
    client = MilvusClient(uri="theirs.db")
    assert client.list_collections() == ["theirs"]
    client.close()


def collections(path: str) -> list[str]:
    from pymilvus import MilvusClient

    client = MilvusClient(uri=path)
    try:
        return sorted(client.list_collections())
    finally:
        client.close()


def test_two_indexes_of_one_name_have_collections_of_their_own(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("one", "two"):
        tiny_pictures(house / name / "set", ["0.png", "1.png"], seed=ord(name[0]))
        assert sinonom("index", f"{name}/set", f"{name}/db", "--store", f"milvus:{house}/all.db") == 0
    names = collections("all.db")
    assert len(names) == 2
    for name in ("one", "two"):
        capsys.readouterr()
        assert sinonom("query", f"{name}/set/1.png", "--index", f"{name}/db", "--json") == 0
        first = json.loads(capsys.readouterr().out)["results"][0]
        assert first["item"] == "1.png" and first["distance"] < 1e-3
    assert sinonom("index", "two/set", "two/db", "--store", f"milvus:{house}/all.db", "--overwrite") == 0
    [kept] = set(names) & set(collections("all.db"))
    assert json.loads(Path("one/db.json").read_text(encoding="utf-8"))["store"]["collection"] == kept
    assert len(collections("all.db")) == 2
    # The named collection belongs to the other index, so it does not change.
    for more in ((), ("--overwrite",)):
        assert sinonom("index", "two/set", "three", "--store", f"milvus:{house}/all.db#{kept}", *more) == 5
        assert sinonom("index", "two/set", "two/db", "--store", f"milvus:{house}/all.db#{kept}", "--overwrite") == 5
    assert sinonom("query", "one/set/1.png", "--index", "one/db") == 0
    assert sinonom("index", "two/set", "two/db", "--overwrite") == 0  # files replace the collection, which is dropped
    assert collections("all.db") == [kept]
    assert sinonom("query", "two/set/1.png", "--index", "two/db") == 0


def test_a_collection_that_holds_rows_of_another_index_is_not_asked(house: Path) -> None:
    for name in ("one", "two"):
        tiny_pictures(house / name, ["0.png", "1.png", "2.png"], seed=ord(name[0]))
        assert sinonom("index", name, f"{name}.faiss", "--store", "milvus:all.db#the_" + name) == 0
    record = json.loads(Path("one.faiss.json").read_text(encoding="utf-8"))
    record["store"]["collection"] = "the_two"
    Path("one.faiss.json").write_text(json.dumps(record), encoding="utf-8")
    assert sinonom("query", "one/0.png", "--index", "one.faiss") == 4
    assert sinonom("query", "two/0.png", "--index", "two.faiss") == 0


def test_a_failed_picture_that_was_mended_gets_its_row(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("index", "set", "far", "--store", "milvus:a.db") == 6
    names = collections("a.db")
    tiny_pictures(house / "set", ["broken.png"], seed=7)
    assert sinonom("index", "set", "far", "--store", "milvus:a.db") == 0
    assert sinonom("index", "set", "far.faiss") == 0
    assert answers(capsys, "far") == answers(capsys, "far.faiss")
    assert collections("a.db") == names and len(read_index(house / "far")) == 13


@pytest.mark.parametrize(
    ("store", "more", "named"),
    [
        ("qdrant:x", (), "milvus:URI"),
        ("milvus:folder", (), ".db"),
        ("milvus:http://me:secret@host", (), "MILVUS_TOKEN"),
        ("milvus:a.db#no-name", (), "no-name"),
        ("milvus:a.db", ("--type", "hnsw"), "--type"),
    ],
)
def test_what_is_no_store_is_a_usage_error(
    house: Path, capsys: pytest.CaptureFixture[str], store: str, more: tuple[str, ...], named: str
) -> None:
    assert sinonom("index", "set", "far", "--store", store, *more) == 2
    naming(capsys, named)
