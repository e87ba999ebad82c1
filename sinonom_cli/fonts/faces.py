"""Read the faces of font files: their names, their licences, and the characters that their cmaps name."""

import hashlib
import re
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.face import Face, FaceTables
from sinonom_cli.storage.inputs import Item

SUFFIXES = frozenset((".ttf", ".otf", ".ttc", ".otc"))

_LICENCES = (  # The first pattern that matches a font's text gives its short name.
    (r"SIL Open Font Licen[sc]e|scripts\.sil\.org/OFL|openfontlicense|\bOFL\b", "OFL-1.1"),
    (r"Apache Licen[sc]e|apache\.org/licenses", "Apache-2.0"),
    (r"IPA (Open )?Font Licen[sc]e|ipafont\.ipa\.go\.jp|licenses/IPA", "IPA-1.0"),
    (r"Arphic Public Licen[sc]e", "Arphic-1999"),
    (r"GNU (General )?Public Licen[sc]e|\bGPL", "GPL"),
    (r"Creative Commons[^.]*ShareAlike|creativecommons\.org/licenses/by-sa|CC.BY.SA", "CC-BY-SA"),
    (r"creativecommons\.org/licenses/by/|CC.BY\b", "CC-BY"),
    (r"Open Government Data License|政府資料開放授權", "OGDL-Taiwan-1.0"),
    (r"Permission is hereby granted, free of charge", "MIT"),
    (r"public domain", "public domain"),
)
_COPYRIGHT, _FAMILY, _STYLE, _VERSION, _LICENCE, _LICENCE_URL, _FAMILY_WHOLE, _STYLE_WHOLE = 0, 1, 2, 5, 13, 14, 16, 17
_OUTLINES = ("glyf", "CFF ", "CFF2")
_SPEAKS_OF_A_LICENCE = r"licen[sc]e|public domain|授權|permission|\bGPL|\bOFL\b"


def read_faces(item: Item) -> list[FaceTables]:
    """Read the faces of a font file.

    Raises
    ------
    SinonomError
        If the file is not a font, is truncated, or has no Unicode cmap.
    """
    if item.fault:
        raise SinonomError(f"{item.path} cannot be read: {item.fault}", "check the file")
    with _blaming(item.path):
        return [_looked_at(_read_face(item, index)) for index in range(_count(item.path))]


def _looked_at(tables: FaceTables) -> FaceTables:
    """Return a face with the placeholders that can only be found by drawing its glyphs."""
    from sinonom_cli.fonts.draw import Pen
    from sinonom_cli.fonts.placeholders import LOOK_SIDE, drawn_alike

    try:
        pen = Pen(tables.face.path, tables.face.index, LOOK_SIDE)
    except SinonomError:
        return tables  # The error is reported when the face is drawn.
    alike, boxed = drawn_alike(pen, tables.codes)
    # The pen itself recognises blank glyphs and the drawing of characters that are not mapped.
    drawn = "".join(char for char in tables.face.placeholders + alike if pen.glyph(char) is not None)
    return replace(tables, face=replace(tables.face, placeholders=drawn, boxed=boxed))


@contextmanager
def _blaming(path: Path) -> Iterator[None]:
    """Turn any exception of fontTools for a damaged font into one clear error."""
    try:
        yield
    except SinonomError:
        raise
    except OSError as error:
        raise SinonomError(f"{path} cannot be read: {error.strerror or error}", "check the file") from error
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SinonomError(f"{path} is not a font that can be read: {reason}", "remove or repair it") from error


def _count(path: Path) -> int:
    with path.open("rb") as file:
        head = file.read(12)
    if head[:4] == b"wOF2" and not any(map(find_spec, ("brotli", "brotlicffi"))):
        raise SinonomError(
            f"{path} is WOFF2, which needs the Python package brotli", "pip install brotli, or give the TTF"
        )
    if head[:4] != b"ttcf":
        return 1
    count: int = struct.unpack(">L", head[8:12])[0]
    if not 1 <= count <= 0xFFFF:
        raise SinonomError(f"{path} is a font collection of {count} faces", "remove or repair it")
    return count


def _read_face(item: Item, index: int) -> FaceTables:
    from fontTools.ttLib import TTFont

    from sinonom_cli.fonts.placeholders import shared_outlines

    with TTFont(item.path, fontNumber=index, lazy=True) as font:
        # Glyph names are not needed; reading them from `post` or CFF would take most of the time and sometimes fail.
        font.setGlyphOrder([str(number) for number in range(font["maxp"].numGlyphs)])
        cmap = font.getBestCmap()
        if not cmap:
            raise SinonomError(f"{item.path}: face {index} has no Unicode character map", "remove it")
        codes = np.fromiter(sorted(cmap), np.int32, len(cmap))
        glyphs = np.array([_glyph_number(cmap[code]) for code in codes.tolist()], np.int32)
        names = font.get("name")
        key = f"{item.key}#{index}"
        family = _name(names, _FAMILY_WHOLE, _FAMILY) or item.path.stem
        style = _name(names, _STYLE_WHOLE, _STYLE)
        version = re.sub(r"^version\s+", "", _name(names, _VERSION), flags=re.IGNORECASE)
        face = Face(
            *(key, item.path, index, slug_of(family, style, key), family, style, version, _licence(names)),
            placeholders=shared_outlines(font, codes, glyphs),
            variable="fvar" in font.reader.tables,
        )
        places = [font.reader.tables[tag].offset for tag in _OUTLINES if tag in font.reader.tables]
        return FaceTables(face, codes, glyphs, f"{item.key}@{places}")


def _glyph_number(name: str) -> int:
    return int(name) if name.isdecimal() else int(name.removeprefix("glyph"))


def _licence(names: Any) -> str:
    """Return the licence of a font from its licence entries or, as in many older fonts, its copyright notice."""
    said = [_name(names, number) for number in (_LICENCE, _LICENCE_URL, _COPYRIGHT)]
    speaks = re.search(_SPEAKS_OF_A_LICENCE, said[2], re.IGNORECASE)
    said.append(said[2][speaks.start() :] if speaks else "")
    short = [short_licence(text) for text in said]
    known = {name for _, name in _LICENCES}
    return next((name for name in short if name in known), short[0] or short[1] or short[3])


def _name(names: Any, *ids: int) -> str:
    """Return the first of these entries of the name table that is not empty, on one line."""
    for number in ids:
        try:
            text = names.getDebugName(number) if names is not None else None
        except UnicodeDecodeError:
            continue
        if text and text.strip():
            return " ".join(text.replace("\0", "").split())
    return ""


def short_licence(text: str) -> str:
    """Return the usual short name of a licence, or the beginning of the font's text about it."""
    for pattern, name in _LICENCES:
        if re.search(pattern, text, re.IGNORECASE):
            return name
    if not re.search(r"\w", text):
        return ""
    return text if len(text) <= 60 else text[:57].rstrip() + "..."


def slug_of(family: str, style: str, key: str) -> str:
    """Return a face's ASCII part of file names: its names, then six digits that distinguish faces of equal names.

    The digits depend only on the face's key, so that adding fonts to a set renames no file.
    """
    digits = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    folded = unicodedata.normalize("NFKD", f"{family} {style}").encode("ascii", "ignore").decode()
    words = re.sub(r"[^a-z0-9]+", "-", folded.lower()).strip("-")[:40].strip("-")
    return f"{words or 'face'}-{digits}"
