"""Remove lines around a character that are not strokes: plain frames, rules, boxes, the cross of a practice grid.

The code uses numpy only. A picture with such lines is cropped inside them. A stroke may be as long and as straight as a
rule, but no stroke of a character with paper around it begins as near to the picture's edge as `INSET`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.pictures.levels import Levels, edge_of

PLAIN = 10
"""Largest difference, in grey levels, of a plain frame from its first corner."""
FRAMED = 0.85
"""Smallest share of the edge inside a plain frame that differs from it; a character's own edge is mostly ground."""

SMALLEST = 24
"""Shortest side, in pixels, of a picture in which lines are looked for."""
INSET = 0.065
"""Largest distance from the picture's edge at which a line begins, as a share of the side across it."""
BOXED = 0.08
"""Largest distance from the picture's edge at which a line of a box of four lines begins, as a share of that side."""
ENDS = 0.08
"""Share of a line's length at either end that may lie outside a box."""
WHOLE = 0.95
"""Smallest share of a line's length that is dark, between the two lines or edges that end it."""
THICKEST = 0.14
"""Largest thickness of a line, as a share of the side across it."""
SHOULDER = 0.03
"""Largest width of the soft edge of a line, as a share of the side across it."""
FREE = 0.3
"""Largest share of dark pixels beside one of two opposite lines."""
FREE_ALONE = 0.1
"""Largest share of dark pixels beside a single line."""
MOSTLY_LIGHT = 0.5
"""Largest share of dark pixels inside the lines; if more are dark, they are the ground around light ink."""
GAP = (0.02, 0.04)
"""Widths of the strips that are checked beside one of two lines and beside a single one, as shares of the side."""
Bounds = tuple[int, int, int, int]
"""First row, last row + 1, first column, last column + 1."""


def unframed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Crop a plain light or dark frame from around a picture whose own edge has another level, if there is one."""
    level = int(grey[0, 0])
    if max(abs(int(grey[i, j]) - level) for i, j in ((0, -1), (-1, 0), (-1, -1))) > PLAIN:
        return grey
    low, high = max(level - PLAIN, 0), min(level + PLAIN, 255)
    other = grey - np.uint8(low) > high - low  # values below `low` wrap to large ones
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if len(rows) == 0:
        return grey
    inner = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    box = other[inner]
    if box.size == grey.size or min(box.shape) < 8:
        return grey
    if edge_of(box).mean() < FRAMED:
        return grey
    return grey[inner][1:-1, 1:-1]


@dataclass(frozen=True)
class Line:
    """Line along one side of a picture.

    Attributes
    ----------
    start, stop : where the line begins and ends, in pixels from that side.
    alone : whether the strip beside the line is so free of ink that the line counts without another one opposite.
    """

    start: int
    stop: int
    alone: bool


def inside_lines(grey: NDArray[np.uint8], found: Levels) -> Bounds | None:
    """Find the part of a picture that lies inside the rules or the box around a character.

    Parameters
    ----------
    grey : (H, W) uint8.
    found : grey levels of the picture.

    Returns
    -------
    Bounds of that part; None if there are no such lines.
    """
    height, width = grey.shape
    if min(height, width) < SMALLEST:
        return None
    dark = grey <= found.last
    down, across = _shares(dark), _shares(dark.T)
    if max(down.max(), across.max()) < WHOLE:
        return None
    first = [_line(shares, BOXED) for shares in (down, down[::-1], across, across[::-1])]
    if not any(first):
        return None
    sides = (dark, dark[:, ::-1], dark.T, dark.T[:, ::-1])  # each line is at the left of its array
    left, right, top, bottom = (line.stop if line else 0 for line in first)
    spans = ((top, height - bottom), (top, height - bottom), (left, width - right), (left, width - right))
    lines = [
        line if line and _is_whole(side, line, *span) else None
        for side, line, span in zip(sides, first, spans, strict=True)
    ]
    if not all(lines):
        lines = _kept(lines, [side.shape[1] for side in sides])
    if not any(lines):
        return None
    left, right, top, bottom = (line.stop + 1 if line else 0 for line in lines)
    inner = dark[top : height - bottom, left : width - right]
    if min(inner.shape) < SMALLEST // 2 or inner.mean() > MOSTLY_LIGHT:
        return None
    return top, height - bottom, left, width - right


def _shares(dark: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of each column, without its ends, that is dark: (W,) float64."""
    ends = round(ENDS * len(dark))
    inner = dark[ends : len(dark) - ends]
    return np.add.reduce(inner, 0, np.uint16) / len(inner)


def _line(shares: NDArray[np.float64], inset: float) -> Line | None:
    """Find the line nearest to the left side of a picture, from the dark shares of its columns."""
    across = len(shares)
    near = shares[: int(inset * across) + 1]
    if near.max() < WHOLE:
        return None
    start = stop = int(np.argmax(near >= WHOLE))
    while stop < across and shares[stop] >= WHOLE:
        stop += 1
    core = stop
    while stop < across and stop - core < max(2, SHOULDER * across) and shares[stop] > FREE_ALONE:
        stop += 1
    if stop - start > THICKEST * across + 1:
        return None
    beside, alone = (shares[stop : stop + max(1, round(gap * across))] for gap in GAP)
    if len(beside) == 0 or beside.mean() > FREE:
        return None
    return Line(start, stop, float(alone.mean()) <= FREE_ALONE)


def _is_whole(side: NDArray[np.bool_], line: Line, first: int, last: int) -> bool:
    """Return whether a line is dark between the two lines or edges that end it."""
    return bool(side[first:last, line.start].mean() >= WHOLE)


def _kept(lines: list[Line | None], sides: list[int]) -> list[Line | None]:
    """Keep the lines near the edge that can stand alone, or all of these if two are opposite; they form no box."""
    near = [line if line and line.start <= INSET * side else None for line, side in zip(lines, sides, strict=True)]
    pairs = [(near[1], near[0]), (near[0], near[1]), (near[3], near[2]), (near[2], near[3])]
    paired = any(line and opposite for opposite, line in pairs)
    return [
        line if line and (opposite or line.alone or paired) else None
        for line, (opposite, _) in zip(near, pairs, strict=True)
    ]


MIDDLE = (0.4, 0.6)
"""Range in which the lines of a cross lie, as shares of the side across them."""
THIN = 0.04
"""Half the width of a strip that contains a whole line of a cross, as a share of the side across it."""
FAINT = 0.25
"""Smallest difference between a line of a cross and the lighter pixels beside it, as a share of the contrast."""
BORDER = 0.1
"""Share of its length, at either end, in which a line of a cross must be visible."""
SEEN = 0.3
"""Smallest share of dark pixels along a line of a cross, where no ink is beside them; the line may be dashed."""


def uncrossed(grey: NDArray[np.uint8], found: Levels) -> NDArray[np.uint8]:
    """Remove a thin cross, dashed or whole, that goes through the middle of a picture from edge to edge.

    Parameters
    ----------
    grey : (H, W) uint8.
    found : grey levels of the picture.

    Returns
    -------
    (H, W) uint8, the same array if there is no such cross.
    """
    if min(grey.shape) < SMALLEST or not _may_be_crossed(grey, found.last):
        return grey
    upright = _cross_line(grey, found.contrast)
    lying = _cross_line(grey.T, found.contrast)
    if upright is None or lying is None:
        return grey
    return _without(_without(grey, *upright).T, *lying).T


def _may_be_crossed(grey: NDArray[np.uint8], last: int) -> bool:
    for side in (grey, grey.T):
        length, across = side.shape
        strip, (left, right) = round(BORDER * length), (int(share * across) for share in MIDDLE)
        if side[:strip, left:right].min() > last or side[-strip:, left:right].min() > last:
            return False
    return True


def _cross_line(side: NDArray[np.uint8], contrast: float) -> tuple[int, int, NDArray[np.bool_]] | None:
    """Find the vertical line of a cross.

    Returns
    -------
    The columns left and right of the line, and the rows, (H,) bool, in which it is visible and no stroke lies on it;
    None if there is no such line.
    """
    length, across = side.shape
    half = max(2, round(THIN * across))
    first, last = (int(share * across) for share in MIDDLE)
    values = side.astype(np.int16)
    beside = np.minimum(values[:, first - half : last - half], values[:, first + half : last + half])
    seen = beside - values[:, first:last] > FAINT * contrast
    free = beside > beside.max() - contrast / 2
    shares = (seen & free).sum(axis=0) / np.maximum(free.sum(axis=0), 1)
    strip = round(BORDER * length)
    at_ends = np.minimum(seen[:strip].mean(axis=0), seen[-strip:].mean(axis=0))
    line = np.minimum(shares, at_ends) >= SEEN
    if not line.any():
        return None
    start = stop = int(np.argmax(np.minimum(shares, at_ends)))
    while start > 0 and line[start - 1]:
        start -= 1
    while stop < len(line) - 1 and line[stop + 1]:
        stop += 1
    left, right = first + start - 2, first + stop + 2
    ends = np.minimum(values[:, left], values[:, right])
    rows = ends - values[:, left + 2 : right - 1].min(axis=1) > FAINT * contrast
    edges = values[:, [left + 1, right - 1]]
    bare = np.concatenate([edges[:strip][rows[:strip]], edges[-strip:][rows[-strip:]]])  # line without strokes
    if len(bare) == 0:
        return None
    strokes = (edges < np.median(bare, axis=0) - FAINT * contrast).any(axis=1)
    return left, right, rows & ~strokes


def _without(side: NDArray[np.uint8], left: int, right: int, rows: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Fill some rows between two columns by interpolating between the grey values of the two."""
    share = (np.arange(left, right + 1) - left) / (right - left)
    ends = side[:, [left, right]].astype(np.float64)
    filled = ends[:, :1] + (ends[:, 1:] - ends[:, :1]) * share
    found = side.copy()
    found[rows, left : right + 1] = filled[rows].astype(np.uint8)
    return found
