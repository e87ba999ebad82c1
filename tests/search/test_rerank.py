"""`--rerank` registers pictures with the query, keeps answers without pictures in place, and is on for meshes."""

import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymodel import tiny_model, tiny_pictures

import sinonom_cli as sinonom
from sinonom_cli import cli
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search import rerank
from sinonom_cli.search.rerank import Reranker, RowViews, count_of, views_of_rows
from sinonom_cli.storage.record import begin, finish


def strokes(path: Path, seed: int, moved: int = 0, width: int = 7) -> Path:
    rng = np.random.default_rng(seed)
    image = Image.new("L", (96, 96), 255)
    draw = ImageDraw.Draw(image)
    for _ in range(6):
        draw.line((rng.integers(14, 82, 4) + moved).tolist(), fill=0, width=width)
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


def index_of(folder: Path, count: int) -> SimpleNamespace:
    pictures = [strokes(folder / f"{seed}.png", seed) for seed in range(count)]
    return SimpleNamespace(path=folder, rows=pictures, picture=lambda row: row)


def reranker(folder: Path, pictures: int, count: int) -> Reranker:
    return Reranker(index_of(folder, pictures), count)  # type: ignore[arg-type]


def equal(count: int) -> np.ndarray:
    """Return equal energies."""
    return np.full(count, 0.25)


def test_of_equal_embeddings_the_picture_that_fits_comes_first(tmp_path: Path) -> None:
    ordered = reranker(tmp_path, 8, 8)
    for seed in range(8):
        query = strokes(tmp_path / "q" / f"{seed}.png", seed, moved=3, width=5)
        order = ordered(query, list(range(8)), equal(8))
        assert order[0] == seed and sorted(order) == list(range(8))


def test_a_query_that_was_set_upright_is_registered_upright(tmp_path: Path) -> None:
    ordered, asked, found = reranker(tmp_path, 16, 16), 35, {0: 0, 35: 0}
    for seed in range(16):
        query = strokes(tmp_path / "q" / f"{seed}.png", seed)
        with Image.open(query) as image:
            image.rotate(asked, Image.Resampling.BICUBIC, fillcolor=255).save(query)
        for turn in found:
            found[turn] += ordered(query, list(range(16)), equal(16), turn)[0] == seed
    assert found[35] > found[0]


def test_two_candidates_are_enough_to_be_ordered_and_nothing_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ordered = reranker(tmp_path, 2, 2)
    query = strokes(tmp_path / "q.png", 1, moved=3, width=5)
    assert ordered(query, [0, 1], equal(2)) == [1, 0]
    assert capsys.readouterr().err == "" and not ordered.missed


def test_embeddings_still_count_and_what_is_beyond_stays(tmp_path: Path) -> None:
    ordered = reranker(tmp_path, 8, 4)
    query = strokes(tmp_path / "q.png", 3, moved=2, width=5)
    order = ordered(query, [5, 4, 3, 2, 7, 6], np.array([0.5, 0.5, 0.51, 0.9, 0.91, 0.92]) ** 2)
    assert order[0] == 2 and order[4:] == [4, 5]
    order = ordered(strokes(tmp_path / "r.png", 7), [5, 4, 2, 1], np.array([0.3, 0.9, 1.0, 1.1]) ** 2)
    assert order == [0, 1, 2, 3]  # none of the candidates matches the query


def test_candidates_without_pictures_keep_their_places_and_are_told_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ordered = reranker(tmp_path, 6, 6)
    query = strokes(tmp_path / "q.png", 4, moved=2, width=5)
    for seed in (0, 2):
        (tmp_path / f"{seed}.png").unlink()
    order = ordered(query, [0, 1, 2, 3, 4, 5], equal(6))
    assert order[0] == 0 and order[2] == 2 and order[1] == 4
    ordered(query, [0, 1, 2, 3, 4, 5], equal(6))
    assert capsys.readouterr().err.count("--rerank") == 1


def test_rows_are_read_once_and_their_views_do_not_depend_on_other_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ordered, read = reranker(tmp_path, 6, 6), []
    (tmp_path / "5.png").unlink()
    monkeypatch.setattr(rerank, "load_picture", lambda path: (read.append(path.stem), load_picture(path))[1])
    query = strokes(tmp_path / "q.png", 4, moved=2, width=5)
    for rows in ([0, 1], [1, 2, 3, 0, 4]):
        ordered(query, rows, equal(len(rows)))
    assert read == ["0", "1", "q", "2", "3", "4", "q"]
    together = views_of_rows(ordered.index, [0, 5, 3])
    assert together[1] is None and together[0] is not None and together[2] is not None
    (alone,) = views_of_rows(ordered.index, [3])
    assert alone is not None and alone.fine.tobytes() == together[2].fine.tobytes()


def test_one_picture_that_is_left_changes_no_order(tmp_path: Path) -> None:
    ordered = reranker(tmp_path, 3, 3)
    for seed in (0, 1):
        (tmp_path / f"{seed}.png").unlink()
    assert ordered(strokes(tmp_path / "q.png", 2), [0, 1, 2], np.array([1.0, 4.0, 9.0])) == [0, 1, 2]


def test_a_blank_candidate_is_an_answer_as_others_are(tmp_path: Path) -> None:
    ordered = reranker(tmp_path, 4, 40)
    Image.new("L", (96, 96), 255).save(tmp_path / "1.png")
    order = ordered(strokes(tmp_path / "q.png", 2, moved=2, width=5), [1, 3, 0, 2], equal(4))
    assert order[0] == 3 and sorted(order) == [0, 1, 2, 3]


def image_set(folder: Path, name: str, **options: object) -> None:
    finish(begin(folder / name, "imageset", {"size": 256, **options}, {}))


def test_an_opened_index_reads_a_row_once_for_many_searches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{i}.png" for i in range(6)])
    monkeypatch.chdir(tmp_path)
    assert cli.run(["index", "set", "db.faiss", "-q"]) == 0
    opened, read = sinonom.open_index("db.faiss"), []
    monkeypatch.setattr(rerank, "load_picture", lambda path: (read.append(path), load_picture(path))[1])
    first = opened.search("set/4.png", rerank=6)
    assert len(read) == 6 + 1
    again = opened.search("set/4.png", rerank=6)
    assert len(read) == 6 + 2 and again == first  # only the query is read again


def test_a_picture_that_could_not_be_read_is_looked_for_again(tmp_path: Path) -> None:
    index = index_of(tmp_path, 3)
    views = RowViews(index)  # type: ignore[arg-type]
    away = (tmp_path / "1.png").rename(tmp_path / "away.png")
    assert [found is None for found in views([0, 1, 2])] == [False, True, False]
    away.rename(tmp_path / "1.png")
    assert None not in views([0, 1, 2])


def test_views_in_memory_do_not_keep_those_of_other_rows(tmp_path: Path) -> None:
    for found in RowViews(index_of(tmp_path, 3))([0, 1, 2]):  # type: ignore[arg-type]
        assert found is not None and found.coarse.base is None and found.fine.base is None


@pytest.mark.parametrize(
    ("sets", "prototypes", "typed", "count"),
    [
        (["depth"], None, None, 20),
        (["depth"], None, 0, 0),
        (["depth"], None, 7, 7),
        (["depth"], 4, None, 0),
        (["crops"], None, None, 0),
        (["crops"], None, 7, 7),
        (["depth", "crops"], None, None, 0),
        (["gone"], None, None, 0),
        ([], None, None, 0),
    ],
)
def test_an_index_of_meshes_is_ordered_again_unless_0_is_typed(
    tmp_path: Path, sets: list[str], prototypes: int | None, typed: int | None, count: int
) -> None:
    image_set(tmp_path, "depth", projection="orthographic")
    image_set(tmp_path, "crops")
    index = SimpleNamespace(
        path=tmp_path / "db.faiss", record=SimpleNamespace(sets=tuple(sets)), prototypes=prototypes, rows=[]
    )
    assert count_of(typed, index) == count  # type: ignore[arg-type]


def answers(capsys: pytest.CaptureFixture[str], *typed: str, asked: str = "set/4.png") -> list[dict]:
    capsys.readouterr()
    assert cli.run(["query", asked, "-i", "db.faiss", "--json", "-k", "9", *typed]) == 0
    return json.loads(capsys.readouterr().out)["results"]


def test_rerank_as_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    tiny_pictures(tmp_path / "set", [f"{i}.png" for i in range(9)])
    assert cli.run(["index", "set", "db.faiss", "-q"]) == 0
    plain, ordered, beyond = (answers(capsys, "--rerank", count) for count in ("0", "9", "90"))
    assert answers(capsys) == plain and beyond == ordered  # this is no index of meshes, and 90 is more than all rows
    assert [result["rank"] for result in ordered] == list(range(1, 10))
    assert {(result["item"], result["distance"]) for result in plain} == {
        (result["item"], result["distance"]) for result in ordered
    }
    assert ordered[0]["item"] == "4.png"
    shutil.rmtree(tmp_path / "set")
    (tmp_path / "set").mkdir()
    tiny_pictures(tmp_path, ["q.png"])
    assert cli.run(["query", "q.png", "-i", "db.faiss", "--json", "--rerank", "9"]) == 0


def test_rendered_meshes_are_ordered_again_without_being_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_model(tmp_path / "model")
    for seed in range(9):
        strokes(tmp_path / "prints" / f"{seed}.png", seed)
    assert cli.run(["carve", "prints", "meshes", "--resolution", "48", "-q", "--workers", "0"]) == 0
    assert cli.run(["render", "meshes", "depth", "-q", "--workers", "0"]) == 0
    shutil.copytree(tmp_path / "prints", tmp_path / "set")
    assert cli.run(["index", "depth", "db.faiss", "-q"]) == 0
    changed = 0
    for seed in range(9):
        asked = f"set/{seed}.png"
        unasked, plain = answers(capsys, asked=asked), answers(capsys, "--rerank", "0", asked=asked)
        assert unasked == answers(capsys, "--rerank", "20", asked=asked)
        assert [result["distance"] for result in plain] == sorted(result["distance"] for result in unasked)
        changed += unasked != plain
    assert changed > 2
