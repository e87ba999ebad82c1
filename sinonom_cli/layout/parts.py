"""Tell headings above the frame and the centre strip of a spread from the text of a straightened page."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["text", "note-right", "note-left", "heading", "centre"]
Column = list[tuple[int, Part]]
"""Characters of a column in reading order: rows of the boxes, and parts."""
LARGE, SMALL = 0.85, 0.8
"""Smallest size of characters of text, and largest of headings, relative to the 85th percentile of all sizes."""
TOUCHING = 0.6
"""Largest gap between a character and the next of its column, in heights, where no frame is known."""
SPREAD = 1.1
"""Smallest ratio of width to height of a text of two pages."""
UNLIKE = 0.12
"""Smallest ratio, less 1, of the median width or proportions of the centre strip's characters and of the others."""
FEWEST = 3
"""Smallest number of characters of a centre strip, where no frame is known."""
FROM_MIDDLE = 0.2
"""Largest distance of the centre strip from the middle of the text, in parts of its width, if no frame is known."""


def find_headings(boxes: NDArray[np.float64], frame: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """Return which characters are headings above the frame.

    Where no frame is known, headings are the characters above the highest large character. They are smaller than the
    text, and either the whole band of them is separated from what is below, or none continues downwards.

    Parameters
    ----------
    boxes : (n, 4) float64, straightened, n at least 1.
    frame : (4, 2) float64 corners of the frame, straightened, clockwise from the upper left, or None.

    Returns
    -------
    (n,) bool
    """
    middle_x, middle_y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    if frame is not None:
        (x0, y0), (x1, y1) = frame[0], frame[1]
        return np.asarray(middle_y < y0 + (y1 - y0) * (middle_x - x0) / max(x1 - x0, 1e-9))
    size = np.sqrt((boxes[:, 2:] - boxes[:, :2]).prod(axis=1))
    usual = np.quantile(size, 0.85)
    top = boxes[size >= LARGE * usual, 1].min()
    above = (size < SMALL * usual) & (boxes[:, 3] < top + 0.2 * usual)
    if not above.any() or boxes[above, 3].max() <= boxes[~above, 1].min():
        return np.asarray(above)
    # A note that begins above the text goes on below the top line: it is no heading, nor is anything linked with it.
    height = boxes[:, 3] - boxes[:, 1]
    gap = boxes[None, :, 1] - boxes[:, None, 3]
    common = np.minimum(boxes[:, None, 2], boxes[None, :, 2]) - np.maximum(boxes[:, None, 0], boxes[None, :, 0])
    below = middle_y[None] > middle_y[:, None]
    linked = below & (gap < TOUCHING * height[:, None]) & (common > 0) & (size < SMALL * usual)[None]
    while (continuing := above & (linked & ~above[None]).any(axis=1)).any():
        above = above & ~continuing
    return np.asarray(above)


def find_centre(
    boxes: NDArray[np.float64], columns: list[tuple[float, Column]], frame: NDArray[np.float64] | None
) -> int | None:
    """Return which column is the centre strip of a spread, or None if there is none.

    It stands in the middle of a frame that is broader than high. Where no frame is known, it is a column near the
    middle of the text whose characters differ from the others in width or proportions.

    Parameters
    ----------
    boxes : (n, 4) float64, straightened.
    columns : x of the middle of each column, and its characters, from right to left; no headings.
    frame : (4, 2) float64 corners of the frame, straightened, clockwise from the upper left, or None.
    """
    if len(columns) < 3:
        return None
    extent = boxes[[k for _, column in columns for k, _ in column]] if frame is None else np.hstack([frame, frame])
    (x0, y0), (x1, y1) = extent[:, :2].min(axis=0), extent[:, 2:].max(axis=0)
    if x1 - x0 < SPREAD * (y1 - y0):
        return None
    middles = np.array([x for x, _ in columns])
    offsets = np.abs(middles - (x0 + x1) / 2)
    if frame is not None:
        nearest = int(offsets.argmin())
        return nearest if offsets[nearest] < float(np.median(-np.diff(middles))) / 3 else None
    unlike = _unlike(boxes, [[k for k, part in column if part == "text"] for _, column in columns])
    unlike[[0, -1]] = 0
    weighted = np.where(unlike >= UNLIKE, unlike, 0) * np.clip(1 - offsets / (x1 - x0) / FROM_MIDDLE, 0, None)
    return int(weighted.argmax()) if weighted.max() > 0 else None


def _unlike(boxes: NDArray[np.float64], columns: list[list[int]]) -> NDArray[np.float64]:
    """Return how much the characters of each column differ from all in width or proportions: a ratio, less 1."""
    sides = boxes[:, 2:] - boxes[:, :2]
    figures = np.stack([sides[:, 0], sides[:, 0] / sides[:, 1]], axis=1)
    text = [k for column in columns for k in column]
    unlike = np.zeros(len(columns))
    for number, column in enumerate(columns):
        if len(column) >= FEWEST:
            ratios = np.median(figures[column], axis=0) / np.median(figures[text], axis=0)
            unlike[number] = np.maximum(ratios, 1 / ratios).max() - 1
    return unlike
