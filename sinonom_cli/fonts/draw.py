"""Draw a face's glyphs, framed in a square, at any stroke weight."""

import io
from pathlib import Path
from typing import Literal

import numpy as np
from numba import njit
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.face import Face
from sinonom_cli.fonts.hinting import without_hinting
from sinonom_cli.storage.atomic import cached_by_file

MARGIN = 0.09
"""Free space on each side of the glyph, as a share of the picture's side."""
LARGEST = 1.35
"""Greatest factor by which a glyph smaller than its em square is enlarged, so that a dot stays a dot."""
FINE = 2
"""Ratio of the resolution at which glyphs are drawn and measured to the picture's."""
ERODE_AT_MOST = 0.7
"""Greatest share of the thin strokes' half width that is taken away when thinner strokes are requested."""

_NOT_MAPPED = ("\U0010ffff", "\U000ffffe", "\U0001ffff", "\ufffe")
_CACHED_PENS = 4


class Pen:
    """Font face at one size, ready to draw.

    Parameters
    ----------
    path, index : font file, and the index of the face in it.
    side : side of the picture, pixels.
    placeholders : characters that are drawn with a placeholder for characters that the face does not have.
    boxed : first and last code points of blocks in which every glyph is a box with the code point in it.

    Raises
    ------
    SinonomError
        If FreeType cannot open the face.
    """

    def __init__(
        self, path: Path, index: int, side: int, placeholders: str = "", boxed: tuple[tuple[int, int], ...] = ()
    ) -> None:
        self.path, self.index, self._boxed = path, index, boxed
        self.em = round(FINE * side * (1 - 2 * MARGIN))
        try:
            self.font = self._open(str(path))
        except (OSError, ValueError) as error:
            raise SinonomError(f"{path}: FreeType cannot open face {index}: {error}") from error
        self.unhinted: ImageFont.FreeTypeFont | None = None
        self._notdef = {
            _key(glyph) for char in (*_NOT_MAPPED, *placeholders) if (glyph := self._draw(char)) is not None
        }

    def glyph(self, char: str) -> NDArray[np.uint8] | None:
        """Draw a character.

        Returns
        -------
        (h, w) uint8, 255 = ink, cropped to the ink; None if the face has no such glyph, so that the drawing is blank
        or the one for missing characters.
        """
        found = self._draw(char)
        return None if found is None or self._is_notdef(char, found) else found

    def why_not(self, char: str) -> Literal["", "blank", "notdef"]:
        """Return why `glyph` draws nothing for a character; "" if it draws something."""
        found = self._draw(char)
        if found is None:
            return "blank"
        return "notdef" if self._is_notdef(char, found) else ""

    def _is_notdef(self, char: str, glyph: NDArray[np.uint8]) -> bool:
        return _key(glyph) in self._notdef or any(low <= ord(char) <= high for low, high in self._boxed)

    def canvas(self, char: str) -> NDArray[np.uint8]:
        """Draw a character, even a placeholder, with a border of paper: (2 em, 2 em) uint8, 255 = ink."""
        try:
            return np.asarray(self._inked(char, self.font))
        except OSError:
            return np.zeros((2 * self.em, 2 * self.em), np.uint8)

    def _draw(self, char: str) -> NDArray[np.uint8] | None:
        try:
            return self._ink(char, self.font)
        except OSError:
            # Some fonts' hinting programs fail (Ume P Gothic S4: "invalid opcode"), but their outlines are intact.
            self.unhinted = self.unhinted or self._open(io.BytesIO(without_hinting(self.path.read_bytes())))
        try:
            return self._ink(char, self.unhinted)
        except OSError:
            return None

    def _inked(self, char: str, font: ImageFont.FreeTypeFont) -> Image.Image:
        canvas = Image.new("L", (2 * self.em, 2 * self.em))
        start = (self.em // 2, 3 * self.em // 2)
        ImageDraw.Draw(canvas).text(start, char, fill=255, font=font, anchor="ls")
        return canvas

    def _ink(self, char: str, font: ImageFont.FreeTypeFont) -> NDArray[np.uint8] | None:
        canvas = self._inked(char, font)
        box = canvas.getbbox()
        return None if box is None else np.asarray(canvas.crop(box))

    def _open(self, source: str | io.BytesIO) -> ImageFont.FreeTypeFont:
        # Raqm would substitute, compose and kern glyphs, but the glyph that the cmap names is needed.
        return ImageFont.truetype(source, self.em, self.index, layout_engine=ImageFont.Layout.BASIC)


def _key(glyph: NDArray[np.uint8]) -> tuple[tuple[int, ...], bytes]:
    return glyph.shape, glyph.tobytes()


@cached_by_file(_CACHED_PENS)
def pen_for(face: Face, side: int) -> Pen:
    """Return the pen of a face, opened once for all characters that a worker draws in sequence."""
    return Pen(face.path, face.index, side, face.placeholders, face.boxed)


def distance_field(glyph: NDArray[np.uint8], side: int, reach: float) -> NDArray[np.float32]:
    """Frame a glyph in a square and measure the distance of each pixel from the edge of the ink.

    Parameters
    ----------
    glyph : (h, w) uint8, 255 = ink, drawn at `FINE` times the picture's resolution and cropped.
    side : side of the picture, pixels.
    reach : distance up to which the result is exact, pixels; larger distances may be capped.

    Returns
    -------
    (side, side) float32 signed distance in pixels, positive inside the ink.
    """
    height, width = glyph.shape
    room = FINE * side * (1 - 2 * MARGIN)
    scale = min(room / max(height, width), LARGEST)
    fine = _framed(glyph, FINE * side, scale)
    return _signed_distance(fine, int(np.ceil(FINE * reach)) + 1, FINE)


def ink_at(field: NDArray[np.float32], offset: float) -> NDArray[np.float32]:
    """Return the ink of a glyph whose edge is moved outwards by `offset` pixels (negative: inwards).

    The inward move approaches at most `ERODE_AT_MOST` of the half width of the thin strokes, so that fine faces become
    thinner but do not vanish.

    Returns
    -------
    (side, side) float32 in [0, 1], 1 = ink.
    """
    return np.clip(field + np.float32(moved(field, offset) + 0.5), 0, 1).astype(np.float32)


def clean(field: NDArray[np.float32], offset: float) -> NDArray[np.uint8]:
    """Return the picture of a glyph, dark on light, with its edge moved as in `ink_at`."""
    return _clean(field, np.float32(moved(field, offset) + 0.5))


def moved(field: NDArray[np.float32], offset: float) -> float:
    """Return the distance by which the edge really moves, if `offset` is requested, pixels."""
    if offset >= 0:
        return offset
    most = ERODE_AT_MOST * thin_half_width(field)
    return float(-most * (1 - np.exp(offset / most))) if most > 0 else 0.0


def thin_half_width(field: NDArray[np.float32]) -> float:
    """Return the half width, in pixels, below which a quarter of the length of the strokes lies."""
    inner = field[1:-1, 1:-1]
    across = (inner >= field[1:-1, :-2]) & (inner >= field[1:-1, 2:])
    along = (inner >= field[:-2, 1:-1]) & (inner >= field[2:, 1:-1])
    ridge = inner[across & along & (inner > 0)]
    return float(np.sort(ridge)[len(ridge) // 4]) if len(ridge) else 0.0


@njit(cache=True)
def _clean(field: NDArray[np.float32], offset: np.float32) -> NDArray[np.uint8]:
    picture = np.empty(field.shape, np.uint8)
    for y in range(field.shape[0]):
        for x in range(field.shape[1]):
            ink = min(max(field[y, x] + offset, np.float32(0)), np.float32(1))
            picture[y, x] = np.uint8(np.float32(255.5) - np.float32(255) * ink)
    return picture


@njit(cache=True)
def _framed(glyph: NDArray[np.uint8], side: int, scale: float) -> NDArray[np.float32]:
    """Return a glyph scaled bilinearly about its centre into a (side, side) square, float32 in [0, 1], 1 = ink."""
    height, width = glyph.shape
    framed = np.zeros((side, side), np.float32)
    left, part = np.empty(side, np.int64), np.empty(side, np.float32)
    for x in range(side):
        u = min(max((x + 0.5 - side / 2) / scale + width / 2 + 0.5, 0.0), width + 1.0)
        left[x] = int(u)
        part[x] = u - left[x]
    line = np.zeros(width + 3, np.float32)  # One empty pixel precedes the glyph, two follow it.
    for y in range(side):
        v = (y + 0.5 - side / 2) / scale + height / 2 - 0.5
        top = int(np.floor(v))
        if top < -1 or top >= height:
            continue
        lower = np.float32((v - top) / 255 if top + 1 < height else 0)
        upper = np.float32((1 - (v - top)) / 255 if top >= 0 else 0)
        above, below = glyph[max(top, 0)], glyph[min(top + 1, height - 1)]
        for x in range(width):
            line[x + 1] = upper * above[x] + lower * below[x]
        for x in range(side):
            framed[y, x] = line[left[x]] * (1 - part[x]) + line[left[x] + 1] * part[x]
    return framed


@njit(cache=True)
def _signed_distance(ink: NDArray[np.float32], reach: int, fine: int) -> NDArray[np.float32]:
    """Return the signed distance to the edge of the ink, averaged over fine x fine blocks, in pixels of the result."""
    outside = _squared_distance(ink >= np.float32(0.5), reach)
    inside = _squared_distance(ink < np.float32(0.5), reach)
    side = ink.shape[0] // fine
    field = np.zeros((side, side), np.float32)
    for y in range(side * fine):
        for x in range(side * fine):
            a = ink[y, x]
            if a >= np.float32(0.5):
                d = np.sqrt(inside[y, x]) - np.float32(0.5)
                near = inside[y, x] <= 1
            else:
                d = np.float32(0.5) - np.sqrt(outside[y, x])
                near = outside[y, x] <= 1
            if near and 0 < a < 1:
                d = a - np.float32(0.5)  # The grey of a pixel on the edge gives the edge's position in it.
            field[y // fine, x // fine] += d
    return (field / np.float32(fine**3)).astype(np.float32)


@njit(cache=True)
def _squared_distance(target: NDArray[np.bool_], reach: int) -> NDArray[np.float32]:
    """Return the squared Euclidean distance to the nearest True pixel, exact up to `reach` pixels and capped beyond.

    Columns come first, then rows (Felzenszwalb and Huttenlocher 2012); the minimum of a row is taken over a window.
    """
    height, width = target.shape
    far = np.float32(reach + 1)
    column = np.empty((height, width), np.float32)
    for y in range(height):
        for x in range(width):
            before = column[y - 1, x] + np.float32(1) if y > 0 else far
            column[y, x] = np.float32(0) if target[y, x] else (before if before < far else far)
    for y in range(height - 2, -1, -1):
        for x in range(width):
            below = column[y + 1, x] + np.float32(1)
            column[y, x] = below if below < column[y, x] else column[y, x]
    squared = np.empty((height, width), np.float32)
    line = np.full(width + 2 * reach, far * far, np.float32)
    for y in range(height):
        for x in range(width):
            line[x + reach] = column[y, x] * column[y, x]
            squared[y, x] = far * far
        for step in range(2 * reach + 1):
            cost = np.float32((step - reach) * (step - reach))
            for x in range(width):  # Unlike min(), this form is compiled to vector instructions.
                found = line[x + step] + cost
                squared[y, x] = found if found < squared[y, x] else squared[y, x]
    return squared
