"""Promises of the command `sinonom query`: JSON, figures, refusals, sheets, and the few modules that it loads."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search import opening
from sinonom_cli.storage.record import begin, finish

KEYS = ["rank", "item", "source", "label", "char", "distance"]


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a model, a set of 12 pictures from meshes with two labels, its index, and the pictures as queries."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model")
    names = [f"images/{'U+5B57' if i % 2 else 'U+4E00'}/{i:03d}.png" for i in range(12)]
    artifact = begin(folder / "set", "imageset", {}, {})
    tiny_pictures(folder / "set", names)
    tiny_pictures(folder / "queries", [f"{i:03d}.png" for i in range(12)])
    lines = ["file_name,label,char,source,box"]
    lines += [f"{name},{name[7:13]},{'字' if i % 2 else '一'},khắc/{i:03d}.stl," for i, name in enumerate(names)]
    (folder / "set" / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    finish(artifact, counts={"items": 12, "images": 12, "failed": 0})
    monkeypatch.chdir(folder)
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    return folder


def lines_of(capsys: pytest.CaptureFixture[str]) -> list[dict]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_is_one_object_a_line_with_exactly_the_promised_keys(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (house / "truth.csv").write_text("query,label,kind\n003.png,003.stl,same\n", encoding="utf-8")
    capsys.readouterr()
    assert sinonom("query", "queries/003.png", "--index", "db.faiss", "--truth", "truth.csv", "--json") == 0
    answer, metrics = lines_of(capsys)
    assert list(answer) == ["query", "results"] and answer["query"] == str(Path("queries/003.png"))
    assert [list(result) for result in answer["results"]] == [KEYS] * 5
    assert [result["rank"] for result in answer["results"]] == [1, 2, 3, 4, 5]
    first = answer["results"][0]
    assert first == {
        "rank": 1,
        "item": "U+5B57/003.png",
        "source": "khắc/003.stl",
        "label": "U+5B57",
        "char": "字",
        "distance": pytest.approx(0, abs=1e-5),
    }
    distances = [result["distance"] for result in answer["results"]]
    assert distances == sorted(distances)
    assert metrics == {"metrics": {"queries": 1, "mrr@5": 1.0, "recall@1": 1.0, "recall@5": 1.0}}
    assert list(metrics["metrics"]) == ["queries", "mrr@5", "recall@1", "recall@5"]


@pytest.mark.parametrize("top", [1, 5, 9])
def test_figures_follow_from_the_answers_shown_whatever_names_the_truth_uses(
    house: Path, capsys: pytest.CaptureFixture[str], top: int
) -> None:
    wanted = {
        "000.png": {"000.stl"},
        "001.png": {"005.png", "U+4E00/008.png"},
        "002.png": {"字"},
        "004.png": {"U+5B57"},
        "005.png": {"011.stl", "no such.stl"},
    }
    truth = "query,label\n" + "".join(f'{query},"{",".join(sorted(w))}"\n' for query, w in wanted.items())
    (house / "truth.csv").write_text(truth + "gone.png,1.stl\n", encoding="utf-8")
    capsys.readouterr()
    assert sinonom("query", "queries", "-i", "db.faiss", "--truth", "truth.csv", "--json", "-k", 9) == 0
    captured = capsys.readouterr()
    *answers, metrics = [json.loads(line) for line in captured.out.splitlines()]
    assert len(answers) == 12
    assert "gone.png" in captured.err and "no such.stl" in captured.err and "7 pictures" in captured.err
    ranks = []
    for answer in answers:
        names = wanted.get(Path(answer["query"]).name)
        if names is None:
            continue
        rank = 0
        for result in answer["results"][:5]:
            bears = {result["label"], result["char"], result["item"], result["item"].split("/")[-1]}
            if not rank and names & (bears | {result["source"].split("/")[-1]}):
                rank = result["rank"]
        ranks.append(rank)
    assert metrics["metrics"]["queries"] == 5
    assert metrics["metrics"]["mrr@5"] == pytest.approx(sum(1 / r for r in ranks if r) / 5)
    assert metrics["metrics"]["recall@1"] == pytest.approx(sum(r == 1 for r in ranks) / 5)
    assert metrics["metrics"]["recall@5"] == pytest.approx(sum(r > 0 for r in ranks) / 5)
    assert sinonom("query", "queries", "-i", "db.faiss", "--truth", "truth.csv", "--json", "-k", top) == 0
    *again, same = lines_of(capsys)
    assert same == metrics  # MRR@5 covers five answers, however many are shown
    assert [len(answer["results"]) for answer in again] == [top] * 12


def test_outside_a_terminal_rows_are_tab_separated_and_figures_come_by_kind(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "query,label,kind\n000.png,000.stl,same-print\n001.png,404.stl,other-print\n"
    (house / "truth.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    pictures = ["queries/000.png", "queries/001.png"]
    assert sinonom("query", *pictures, "-i", "db.faiss", "--truth", "truth.csv") == 0
    rows = [line.split("\t") for line in capsys.readouterr().out.splitlines()]
    assert rows[0] == ["query", *KEYS[:1], *KEYS[1:]]
    assert rows[1][:6] == [str(Path(pictures[0])), "1", "U+4E00/000.png", "khắc/000.stl", "U+4E00", "一"]
    assert len(rows[1]) == 7 and len(rows) == 1 + 10 + 1 + 4
    names = ["mrr@5", "recall@1", "recall@5"]
    assert rows[12][1:] == ["queries", *names, *(f"{name} 95 %" for name in names)]
    assert rows[13] == ["all", "2", "0.5000", "0.5000", "0.5000", *["0.000-1.000"] * 3]
    assert rows[14] == ["other-print", "1", "0.0000", "0.0000", "0.0000", *["0.000-0.000"] * 3]
    assert rows[15] == ["same-print", "1", "1.0000", "1.0000", "1.0000", *["1.000-1.000"] * 3]


def test_a_query_is_answered_alike_alone_and_among_many(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert sinonom("query", "queries", "-i", "db.faiss", "--json") == 0
    together = lines_of(capsys)
    for answer in together[:3]:
        assert sinonom("query", answer["query"], "-i", "db.faiss", "--json", "--workers", 0) == 0
        [alone] = lines_of(capsys)
        assert [r["item"] for r in alone["results"]] == [r["item"] for r in answer["results"]]
        assert np.allclose(
            [r["distance"] for r in alone["results"]],
            [r["distance"] for r in answer["results"]],
            atol=2e-6,
        )


def test_bad_pictures_are_named_and_the_rest_is_answered(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (house / "queries" / "001.png").write_bytes(b"no picture")
    bomb = bytearray((house / "queries" / "002.png").read_bytes())
    bomb[16:24] = struct.pack(">II", 30_000, 30_000)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    (house / "queries" / "002.png").write_bytes(bomb)
    text = "query,label\n000.png,000.stl\n001.png,001.stl\n"
    (house / "truth.csv").write_text(text, encoding="utf-8")
    capsys.readouterr()
    assert sinonom("query", "queries", "-i", "db.faiss", "--json", "--truth", "truth.csv") == 6
    captured = capsys.readouterr()
    answers = [json.loads(line) for line in captured.out.splitlines()]
    assert len(answers) == 11
    assert answers[-1]["metrics"]["mrr@5"] == 0.5  # a picture that cannot be read counts as not found
    warnings = [line for line in captured.err.splitlines() if line.startswith("warning:")]
    assert [name in line for name, line in zip(("001.png", "002.png"), warnings[-2:], strict=True)] == [True, True]


def test_an_index_of_another_model_is_refused_with_both_names_and_the_command(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tiny_model(house / "other model", seed=1)
    capsys.readouterr()
    assert sinonom("query", "queries", "-i", "db.faiss", "--model", "other model") == 4
    said = capsys.readouterr().err
    assert "model (" in said and "other model" in said and other.identity[:12] in said
    assert 'sinonom index set db.faiss --overwrite --model "other model"' in said


def test_an_index_of_pictures_prepared_otherwise_is_refused(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opening, "VERSION", opening.VERSION + 1)
    assert sinonom("query", "queries", "-i", "db.faiss") == 4
    assert "sinonom index set db.faiss --overwrite" in capsys.readouterr().err


def test_the_model_is_found_where_the_index_says_else_at_model_else_not(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (house / "model").rename(house / "first")
    assert sinonom("index", "set", "named.faiss", "--model", "first") == 0
    (house / "elsewhere").mkdir()
    monkeypatch.chdir(house / "elsewhere")
    assert sinonom("query", "../queries", "-i", "../named.faiss") == 0  # the record has the model's path
    tiny_model(house / "elsewhere" / "model", seed=1)
    assert sinonom("query", "../queries", "-i", "../named.faiss") == 0  # ./model does not fit and is ignored
    shutil.rmtree(house / "elsewhere" / "model")
    shutil.move(house / "first", house / "elsewhere" / "model")
    assert sinonom("query", "../queries", "-i", "../named.faiss") == 0  # the right model is now ./model
    (house / "elsewhere" / "model").rename(house / "hidden")
    capsys.readouterr()
    assert sinonom("query", "../queries", "-i", "../named.faiss") == 4
    said = capsys.readouterr().err
    assert "first" in said and "sinonom index" in said


def test_an_index_moved_with_its_set_and_model_still_works(
    house: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    house.rename(tmp_path / "moved")
    assert sinonom("query", "moved/queries/000.png", "-i", "moved/db.faiss", "--sheet", "sheet.png") == 0


def test_damage_is_refused_and_says_what_to_type(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = house / "db.faiss.rows.csv"
    rows.write_bytes(rows.read_bytes()[:-10])
    assert sinonom("query", "queries", "-i", "db.faiss") == 4
    assert "sinonom index set db.faiss --overwrite" in capsys.readouterr().err
    assert sinonom("index", "set", "db.faiss", "--overwrite") == 0
    assert sinonom("query", "queries", "-i", "db.faiss") == 0
    (house / "db.faiss").write_bytes(b"IxF2" + bytes(100))
    assert sinonom("query", "queries", "-i", "db.faiss") == 4


def test_what_is_typed_wrongly_is_a_usage_error(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opening, "CHARACTERS", house / "none.faiss")
    assert sinonom("query", "queries") == 2
    assert sinonom("query", "queries", "db.faiss") == 2
    assert "--index db.faiss" in capsys.readouterr().err
    assert sinonom("query", "queries", "-i", "db.faiss", "--top", 0) == 2
    assert sinonom("query", "queries", "-i", "db.faiss", "--sheet", "sheet.jpg") == 2
    assert sinonom("query", "nowhere", "-i", "db.faiss") == 4


def test_without_an_index_a_picture_is_named_by_five_characters(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opening, "CHARACTERS", house / "db.faiss")
    capsys.readouterr()
    assert sinonom("query", "queries/003.png", "--json") == 0
    [answer] = lines_of(capsys)
    assert [result["char"] for result in answer["results"]] == ["字", "一"]


def test_the_sheet_shows_the_query_its_answers_and_what_is_right(house: Path) -> None:
    from sinonom_cli.reports.answer_sheet import CAPTION, CELL, FRAME, GAP, RIGHT, SIDE, STEP_X, STEP_Y, WRONG

    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    Image.fromarray(picture).save(house / "queries" / "noise.png")
    (house / "truth.csv").write_text("query,label\n000.png,000.stl\n", encoding="utf-8")
    for name in sorted((house / "queries").glob("01*.png")):
        name.unlink()
    shutil.rmtree(house / "set" / "images" / "U+5B57")  # missing pictures give grey cells instead of an error
    arguments = ("query", "queries", "-i", "db.faiss", "--sheet", "out/sheet 𡦂.png", "--truth", "truth.csv")
    assert sinonom(*arguments) == 0
    assert sinonom(*arguments) == 0  # a sheet of sinonom is replaced
    with Image.open(house / "out" / "sheet 𡦂.png") as image:
        sheet = np.asarray(image.convert("RGB"))
    assert sheet.shape == (GAP + 11 * STEP_Y, GAP + 6 * STEP_X, 3) and CELL + CAPTION + GAP == STEP_Y
    top, left = GAP + 10 * STEP_Y + FRAME, GAP + FRAME
    assert np.array_equal(sheet[top : top + SIDE, left : left + SIDE, 0], picture)
    assert tuple(sheet[GAP, GAP + STEP_X]) == RIGHT
    assert tuple(sheet[GAP, GAP + 2 * STEP_X]) == WRONG


def test_long_sheets_go_on_on_further_pages_and_foreign_pictures_stay(
    house: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinonom_cli.reports.answer_sheet.ROWS", 5)
    assert sinonom("query", "queries", "-i", "db.faiss", "--sheet", "sheet.png") == 0
    assert sorted(path.name for path in house.glob("sheet*.png")) == ["sheet-2.png", "sheet-3.png", "sheet.png"]
    before = (house / "queries" / "000.png").read_bytes()
    assert sinonom("query", "queries", "-i", "db.faiss", "--sheet", "queries/000.png") == 5
    assert (house / "queries" / "000.png").read_bytes() == before


def test_a_terminal_gets_a_table(house: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:  # type: ignore[no-untyped-def]
    (house / "truth.csv").write_text("query,label\n003.png,003.stl\n", encoding="utf-8")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "160")
    assert sinonom("query", "queries/003.png", "-i", "db.faiss", "--truth", "truth.csv") == 0
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert "字 003.stl 0" in shown and "mrr@5" in shown and "1.0000" in shown


def test_one_query_loads_nothing_heavy(house: Path) -> None:
    script = (
        "import sys; from sinonom_cli import cli; code = cli.run(sys.argv[1:]); "
        "heavy = 'torch torchvision timm open3d pandas scipy numba ultralytics fontTools safetensors onnx rich "
        "matplotlib pydantic multiprocessing.connection pymilvus ray'.split(); "
        "print([m for m in heavy if m in sys.modules]); sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
    command = [sys.executable, "-c", script, "query", "queries/003.png", "--index", "db.faiss", "--json"]
    done = subprocess.run(command, cwd=house, env=environment, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    answer, heavy = done.stdout.decode().splitlines()
    assert json.loads(answer)["results"][0]["source"] == "khắc/003.stl"
    assert heavy == "[]"


def test_characters_are_called_by_their_reading_where_people_look() -> None:
    from sinonom_cli.search.results import name_of
    from sinonom_cli.search.rows import Row

    row = Row("U+5B57/a.png", "f.ttf#0", "U+5B57", "字", "set")
    assert name_of(row, characters=True) == "字 tự U+5B57"
    assert name_of(row) == "字 f.ttf#0"
    assert name_of(Row("a.png", "000.stl", "", "", "set"), characters=True) == ""
