"""Test `--balance`: each character has equally many pictures, all different, with the same bytes every time."""

import csv
import hashlib
from collections import Counter
from pathlib import Path

import tinyfont

from sinonom_cli.cli import run
from sinonom_cli.fonts.variants import Level, levels_of, more_levels


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fonts(folder: Path) -> Path:
    for style, chars in enumerate(("字喃人天地", "字喃人", "字人")):
        tinyfont.build(folder / f"{style}.ttf", chars=chars, style=style)
    return folder


def test_every_character_gets_as_many_pictures_as_the_commonest(tmp_path: Path) -> None:
    arguments = [
        "synth-fonts",
        str(fonts(tmp_path / "fonts")),
        str(tmp_path / "out"),
        "--strokes",
        "0,0.01",
        "--balance",
    ]
    assert run([*arguments, "--chars", "字喃人天地" + tinyfont.BLANK]) == 0
    rows = rows_of(tmp_path / "out")
    assert Counter(row["char"] for row in rows) == dict.fromkeys("字喃人天地", 6)
    assert len({(tmp_path / "out" / row["file_name"]).read_bytes() for row in rows}) == len(rows) == 30
    assert Counter((row["char"], row["source"]) for row in rows if row["char"] in "喃天") == {
        ("喃", "0.ttf#0"): 3,
        ("喃", "1.ttf#0"): 3,
        ("天", "0.ttf#0"): 6,
    }
    assert all("d60" in row["level"] for row in rows if "more" in row["level"])
    assert run([*arguments, "--chars", "字喃人天地" + tinyfont.BLANK]) == 0


def test_workers_change_no_byte_of_a_balanced_set(tmp_path: Path) -> None:
    folder = str(fonts(tmp_path / "fonts"))
    found = []
    for workers in ("0", "2"):
        out = tmp_path / workers
        assert run(["synth-fonts", folder, str(out), "--strokes", "0", "--balance", "--workers", workers]) == 0
        files = sorted(path for path in out.rglob("*") if path.is_file())
        found.append({path.relative_to(out): hashlib.sha256(path.read_bytes()).digest() for path in files})
    assert found[0] == found[1]


def test_a_balanced_set_that_would_need_more_is_in_the_way(tmp_path: Path) -> None:
    folder = fonts(tmp_path / "fonts")
    arguments = ["synth-fonts", str(folder), str(tmp_path / "out"), "--strokes", "0", "--balance"]
    assert run(arguments) == 0
    tinyfont.build(folder / "4.ttf", chars="字喃人天地", style=4)
    assert run(arguments) == 5


def test_further_levels_take_the_weights_and_amounts_in_turn() -> None:
    levels = levels_of([0, 0.01], [0, 0.3, 0.9])
    assert [(level.stroke, level.degrade) for level in more_levels(levels, 5)] == [
        *((0, 0.3), (0.01, 0.3), (0, 0.9), (0.01, 0.9), (0, 0.3)),
    ]
    clean = (Level("s0", 0, 0),)
    assert len({level.name for level in more_levels(clean, 7)}) == 7
    assert all(level.degrade > 0 for level in more_levels(clean, 7))
