"""Find the faces that draw the same pictures.

Font packages often hold the same outlines several times: in a monospaced variant, in the five countries of a
collection, in a copy under another name.
"""

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.draw import pen_for
from sinonom_cli.fonts.face import FaceTables

SAMPLE = 64
"""Number of glyphs of each face that are compared."""
SAMPLE_SIDE = 24
"""Side, in pixels, of the pictures that are compared."""
COMPARED_AT_LEAST = 8
"""Smallest number of common characters for a comparison, unless the sample of one face is smaller."""
SAME_SHARE = 0.95
"""Smallest share of equal glyphs, among those compared, at which two faces draw the same."""


def without_duplicates(
    faces: Sequence[FaceTables], own: Sequence[FaceTables], parts: Sequence[int], order: Sequence[int]
) -> tuple[list[NDArray[np.bool_]], dict[int, int]]:
    """Find the pictures that would be drawn twice.

    Faces of a collection that share their outlines draw the same picture where they name the same glyph. Other faces
    draw all common characters the same if they are parts of one design, or if a sample of their glyphs is equal, pixel
    for pixel.

    Parameters
    ----------
    faces : all faces, with all their characters.
    own : the same faces, with only the requested characters.
    parts : number of each face, equal for the parts of one design.
    order : indices of the faces; of several that draw the same, the first in this order draws it.

    Returns
    -------
    For each face, an (N,) bool mask of its own characters that no face before it draws; and, by face, the first face
    that draws the same.
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
    """Return hashes of the pictures of some of a face's glyphs, by code point.

    The code points with the smallest hashes are chosen, so that similar faces choose the same ones (Broder 1997).
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
    """Return whether two samples have enough characters in common and nearly all of these look the same."""
    common = one.keys() & other.keys()
    if not common or len(common) < min(COMPARED_AT_LEAST, len(one), len(other)):
        return False
    return sum(one[code] == other[code] for code in common) >= SAME_SHARE * len(common)


def _pairs(tables: FaceTables) -> NDArray[np.int64]:
    return tables.codes.astype(np.int64) << 32 | tables.glyphs
