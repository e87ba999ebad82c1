"""Tell headings above the frame and the centre strip of a spread from the text of a straightened page."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Part = Literal["text", "note-right", "note-left", "heading", "centre"]
Column = list[tuple[int, Part]]
"""Characters of a column in reading order: rows of the boxes, and parts."""
LARGE, SMALL = 0.85, 0.8
"""Smallest size of characters of text, and largest of headings, relative to the 85th percentile of all sizes."""
GAP = 1.6
"""Largest gap between a character and the next of its column, in heights: one that was not found fits in."""
ALIKE = 0.75
"""Smallest ratio of the sizes of characters of one column of headings or notes."""
SPREAD = 1.1
"""Smallest ratio of width to height of a text of two pages."""
UNLIKE = 0.12
"""Smallest ratio, less 1, of the median width or proportions of the centre strip's characters and of the others. On
120 composed pages, 57 of them with a strip, 0.12 and more find none where there is none; 0.06 does twice."""
FEWEST = 3
"""Smallest number of characters of a centre strip, where no frame is known."""
FLAT = 0.25
"""Smallest such ratio of the proportions if the strip is left of the middle, where the last columns may be empty."""
LOWER = 1.0
"""Largest distance of the strip's first character from the top of the text, in heights of a character."""
CERTAIN = 0.04
"""Smallest product of that ratio and the weight of the place."""


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
    size = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)  # A flat character, such as the number one, is as wide as others.
    usual = np.quantile(size, 0.85)
    top = boxes[size >= LARGE * usual, 1].min()
    above = (size < SMALL * usual) & (boxes[:, 3] < top + 0.2 * usual)
    if not above.any():
        return np.asarray(above)
    if boxes[above, 3].max() <= boxes[~above, 1].min() and np.ptp(middle_x[above]) > 2 * usual:
        return np.asarray(above)
    # A note or the centre strip begins above the text and goes on below the top line, in characters of one size.
    upper = np.flatnonzero(above)
    some = boxes[upper]
    gap = boxes[None, :, 1] - some[:, None, 3]
    common = np.minimum(some[:, None, 2], boxes[None, :, 2]) - np.maximum(some[:, None, 0], boxes[None, :, 0])
    alike = np.minimum(size[upper, None], size[None]) > ALIKE * np.maximum(size[upper, None], size[None])
    below = (middle_y[None] > middle_y[upper, None]) & (gap < GAP * (some[:, 3] - some[:, 1])[:, None])
    linked = below & (common > 0) & alike
    while (continuing := above[upper] & (linked & ~above[None]).any(axis=1)).any():
        above[upper[continuing]] = False
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
    middles = np.array([x for x, _ in columns])
    pitch = float(np.median(-np.diff(middles)))
    if frame is not None:
        (x0, y0), (x1, y1) = frame.min(axis=0), frame.max(axis=0)
        offsets = np.abs(middles - (x0 + x1) / 2)
        nearest = int(offsets.argmin())
        return nearest if x1 - x0 >= SPREAD * (y1 - y0) and offsets[nearest] < pitch / 3 else None
    extent = boxes[[k for _, column in columns for k, _ in column]]
    (x0, y0), (x1, y1) = extent[:, :2].min(axis=0), extent[:, 2:].max(axis=0)
    # The last columns of a spread may be empty, the first are not: the text goes from the right edge to the strip.
    offsets = np.abs(middles - (x0 + x1) / 2) / pitch
    weights = (1 + offsets**2) ** -2.0
    weights[2 * (x1 - middles) < SPREAD * (y1 - y0)] = 0
    text = [[k for k, part in column if part == "text"] for _, column in columns]
    tops = np.array([min((boxes[k, 1] for k in column), default=np.inf) for column in text])
    tall = float(np.median(extent[:, 3] - extent[:, 1]))
    weights[tops > y0 + LOWER * tall] = 0
    unlike, flat = _unlike(boxes, text)
    unlike[unlike < UNLIKE] = 0
    likely = weights * unlike
    if likely.max() > CERTAIN:
        return int(likely.argmax())
    # The last columns may be empty, so that the strip is left of the middle: it is the flattest, or begins alone.
    left = np.where((weights > 0) & (middles < (x0 + x1) / 2), np.where(flat >= FLAT, flat, 0), 0)
    highest = int(tops.argmin())
    if left.max() == 0 and weights[highest] > 0 and np.delete(tops, highest).min() - tops[highest] > tall:
        left[highest] = unlike[highest]
    return int(left.argmax()) if left.max() > 0 else None


def _unlike(boxes: NDArray[np.float64], columns: list[list[int]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how much the characters of each column differ from all in width or proportions, and how flat they are.

    Returns
    -------
    unlike : (c,) float64 ratio of the median widths, or of the median proportions if that is greater, less 1.
    flat : (c,) float64 ratio of the median proportions, less 1; above 0 for broader characters.
    """
    unlike, flat = np.zeros(len(columns)), np.zeros(len(columns))
    everything = [k for column in columns for k in column]
    if not everything:
        return unlike, flat
    sides = boxes[:, 2:] - boxes[:, :2]
    figures = np.stack([sides[:, 0], sides[:, 0] / sides[:, 1]], axis=1)
    usual = np.median(figures[everything], axis=0)
    for number, column in enumerate(columns):
        if len(column) >= FEWEST:
            ratios = np.median(figures[column], axis=0) / usual
            unlike[number] = np.maximum(ratios, 1 / ratios).max() - 1
            flat[number] = ratios[1] - 1
    return unlike, flat
