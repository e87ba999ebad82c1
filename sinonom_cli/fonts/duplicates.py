"""Which faces draw the same pictures.

Font packages hold the same outlines again and again: a monospaced sister, a collection's five countries, a copy under
another name.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.draw import pen_for
from sinonom_cli.fonts.face import FaceTables

SAMPLE = 64
"""How many glyphs of each face are compared."""
SAMPLE_SIDE = 24
"""For pictures of so many pixels they are drawn."""
COMPARED_AT_LEAST = 8
"""Faces with fewer of these characters in common are compared only if one of them has no more than that."""
SAME_SHARE = 0.95
"""Of the glyphs compared, from which on two faces draw the same."""


def without_duplicates(
    faces: Sequence[FaceTables], own: Sequence[FaceTables], parts: Sequence[int], order: Sequence[int]
) -> tuple[list[NDArray[np.bool_]], dict[int, int]]:
    """Find out which pictures would be drawn twice.

    Faces of a collection that share their outlines draw the same where they name the same glyph. Others draw the same,
    each character that both have, if they are parts of one design, or if a sample of their glyphs looks the same, pixel
    for pixel.

    Parameters
    ----------
    faces : all faces, with all their characters.
    own : the same, with the characters only that were asked for.
    parts : a number by face, alike for the parts of one design.
    order : the faces, the one first that draws what several have.

    Returns
    -------
    by face an (N,) mask of its own characters that no face before it draws, and by face the first that draws the same.
    """
    left = [np.ones(len(tables.codes), bool) for tables in own]
    same_as: dict[int, int] = {}
    earlier: list[int] = []
    samples: dict[int, dict[int, bytes]] = {}
    for k in order:
        if not len(own[k].codes):
            continue
        samples[k] = sample(faces[k])
        for other in earlier:
            if faces[other].outlines == faces[k].outlines:
                twice = np.isin(_pairs(own[k]), _pairs(own[other]))
            elif parts[k] == parts[other] or alike(samples[k], samples[other]):
                twice = np.isin(own[k].codes, own[other].codes)
            else:
                continue
            if (twice & left[k]).any():
                left[k] &= ~twice
                same_as.setdefault(k, other)
        earlier.append(k)
    return left, same_as


def sample(tables: FaceTables) -> dict[int, bytes]:
    """Return what some of a face's glyphs look like, by code point.

    Chosen are those with the smallest hashes: whatever else two faces hold, they choose alike (Broder 1997).
    """
    scrambled = tables.codes.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32)
    found: dict[int, bytes] = {}
    try:
        pen = pen_for(tables.face, SAMPLE_SIDE)
    except SinonomError:
        return found
    for code in tables.codes[np.argsort(scrambled, kind="stable")].tolist():
        glyph = pen.glyph(chr(code))
        if glyph is not None:
            found[code] = hashlib.sha256(repr(glyph.shape).encode() + glyph.tobytes()).digest()[:8]
        if len(found) == SAMPLE:
            break
    return found


def alike(one: Mapping[int, bytes], other: Mapping[int, bytes]) -> bool:
    """Return whether two samples have enough characters in common, and nearly all of those look the same."""
    common = one.keys() & other.keys()
    if not common or len(common) < min(COMPARED_AT_LEAST, len(one), len(other)):
        return False
    return sum(one[code] == other[code] for code in common) >= SAME_SHARE * len(common)


def _pairs(tables: FaceTables) -> NDArray[np.int64]:
    return tables.codes.astype(np.int64) << 32 | tables.glyphs
