"""The Python interface answers as the commands do, loads modules only when they are used, and has error classes."""

import doctest
import json
import pickle
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymesh import letter_f, surface

import sinonom_cli as sinonom
from sinonom_cli import cli, console, messages
from sinonom_cli.api import cutting, reading, rendering, searching
from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes.stl import write_stl

HAND = sorted(GLYPHS.glob("hanamin/images/*/*.png"))[:12]


def command(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bản khắc") / "db.faiss"
    assert command("index", GLYPHS / "wenkai", path, "-q") == 0
    return path


def typed(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict]:
    capsys.readouterr()
    assert command("query", *arguments, "--json", "-q") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_importing_it_loads_nothing_heavy_and_lists_what_is_public() -> None:
    code = (
        "import sys, sinonom_cli as s; assert set(s.__all__) <= set(dir(s)); import sinonom_cli.api\n"
        "print([m for m in ('numpy', 'numba', 'torch', 'typer', 'PIL', 'faiss', 'rich') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_render_can_be_called_whether_or_not_its_package_was_imported_first() -> None:
    for first in ("", "import sinonom_cli.render.run; ", "from sinonom_cli.render import run; "):
        code = f"{first}import sinonom_cli as s; assert callable(s.render); from sinonom_cli.render.render import View"
        subprocess.run([sys.executable, "-c", code], check=True)
    assert callable(sinonom.train)


def test_commands_are_called_as_they_are_typed_and_raise_their_errors(tmp_path: Path) -> None:
    set_, out = GLYPHS / "wenkai", tmp_path / "bản in.faiss"
    assert sinonom.command("index", set_, out, limit=5, quiet=True).strip() == str(out)
    lines = sinonom.command("query", HAND[0], index=out, json=True, top=2, quiet=True).splitlines()
    assert len(json.loads(lines[0])["results"]) == 2
    assert not console.settings.quiet
    for error, given, options in (
        ("UsageError", ("index", set_, out), {"no_such": 1}),
        ("UsageError", ("indexes",), {}),
        ("UsageError", ("train",), {"size": 3}),
        ("BadInput", ("index", tmp_path / "none", tmp_path / "x.faiss"), {}),
        ("OutputInTheWay", ("index", GLYPHS / "hanamin", out), {}),
    ):
        with pytest.raises(getattr(sinonom, error)):
            sinonom.command(*given, quiet=True, **options)


def test_a_model_is_trained_as_the_command_does_and_embeds(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    sets = [GLYPHS / "wenkai", f"{GLYPHS / 'hanamin'}:2"]
    tiny = {"steps": 4, "classes": 4, "size": 32, "val": 0.0, "workers": 0, "cache": tmp_path / "cache", "quiet": True}
    model = sinonom.train(sets, tmp_path / "model", loss="supcon", **tiny)
    assert sinonom.embed(HAND[:2], model=model).shape == (2, 128)
    record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
    assert record["options"]["loss"] == "supcon" and record["options"]["set_weights"] == [1.0, 2.0]
    with pytest.raises(sinonom.UsageError):
        sinonom.train(sets, tmp_path / "other", loss="no such loss")


@pytest.mark.parametrize("more", [{}, {"rerank": 6}, {"tta": True}], ids=str)
def test_answers_are_those_of_the_command(db: Path, capsys: pytest.CaptureFixture[str], more: dict) -> None:
    options = [f"--{key}" if value is True else f"--{key}={value}" for key, value in more.items()]
    expected = typed(capsys, *HAND, "--index", db, "--top", "4", *options)
    index = sinonom.open_index(db, tta=more.get("tta", False))
    answers = index.search(HAND, 4, rerank=more.get("rerank"))
    assert len(answers) == len(expected) == len(HAND)
    for answer, line in zip(answers, expected, strict=True):
        assert [match.item for match in answer] == [result["item"] for result in line["results"]]
        assert [match.rank for match in answer] == [1, 2, 3, 4]
        assert [round(match.distance, 6) for match in answer] == [result["distance"] for result in line["results"]]
        assert [match.label for match in answer] == [result["label"] for result in line["results"]]
        assert all(match.picture.exists() and match.probability is None for match in answer)


def test_paths_arrays_and_pillow_pictures_are_answered_alike_to_the_last_bit(db: Path) -> None:
    index = sinonom.open_index(db)
    for path in HAND[:3]:
        with Image.open(path) as image:
            grey = image.convert("L")
        forms = [path, str(path), grey, np.asarray(grey), np.asarray(grey.convert("RGB")), grey.convert("CMYK")]
        answers = index.search(forms)
        assert [answer.query for answer in answers[2:4]] == ["picture 3", "picture 4"]
        for answer in answers[1:5]:
            assert [(m.item, m.distance) for m in answer] == [(m.item, m.distance) for m in answers[0]]
        assert answers[5][0].item == answers[0][0].item
        assert [(m.item, m.distance) for m in index.search(path)] == [(m.item, m.distance) for m in answers[0]]


def test_names_are_those_of_the_command_with_probabilities_and_readings(capsys: pytest.CaptureFixture[str]) -> None:
    (path,) = GLYPHS.glob("hanamin/images/U+5B57/*.png")
    (line,) = typed(capsys, path)
    answer = sinonom.name(path)
    assert [match.label for match in answer] == [result["label"] for result in line["results"]]
    assert answer[0].char == "字" and answer[0].reading.vietnamese == line["results"][0]["vietnamese"]
    for match, result in zip(answer, line["results"], strict=True):
        assert match.probability is not None and round(match.probability, 4) == round(result["probability"], 4)
    assert "字" in str(answer).splitlines()[1]


def test_threads_get_the_answers_that_one_gets(db: Path) -> None:
    index = sinonom.open_index(db)
    alone = [[(m.item, m.distance) for m in index.search(path)] for path in HAND]
    fresh = sinonom.open_index(db)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda path: [(m.item, m.distance) for m in fresh.search(path)], HAND))
    assert together == alone


def test_a_picture_that_cannot_be_used_is_told_and_the_others_are_answered(db: Path, tmp_path: Path) -> None:
    index = sinonom.open_index(db)
    given = [HAND[0], tmp_path / "none.png", np.full((64, 64), 255, np.uint8)]
    answers = index.search(given)
    assert len(answers[0]) == 5 and not answers[0].failure
    assert "none.png" in answers[1].failure and answers[2].failure.startswith("picture 3")
    assert len(answers[1]) == len(answers[2]) == 0 and answers[1].failure in str(answers[1])
    for bad in given[1:]:
        with pytest.raises(sinonom.BadInput):
            index.search(bad)
        with pytest.raises(sinonom.BadInput):
            sinonom.embed([HAND[0], bad])


def test_what_shows_nothing_in_the_index_is_rejected_where_that_is_asked() -> None:
    noise = np.where(np.random.default_rng(0).random((96, 96)) < 0.08, 0, 255).astype(np.uint8)
    noise[30:60, 30:60] = 0
    rejected, kept = sinonom.open_index().search([noise, HAND[0]], reject=True)
    assert rejected.known is False and len(rejected) == 0 and "nothing" in str(rejected)
    assert kept.known is True and len(kept) == 5


@pytest.mark.parametrize(
    ("what", "error"),
    [
        (lambda index: index.search(HAND[0], 0), "UsageError"),
        (lambda index: index.search(HAND[0], rerank=-1), "UsageError"),
        (lambda index: index.search(np.zeros((8, 8))), "UsageError"),
        (lambda index: index.search(np.zeros((0, 8), np.uint8)), "UsageError"),
        (lambda index: index.search(HAND[0], reject=True), "BadInput"),
        (lambda _: sinonom.open_index("none.faiss"), "BadInput"),
        (lambda _: sinonom.open_index(distance="far"), "UsageError"),
        (lambda _: sinonom.embed(HAND[0], model="none"), "BadInput"),
        (lambda _: sinonom.render("none.stl"), "BadInput"),
        (lambda _: sinonom.render(np.zeros((3, 3))), "BadInput"),
        (lambda _: sinonom.render((np.zeros((3, 3)), np.array([[0, 1, 9]]))), "BadInput"),
        (lambda _: sinonom.render((np.zeros((3, 3)), np.array([[0, 1, -1]]))), "BadInput"),
        (lambda _: sinonom.render((np.zeros((3, 3)), np.array([[0.0, 1.0, 2.0]]))), "BadInput"),
        (lambda _: sinonom.render(np.full((1, 3, 3), np.nan)), "BadInput"),
        (lambda _: sinonom.render(np.full((1, 3, 3), 1e39)), "BadInput"),
        (lambda _: sinonom.render(np.zeros((1, 3, 3)), step=0.1), "UsageError"),
        (lambda _: sinonom.render(np.zeros((1, 3, 3)), tone="pink"), "UsageError"),
        (lambda _: sinonom.render(np.zeros((1, 3, 3)), size=4), "UsageError"),
    ],
)
def test_errors_are_classes(db: Path, what, error: str) -> None:
    with pytest.raises(getattr(sinonom, error)) as raised:
        what(sinonom.open_index(db))
    assert isinstance(raised.value, sinonom.SinonomError) and "\n" not in str(raised.value)


@pytest.mark.parametrize("code", [code for code in ExitCode if 2 <= code <= 6])
def test_each_exit_code_has_its_class_and_keeps_it_on_the_way_from_a_worker(code: ExitCode) -> None:
    error = sinonom.SinonomError("what", "hint", code)
    again = pickle.loads(pickle.dumps(error))
    assert type(error) is type(again) is not sinonom.SinonomError
    assert again.code == code == type(error).exit_code and (again.message, again.hint) == ("what", "hint")


def test_embeddings_are_what_an_index_holds(db: Path) -> None:
    from sinonom_cli.search.index import read_index

    index = read_index(db)
    rows = {row.item: number for number, row in enumerate(index.rows)}
    paths = sorted(GLYPHS.glob("wenkai/images/*/*.png"))
    embeddings = sinonom.embed(paths)
    numbers = [rows[path.relative_to(GLYPHS / "wenkai" / "images").as_posix()] for path in paths]
    assert embeddings.dtype == np.float32 and np.array_equal(embeddings, index.vectors[numbers])
    assert sinonom.embed([]).shape == (0, 128)


def test_a_rendered_mesh_has_the_pixels_of_the_command(tmp_path: Path) -> None:
    triangles = surface(letter_f())
    (tmp_path / "in").mkdir()
    write_stl(tmp_path / "in" / "f.stl", triangles)
    assert command("render", tmp_path / "in", tmp_path / "out", "-q", "--size", "96") == 0
    with Image.open(tmp_path / "out" / "images" / "f.png") as image:
        expected = np.asarray(image)
    done = sinonom.render(tmp_path / "in" / "f.stl", size=96)
    assert np.array_equal(done.picture, expected) and done.image().size == (96, 96)
    assert done._repr_png_()[:4] == b"\x89PNG"
    vertices, faces = triangles.reshape(-1, 3), np.arange(3 * len(triangles)).reshape(-1, 3)
    assert np.array_equal(sinonom.render((vertices, faces), size=96).picture, expected)
    far = sinonom.render(np.asarray(triangles, np.float64) + 5e6, size=96).picture
    assert (far == expected).mean() > 0.99
    heights = np.zeros((40, 40), np.float32)
    heights[:, 16:24] = 1
    np.save(tmp_path / "h.npy", heights)
    with pytest.raises(sinonom.BadInput):
        sinonom.render(tmp_path / "h.npy")
    picture = sinonom.render(tmp_path / "h.npy", pixel=0.25, size=64).picture
    assert picture[32, 32] < 100 < picture[32, 6]


def test_messages_are_logged_and_progress_is_called_back(
    db: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(messages.log, "handlers", [])  # as in a program that is no command
    monkeypatch.setattr(messages.log, "propagate", True)
    seen: list[tuple[int, int | None, str]] = []
    sinonom.open_index(db).search(HAND[:3], progress=lambda *counted: seen.append(counted))
    assert seen == [(1, 3, "pictures"), (2, 3, "pictures"), (3, 3, "pictures")]
    moved = tmp_path / "a" / "b"  # relative to this folder, the paths of its pictures lead nowhere
    shutil.copytree(db.parent, moved)
    sinonom.open_index(moved / "db.faiss").search(HAND[0], rerank=5)
    assert [(record.name, record.levelname) for record in caplog.records] == [("sinonom_cli", "WARNING")]
    assert capsys.readouterr().err == ""
    caplog.clear()
    seen.clear()
    (tmp_path / "scans").mkdir()
    (tmp_path / "scans" / "f.step").write_text("no mesh", encoding="utf-8")
    write_stl(tmp_path / "scans" / "f.stl", surface(letter_f()))
    sinonom.command("render", tmp_path / "scans", tmp_path / "depth", progress=lambda *counted: seen.append(counted))
    assert seen == [(1, 1, "meshes")] and not caplog.records
    assert ".step 1" in capsys.readouterr().err  # a called command shows its messages like a typed one


def test_a_notebook_is_shown_pictures_and_no_markup_of_a_name(db: Path, tmp_path: Path) -> None:
    name = tmp_path / "a&b.png"
    name.write_bytes(HAND[0].read_bytes())
    shown = sinonom.open_index(db).search(name)._repr_html_()
    assert shown.count("<img ") == 5 and "a&amp;b" in shown and "a&b" not in shown
    np.save(tmp_path / "v.npy", sinonom.embed(HAND[:1]))
    (tmp_path / "v.csv").write_text("item,label\n<script>,\n", encoding="utf-8")
    sinonom.command("index", tmp_path / "v.npy", tmp_path / "v.faiss", quiet=True)
    assert "<script>" not in sinonom.open_index(tmp_path / "v.faiss").search(HAND[0])._repr_html_()


def test_the_examples_run() -> None:
    results = [doctest.testmod(module) for module in (cutting, reading, rendering, searching)]
    assert all(result.attempted > 2 and result.failed == 0 for result in results)
