"""`--rerank`: pictures are compared where they lie, parts may move a little, and what is gone changes nothing."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.query.local import DIRECTIONS, GRID, REACH, edge_maps, local_distances
from sinonom_cli.query.rerank import Reranker


def loop_distance(a: np.ndarray, b: np.ndarray) -> float:
    """The image distortion model, place by place; outside a map everything is 0."""

    def at(maps: np.ndarray, y: int, x: int) -> np.ndarray:
        return maps[:, y, x] if 0 <= y < GRID and 0 <= x < GRID else np.zeros(DIRECTIONS)

    total = 0.0
    for y in range(GRID):
        for x in range(GRID):
            found = []
            for dy in range(-REACH, REACH + 1):
                for dx in range(-REACH, REACH + 1):
                    around = 0.0
                    for i in (-1, 0, 1):
                        for j in (-1, 0, 1):
                            if 0 <= y + i < GRID and 0 <= x + j < GRID:
                                around += ((at(a, y + i, x + j) - at(b, y + i + dy, x + j + dx)) ** 2).sum()
                    found.append(around)
            total += min(found)
    return total


def test_local_distances_agree_with_a_loop() -> None:
    rng = np.random.default_rng(0)
    query, others = (rng.random((n, DIRECTIONS, GRID, GRID)).astype(np.float32) for n in (1, 2))
    found = local_distances(query[0], others)
    assert found == pytest.approx([loop_distance(query[0], other) for other in others], rel=1e-5)
    assert local_distances(query[0], query) == pytest.approx([0])


def test_edge_maps_know_where_an_edge_lies_and_which_way_it_faces() -> None:
    ink = np.zeros((64, 64), np.float32)
    ink[:, 40:] = 1  # ink grows to the right: direction 0
    maps = edge_maps(ink)
    assert maps.shape == (DIRECTIONS, GRID, GRID) and float((maps**2).sum()) == pytest.approx(1)
    assert maps.sum(axis=(1, 2)).argmax() == 0 and maps[0].sum(axis=0).argmax() in (9, 10)
    assert edge_maps(ink.T).sum(axis=(1, 2)).argmax() == DIRECTIONS // 4
    assert edge_maps(1 - ink).sum(axis=(1, 2)).argmax() == DIRECTIONS // 2
    assert not edge_maps(np.zeros((64, 64), np.float32)).any()


def strokes(path: Path, seed: int, moved: int = 0, width: int = 7) -> Path:
    rng = np.random.default_rng(seed)
    image = Image.new("L", (96, 96), 255)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        x0, y0, x1, y1 = (rng.integers(12, 84, 4) + moved * rng.integers(-1, 2, 4)).tolist()
        draw.line((x0, y0, x1, y1), fill=0, width=width)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def index_of(folder: Path, count: int) -> SimpleNamespace:
    pictures = [strokes(folder / f"{seed}.png", seed) for seed in range(count)]
    return SimpleNamespace(path=folder, rows=pictures, picture=lambda row: row)


def test_of_equal_embeddings_the_picture_that_looks_alike_comes_first(tmp_path: Path) -> None:
    reranker = Reranker(index_of(tmp_path, 8), 8)  # type: ignore[arg-type]
    for seed in range(8):
        query = strokes(tmp_path / "q" / f"{seed}.png", seed, moved=3, width=4)
        rows, distances = reranker(query, list(range(8)), [0.5] * 8)
        assert rows[0] == seed and sorted(rows) == list(range(8)) and distances == [0.5] * 8


def test_embeddings_still_count_and_what_is_beyond_stays(tmp_path: Path) -> None:
    reranker = Reranker(index_of(tmp_path, 8), 4)  # type: ignore[arg-type]
    query = strokes(tmp_path / "q.png", 3)
    rows, distances = reranker(query, [5, 4, 3, 2, 7, 6], [0.5, 0.5, 0.51, 0.9, 0.91, 0.92])
    assert rows[0] == 3 and rows[4:] == [7, 6] and distances[0] == 0.51 and distances[4:] == [0.91, 0.92]
    rows, _ = reranker(query, [5, 4, 3, 2], [0.001, 3.0, 2.0, 5.0])
    assert rows[0] == 5  # very near by the embedding


def test_pictures_that_have_gone_are_said_once_and_change_no_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reranker = Reranker(index_of(tmp_path, 4), 4)  # type: ignore[arg-type]
    query = strokes(tmp_path / "q.png", 2)
    for seed in range(4):
        (tmp_path / f"{seed}.png").unlink()
    assert reranker(query, [0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0]) == ([0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])
    reranker(query, [0, 1, 2, 3], [1.0, 2.0, 3.0, 4.0])
    assert capsys.readouterr().err.count("--rerank") == 1


def test_rerank_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{i}.png" for i in range(9)])
    assert cli.run(["index", "set", "db.faiss", "-q"]) == 0
    found = []
    for count in ("0", "9"):
        capsys.readouterr()
        assert cli.run(["query", "set/4.png", "-i", "db.faiss", "--json", "-k", "9", "--rerank", count]) == 0
        found.append(json.loads(capsys.readouterr().out)["results"])
    assert [result["rank"] for result in found[1]] == list(range(1, 10))
    assert {(result["item"], result["distance"]) for result in found[0]} == {
        (result["item"], result["distance"]) for result in found[1]
    }
    assert found[1][0]["item"] == "4.png" and found[0] != found[1]
    shutil.rmtree(tmp_path / "set")
    (tmp_path / "set").mkdir()
    tiny_pictures(tmp_path, ["q.png"])
    assert cli.run(["query", "q.png", "-i", "db.faiss", "--json", "--rerank", "9"]) == 0
