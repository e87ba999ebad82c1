"""Exactly the named rows are removed, current pictures are added, and a compressed index is tuned again."""

import csv
import hashlib
import json
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refused import naming
from tinycommands import patches
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.errors import ExitCode
from sinonom_cli.search.index import read_index
from sinonom_cli.search.index_files import MARK, beside
from sinonom_cli.search.indexing import faiss_types


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def items(path: Path) -> list[str]:
    return [row.item for row in read_index(path).rows]


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    monkeypatch.chdir(folder)
    return folder


ODD = ["a[1].png", "a1.png", "a2.png", "#1", "#2", "what?.png", "whats.png", "*"]


@pytest.fixture
def odd(house: Path) -> Path:
    """Make an index whose item names look like patterns and numbers."""
    np.save(house / "v.npy", np.random.default_rng(0).standard_normal((len(ODD), 8)).astype(np.float32))
    with (house / "v.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["item"], *([name] for name in ODD)])
    assert sinonom("index", "v.npy", "db.faiss") == 0
    return house / "db.faiss"


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("a[1].png", ["a[1].png"]),
        ("a[12].png", ["a1.png", "a2.png"]),
        ("#1", ["#1"]),
        ("#3", ["#1"]),
        ("#4", ["#2"]),
        ("what?.png", ["what?.png"]),
        ("wh?ts.jpg", []),
        ("whats*", ["whats.png"]),
        ("*", ["*"]),
    ],
)
def test_a_name_that_an_item_has_is_no_pattern_and_no_number(odd: Path, name: str, gone: list[str]) -> None:
    assert sinonom("index", odd, "--remove", name) == (0 if gone else 4)
    assert items(odd) == [item for item in ODD if item not in gone]


def test_a_name_is_found_however_its_diacritics_are_spelt_and_an_exact_one_first(house: Path) -> None:
    composed, parted = (unicodedata.normalize(form, "bản.png") for form in ("NFC", "NFD"))
    np.save(house / "v.npy", np.random.default_rng(0).standard_normal((3, 8)).astype(np.float32))
    with (house / "v.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["item"], [composed], [parted], ["khắc.png"]])
    assert sinonom("index", "v.npy", "db.faiss") == 0
    assert sinonom("index", "db.faiss", "--remove", parted) == 0
    assert items(house / "db.faiss") == [composed, "khắc.png"]
    assert sinonom("index", "db.faiss", "--remove", parted) == 0
    assert items(house / "db.faiss") == ["khắc.png"]
    assert sinonom("index", "db.faiss", "--remove", parted) == 4


def test_an_item_of_two_sets_is_removed_from_the_one_that_is_named(house: Path) -> None:
    for name in ("s", "t"):
        tiny_pictures(house / name, ["a.png", "b.png"], seed=ord(name))
    assert sinonom("index", "s", "t", "db.faiss") == 0
    before = beside(house / "db.faiss", ".rows.csv").read_bytes()
    assert sinonom("index", "db.faiss", "--remove", "a.png") == 4
    assert beside(house / "db.faiss", ".rows.csv").read_bytes() == before
    assert sinonom("index", "db.faiss", "--remove", "t/a.png") == 0
    assert [(row.set, row.item) for row in read_index(house / "db.faiss").rows] == [
        ("s", "a.png"), ("s", "b.png"), ("t", "b.png"),
    ]  # fmt: skip
    assert sinonom("index", "db.faiss", "--remove", "*/b.png") == 0
    assert items(house / "db.faiss") == ["a.png"]


def repaint(path: Path, seed: int = 9) -> None:
    """Replace a picture by another one of the same size, and keep its times."""
    import os

    before = path.stat()
    [other] = tiny_pictures(path.parent, ["other.png"], seed=seed)
    with Image.open(other) as image:
        image.load()
    other.unlink()
    image.save(path, compress_level=0)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def uncompressed(folder: Path, names: list[str]) -> list[Path]:
    paths = tiny_pictures(folder, names)
    for path in paths:
        with Image.open(path) as image:
            image.load()
        image.save(path, compress_level=0)
    return paths


@pytest.mark.parametrize("kind", ["flat", "fp16", "hnsw", "IVF4,SQ8"])
def test_add_embeds_pictures_again_that_were_replaced_in_place(
    house: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = uncompressed(house / "set", [f"{i}.png" for i in range(40)])
    assert sinonom("index", "set", "db.faiss", "--type", kind) == 0
    size = paths[3].stat().st_size
    for path, seed in ((paths[3], 9), (paths[39], 10)):
        repaint(path, seed)
    assert paths[3].stat().st_size == size
    assert sinonom("index", "set", "db.faiss") == 5
    tiny_pictures(house / "set", ["new.png"], seed=4)
    capsys.readouterr()
    assert sinonom("index", "set", "db.faiss", "--add") == 0
    naming(capsys, "2", "3.png")
    assert sinonom("index", "set", "fresh.faiss", "--type", kind) == 0
    one, other = read_index(house / "db.faiss"), read_index(house / "fresh.faiss")
    by_name = {row.item: number for number, row in enumerate(other.rows)}
    assert sorted(items(house / "db.faiss")) == sorted(by_name) and len(one) == 41
    for number, row in enumerate(one.rows):
        assert np.array_equal(one.vectors[number], other.vectors[by_name[row.item]])
        assert np.array_equal(one.marks[number], other.marks[by_name[row.item]])  # type: ignore[index]
    before = beside(house / "db.faiss", ".json").read_bytes()
    assert sinonom("index", "set", "db.faiss", "--add") == 0
    assert beside(house / "db.faiss", ".json").read_bytes() == before
    assert sinonom("query", paths[39], "--index", "db.faiss", "--json") == 0
    first = json.loads(capsys.readouterr().out.splitlines()[-1])["results"][0]
    assert first["item"] == "39.png" and first["distance"] == pytest.approx(0, abs=1e-3)


def test_add_warns_of_rows_whose_pictures_are_gone_and_keeps_them(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("one", "two"):
        paths = uncompressed(house / name, [f"{name}{i}.png" for i in range(3)])
    assert sinonom("index", "one", "two", "db.faiss") == 0
    paths[1].unlink()
    capsys.readouterr()
    assert sinonom("index", "two", "db.faiss", "--add") == 0
    assert naming(capsys, "two1.png", "--remove").count("warning") == 1
    assert sinonom("index", "one", "db.faiss", "--add") == 0
    assert "warning" not in capsys.readouterr().err
    assert len(items(house / "db.faiss")) == 6


def test_all_pictures_may_have_changed_and_one_that_is_broken_now_keeps_its_row(house: Path) -> None:
    paths = uncompressed(house / "set", [f"{i}.png" for i in range(4)])
    assert sinonom("index", "set", "db.faiss") == 0
    old = read_index(house / "db.faiss").vectors[2].copy()
    for seed, path in enumerate(paths, 20):
        repaint(path, seed)
    whole = paths[2].read_bytes()
    paths[2].write_bytes(whole[:60])
    assert sinonom("index", "set", "db.faiss", "--add") == 6
    assert sinonom("index", "set", "fresh.faiss") == 6
    index = read_index(house / "db.faiss")
    assert items(house / "db.faiss") == ["2.png", "0.png", "1.png", "3.png"]
    assert np.array_equal(index.vectors[0], old)
    assert np.array_equal(index.vectors[1:], read_index(house / "fresh.faiss").vectors)
    counts = json.loads(beside(house / "db.faiss", ".json").read_bytes())["counts"]
    assert counts == {"items": 5, "rows": 4, "failed": 1}
    paths[2].write_bytes(whole)
    assert sinonom("index", "set", "db.faiss", "--add") == 0
    assert sorted(items(house / "db.faiss")) == [f"{i}.png" for i in range(4)]


def test_an_addition_that_was_stopped_is_not_taken_up_with_other_pictures(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sinonom_cli.search.indexing import add

    tiny_pictures(house / "set", ["0.png"])
    assert sinonom("index", "set", "db.faiss") == 0
    paths = uncompressed(house / "more", [f"{i}.png" for i in range(4)])
    with monkeypatch.context() as patch:
        patch.setattr(add, "append", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        assert sinonom("index", "more", "db.faiss", "--add") == 130
    repaint(paths[0])
    assert sinonom("index", "more", "db.faiss", "--add") == 0
    assert sinonom("index", "more", "fresh.faiss") == 0
    assert np.array_equal(read_index(house / "db.faiss").vectors[1:], read_index(house / "fresh.faiss").vectors)


def blobs(count: int) -> np.ndarray:
    """Return vectors whose neighbours are in their own list of an inverted file, so that few lists are searched."""
    rng = np.random.default_rng(0)
    centres = 10 * rng.standard_normal((30, 8))
    return (centres[rng.integers(30, size=count)] + 0.1 * rng.standard_normal((count, 8))).astype(np.float32)


def scattered(count: int) -> np.ndarray:
    """Return vectors whose neighbours are in many lists."""
    return np.random.default_rng(1).uniform(-15, 15, (count, 8)).astype(np.float32)


@pytest.mark.parametrize("change", ["--add", "--remove"])
@pytest.mark.parametrize("kind", ["IVF64,SQ8", "ivf-sq8", "hnsw"])
def test_a_changed_compressed_index_is_measured_again(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], change: str, kind: str
) -> None:
    np.save("a.npy", blobs(2000) if change == "--add" else np.concatenate([blobs(2000), scattered(2000)]))
    np.save("b.npy", scattered(2000))
    assert sinonom("index", "a.npy", "db.faiss", "--type", kind, "-q") == 0
    was = read_index(house / "db.faiss").record.json["measured"]
    capsys.readouterr()
    if change == "--add":
        assert sinonom("index", "b.npy", "db.faiss", "--add", "-q") == 0
    else:
        monkeypatch.setattr("sys.stdin", [f"#{i}\n" for i in range(2000, 4000)])
        assert sinonom("index", "db.faiss", "--remove", "-", "-q") == 0
    index = read_index(house / "db.faiss")
    vectors, now = index.vectors, index.record.json["measured"]
    asked = np.arange(len(vectors))[:: max(1, len(vectors) // faiss_types.ASKED)][: faiss_types.ASKED]
    far = ((vectors[asked][:, None] - vectors[None]) ** 2).sum(axis=2)
    far[np.arange(len(asked)), asked] = np.inf
    _, rows = index.faiss.search(vectors[asked], 6 * index.record.candidates)
    recall = np.mean([len(set(f) & set(np.argsort(d)[:5])) / 5 for f, d in zip(rows, far, strict=True)])
    assert now["recall@5"] == pytest.approx(recall, abs=2e-3)
    assert ("warning" in capsys.readouterr().err) == (now["recall@5"] < 0.99)
    if kind != "hnsw":
        assert now["nprobe"] != was["nprobe"]


def ask(capsys: pytest.CaptureFixture[str], *more: str) -> tuple[dict, str]:
    capsys.readouterr()
    assert sinonom("query", "set/0.png", "-i", "db.faiss", "--json", *more) == 0
    captured = capsys.readouterr()
    return json.loads(captured.out.splitlines()[0]), captured.err


def indexed_as_vectors(add: bool) -> int:
    """Index the pictures of the folder `set` by embeddings in a `.npy` file, of which half are added if `add`."""
    assert sinonom("index", "set", "all.faiss") == 0
    vectors, rows = read_index(Path("all.faiss")).vectors, list(read_index(Path("all.faiss")).rows)
    parts = {"a": range(3), "b": range(3, len(rows))} if add else {"a": range(len(rows))}
    for name, numbers in parts.items():
        Path("npy").mkdir(exist_ok=True)
        np.save(f"npy/{name}.npy", vectors[list(numbers)])
        with Path(f"npy/{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("item", "set"), *((rows[n].item, "../set") for n in numbers)])
    code = sinonom("index", "npy/a.npy", "db.faiss")
    return sinonom("index", "npy/b.npy", "db.faiss", "--add") if add and not code else code


def stored_in_milvus() -> int:
    pytest.importorskip("pymilvus", reason='pymilvus is not installed: pip install "sinonom[milvus]"')
    pytest.importorskip("milvus_lite", reason="there is no Milvus Lite here (it has none for Windows)")
    return sinonom("index", "set", "db.faiss", "--store", "milvus:lite.db")


WAYS = {
    "pictures": lambda: sinonom("index", "set", "db.faiss"),
    "vectors": lambda: indexed_as_vectors(add=False),
    "added vectors": lambda: indexed_as_vectors(add=True),
    "Milvus": stored_in_milvus,
}


@pytest.mark.parametrize("way", WAYS)
def test_query_says_when_a_set_has_changed_and_when_a_picture_is_changed_or_gone(
    way: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = uncompressed(house / "set", [f"{i}.png" for i in range(5)])
    assert WAYS[way]() == 0
    answer, said = ask(capsys)
    assert "warning" not in said and "changed" not in answer
    assert all("picture" not in result for result in answer["results"])
    tiny_pictures(house / "set", ["new.png"], seed=5)
    answer, said = ask(capsys)
    assert answer["changed"] == ["set"] and said.count("warning") == 1 and "set" in said
    assert all("picture" not in result for result in answer["results"])
    repaint(paths[2])
    paths[3].unlink()
    answer, said = ask(capsys)
    states = {result["item"]: result.get("picture") for result in answer["results"]}
    assert states == {"0.png": None, "1.png": None, "2.png": "changed", "3.png": "gone", "4.png": None}
    assert said.count("warning") == 1 and "2.png" in said and "3.png" in said
    shutil.move(house / "set", house / "away")
    capsys.readouterr()
    assert sinonom("query", "away/0.png", "-i", "db.faiss", "--json") == 0
    captured = capsys.readouterr()
    assert all(result["picture"] == "gone" for result in json.loads(captured.out)["results"])
    assert captured.err.count("warning") == 1


def test_vectors_whose_pictures_are_elsewhere_have_no_marks(house: Path) -> None:
    for name, set_ in (("a", "nowhere"), ("b", "")):
        np.save(house / f"{name}.npy", np.eye(2, 8, dtype=np.float32))
        Path(f"{name}.csv").write_text(f"item,set\n0.png,{set_}\n1.png,{set_}\n", encoding="utf-8")
        assert sinonom("index", f"{name}.npy", f"{name}.faiss") == 0
        assert not beside(house / f"{name}.faiss", ".marks").exists()
        assert read_index(house / f"{name}.faiss").marks is None


def test_vectors_with_and_without_a_picture_have_their_own_marks(house: Path) -> None:
    pictures = tiny_pictures(house / "set", ["0.png", "1.png"])
    np.save(house / "a.npy", np.eye(4, 8, dtype=np.float32))
    Path("a.csv").write_text("item,set\nx,\n1.png,set\ny,\n0.png,set\n", encoding="utf-8")
    assert sinonom("index", "a.npy", "a.faiss") == 0
    hashed = [hashlib.sha256(path.read_bytes()).digest()[:MARK] for path in pictures]
    marks = read_index(house / "a.faiss").marks
    assert marks is not None
    assert [mark.tobytes() for mark in marks] == [bytes(MARK), hashed[1], bytes(MARK), hashed[0]]


def test_an_index_in_milvus_that_is_replaced_leaves_no_marks(house: Path) -> None:
    tiny_pictures(house / "set", ["0.png", "1.png"])
    assert stored_in_milvus() == 0
    assert beside(house / "db.faiss", ".marks").stat().st_size == 2 * MARK
    tiny_pictures(house / "set", ["2.png"], seed=2)
    assert sinonom("index", "set", "db.faiss", "--store", "milvus:lite.db") == ExitCode.OUTPUT_IN_THE_WAY
    np.save(house / "a.npy", np.eye(2, 8, dtype=np.float32))
    assert sinonom("index", "a.npy", "db.faiss", "--store", "milvus:lite.db", "--overwrite") == 0
    assert not beside(house / "db.faiss", ".marks").exists()


def test_marks_that_do_not_fit_are_refused(house: Path) -> None:
    tiny_pictures(house / "set", ["0.png", "1.png"])
    assert sinonom("index", "set", "db.faiss") == 0
    marks = beside(house / "db.faiss", ".marks")
    content = marks.read_bytes()
    for broken in (content[:-8], b"\xff" + content[1:]):
        marks.write_bytes(broken)
        assert sinonom("index", "set", "db.faiss", "--add") == 4
    marks.unlink()
    assert sinonom("index", "db.faiss", "--remove", "0.png") == 4


def test_the_picture_that_changed_since_is_named(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (*_, path) = tiny_pictures(house / "set", ["a.png", "b.png", "c.png"])
    other = tiny_pictures(house / "other", ["d.png"], seed=1)[0].read_bytes()
    content = path.read_bytes()
    assert sinonom("index", "set", "db.faiss") == 0
    for change in (lambda: path.write_bytes(other), path.unlink):
        change()
        capsys.readouterr()
        assert sinonom("index", "set", "db.faiss") == ExitCode.OUTPUT_IN_THE_WAY
        assert path.name in capsys.readouterr().err
        path.write_bytes(content)
    assert sinonom("index", "set", "db.faiss") == 0


@pytest.mark.parametrize("kind", ["flat", "hnsw"])
def test_add_renews_the_labels_of_pictures_that_are_as_before(
    house: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command, _ = patches(house / "in")
    assert sinonom(*command, "set", "--workers", 0, "-q") == 0
    assert sinonom("index", "set", "db.faiss", "--type", kind, "-q") == 0
    before = read_index(house / "db.faiss")
    vectors, old = np.array(before.vectors), list(before.rows)
    del before
    table = (house / "set/metadata.csv").read_text(encoding="utf-8")
    line = next(line for line in table.splitlines() if old[1].item in line)
    (house / "set/metadata.csv").write_text(
        table.replace(line, line.replace(f",{old[1].label},{old[1].char},", ",U+9B3C,鬼,")), encoding="utf-8"
    )
    capsys.readouterr()
    assert sinonom("index", "set", "db.faiss", "--add") == 0
    said = capsys.readouterr().err
    assert old[1].item in said and "U+9B3C" in said
    after = read_index(house / "db.faiss")
    assert np.array_equal(after.vectors, vectors)
    assert [(row.label, row.char) for row in after.rows] == [
        ("U+9B3C", "鬼") if row == old[1] else (row.label, row.char) for row in old
    ]
