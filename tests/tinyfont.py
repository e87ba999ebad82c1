"""A small font, drawn here, for tests that need one without shipping or finding one.

Every character gets its own few strokes, derived from its code point: no two are alike, and none is symmetric. `style`
is a hand: the same strokes, other weight, slant and wobble, so that the characters of one hand still resemble those of
another.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont

EM = 1000
CHARS = "字喃人天地日月山水金\uf90a火木土大𡦂"  # U+F90A is the compatibility twin of 金 U+91D1
BLANK = "丨"  # mapped to a glyph without any contour
LIE = "丶"  # mapped to .notdef
TWIN = "丿"  # mapped to a glyph of its own that draws the very box .notdef draws
PRIVATE = "\ue001"  # a Private Use code with ink


def build(path: Path | str, chars: str = CHARS, style: int = 0) -> Path:
    """Write a TrueType font that draws `chars`, and holds BLANK, LIE, TWIN and PRIVATE besides."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _font(chars, style).save(path)
    return path


def build_collection(path: Path | str, chars: str = CHARS, styles: Sequence[int] = (0, 1)) -> Path:
    """Write a collection (.ttc), one face for each of `styles`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    collection = TTCollection()
    collection.fonts = [_font(chars, style) for style in styles]
    collection.save(path, shareTables=False)
    return path


def strokes(char: str, style: int = 0) -> list[tuple[float, float, float, float]]:
    """The strokes of a character as (x0, y0, x1, y1), font units, y up."""
    rng = np.random.default_rng(ord(char))
    places = rng.permutation(16)[:6]
    wobble = np.random.default_rng([ord(char), style])
    found = []
    for k, place in enumerate(places):
        x, y = 200.0 + 200 * (place % 4), 100.0 + 200 * (place // 4)
        length = rng.uniform(250, 500)
        turn = (0, np.pi / 2, np.pi / 4, 0, np.pi / 2, -np.pi / 4)[k]
        dx, dy = length / 2 * np.cos(turn), length / 2 * np.sin(turn)
        ends = np.array([x - dx, y - dy, x + dx, y + dy])
        ends = np.clip(ends + wobble.normal(0, 12 if style else 0, 4), 30, 870)
        found.append(tuple(float(v) for v in ends))
    return found


def _font(chars: str, style: int) -> TTFont:
    weight = 50 + 18 * (style % 3)
    glyphs = {".notdef": _box(), "blank": TTGlyphPen(None).glyph(), "twin": _box()}
    cmap = {ord(BLANK): "blank", ord(LIE): ".notdef", ord(TWIN): "twin"}
    for char in dict.fromkeys(chars + PRIVATE):
        name = f"u{ord(char):X}"
        glyphs[name] = _draw(strokes(char, style), weight, slant=0.08 * (style % 2))
        cmap[ord(char)] = name
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(cmap)
    builder.setupGlyf(glyphs)
    builder.setupHorizontalMetrics({name: (EM, _left(builder, name)) for name in glyphs})
    builder.setupHorizontalHeader(ascent=880, descent=-120)
    builder.setupNameTable(
        {
            "familyName": f"Tiny Hand {style}",
            "styleName": "Regular",
            "uniqueFontIdentifier": f"tiny-{style}",
            "fullName": f"Tiny Hand {style}",
            "psName": f"TinyHand{style}-Regular",
            "version": f"Version 1.{style}",
            "licenseDescription": "Drawn for tests; no rights reserved.",
        }
    )
    builder.setupOS2(sTypoAscender=880, sTypoDescender=-120, usWinAscent=880, usWinDescent=120)
    builder.setupPost()
    return builder.font


def _left(builder: FontBuilder, name: str) -> int:
    """The left edge of a glyph, which its side bearing has to agree with."""
    return getattr(builder.font["glyf"][name], "xMin", 0)


def _box() -> object:
    pen = TTGlyphPen(None)
    _polygon(pen, [(100, 0), (100, 800), (900, 800), (900, 0)])
    _polygon(pen, [(160, 60), (840, 60), (840, 740), (160, 740)])
    return pen.glyph()


def _draw(lines: list[tuple[float, float, float, float]], weight: float, slant: float) -> object:
    pen = TTGlyphPen(None)
    for x0, y0, x1, y1 in lines:
        across = np.array([y1 - y0, x0 - x1]) / max(np.hypot(x1 - x0, y1 - y0), 1) * weight / 2
        corners = [(x0, y0) - across, (x1, y1) - across, (x1, y1) + across, (x0, y0) + across]
        _polygon(pen, [(round(x + slant * y), round(y)) for x, y in corners])
    return pen.glyph()


def _polygon(pen: TTGlyphPen, corners: list[tuple[int, int]]) -> None:
    pen.moveTo(corners[0])
    for corner in corners[1:]:
        pen.lineTo(corner)
    pen.closePath()
