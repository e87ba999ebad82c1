"""Indexes of all types, of `.npy` files, and after --add and --remove find what an exhaustive search finds."""

import csv
import json
from pathlib import Path

import faiss
import numpy as np
import pytest
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search.index import read_index
from sinonom_cli.search.index_files import FAISS, ROWS, beside
from sinonom_cli.search.indexing import add, append, assemble

D = 8


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def bytes_of(path: Path) -> dict[str, bytes]:
    files = ("", ".rows.csv", ".vectors", ".marks", ".json")
    return {name: beside(path, name).read_bytes() for name in files if beside(path, name).exists()}


def clustered(count: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((20, D))
    return (centres[rng.integers(20, size=count)] + 0.3 * rng.standard_normal((count, D))).astype(np.float32)


def array(path: Path, vectors: np.ndarray, table: bool = True) -> Path:
    np.save(path, vectors)
    if table:
        with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("char", "item"), *(("字", f"{path.stem} {i}") for i in range(len(vectors)))])
    return path


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    monkeypatch.chdir(folder)
    return folder


def found(path: Path, queries: np.ndarray, k: int = 5) -> list[list[str]]:
    from sinonom_cli.search.searcher import Searcher

    index = read_index(path)
    rows, _ = Searcher(index, "euclidean").nearest(queries, k)
    return [[index.rows[number].item for number in line if number >= 0] for line in rows.tolist()]


def nearest(vectors: np.ndarray, names: list[str], queries: np.ndarray, k: int = 5) -> list[list[str]]:
    distances = ((queries[:, None].astype(float) - vectors[None]) ** 2).sum(axis=2)
    return [[names[number] for number in line[:k]] for line in distances.argsort(axis=1, kind="stable")]


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf-sq8", "pq-refine", "IVF8,SQ4", "PCA4,Flat"])
def test_every_kind_finds_the_nearest_and_keeps_whole_vectors(house: Path, kind: str) -> None:
    vectors, queries = clustered(900), clustered(40, 1)
    array(house / "a.npy", vectors)
    assert sinonom("index", "a.npy", "db.faiss", "--type", kind) == 0
    index = read_index(house / "db.faiss")
    assert index.type == kind and np.array_equal(index.vectors, vectors)
    assert index.rows[7].item == "a 7" and index.rows[7].char == "字"
    assert faiss.deserialize_index(np.fromfile("db.faiss", np.uint8)).ntotal == 900
    wanted = nearest(vectors, [f"a {i}" for i in range(900)], queries)
    got = found(house / "db.faiss", queries)
    recall = np.mean([len(set(a) & set(b)) / 5 for a, b in zip(got, wanted, strict=True)])
    assert recall >= (0.97 if kind in ("flat", "hnsw", "ivf-sq8", "pq-refine") else 0.6)
    record = json.loads(Path("db.faiss.json").read_text(encoding="utf-8"))
    assert record.get("measured", {}).get("recall@5", 1) >= (0.99 if kind != "IVF8,SQ4" else 0.5)
    assert not Path("db.faiss.partial").exists()


def test_auto_is_flat_up_to_a_million_and_ivf_above(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array(house / "a.npy", clustered(600))
    assert sinonom("index", "a.npy", "db.faiss") == 0
    assert read_index(house / "db.faiss").type == "flat"
    monkeypatch.setattr("sinonom_cli.search.indexing.faiss_types.AUTO_FLAT", 500)
    assert sinonom("index", "a.npy", "more.faiss") == 0
    assert read_index(house / "more.faiss").type == "ivf-sq8"


def test_shards_put_together_are_the_index_that_is_built_at_once(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vectors = clustered(1500)
    array(house / "a.npy", vectors)
    assert sinonom("index", "a.npy", "once.faiss", "--type", "ivf-sq8") == 0
    monkeypatch.setattr(assemble, "SHARD", 400)
    monkeypatch.setattr(assemble, "BLOCK", 128)
    assert sinonom("index", "a.npy", "shards.faiss", "--type", "ivf-sq8") == 0
    assert Path("once.faiss").read_bytes() == Path("shards.faiss").read_bytes()


def test_a_build_that_was_stopped_takes_up_its_shards(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    array(house / "a.npy", clustered(1500))
    monkeypatch.setattr(assemble, "SHARD", 400)
    assert sinonom("index", "a.npy", "db.faiss", "--type", "ivf-sq8") == 0
    want = bytes_of(house / "db.faiss")
    real, saved = assemble.save, []

    def stopping(index: object, path: Path) -> None:
        if len(saved) == 3:
            raise KeyboardInterrupt
        saved.append(path.name)
        real(index, path)

    with monkeypatch.context() as patch:
        patch.setattr(assemble, "save", stopping)
        assert sinonom("index", "a.npy", "db.faiss", "--type", "ivf-sq8", "--overwrite") == 130
    assert saved == ["trained.faiss", "00000.faiss", "00001.faiss"]
    saved.clear()
    monkeypatch.setattr(assemble, "save", lambda index, path: (saved.append(path.name), real(index, path)))
    assert sinonom("index", "a.npy", "db.faiss", "--type", "ivf-sq8") == 0
    assert saved == ["00002.faiss", "00003.faiss", "index.faiss"]
    assert bytes_of(house / "db.faiss") == want


@pytest.mark.parametrize("kind", ["flat", "ivf-sq8", "hnsw"])
def test_added_and_removed_rows_are_found_and_not_found(house: Path, kind: str) -> None:
    first, second = clustered(700), clustered(300, 5)
    array(house / "a.npy", first)
    array(house / "b.npy", second)
    names = [f"a {i}" for i in range(700)] + [f"b {i}" for i in range(300)]
    whole = np.concatenate([first, second])
    assert sinonom("index", "a.npy", "db.faiss", "--type", kind) == 0
    assert sinonom("index", "b.npy", "db.faiss", "--add") == 0
    index = read_index(house / "db.faiss")
    assert np.array_equal(index.vectors, whole) and [row.item for row in index.rows] == names
    stamp = bytes_of(house / "db.faiss")
    assert sinonom("index", "b.npy", "db.faiss", "--add") == 0  # the index holds it already
    assert bytes_of(house / "db.faiss") == stamp
    assert sinonom("index", "db.faiss", "--remove", "a 3", "--remove", "b 1?", "--remove", "#5") == 0
    gone = {"a 3", "a 5", *(f"b 1{i}" for i in range(10))}
    left = [i for i, name in enumerate(names) if name not in gone]
    index = read_index(house / "db.faiss")
    assert np.array_equal(index.vectors, whole[left])
    assert [row.item for row in index.rows] == [names[i] for i in left]
    wanted = nearest(whole[left], [names[i] for i in left], whole[:60])
    got = found(house / "db.faiss", whole[:60])
    assert [line[0] for line in got] == [line[0] for line in wanted]
    assert np.mean([len(set(a) & set(b)) / 5 for a, b in zip(got, wanted, strict=True)]) > 0.97


def test_pictures_are_added_to_a_compressed_index_without_embedding_the_old(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = tiny_pictures(house / "set", [f"{i:02d}.png" for i in range(40)])
    paths[30].rename(house / "set" / "30 later.png")
    for path in paths[31:]:
        path.unlink()
    assert sinonom("index", "set", "db.faiss", "--type", "IVF4,SQ8") == 0
    tiny_pictures(house / "set", [f"new {i}.png" for i in range(5)], seed=2)
    (house / "set" / "broken.png").write_bytes(b"no picture")
    embedded = []
    real = add.embed
    monkeypatch.setattr(add, "embed", lambda *a: (embedded.extend(a[2].batches[0]), real(*a))[1])
    assert sinonom("index", "set", "db.faiss", "--add") == 6
    assert len(embedded) == 6
    assert "broken.png" in Path("db.faiss.failures.csv").read_text(encoding="utf-8")
    index = read_index(house / "db.faiss")
    assert [row.item for row in index.rows][-5:] == [f"new {i}.png" for i in range(5)] and len(index) == 36
    (house / "set" / "broken.png").unlink()
    assert sinonom("index", "set", "fresh.faiss", "--type", "IVF4,SQ8") == 0
    fresh = read_index(house / "fresh.faiss")
    by_name = {row.item: fresh.vectors[i] for i, row in enumerate(fresh.rows)}
    assert all(np.array_equal(by_name[row.item], index.vectors[i]) for i, row in enumerate(index.rows))


def test_a_change_that_was_killed_between_two_renames_is_finished_by_whoever_comes(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    array(house / "a.npy", clustered(50))
    array(house / "b.npy", clustered(20, 3))
    assert sinonom("index", "a.npy", "db.faiss") == 0
    real = os.replace

    def dying(source: object, target: object) -> None:
        if str(target).endswith("db.faiss.rows.csv"):
            raise KeyboardInterrupt
        real(source, target)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", dying)
        assert sinonom("index", "b.npy", "db.faiss", "--add") == 130
    assert beside(house / "db.faiss", FAISS).stat().st_size > 60 * D * 4 > 0
    assert len(beside(house / "db.faiss", ROWS).read_text(encoding="utf-8").splitlines()) == 51
    assert len(read_index(house / "db.faiss")) == 70


def test_an_array_that_changed_since_it_was_added_is_refused(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, seed in (("a", 1), ("b", 2)):
        array(house / f"{name}.npy", clustered(20, seed))
    assert sinonom("index", "a.npy", "db.faiss") == 0
    assert sinonom("index", "b.npy", "db.faiss", "--add") == 0
    for name in ("a.npy", "b.npy"):
        assert sinonom("index", name, "db.faiss", "--add") == 0
        array(house / name, clustered(20, 9))
        capsys.readouterr()
        assert sinonom("index", name, "db.faiss", "--add") == 5
        assert name in capsys.readouterr().err
    assert len(read_index(house / "db.faiss")) == 40


def test_what_an_addition_left_behind_when_killed_is_not_taken_for_vectors(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array(house / "a.npy", clustered(600))
    array(house / "b.npy", clustered(20, 3))
    assert sinonom("index", "a.npy", "db.faiss", "--type", "ivf-sq8") == 0
    with monkeypatch.context() as patch:
        patch.setattr(append, "load", lambda _: (_ for _ in ()).throw(KeyboardInterrupt))
        assert sinonom("index", "b.npy", "db.faiss", "--add") == 130
    assert beside(house / "db.faiss", ".vectors").stat().st_size == 620 * D * 4
    assert len(read_index(house / "db.faiss").vectors) == 600
    assert sinonom("index", "b.npy", "db.faiss", "--add") == 0
    assert np.array_equal(read_index(house / "db.faiss").vectors[600:], clustered(20, 3))


BAD = {
    "shape": (np.zeros((3, D + 1), np.float32), "9"),
    "type": (np.zeros((3, D)), "float64"),
    "number": (np.full((3, D), np.nan, np.float32), ""),
    "empty": (np.zeros((0, D), np.float32), ""),
    "one": (np.zeros(D, np.float32), "(N, D)"),
}


@pytest.mark.parametrize("name", BAD)
def test_arrays_that_are_no_embeddings_are_refused(house: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    vectors, what = BAD[name]
    array(house / "a.npy", vectors, table=False)
    assert sinonom("index", "a.npy", "db.faiss") == 4
    naming(capsys, "a.npy", what)
    assert not (house / "db.faiss").exists()


def test_files_that_are_no_arrays_and_tables_that_do_not_fit(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "a.npy").write_bytes(b"\x80\x04 pickled")
    assert sinonom("index", "a.npy", "db.faiss") == 4
    naming(capsys, "a.npy")
    array(house / "b.npy", clustered(4))
    with Path("b.csv").open("a", encoding="utf-8") as file:
        file.write("字,one more\n")
    assert sinonom("index", "b.npy", "b.faiss") == 4
    assert "5 rows" in capsys.readouterr().err
    tiny_pictures(house / "set", ["0.png"])
    assert sinonom("index", "set", "b.npy", "c.faiss") == 2


def test_names_that_are_not_there_change_nothing(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    array(house / "a.npy", clustered(5))
    assert sinonom("index", "a.npy", "db.faiss") == 0
    stamp = bytes_of(house / "db.faiss")
    for names, named in ((["a 1", "nobody"], "nobody"), (["#5"], "#5"), (["a *"], "db.faiss")):
        arguments = [part for name in names for part in ("--remove", name)]
        assert sinonom("index", "db.faiss", *arguments) == 4
        naming(capsys, named)
    assert bytes_of(house / "db.faiss") == stamp
    assert sinonom("index", "a.npy", "db.faiss", "--remove", "a 1") == 2
    assert sinonom("index", "a.npy", "new.faiss", "--type", "nonsense") == 2
    naming(capsys, "--type nonsense")
    assert sinonom("index", "a.npy", "new.faiss", "--type", "IVF64,SQ8") == 4
    assert "on 5 vectors" in capsys.readouterr().err
    assert sinonom("index", "db.faiss", "--remove", "a 1") == 0
    assert sinonom("index", "a.npy", "db.faiss") == 5
    naming(capsys, "db.faiss")
