"""`index --prototypes` makes rows that represent labels by the centres of their pictures."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search.index import read_index
from sinonom_cli.search.indexing import build
from sinonom_cli.search.indexing.prototypes import LEAST, PICTURES, centres_of
from sinonom_cli.search.rows import Row

D = 8


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


def directions(count: int, seed: int, around: np.ndarray | None = None, spread: float = 0.2) -> np.ndarray:
    rng = np.random.default_rng(seed)
    vectors = rng.standard_normal((count, D)) * (1.0 if around is None else spread)
    vectors = vectors if around is None else vectors + around
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def array(path: Path, vectors: np.ndarray, labels: list[str]) -> None:
    np.save(path, vectors)
    with path.with_suffix(".csv").open("w", encoding="utf-8", newline="") as file:
        rows = [(f"{i}.png", label, chr(int(label[2:], 16)) if label else "") for i, label in enumerate(labels)]
        csv.writer(file).writerows([("item", "label", "char"), *rows])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model", dimension=D)
    monkeypatch.chdir(folder)
    return folder


def assert_fixed_point(vectors: np.ndarray, centres: np.ndarray) -> list[int]:
    """Check by loops that each centre is the mean direction of its nearest vectors; return their numbers."""
    held: dict[int, list[np.ndarray]] = {}
    for vector in vectors.astype(float):
        angles = [float(np.arccos(np.clip(vector @ centre, -1, 1))) for centre in centres.astype(float)]
        held.setdefault(angles.index(min(angles)), []).append(vector)
    assert len(held) == len(centres)
    for k, centre in enumerate(centres):
        mean = sum(held[k]) / len(held[k])
        assert np.allclose(mean / np.sqrt((mean**2).sum()), centre, atol=1e-5)
    return [len(held[k]) for k in range(len(centres))]


def test_centres_fit_at_least_as_well_as_those_of_the_k_means_of_faiss() -> None:
    # FAISS is three times as fast, but its bytes depend on the BLAS and its threads.
    faiss = pytest.importorskip("faiss")
    gain = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        around = rng.standard_normal((3, D))
        vectors = np.concatenate([directions(20, seed + 100 * k, around[k], 0.8) for k in range(3)])
        ours = centres_of(vectors, 3, rng)
        theirs = faiss.Kmeans(D, len(ours), niter=100, spherical=True, seed=seed + 1, min_points_per_centroid=1)
        theirs.train(vectors)
        gain.append(float((vectors @ ours.T).max(axis=1).mean() - (vectors @ theirs.centroids.T).max(axis=1).mean()))
    assert np.mean(gain) > -0.002


@pytest.mark.parametrize("seed", range(12))
def test_centres_are_a_fixed_point_the_largest_first_and_none_stands_for_a_few(seed: int) -> None:
    vectors = directions(20 + 7 * seed, seed)
    centres = centres_of(vectors, 4, np.random.default_rng(seed))
    sizes = assert_fixed_point(vectors, centres)
    assert sizes == sorted(sizes, reverse=True) and min(sizes) >= LEAST
    assert 1 < len(centres) <= min(4, len(vectors) // PICTURES)
    again = centres_of(vectors, 4, np.random.default_rng(seed))
    assert again.tobytes() == centres.tobytes()


def test_clear_groups_are_found_and_a_stray_picture_gets_no_row() -> None:
    ways = np.eye(D)[:3]
    groups = [directions(10 + 4 * k, k, way, 0.1) for k, way in enumerate(ways)]
    stray = directions(1, 9, np.eye(D)[7], 0.01)
    centres = centres_of(np.concatenate([*groups, stray]), 4, np.random.default_rng(0))
    assert len(centres) == 3
    for centre, way in zip(centres, ways[::-1], strict=True):  # the third group has the most pictures
        assert centre @ way > 0.95


def test_pictures_that_are_all_alike_or_cancel_out_have_one_centre() -> None:
    same = np.repeat(directions(1, 0), 40, axis=0)
    assert np.allclose(centres_of(same, 3, np.random.default_rng(0)), same[:1], atol=1e-6)
    ends = np.concatenate([same[:2], -same[:2]])
    [centre] = centres_of(ends, 3, np.random.default_rng(0))
    assert np.isclose(np.linalg.norm(centre), 1)
    assert np.isfinite(centres_of(np.zeros((20, D), np.float32), 3, np.random.default_rng(0))).all()


def test_one_prototype_is_the_normalised_mean_and_names_no_file(house: Path) -> None:
    vectors = 3 * directions(60, 0)
    labels = [["U+20089", "U+5B57", "U+4E00"][i % 3] for i in range(60)]
    array(house / "a.npy", vectors, labels)
    assert sinonom("index", "a.npy", "chars.faiss", "--prototypes", 1, "--type", "fp16") == 0
    index = read_index(house / "chars.faiss")
    assert index.prototypes and index.type == "fp16" and index.unit
    assert list(index.rows) == [
        Row("U+4E00", "", "U+4E00", "一", ""), Row("U+5B57", "", "U+5B57", "字", ""),
        Row("U+20089", "", "U+20089", "𠂉", ""),
    ]  # fmt: skip
    for row, vector in zip(index.rows, index.vectors, strict=True):
        mean = np.mean(
            [v / np.linalg.norm(v) for v, label in zip(vectors, labels, strict=True) if label == row.label], 0
        )
        assert np.allclose(vector, mean / np.linalg.norm(mean), atol=1e-3)
    record = json.loads((house / "chars.faiss.json").read_text(encoding="utf-8"))
    assert record["counts"] == {"items": 60, "rows": 3, "failed": 0, "labels": 3}
    assert record["distance"] == "cosine"  # the embeddings had different lengths, and only their directions are kept
    assert str(house) not in json.dumps(record, ensure_ascii=False)


def pictures(house: Path) -> None:
    names = [f"{label}/{i:02d}.png" for label in ("U+4E00", "U+5B57") for i in range(20)]
    tiny_pictures(house / "set", [*names, "U+20089/00.png"])


def test_prototypes_of_pictures_are_made_of_their_embeddings(house: Path) -> None:
    pictures(house)
    assert sinonom("index", "set", "all.faiss") == 0
    assert sinonom("index", "set", "chars.faiss", "--prototypes", 2) == 0
    whole, index = read_index(house / "all.faiss"), read_index(house / "chars.faiss")
    assert [row.item for row in index.rows if row.label == "U+20089"] == ["U+20089"]
    for label in ("U+4E00", "U+5B57", "U+20089"):
        own = whole.vectors[[row.label == label for row in whole.rows]]
        centres = index.vectors[[row.label == label for row in index.rows]]
        assert len(own) == sum(assert_fixed_point(own, centres))
        names = [row.item for row in index.rows if row.label == label]
        assert names == ([label] if len(names) == 1 else [f"{label}#0", f"{label}#1"])
    assert index.distance == whole.distance and not (house / "chars.faiss.partial").exists()


def test_a_killed_run_goes_on_and_a_mended_failure_gives_the_same_bytes(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures(house)
    arguments = ("index", "set", "chars.faiss", "--prototypes", 2, "--batch-size", 4)
    files = ("chars.faiss", "chars.faiss.rows.csv", "chars.faiss.json")
    assert sinonom(*arguments) == 0
    want = [(house / name).read_bytes() for name in files]

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(build, "prototypes", killed)
        assert sinonom(*arguments, "--overwrite") == 130
    assert len(list((house / "chars.faiss.partial").glob("*.npz"))) == 11
    with monkeypatch.context() as patch:
        patch.setattr(build.Partial, "save", lambda *_: pytest.fail("embedded again"))
        assert sinonom(*arguments) == 0
    assert [(house / name).read_bytes() for name in files] == want
    good = (house / "set" / "U+5B57" / "03.png").read_bytes()
    (house / "set" / "U+5B57" / "03.png").write_bytes(b"no picture")
    assert sinonom(*arguments, "--overwrite") == 6
    assert [(house / name).read_bytes() for name in files] != want
    (house / "set" / "U+5B57" / "03.png").write_bytes(good)
    assert sinonom(*arguments) == 0
    assert [(house / name).read_bytes() for name in files] == want


def test_what_prototypes_cannot_be_is_refused_in_one_line(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pictures(house)
    tiny_pictures(house / "scans", ["khắc/0.png", "1.png"])
    capsys.readouterr()
    assert sinonom("index", "set", "scans", "chars.faiss", "--prototypes", 3) == 4
    said = capsys.readouterr().err
    assert "2 of 43" in said and "scans/1.png" in said and len(said.splitlines()) == 2
    assert not (house / "chars.faiss.json").exists()
    array(house / "a.npy", directions(3, 0), ["U+4E00", "", "U+4E00"])
    assert sinonom("index", "a.npy", "chars.faiss", "--prototypes", 3) == 4
    naming(capsys, "1 of 3", "--prototypes")
    assert sinonom("index", "set", "chars.faiss", "--prototypes", 0) == 2
    assert sinonom("index", "set", "chars.faiss", "--prototypes", 3) == 0
    before = (house / "chars.faiss").read_bytes()
    capsys.readouterr()
    assert sinonom("index", "scans", "chars.faiss", "--add") == 4
    said = capsys.readouterr().err
    assert "sinonom index set chars.faiss --overwrite --prototypes 3" in said
    assert sinonom("index", "set", "chars.faiss", "--add", "--prototypes", 3) == 2
    assert sinonom("index", "set", "chars.faiss") == 5
    naming(capsys, "prototypes", "3", "none")
    assert sinonom("index", "chars.faiss", "--remove", "U+5B57*") == 0
    assert before != (house / "chars.faiss").read_bytes()
    assert {row.label for row in read_index(house / "chars.faiss").rows} == {"U+4E00", "U+20089"}
