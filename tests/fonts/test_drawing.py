"""Test single pictures: framing, stroke weight, distance, degradation, fonts with broken hinting."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import tinyfont
from fontTools.ttLib import TTCollection, TTFont, newTable
from fontTools.ttLib.tables.ttProgram import Program
from PIL import Image

from sinonom_cli.fonts.degrade import degraded
from sinonom_cli.fonts.draw import Pen, clean, distance_field, ink_at
from sinonom_cli.fonts.faces import short_licence, slug_of
from sinonom_cli.fonts.hinting import without_hinting
from sinonom_cli.parallel.batch import item_rng

SIDE = 64


def disc(radius: float, side: int = 160) -> np.ndarray:
    y, x = np.mgrid[:side, :side] + 0.5
    away = np.hypot(x - side / 2, y - side / 2)
    ink = np.clip(radius - away + 0.5, 0, 1)
    used = np.flatnonzero(ink.any(axis=0))
    return np.round(255 * ink[used[0] : used[-1] + 1, used[0] : used[-1] + 1]).astype(np.uint8)


def disc_field() -> tuple[np.ndarray, float]:
    """Return the distance field of a disc, and its radius in pixels of the picture."""
    glyph = disc(50)
    return distance_field(glyph, SIDE, 8), 50 * (SIDE * 0.82 / glyph.shape[0])


def field_of(path: Path, char: str) -> np.ndarray:
    glyph = Pen(path, 0, SIDE).glyph(char)
    assert glyph is not None
    return distance_field(glyph, SIDE, 6)


def test_distances_to_a_disc_are_those_of_geometry() -> None:
    field, radius = disc_field()
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    exact = radius - np.hypot(x - SIDE / 2, y - SIDE / 2)
    near = np.abs(exact) < 7
    assert np.abs(field - exact)[near].max() < 0.3
    assert np.abs(field - exact)[near].mean() < 0.15


def test_a_moved_edge_is_moved_by_what_was_asked() -> None:
    field, radius = disc_field()
    for offset in (0.0, 0.25, 0.5, 1.3, 2.0):
        area = ink_at(field, offset).sum()
        assert np.sqrt(area / np.pi) == pytest.approx(radius + offset, abs=0.06)


def test_a_clean_picture_is_its_ink_rounded(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    for char in tinyfont.CHARS[:4]:
        field = field_of(path, char)
        for offset in (-1.0, 0.0, 0.7):
            exact = 255 - 255 * ink_at(field, offset).astype(float)
            assert np.abs(clean(field, offset) - exact).max() <= 0.51


def test_strokes_grow_with_every_level_and_never_vanish(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    for char in tinyfont.CHARS:
        field = field_of(path, char)
        inks = [ink_at(field, offset).sum() for offset in (-4, -2, -1, -0.5, 0, 0.3, 0.9, 1.8)]
        assert all(thin < thick for thin, thick in pairwise(inks))
        assert ink_at(field, -4).max() > 0.3


def test_a_glyph_fills_the_frame_centred_with_a_margin(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf")
    for char in tinyfont.CHARS:
        ink = ink_at(field_of(path, char), 0) > 0.5
        ys, xs = np.flatnonzero(ink.any(axis=1)), np.flatnonzero(ink.any(axis=0))
        assert abs(ys[0] - (SIDE - 1 - ys[-1])) <= 1
        assert abs(xs[0] - (SIDE - 1 - xs[-1])) <= 1
        assert max(np.ptp(ys), np.ptp(xs)) + 1 <= round(SIDE * 0.82) + 1


def test_glyphs_are_upright_and_not_mirrored(tmp_path: Path) -> None:
    """Check that the centre of each stroke, computed from the font's own geometry, is ink."""
    path = tinyfont.build(tmp_path / "tiny.ttf")
    for char in tinyfont.CHARS:
        glyph = Pen(path, 0, SIDE).glyph(char)
        assert glyph is not None
        font = TTFont(path)
        outline = font["glyf"][font.getBestCmap()[ord(char)]]
        scale_x = (glyph.shape[1] - 1) / (outline.xMax - outline.xMin)
        scale_y = (glyph.shape[0] - 1) / (outline.yMax - outline.yMin)
        for x0, y0, x1, y1 in tinyfont.strokes(char):
            x, y = (x0 + x1) / 2 - outline.xMin, outline.yMax - (y0 + y1) / 2
            assert glyph[round(y * scale_y), round(x * scale_x)] > 200


@pytest.mark.parametrize("amount", [0.3, 0.7, 1.0])
def test_a_degraded_picture_resembles_its_own_glyph_most(tmp_path: Path, amount: float) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", style=2)
    fields = {char: field_of(path, char) for char in tinyfont.CHARS}
    clean = np.array([1 - ink_at(field, 0).ravel() for field in fields.values()])
    clean -= clean.mean(axis=1, keepdims=True)
    clean /= np.linalg.norm(clean, axis=1, keepdims=True)
    hits = []
    for k, (char, field) in enumerate(fields.items()):
        for trial in range(6):
            worn = degraded(field, 0.0, amount, item_rng(trial, char))
            assert worn.shape == (SIDE, SIDE)
            assert worn.dtype == np.uint8
            hits.append(int(np.argmax(clean @ (worn - worn.mean()).ravel())) == k)
    assert np.mean(hits) >= (0.93 if amount == 1 else 0.99)


def test_ink_stays_darker_than_its_paper(tmp_path: Path) -> None:
    path = tinyfont.build(tmp_path / "tiny.ttf", style=2)
    for char in tinyfont.CHARS:
        field = field_of(path, char)
        worn = degraded(field, 0.5, 0.6, item_rng(1, char)).astype(float)
        assert worn[field > 1].mean() + 25 < worn[field < -3].mean()


def test_a_font_whose_hinting_fails_is_drawn_without(tmp_path: Path) -> None:
    sound = tinyfont.build(tmp_path / "sound.ttf")
    font = TTFont(sound)
    for name in font.getGlyphOrder():
        glyph = font["glyf"][name]
        if glyph.numberOfContours > 0:
            glyph.program = Program()
            glyph.program.fromBytecode([0xA2])  # This instruction does not exist.
    font["fpgm"] = newTable("fpgm")
    font["fpgm"].program = Program()
    font["fpgm"].program.fromBytecode([0xA2])
    font["maxp"].maxSizeOfInstructions = 1
    font["maxp"].maxStackElements = 8
    font.save(tmp_path / "invalid.ttf")
    for char in tinyfont.CHARS:
        assert Pen(tmp_path / "invalid.ttf", 0, SIDE).glyph(char) is not None
        ours = ink_at(field_of(tmp_path / "invalid.ttf", char), 0)
        assert np.corrcoef(ours.ravel(), ink_at(field_of(sound, char), 0).ravel())[0, 1] > 0.9


def test_hinting_is_taken_out_of_every_face_of_a_collection(tmp_path: Path) -> None:
    tinyfont.build_collection(tmp_path / "tiny.ttc", styles=(0, 1, 2))
    (tmp_path / "bare.ttc").write_bytes(without_hinting((tmp_path / "tiny.ttc").read_bytes()))
    for font in TTCollection(tmp_path / "bare.ttc").fonts:
        assert font["maxp"].maxSizeOfInstructions == 0
        assert "fpgm" not in font
        assert "字" in map(chr, font.getBestCmap())


def test_slugs_are_ascii_stable_and_tell_faces_of_one_name_apart() -> None:
    assert slug_of("LXGW WenKai", "Bold", "a.ttf#0") == slug_of("LXGW WenKai", "Bold", "a.ttf#0")
    slugs = {slug_of("明體", "", f"{k}.ttf#0") for k in range(50)} | {slug_of("Ming Ｓerif", "Bold", "a.ttf#1")}
    assert len(slugs) == 51
    assert all(slug.isascii() and not set(slug) - set("abcdefghijklmnopqrstuvwxyz0123456789-") for slug in slugs)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("This Font Software is licensed under the SIL Open Font License, Version 1.1.", "OFL-1.1"),
        ("http://scripts.sil.org/OFL", "OFL-1.1"),
        ("Licensed under the Apache License, Version 2.0", "Apache-2.0"),
        ("Distributed under the GNU Public License", "GPL"),
        ("https://opensource.org/licenses/IPA/", "IPA-1.0"),
        ("", ""),
        ("----", ""),
        ("x" * 100, "x" * 57 + "..."),
    ],
)
def test_licences_have_short_names(text: str, name: str) -> None:
    assert short_licence(text) == name


def test_pictures_are_grey_png_of_the_size_asked(tmp_path: Path) -> None:
    from sinonom_cli.cli import run

    path = tinyfont.build(tmp_path / "tiny.ttf", chars="字")
    assert run(["synth-fonts", str(path), str(tmp_path / "out"), "--size", "48", "--degrade", "0,1"]) == 0
    pictures = [Image.open(name) for name in (tmp_path / "out" / "images" / "U+5B57").iterdir()]
    assert len(pictures) == 6
    assert all((p.mode, p.size, p.format) == ("L", (48, 48), "PNG") for p in pictures)
