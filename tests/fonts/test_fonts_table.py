"""Test `sinonom fonts`: the characters that faces really draw, as lines, JSON and CSV."""

import csv
import io
import json
from pathlib import Path

import pytest
import tinyfont
from fontTools.ttLib import TTFont

from sinonom_cli.cli import run
from sinonom_cli.fonts.faces import short_licence

ASKED = tinyfont.CHARS + tinyfont.BLANK + tinyfont.LIE + tinyfont.TWIN + "龜"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tinyfont.build(tmp_path / "fonts" / "a.ttf")
    tinyfont.build_collection(tmp_path / "fonts" / "b 𡦂.ttc", styles=(0, 3))
    return tmp_path / "fonts"


def test_the_table_counts_ink_blanks_and_notdef(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["fonts", str(folder), "--chars", ASKED]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert [row["face"] for row in rows] == ["a.ttf#0", "b 𡦂.ttc#0", "b 𡦂.ttc#1"]
    names = ("drawn", "blank", "notdef", "not_in_cmap", "same", "same_as", "hand")
    counts = [tuple(row[name] for name in names) for row in rows]
    drawn = len(tinyfont.CHARS)
    assert counts == [
        (str(drawn), "1", "1", "2", "0", "", "Tiny Hand 0"),
        (str(drawn), "1", "1", "2", str(drawn + 2), "a.ttf#0", "Tiny Hand 0"),
        (str(drawn), "1", "1", "2", "0", "", "Tiny Hand 3"),
    ]
    assert rows[0]["licence"] == "Drawn for tests; no rights reserved."
    assert (rows[2]["family"], rows[2]["style"], rows[2]["version"]) == ("Tiny Hand 3", "Regular", "1.3")


def test_lines_json_and_csv_say_the_same(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "bản khắc" / "fonts.csv"
    assert run(["fonts", str(folder), "--chars", ASKED, "--output", str(out), "--workers", "2"]) == 0
    lines = list(csv.DictReader(io.StringIO(capsys.readouterr().out), delimiter="\t"))
    assert run(["fonts", str(folder), "--chars", ASKED, "--output", str(out), "--json", "-q"]) == 0
    objects = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    with out.open(encoding="utf-8", newline="") as file:
        assert list(csv.DictReader(file)) == lines
    assert [{key: str(value) for key, value in row.items()} for row in objects] == lines
    assert isinstance(objects[0]["drawn"], int)


def test_what_synth_fonts_draws_is_what_the_table_counts(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "table.csv"
    assert run(["fonts", str(folder), "--output", str(out)]) == 0
    assert run(["synth-fonts", str(folder), str(tmp_path / "set"), "--strokes", "0", "--keep-duplicates"]) == 0
    record = json.loads((tmp_path / "set" / "artifact.json").read_text(encoding="utf-8"))
    with out.open(encoding="utf-8", newline="") as file:
        drawn = {row["face"]: int(row["drawn"]) for row in csv.DictReader(file)}
    assert drawn == {key: face["drawn"] for key, face in record["faces"].items()}


def test_nothing_else_is_written_over(folder: Path, tmp_path: Path) -> None:
    notes = tmp_path / "notes.csv"
    notes.write_text("my notes\n", encoding="utf-8")
    assert run(["fonts", str(folder), "--output", str(notes)]) == 5
    assert notes.read_text(encoding="utf-8") == "my notes\n"


def test_a_broken_font_is_named_and_the_rest_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "text.ttf").write_text("not a font at all", encoding="utf-8")
    assert run(["fonts", str(folder), "--chars", "字"]) == 6
    said = capsys.readouterr()
    assert len(said.out.splitlines()) == 4
    assert "text.ttf" in said.err
    assert run(["fonts", str(folder / "text.ttf")]) == 4


@pytest.mark.parametrize(
    ("copyright_notice", "licence", "short"),
    [
        ("(c) 2018 National Development Council. Open Government Data License, version 1.0", "", "OGDL-Taiwan-1.0"),
        ("Author: H. License: free, without warranty", "", "License: free, without warranty"),
        ("Created by GlyphWiki.", "", ""),
        ("Copyright 2006. Permission is hereby granted, free of charge, to any person", "Cr:TTE0953", "MIT"),
        ("Copyright 2020", "NHN Corporation", "NHN Corporation"),
    ],
)
def test_a_licence_is_looked_for_in_the_copyright_notice_too(
    tmp_path: Path, copyright_notice: str, licence: str, short: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tinyfont.build(tmp_path / "a.ttf", chars="字")
    font = TTFont(path)
    font["name"].names = [record for record in font["name"].names if record.nameID not in (0, 13)]
    for number, text in ((0, copyright_notice), (13, licence)):
        if text:
            font["name"].setName(text, number, 3, 1, 0x409)
    font.save(path)
    assert run(["fonts", str(path), "--json", "-q"]) == 0
    assert json.loads(capsys.readouterr().out)["licence"] == short


def test_a_short_licence_stays_itself() -> None:
    for name in ("OFL-1.1", "Apache-2.0", "OGDL-Taiwan-1.0"):
        assert short_licence(name) in (name, short_licence(name))
