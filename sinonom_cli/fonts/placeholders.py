"""Find placeholder glyphs, which do not show their characters: one drawing for many, or boxes with code points."""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.fonts.charset import is_han
from sinonom_cli.fonts.draw import Pen
from sinonom_cli.fonts.unicode_blocks import BLOCKS

SHARED = 3
"""Smallest number of characters whose common drawing is a placeholder. In 36 faces with 1.1 million Han characters, at
most two characters that are not compatible share a drawing (产 and 産; U+F90A and 金 are compatible)."""
LOOK_SIDE = 24
"""Side, in pixels, of the pictures in which glyphs are compared."""
SAMPLE = 32
"""Number of glyphs of each block that are drawn and compared."""
LEAST_SAMPLE = 6
EQUAL = 0.7
"""Smallest share of equal pictures of one hexadecimal digit in one place, if a block's glyphs are boxes with digits. A
few real glyphs may be among the boxes. In 36 real faces the share is at most 0.01."""
OFTEN = 0.1
"""Smallest share of glyphs that have ink at a pixel, if the pixel belongs to the area of the digits."""
LEAST_PAIRS = 5
_LAYOUTS = {4: ((2, 2), (1, 4), (4, 1)), 5: ((1, 5), (2, 3), (5, 1)), 6: ((2, 3), (3, 2), (1, 6))}
"""Possible rows and columns of digits, by the number of digits; five digits may be written as six."""


def shared_outlines(font: Any, codes: NDArray[np.int32], glyphs: NDArray[np.int32]) -> str:
    """Return one character for each outline that several Han characters share without being compatible.

    Parameters
    ----------
    font : face, as a `TTFont` of fontTools.
    codes, glyphs : (N,) int32, code points of the face and the glyph number of each.
    """
    outline = _outlines(font)
    found: dict[Hashable, list[str]] = defaultdict(list)
    for code, glyph in zip(codes.tolist(), glyphs.tolist(), strict=True):
        if is_han(chr(code)) and (key := outline(glyph)):
            found[key].append(chr(code))
    return _placeholders(found)


def _placeholders(chars: Mapping[Any, list[str]]) -> str:
    alike = (same for same in chars.values() if len(same) >= SHARED)
    return "".join(same[0] for same in alike if len({unicodedata.normalize("NFKC", char) for char in same}) >= SHARED)


def _outlines(font: Any) -> Callable[[int], Hashable]:
    """Return a function from a glyph's number to a key of its outline, which is empty for a blank glyph."""
    tables = font.reader.tables
    if "glyf" in tables:
        places, data = font["loca"].locations, font.reader["glyf"]
        return lambda glyph: data[places[glyph] : places[glyph + 1]]
    if "CFF " in tables:
        top = font["CFF "].cff.topDictIndex[0]
        index, parts = top.CharStrings.charStringsIndex, getattr(top, "FDSelect", None)
        # Each part of a CID font has its own subroutines, so the same code has another outline in another part.
        return lambda glyph: (index[glyph].bytecode, parts[glyph] if parts else 0)
    return lambda glyph: (glyph,)


def drawn_alike(pen: Pen, codes: NDArray[np.int32]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Find the placeholders in a sample of a face's glyphs.

    Parameters
    ----------
    pen : pen of the face.
    codes : (N,) int32, code points of the face.

    Returns
    -------
    One character for each drawing that several characters share, and the first and last code points of the blocks
    whose glyphs are boxes with the digits of the code points.
    """
    same: dict[bytes, list[str]] = defaultdict(list)
    boxed = []
    for low, high in BLOCKS.values():
        mine = codes[(codes >= low) & (codes <= high)].astype(np.uint64)
        # The choice of glyphs is nearly random, but always the same.
        order = np.argsort(mine * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(32), kind="stable")
        drawn = {chr(code): canvas for code in mine[order[:SAMPLE]].tolist() if (canvas := pen.canvas(chr(code))).any()}
        times = Counter(canvas.tobytes() for canvas in drawn.values())
        for char, canvas in drawn.items():
            same[canvas.tobytes()].append(char)
        once = {char: canvas for char, canvas in drawn.items() if times[canvas.tobytes()] == 1}
        if len(once) >= LEAST_SAMPLE and shows_digits(once):
            boxed.append((low, high))
    return _placeholders(same), tuple(boxed)


def shows_digits(drawn: Mapping[str, NDArray[np.uint8]]) -> bool:
    """Return whether glyphs are boxes with their code points' digits, so that equal digits look alike in each place.

    Parameters
    ----------
    drawn : (H, W) uint8 picture of each character, all with the same origin.
    """
    pictures = np.stack(list(drawn.values()))
    used = (pictures > 0).mean(axis=0) >= OFTEN
    rows, columns = np.flatnonzero(used.any(axis=1)), np.flatnonzero(used.any(axis=0))
    if not len(rows):
        return False
    pictures = pictures[:, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    length = max(len(f"{ord(char):X}") for char in drawn)
    return any(
        _looks_like_digits(pictures, [f"{ord(char):0{digits}X}" for char in drawn], layout)
        for digits in (length, length + 1)
        for layout in _LAYOUTS.get(digits, ())
    )


def _looks_like_digits(pictures: NDArray[np.uint8], texts: list[str], layout: tuple[int, int]) -> bool:
    equal = pairs = telling = 0
    for place, cell in enumerate(_cells(pictures, layout)[: len(texts[0])]):
        by_digit: dict[str, list[bytes]] = defaultdict(list)
        for text, patch in zip(texts, cell, strict=True):
            by_digit[text[place]].append(patch.tobytes())
        usual = {Counter(same).most_common(1)[0][0] for same in by_digit.values()}
        if 1 < len(by_digit) > 2 * len(usual):
            return False  # The place looks alike for all digits, so it is a frame or a common part.
        telling += len(by_digit) > 1
        equal += sum(one == other for same in by_digit.values() for one, other in pairwise(same))
        pairs += len(texts) - len(by_digit)
    return telling > 1 and pairs >= LEAST_PAIRS and equal >= EQUAL * pairs


def _cells(pictures: NDArray[np.uint8], layout: tuple[int, int]) -> list[NDArray[np.uint8]]:
    """Cut pictures into cells, row by row, without a sixth at each side, where neighbouring digits may reach in."""
    _, height, width = pictures.shape
    tall, wide = height / layout[0], width / layout[1]
    return [
        pictures[
            :,
            round((row + 1 / 6) * tall) : round((row + 5 / 6) * tall),
            round((column + 1 / 6) * wide) : round((column + 5 / 6) * wide),
        ]
        for row in range(layout[0])
        for column in range(layout[1])
    ]
