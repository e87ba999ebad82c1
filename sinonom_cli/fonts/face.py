"""Describe one face of a font file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Face:
    """One face of a font file.

    Attributes
    ----------
    key : `relative path#index`, which is also the `source` of its pictures.
    path, index : font file, and the index of the face in it.
    slug : ASCII name for files; it depends only on this face's names and key.
    family, style, version, licence : entries of the name table; "" where it has none.
    hand : typeface family: the design to which the face, perhaps with others, belongs; `families.py` finds it.
    placeholders : one character for each placeholder glyph, which does not show its characters.
    boxed : first and last code points of the blocks whose glyphs are boxes with the code points in them.
    variable : whether the font is variable; its default instance is drawn.
    """

    key: str
    path: Path
    index: int
    slug: str
    family: str
    style: str
    version: str
    licence: str
    hand: str = ""
    placeholders: str = ""
    boxed: tuple[tuple[int, int], ...] = ()
    variable: bool = False


@dataclass(frozen=True)
class FaceTables:
    """Font face with data from its tables.

    Attributes
    ----------
    face : the font face.
    codes : (N,) int32, code points of its cmap, ascending; the cmap may name characters that the face does not draw.
    glyphs : (N,) int32, glyph number of each code point.
    outlines : text that is equal for faces of one collection that share their outlines; in these, equal glyph numbers
        mean equal pictures.
    """

    face: Face
    codes: NDArray[np.int32]
    glyphs: NDArray[np.int32]
    outlines: str
