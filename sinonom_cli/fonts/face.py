"""What is known of one face of a font file."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Face:
    """One face of a font file.

    Attributes
    ----------
    key : `relative path#index`: what `source` says.
    path, index : where it is.
    slug : ASCII name for files; depends on nothing but this face's names and key.
    family, style, version, licence : from the name table; "" where it says nothing.
    hand : the design that it belongs to, with others perhaps; `families.py` finds it.
    placeholders : one character for each glyph that stands for characters without showing them.
    boxed : first and last code points of the blocks whose glyphs are boxes with the code points in them.
    variable : whether it is a variable font, of which the default instance is drawn.
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
    """A face and what its tables say.

    Attributes
    ----------
    codes : (N,) int32, the code points of its cmap, ascending; the cmap may lie.
    glyphs : (N,) int32, the glyph of each.
    outlines : the same text for faces of one collection that share their outlines: one glyph number, one picture.
    """

    face: Face
    codes: NDArray[np.int32]
    glyphs: NDArray[np.int32]
    outlines: str
