"""Draw a small font, so that tests need no shipped or installed one.

Every character has a few strokes that are derived from its code point: no two are alike, and none is symmetric. Each
`style` is a typeface family: it has the same strokes with another weight, slant and jitter, so that its characters
still resemble those of the other families.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTCollection, TTFont

EM = 1000
CHARS = "字喃人天地日月山水金\uf90a火木土大𡦂"  # U+F90A is the compatibility character of 金 U+91D1
BLANK = "丨"  # mapped to a glyph without any contour
LIE = "丶"  # mapped to .notdef
TWIN = "丿"  # mapped to a separate glyph with the same box as .notdef
PRIVATE = "\ue001"  # a Private Use code with ink


def build(path: Path | str, chars: str = CHARS, style: int = 0) -> Path:
    """Write a TrueType font that draws `chars` and also has BLANK, LIE, TWIN and PRIVATE."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    _font(chars, style).save(path)
    return path


def build_collection(path: Path | str, chars: str = CHARS, styles: Sequence[int] = (0, 1)) -> Path:
    """Write a collection (.ttc) with one face for each of `styles`."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    collection = TTCollection()
    collection.fonts = [_font(chars, style) for style in styles]
    collection.save(path, shareTables=False)
    return path


def strokes(char: str, style: int = 0) -> list[tuple[float, float, float, float]]:
    """Return the strokes of a character as (x0, y0, x1, y1) in font units, y upwards."""
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
    return _assembled(glyphs, cmap, style)


def build_placeholders(path: Path | str, kind: str, chars: str, real: str = CHARS) -> Path:
    """Write a font that draws `real`, and placeholders for the other characters `chars`.

    `kind` is "shared" (one glyph for all), "copies" (a glyph for each, of one outline), "several" (three glyphs in
    turn), "digits" (boxes with the code point's digits in two rows), "row" (the digits in one row, without a box) or
    "blank".
    """
    glyphs: dict[str, object] = {".notdef": _box()}
    cmap = {}
    for char in real:
        glyphs[f"u{ord(char):X}"] = _draw(strokes(char), 50, slant=0)
        cmap[ord(char)] = f"u{ord(char):X}"
    for number, char in enumerate(chars):
        variant = {"shared": 0, "several": number % 3}.get(kind, number)
        name = cmap[ord(char)] = f"placeholder{variant}"
        if kind in ("digits", "row"):
            glyphs[name] = _digits(f"{ord(char):X}", rows=2 if kind == "digits" else 1)
        elif kind == "blank":
            glyphs[name] = TTGlyphPen(None).glyph()
        else:
            glyphs[name] = _draw(
                [(200, 100, 700, 700), (200, 700 - 50 * (variant if kind == "several" else 0), 700, 100)], 60, 0
            )
    _assembled(glyphs, cmap, 0).save(path)
    return Path(path)


def _digits(text: str, rows: int) -> object:
    """Draw the digits of a code point; the bits of a digit switch on marks at the corners of a small box."""
    pen = TTGlyphPen(None)
    text = text.zfill(len(text) + len(text) % rows)
    columns = len(text) // rows
    if rows > 1:
        _polygon(pen, [(50, -50), (50, 850), (950, 850), (950, -50)])
        _polygon(pen, [(80, -20), (920, -20), (920, 820), (80, 820)])
    wide, tall = 800 / columns, 800 / rows
    for k, digit in enumerate(text):
        x, y = 100 + wide * (k % columns), 800 - tall * (k // columns + 1)
        for bit in range(5):
            if bit == 4 or int(digit, 16) >> bit & 1:
                left, low = x + wide * (0.2 + 0.4 * (bit % 2)), y + tall * (0.1 + 0.3 * (bit // 2))
                corners = [
                    (left, low),
                    (left, low + tall / 4),
                    (left + wide / 4, low + tall / 4),
                    (left + wide / 4, low),
                ]
                _polygon(pen, [(round(a), round(b)) for a, b in corners])
    return pen.glyph()


def _assembled(glyphs: dict[str, object], cmap: dict[int, str], style: int) -> TTFont:
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
    """Return the left edge of a glyph, which its side bearing must equal."""
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
