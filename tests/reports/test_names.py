"""Promises of naming characters: without an index the one that ships is used, and every output shows the facts."""

import csv
import io
import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image
from tinymodel import tiny_model, tiny_pictures

from sinonom_cli import cli
from sinonom_cli.search import opening

KEYS = ["rank", "item", "source", "label", "char", "distance", "vietnamese", "mandarin", "definition"]
CHARS = "一字𡨸龍國人大天地水"


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make 20 pictures of each of ten characters, an index of prototypes in place of the shipped one, and queries."""
    folder = tmp_path / "bản khắc 𡦂"
    tiny_model(folder / "model", dimension=32)
    names = [f"U+{ord(char):04X}/{i:02d}.png" for char in CHARS for i in range(20)]
    tiny_pictures(folder / "set", names)
    (folder / "queries").mkdir()
    for char in CHARS:
        (folder / "set" / f"U+{ord(char):04X}" / "00.png").rename(folder / "queries" / f"U+{ord(char):04X}.png")
    monkeypatch.chdir(folder)
    assert sinonom("index", "set", "shipped/chars.faiss", "--prototypes", 2, "--type", "fp16", "-q") == 0
    monkeypatch.setattr(opening, "CHARACTERS", folder / "shipped" / "chars.faiss")
    return folder


def first_of(house: Path, capsys: pytest.CaptureFixture[str], query: str, *more: object) -> list[dict]:
    capsys.readouterr()
    assert sinonom("query", query, "--json", *more) == 0
    return json.loads(capsys.readouterr().out.splitlines()[0])["results"]


def test_a_picture_is_named_by_distinct_characters_and_what_unihan_knows_of_them(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = first_of(house, capsys, "queries/U+5B57.png", "-k", 10)
    assert [list(result) for result in results] == [KEYS] * 10
    assert {result["char"] for result in results} == set(CHARS)
    told = {result["char"]: result for result in results}
    assert told["字"]["vietnamese"] == "tự" and told["字"]["mandarin"] == "zì"
    assert "character" in told["字"]["definition"]
    assert told["字"]["label"] == "U+5B57" and told["字"]["source"] == ""
    assert re.fullmatch(r"U\+5B57(#\d)?", told["字"]["item"])
    same = first_of(house, capsys, "queries/U+5B57.png", "-k", 10, "--index", "shipped/chars.faiss")
    assert same == results  # an index of prototypes names characters, wherever its file is


def test_answers_of_other_indexes_keep_their_keys(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("index", "set", "db.faiss", "-q") == 0
    [first, *_] = first_of(house, capsys, "queries/U+5B57.png", "--index", "db.faiss")
    assert list(first) == KEYS[:6]


@pytest.mark.parametrize("form", ["tabs", "rows"])
def test_tables_have_what_is_told_as_their_last_columns(
    house: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    results = first_of(house, capsys, "queries/U+5B57.png")
    assert sinonom("query", "queries/U+5B57.png", *(["--csv", "rows"] if form == "rows" else [])) == 0
    lines = list(csv.reader(io.StringIO(capsys.readouterr().out), delimiter="\t" if form == "tabs" else ","))
    assert lines[0] == ["query", *KEYS]
    assert [line[1:] for line in lines[1:]] == [[str(value) for value in result.values()] for result in results]


@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_terminal_gets_a_table_no_wider_than_itself(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", str(columns))
    (house / "truth.csv").write_text("query,label\nU+5B57.png,字\nU+4E00.png,U+4E00\n", encoding="utf-8")
    capsys.readouterr()
    assert sinonom("query", "queries", "-k", 10, "--truth", "truth.csv") == 0
    shown = re.sub(r"\x1b\[[\d;]*m", "", capsys.readouterr().out)
    assert "Vietnamese" in shown and "U+21A38" in shown and "zì" in shown and "mrr@5" in shown
    from rich.cells import cell_len

    assert max(map(cell_len, shown.splitlines())) <= columns
    assert "letter, character, word" in shown or columns < 80


def test_a_truth_may_call_answers_by_character_or_label(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [f"U+{ord(char):04X}.png,{char if i % 2 else f'U+{ord(char):04X}'}" for i, char in enumerate(CHARS)]
    (house / "truth.csv").write_text("\n".join(["query,label", *lines]) + "\n", encoding="utf-8")
    capsys.readouterr()
    assert sinonom("query", "queries", "--truth", "truth.csv", "--json", "--scores", "scores.csv") == 0
    captured = capsys.readouterr()
    *answers, metrics = [json.loads(line) for line in captured.out.splitlines()]
    firsts = [answer["results"][0]["label"] == Path(answer["query"]).stem for answer in answers]
    assert metrics["metrics"]["queries"] == 10
    assert metrics["metrics"]["recall@1"] == pytest.approx(sum(firsts) / 10)
    assert "name nothing" not in captured.err
    assert sinonom("query", "queries/U+5B57.png", "--csv", "pairs") == 0
    assert set(capsys.readouterr().out.splitlines()[1].partition(",")[2].strip('"').split(",")) < set(CHARS)


def test_report_and_sheet_show_characters_where_there_are_no_pictures(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = first_of(house, capsys, "queries/U+5B57.png")
    assert sinonom("query", "queries/U+5B57.png", "--report", "r.html", "--sheet", "s.png", "--rerank", 5) == 0
    page = (house / "r.html").read_text(encoding="utf-8")
    for result in results:
        assert re.search(rf'<i class="char [^>]*>{result["char"]}</i>', page)
    assert "the characters that ship, " in page
    assert "i.char {" in page and 'class="t0 query"' in page
    from sinonom_cli.reports.answer_sheet import FRAME, GAP, SIDE, STEP_X

    with Image.open(house / "s.png") as image:
        left, top = GAP + STEP_X + FRAME, GAP + FRAME
        cell = image.convert("L").crop((left, top, left + SIDE, top + SIDE))
    box = cell.point(lambda value: 255 * (value < 200)).getbbox()
    assert box is not None and abs((box[0] + box[2]) / 2 - SIDE / 2) < 4 and abs((box[1] + box[3]) / 2 - SIDE / 2) < 6
    assert sinonom("query", "queries/U+5B57.png", "--pictures", "sixel") == 0
    assert results[0]["char"] in capsys.readouterr().out


def test_a_foreign_model_and_damage_say_what_helps(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny_model(house / "other", dimension=32, seed=5)
    capsys.readouterr()
    assert sinonom("query", "queries/U+5B57.png", "--model", "other") == 4
    said = capsys.readouterr().err
    assert "--prototypes 3 --model other" in said
    assert len(said.splitlines()) == 2
    content = (house / "shipped" / "chars.faiss").read_bytes()
    (house / "shipped" / "chars.faiss").write_bytes(content[:-3])
    assert sinonom("query", "queries/U+5B57.png") == 4
    said = capsys.readouterr().err
    assert "pip install --force-reinstall" in said and "--overwrite" not in said


def test_what_ships_when_it_ships_is_packaged() -> None:
    import tomllib

    root = Path(cli.__file__).parent.parent
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["sinonom_cli"]
    ignored = (root / ".gitignore").read_text(encoding="utf-8").split()
    assert not [line for line in ignored if "faiss" in line or "json" in line or "csv" in line or "assets" in line]
