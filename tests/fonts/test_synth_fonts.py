"""Test `synth-fonts`: which characters are drawn, under which labels, and with the same bytes every time."""

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import tinyfont
from fontTools.pens.boundsPen import BoundsPen
from fontTools.ttLib import TTFont
from PIL import Image
from refused import naming

from sinonom_cli.cli import run


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def bytes_of(out: Path) -> dict[str, str]:
    files = sorted(path for path in out.rglob("*") if path.is_file())
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def picture(out: Path, row: dict[str, str]) -> np.ndarray:
    return np.asarray(Image.open(out / row["file_name"])).astype(float)


def test_only_glyphs_with_ink_of_their_own_are_drawn(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    asked = tinyfont.CHARS + tinyfont.BLANK + tinyfont.LIE + tinyfont.TWIN + "龜"
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--chars", asked, "--strokes", "0"]) == 0
    rows = rows_of(tmp_path / "out")
    assert [row["char"] for row in rows] == list(tinyfont.CHARS)
    record = json.loads((tmp_path / "out" / "artifact.json").read_text(encoding="utf-8"))
    counts = {"asked": len(asked), "not_in_cmap": 2, "drawn": len(tinyfont.CHARS), "without_glyph": 2}
    names = {"hand": "Tiny Hand 0", "rank": 0, "same": 0, "same_as": ""}
    assert record["faces"] == {"tiny.ttf#0": counts | names}


def test_coverage_agrees_with_the_bounds_of_the_outlines(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", style=2)
    font = TTFont(path)
    glyphs, drawn = font.getGlyphSet(), set()
    for code, name in font.getBestCmap().items():
        pen = BoundsPen(glyphs)
        glyphs[name].draw(pen)
        if pen.bounds and name not in {".notdef", "twin"} and not 0xE000 <= code < 0xF900:
            drawn.add(f"U+{code:04X}")
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--strokes", "0"]) == 0
    assert {row["label"] for row in rows_of(tmp_path / "out")} == drawn


def test_compatibility_twins_keep_their_own_labels(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--chars", "金\uf90a", "--strokes", "0"]) == 0
    rows = rows_of(tmp_path / "out")
    assert [(row["label"], row["char"]) for row in rows] == [("U+91D1", "金"), ("U+F90A", "\uf90a")]
    assert len({(tmp_path / "out" / row["file_name"]).read_bytes() for row in rows}) == 2


def test_private_use_is_repaired_or_never_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", chars="字\U000313fa\U000f000b")
    charset = tmp_path / "charset.txt"
    charset.write_text(f"\U000f000b\t9\n{tinyfont.PRIVATE}\t3\n字\t1\n", encoding="utf-8")
    arguments = ["synth-fonts", str(path), str(tmp_path / "out"), "--charset", str(charset), "--strokes", "0"]
    assert run(arguments) == 0
    assert [row["label"] for row in rows_of(tmp_path / "out")] == ["U+313FA", "U+5B57"]
    said = capsys.readouterr().err
    assert "U+E001" in said and "U+5B57" not in said
    record = json.loads((tmp_path / "out" / "artifact.json").read_text(encoding="utf-8"))
    assert record["private_use"] == {"repaired": {"U+F000B": "U+313FA"}, "not_drawn": ["U+E001"]}


def test_workers_change_no_byte(tmp_path: Path) -> None:
    tinyfont.build_collection(tmp_path / "fonts" / "two hands 𡦂.ttc")
    tinyfont.build(tmp_path / "fonts" / "third.ttf", style=2)
    options = ["--degrade", "0,0.7,0.7", "--strokes", "0,0.02", "--seed", "5"]
    for workers in ("0", "2"):
        out = str(tmp_path / workers)
        assert run(["synth-fonts", str(tmp_path / "fonts"), out, *options, "--workers", workers]) == 0
    assert bytes_of(tmp_path / "0") == bytes_of(tmp_path / "2")
    rows = rows_of(tmp_path / "0")
    assert len(rows) == 3 * len(tinyfont.CHARS) * 6
    assert {row["source"] for row in rows} == {"third.ttf#0", "two hands 𡦂.ttc#0", "two hands 𡦂.ttc#1"}
    assert len({(tmp_path / "0" / row["file_name"]).read_bytes() for row in rows}) == len(rows)


def test_another_seed_gives_another_degradation_of_the_same_glyphs(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", chars="字")
    for seed in "12":
        options = ["--degrade", "0,1", "--strokes", "0", "--seed", seed]
        assert run(["synth-fonts", str(path), str(tmp_path / seed), *options]) == 0
    (clean, worn), (clean_too, worn_too) = (rows_of(tmp_path / seed) for seed in "12")
    assert np.array_equal(picture(tmp_path / "1", clean), picture(tmp_path / "2", clean_too))
    assert not np.array_equal(picture(tmp_path / "1", worn), picture(tmp_path / "2", worn_too))


def test_a_broken_font_is_one_failure_and_the_rest_is_drawn(tmp_path: Path) -> None:
    folder = tmp_path / "fonts"
    good = tinyfont.build(folder / "good.ttf")
    (folder / "text.ttf").write_text("not a font at all", encoding="utf-8")
    (folder / "cut.ttf").write_bytes(good.read_bytes()[:700])
    (folder / "empty.otf").write_bytes(b"")
    (folder / "liar.ttc").write_bytes(b"ttcf\0\1\0\0\0\0\0\2" + b"\xff" * 8)
    assert run(["synth-fonts", str(folder), str(tmp_path / "out"), "--strokes", "0"]) == 6
    assert len(rows_of(tmp_path / "out")) == len(tinyfont.CHARS)
    with (tmp_path / "out" / "failures.csv").open(encoding="utf-8", newline="") as file:
        failed = {row["file"]: row["reason"] for row in csv.DictReader(file)}
    assert set(failed) == {"text.ttf", "cut.ttf", "empty.otf", "liar.ttc"}
    assert all(failed.values())


@pytest.mark.parametrize("chars", ["", "字"])
def test_nothing_but_broken_fonts_is_bad_input(tmp_path: Path, chars: str) -> None:
    (tmp_path / "text.ttf").write_text("not a font at all", encoding="utf-8")
    assert run(["synth-fonts", str(tmp_path / "text.ttf"), str(tmp_path / "out"), "--chars", chars]) == 4


def test_a_charset_that_no_face_has_is_bad_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", chars="字")
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--chars", "龜"]) == 4
    naming(capsys, "1 faces")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "option", [["--strokes", "a"], ["--degrade", "2"], ["--strokes", "nan"], ["--chars", " "], ["--block", "hangul"]]
)
def test_nonsense_is_a_usage_error(tmp_path: Path, option: list[str]) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", chars="字")
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), *option]) == 2


def test_the_same_command_does_nothing_and_another_charset_is_in_the_way(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    arguments = ["synth-fonts", str(path), str(tmp_path / "out"), "--strokes", "0", "--chars"]
    assert run([*arguments, "字人"]) == 0
    before = bytes_of(tmp_path / "out")
    assert run([*arguments, "字人"]) == 0
    assert run([*arguments, "字人天"]) == 5
    assert bytes_of(tmp_path / "out") == before


def test_a_new_font_extends_a_set_and_renames_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "fonts"
    tinyfont.build(folder / "b.ttf")
    arguments = ["synth-fonts", str(folder), str(tmp_path / "out"), "--strokes", "0"]
    assert run(arguments) == 0
    before = bytes_of(tmp_path / "out" / "images")
    tinyfont.build(folder / "a.ttf", style=3)  # This font has another weight, and its file comes first.
    assert run(arguments) == 0
    after = bytes_of(tmp_path / "out" / "images")
    assert before.items() <= after.items()
    assert len(after) == 2 * len(before)


@pytest.mark.parametrize("again", [False, True])
def test_a_font_that_draws_nothing_is_bad_input_however_often_it_is_tried(
    tmp_path: Path, again: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    asked = tinyfont.BLANK + tinyfont.LIE + tinyfont.TWIN
    arguments = ["synth-fonts", str(path), str(tmp_path / "out"), "--chars", asked]
    assert run(arguments) == 4
    if again:
        assert run(arguments) == 4
    naming(capsys, "1 faces")


def test_every_row_says_face_hand_version_and_licence(tmp_path: Path) -> None:
    path = tinyfont.build_collection(tmp_path / "tiny.ttc", chars="字", styles=(0, 1))
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--strokes", "0"]) == 0
    found = [(row["source"], row["hand"], row["version"], row["licence"]) for row in rows_of(tmp_path / "out")]
    licence = "Drawn for tests; no rights reserved."
    assert found == [("tiny.ttc#0", "Tiny Hand 0", "1.0", licence), ("tiny.ttc#1", "Tiny Hand 1", "1.1", licence)]
