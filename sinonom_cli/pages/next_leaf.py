"""Find the characters of the next leaf, which a photo or a scan shows as narrow columns at the edge of the paper.

They stand outside the frame of the page, at its left, right or lower side, near the edge of the paper or of the
picture, and they are narrower than the text, because the edge cuts them off or the paper bends away there. On the 58
training pages with boxed characters, no character of the text is like that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NARROW = 0.9
"""Largest width of such a character outside a frame, in widths of an ordinary one."""
CUT_OFF = 0.75
"""Largest width, in the same unit, of one that the edge of the picture cuts off, on a page without a frame."""
REACH = 1.0
"""Largest distance of such a character from the edge of the paper, in the same unit."""
TOUCHING = 0.1
"""Largest distance from the edge of the picture, in the same unit, of a character that is cut off."""
BORDER = 0.5
"""Width of the border that a frame may have, in the same unit; it is no edge of the paper."""
DARKER = 0.85
"""Largest grey, in greys of the paper, of what lies beyond the edge of the paper."""
SAMPLES = 64
"""Number of points along a side of the frame at which the edge of the paper is looked for."""
SPARSE = 256
"""Number of rows, and of columns, of a large picture by which greys are judged."""


def of_next_leaf(
    grey: NDArray[np.uint8], boxes: NDArray[np.float64], frame: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    """Return which characters belong to the next leaf, (N,) bool.

    Parameters
    ----------
    grey : (H, W) uint8, the page, upright.
    boxes : (N, 4) float64, x0, y0, x1, y1 of the characters in pixels of it.
    frame : (4, 2) float64 corners of the frame of the text, from the upper left clockwise; None if none was found.
    """
    if frame is None:
        return cut_off(grey.shape, boxes)
    width = boxes[:, 2] - boxes[:, 0]
    beyond = [_beyond(boxes, *side) for side in _sides(frame)]
    inside = np.all([middle <= 0 for middle, _ in beyond], axis=0)
    found = np.zeros(len(boxes), bool)
    if not inside.any():
        return found
    usual = float(np.median(width[inside]))
    paper = float(np.median(_within(grey, frame)))
    for (middle, outer), side in zip(beyond, _sides(frame), strict=True):
        near = _edge(grey, *side, paper, usual) - outer <= REACH * usual
        found |= (middle > 0) & near & (width < NARROW * usual)
    return found


def cut_off(shape: tuple[int, ...], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which characters the left or right edge of the picture cuts off, (N,) bool.

    Parameters
    ----------
    shape : (H, W) of the picture.
    boxes : (N, 4) float64, as for `of_next_leaf`.
    """
    width = boxes[:, 2] - boxes[:, 0]
    near = np.minimum(boxes[:, 0], shape[1] - boxes[:, 2]) <= TOUCHING * _usual(width)
    return np.asarray(near & (width < CUT_OFF * _usual(width)))


def at_edge(grey: NDArray[np.uint8], boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which characters are narrow and near the left or right edge of the paper, (N,) bool.

    These may be of the next leaf: the frame of the page is looked for without them. The edge is where a dark band
    begins beyond the characters that is wider than the border of a frame, or that of the picture; the arguments are
    those of `of_next_leaf`.
    """
    width = boxes[:, 2] - boxes[:, 0]
    if not len(boxes):
        return np.zeros(0, bool)
    x0, y0 = (float(value) for value in boxes[:, :2].min(axis=0))
    x1, y1 = (float(value) for value in boxes[:, 2:].max(axis=0))
    first, last = int(0.8 * y0 + 0.2 * y1), int(0.2 * y0 + 0.8 * y1)
    some = grey[first : last + 1 : max((last - first) // SPARSE, 1)]
    greys = np.median(some, axis=0)
    dark = greys < DARKER * np.median(greys[max(int(x0), 0) : int(x1) + 1])
    border = max(int(BORDER * _usual(width)), 1)
    left = _light(dark[: max(int(x0), 0)][::-1], border)
    right = _light(dark[int(x1) + 1 :], border)
    near = np.minimum(boxes[:, 0] - x0 + left, x1 - boxes[:, 2] + right) <= REACH * _usual(width)
    return np.asarray(near & (width < CUT_OFF * _usual(width)))


def _light(dark: NDArray[np.bool_], border: int) -> int:
    """Return how many values come before a run of `border` dark ones, or before a dark end."""
    run = 0
    for place, value in enumerate(dark.tolist()):
        run = run + 1 if value else 0
        if run == border:
            return place + 1 - border
    return len(dark) - run


def _usual(width: NDArray[np.float64]) -> float:
    return float(np.median(width)) if len(width) else 0.0


Side = tuple["NDArray[np.float64]", "NDArray[np.float64]", int, int]
"""Two corners of a side of the frame, the axis that leads outwards (0: x, 1: y), and its sign."""


def _sides(frame: NDArray[np.float64]) -> list[Side]:
    """Return the left, right and lower side of a frame; headings stand above the upper one."""
    return [(frame[0], frame[3], 0, -1), (frame[1], frame[2], 0, 1), (frame[3], frame[2], 1, 1)]


def _beyond(
    boxes: NDArray[np.float64], first: NDArray[np.float64], last: NDArray[np.float64], axis: int, sign: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far the middles of boxes, and their outer sides, lie beyond a side of the frame, (N,) each."""
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    along = (middle[:, 1 - axis] - first[1 - axis]) / (last[1 - axis] - first[1 - axis])
    line = first[axis] + along * (last[axis] - first[axis])
    outer = boxes[:, axis + 2] if sign > 0 else boxes[:, axis]
    return sign * (middle[:, axis] - line), sign * (outer - line)


def _edge(
    grey: NDArray[np.uint8],
    first: NDArray[np.float64],
    last: NDArray[np.float64],
    axis: int,
    sign: int,
    paper: float,
    usual: float,
) -> float:
    """Return how far the edge of the paper, or that of the picture, lies beyond a side of the frame, pixels."""
    points = first + np.linspace(0.05, 0.95, SAMPLES)[:, None] * (last - first)
    limit = np.array([grey.shape[1], grey.shape[0]])
    far = int(limit[axis] - points[:, axis].min() if sign > 0 else points[:, axis].max()) + 1
    for away in range(max(far, 0)):
        moved = points.copy()
        moved[:, axis] += sign * away
        seen = moved[((moved >= 0) & (moved < limit)).all(axis=1)].astype(np.int64)
        if 2 * len(seen) < SAMPLES:
            return float(away)
        if away >= BORDER * usual and np.median(grey[seen[:, 1], seen[:, 0]]) < DARKER * paper:
            return float(away)
    return float(max(far, 0))


def _within(grey: NDArray[np.uint8], frame: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the part of the picture around which the frame stands; of a large one, only some rows and columns."""
    height, width = grey.shape
    low, high = np.floor(frame.min(axis=0)).astype(int), np.ceil(frame.max(axis=0)).astype(int)
    part = grey[max(low[1], 0) : min(high[1], height), max(low[0], 0) : min(high[0], width)]
    part = part if part.size else grey
    return part[:: max(part.shape[0] // SPARSE, 1), :: max(part.shape[1] // SPARSE, 1)]
