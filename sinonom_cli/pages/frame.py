"""Find the printed frame around the text of a page, which shows from where the page was photographed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.layout.detect import resized

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 480
"""Longest side, in pixels, of the picture in which the frame is searched for."""
STEEPEST = 0.3
"""Largest slope of a side of the frame."""
DARK = 0.35
"""Smallest ink of a pixel on a line, as the largest of it and its two neighbours across."""
COVERED = 0.75
"""Smallest share of a side of the frame that has ink; prints are broken."""
OUTSIDE = 0.08
"""Largest share of the characters that stand outside a side of the frame, such as headings above it."""
CROOKED = 1.2
"""Smallest difference of a corner of the frame from a right angle, in degrees, that is taken out."""


def find_frame(ink: NDArray[np.float32], boxes: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the corners of the frame around the text, (4, 2) float64 x, y, from the upper left clockwise.

    Each side is the straight line just outside the text that has most ink along it. The result is None if the page has
    no frame, or one of its sides is too broken.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], upright.
    boxes : (N, 4) float64, x0, y0, x1, y1 of the characters, pixels.
    """
    scale = min(1.0, SIDE / max(ink.shape))
    small = resized(ink, scale)
    spots = boxes * scale
    middle = (spots[:, :2] + spots[:, 2:]) / 2
    across = _dark(small), middle
    down = _dark(small.T), middle[:, ::-1]
    lines = []
    for dark, points in (across, down):
        for first in (True, False):
            line = _side(dark, points if first else _flipped(points, dark.shape[0]), first)
            if line is None:
                return None
            lines.append(line)
    (upper, lower), (left, right) = lines[:2], lines[2:]
    corners = [_crossing(one, other) for one, other in ((upper, left), (upper, right), (lower, right), (lower, left))]
    return np.array(corners) / scale


def crookedness(frame: NDArray[np.float64]) -> float:
    """Return the largest difference of a corner, (4, 2) as from `find_frame`, from a right angle, degrees."""
    after, before = np.roll(frame, -1, axis=0) - frame, np.roll(frame, 1, axis=0) - frame
    product = (after * before).sum(axis=1) / np.linalg.norm(after, axis=1) / np.linalg.norm(before, axis=1)
    return float(np.abs(np.degrees(np.arccos(np.clip(product, -1, 1))) - 90).max())


def _dark(ink: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return where a pixel, or the one above or below it, has ink."""
    thick = ink.copy()
    thick[1:] = np.maximum(thick[1:], ink[:-1])
    thick[:-1] = np.maximum(thick[:-1], ink[1:])
    return np.ascontiguousarray(thick >= DARK)


def _flipped(points: NDArray[np.float64], height: int) -> NDArray[np.float64]:
    return np.stack([points[:, 0], height - points[:, 1]], axis=1)


def _side(
    dark: NDArray[np.bool_], middle: NDArray[np.float64], first: bool
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Return two points of the upper side of the frame (`first`), or of the lower one, or None.

    `middle` holds the middles of the characters; for the lower side they are turned upside down, and `dark` is here.
    """
    height = dark.shape[0]
    seen = dark if first else np.ascontiguousarray(dark[::-1])
    low, high = np.quantile(middle[:, 0], [0.02, 0.98])
    left, right = int(max(low, 0)), int(min(high, dark.shape[1] - 1))
    if right - left < 8:
        return None
    share, start, end = _best_line(seen, middle, left, right, STEEPEST, OUTSIDE)
    if share < COVERED:
        return None
    ends = (left + 0.5, start + 0.5), (right + 0.5, end + 0.5)
    return ends if first else ((ends[0][0], height - ends[0][1]), (ends[1][0], height - ends[1][1]))


@numba.njit(cache=True)
def _best_line(dark: Any, middle: Any, left: int, right: int, steepest: float, outside: float) -> Any:
    """Return the share of ink, and the heights at `left` and `right`, of the line above the text with most ink.

    Of lines with nearly as much ink (2 %) the one nearest to the text is taken, so that a double frame gives the inner.
    """
    height, length = dark.shape[0], right - left
    allowed = int(outside * len(middle))
    reach = int(steepest * length)
    best, best_start, best_end = 0.0, 0, 0
    for start in range(height):
        for end in range(max(0, start - reach), min(height, start + reach + 1)):
            slope = (end - start) / length
            above = 0
            for k in range(len(middle)):
                if middle[k, 1] < start + slope * (middle[k, 0] - left):
                    above += 1
                    if above > allowed:
                        break
            if above > allowed:
                continue
            count = 0
            for x in range(left, right + 1):
                y = int(start + slope * (x - left) + 0.5)
                if 0 <= y < height and dark[y, x]:
                    count += 1
            share = count / (length + 1)
            better = share > best + 0.02
            same = share > best - 0.02 and start + end > best_start + best_end
            if better or same:
                best, best_start, best_end = max(best, share) if same and not better else share, start, end
    return best, best_start, best_end


def _crossing(
    one: tuple[tuple[float, float], tuple[float, float]], other: tuple[tuple[float, float], tuple[float, float]]
) -> tuple[float, float]:
    """Return where a line from left to right meets one from top to bottom, which is given with x and y exchanged."""
    (x0, y0), (x1, y1) = one
    (v0, u0), (v1, u1) = other
    slope, lean = (y1 - y0) / (x1 - x0), (u1 - u0) / (v1 - v0)
    # y = y0 + slope (x - x0) and x = u0 + lean (y - v0)
    x = (u0 + lean * (y0 - slope * x0 - v0)) / (1 - lean * slope)
    return x, y0 + slope * (x - x0)
