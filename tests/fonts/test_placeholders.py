"""Test that placeholder glyphs are not drawn and a message says so, and that each bad font file gives one line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import tinyfont
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.t2CharStringPen import T2CharStringPen
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables._f_v_a_r import Axis

from sinonom_cli.cli import run
from sinonom_cli.fonts.draw import Pen
from sinonom_cli.fonts.placeholders import shows_digits

MANY = "".join(map(chr, range(0x4F00, 0x4F40)))


def drawn(out: Path) -> str:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return "".join(dict.fromkeys(row["char"] for row in csv.DictReader(file)))


@pytest.mark.parametrize("kind", ["shared", "copies", "several", "digits", "row", "blank"])
def test_placeholders_are_not_drawn_and_this_is_said(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tinyfont.build_placeholders(tmp_path / "boxes.ttf", kind, MANY, "")
    real = tinyfont.build(tmp_path / "real.ttf")
    assert run(["synth-fonts", str(path), str(real), str(tmp_path / "set"), "--strokes", "0"]) == 0
    assert set(drawn(tmp_path / "set")) == set(tinyfont.CHARS)
    assert ("boxes.ttf#0" in capsys.readouterr().err) == (kind != "blank")
    assert run(["synth-fonts", str(path), str(tmp_path / "none"), "--chars", MANY[:5]]) == 4
    assert not list((tmp_path / "none").glob("images/*"))
    capsys.readouterr()
    assert run(["fonts", str(path), "--json"]) == 0
    row = json.loads(capsys.readouterr().out)
    assert row["drawn"] == 0 and row["blank" if kind == "blank" else "notdef"] == len(MANY)


@pytest.mark.parametrize("kind", ["shared", "copies", "several"])
def test_of_a_face_with_placeholders_the_real_glyphs_are_drawn(tmp_path: Path, kind: str) -> None:
    path = tinyfont.build_placeholders(tmp_path / "half.ttf", kind, MANY[:9])
    assert run(["synth-fonts", str(path), str(tmp_path / "set"), "--strokes", "0", "-q"]) == 0
    assert set(drawn(tmp_path / "set")) == set(tinyfont.CHARS)


def test_boxes_with_digits_in_one_block_leave_the_others(tmp_path: Path) -> None:
    far = "".join(map(chr, range(0x20100, 0x20130)))
    path = tinyfont.build_placeholders(tmp_path / "far.ttf", "digits", far)
    assert run(["synth-fonts", str(path), str(tmp_path / "set"), "--strokes", "0", "-q"]) == 0
    assert set(drawn(tmp_path / "set")) == {char for char in tinyfont.CHARS if not 0x20000 <= ord(char) <= 0x2A6DF}


def test_twins_that_are_drawn_alike_are_no_placeholders(tmp_path: Path) -> None:
    path = tmp_path / "twins.ttf"
    tinyfont.build(path, chars="金木\uf90a水火")
    font = TTFont(path)
    for table in font["cmap"].tables:
        table.cmap |= {0xF90A: table.cmap[ord("金")], ord("釒"): table.cmap[ord("金")]}
    font.save(path)
    assert run(["synth-fonts", str(path), str(tmp_path / "set"), "--strokes", "0", "-q"]) == 0
    assert {"金", "\uf90a", "釒"} <= set(drawn(tmp_path / "set"))


def test_real_glyphs_show_no_digits(tmp_path: Path) -> None:
    pen = Pen(tinyfont.build(tmp_path / "real.ttf", chars=MANY), 0, 24)
    assert not shows_digits({char: pen.canvas(char) for char in MANY})
    same = np.zeros((20, 20), np.uint8)
    same[5:15, 5:15] = 255
    assert not shows_digits(dict.fromkeys(MANY, same))


def test_placeholders_of_a_cff_font_are_known_too(tmp_path: Path) -> None:
    def charstring(corners: list[tuple[int, int]]) -> object:
        pen = T2CharStringPen(1000, None)
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
        return pen.getCharString()

    names = [".notdef", "real", *(f"p{number}" for number in range(8))]
    shapes = [[(0, 0), (0, 99), (99, 99)], [(100, 100), (500, 800), (900, 100)], *[[(50, 0), (500, 500), (900, 0)]] * 8]
    builder = FontBuilder(1000, isTTF=False)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord("字"): "real", **{0x4F00 + k: f"p{k}" for k in range(8)}})
    builder.setupCFF("Tiny", {}, dict(zip(names, map(charstring, shapes), strict=True)), {})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 0)))
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable({"familyName": "Tiny", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "tiny.otf")
    assert run(["synth-fonts", str(tmp_path / "tiny.otf"), str(tmp_path / "set"), "--strokes", "0", "-q"]) == 0
    assert drawn(tmp_path / "set") == "字"


def test_faces_of_a_collection_have_placeholders_of_their_own(tmp_path: Path) -> None:
    one = tinyfont.build_placeholders(tmp_path / "one.ttf", "shared", MANY)
    other = tinyfont.build(tmp_path / "other.ttf", chars=MANY)
    collection = TTCollection()
    collection.fonts = [TTFont(one), TTFont(other)]
    collection.save(tmp_path / "both.ttc", shareTables=False)
    assert run(["synth-fonts", str(tmp_path / "both.ttc"), str(tmp_path / "set"), "--strokes", "0", "-q"]) == 0
    assert set(drawn(tmp_path / "set")) == {*tinyfont.CHARS, *MANY}


def test_a_variable_font_is_drawn_as_its_default_and_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    font = TTFont(tinyfont.build(tmp_path / "wide.ttf"))
    font["fvar"] = newTable("fvar")
    axis = Axis()
    axis.axisTag, axis.minValue, axis.defaultValue, axis.maxValue = "wght", 100, 400, 900
    font["fvar"].axes, font["fvar"].instances = [axis], []
    font.save(tmp_path / "wide.ttf")
    assert run(["synth-fonts", str(tmp_path / "wide.ttf"), str(tmp_path / "set"), "--strokes", "0"]) == 0
    assert set(drawn(tmp_path / "set")) == set(tinyfont.CHARS)
    assert sum("wide.ttf#0" in line for line in capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("name", ["cut.ttf", "cut.ttc", "tables.ttf", "none.ttf", "web.woff2"])
def test_a_damaged_font_is_one_failure_in_one_line(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sinonom_cli.fonts.faces.find_spec", lambda _: None)  # brotli is missing.
    good = tinyfont.build(tmp_path / "good.ttf")
    content = tinyfont.build_collection(tmp_path / "c.ttc").read_bytes() if name.endswith("c") else good.read_bytes()
    half = len(content) // 2
    damaged = {
        "cut": content[:half],
        "tables": content[:400] + bytes(len(content) - 400),
        "none": b"",
        "web": b"wOF2\0\1\0\0" + content[8:],
    }
    (tmp_path / name).write_bytes(damaged[name.partition(".")[0]])
    fonts = [str(good), str(tmp_path / name)]
    assert run(["synth-fonts", *fonts, str(tmp_path / "set"), "--strokes", "0", "-q"]) == 6
    assert set(drawn(tmp_path / "set")) == set(tinyfont.CHARS)
    with (tmp_path / "set" / "failures.csv").open(encoding="utf-8", newline="") as file:
        (failure,) = csv.DictReader(file)
    assert name in failure["file"] and failure["reason"] and "\n" not in failure["reason"]
    assert ("brotli" in failure["reason"]) == (name == "web.woff2")
    assert run(["fonts", *fonts, "-q"]) == 6
    assert "Traceback" not in capsys.readouterr().err
