"""Divide the ink between characters whose boxes meet: each pair is parted by the seam that cuts the least ink."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CENTRED = 0.05
"""Cost of a pixel of the seam at the edge of the strip between two boxes. It is 0 in the middle; that of ink is 1."""


def pairs_that_meet(boxes: "NDArray[np.int64]") -> "NDArray[np.int64]":
    """Return the pairs of boxes that have pixels in common, (P, 2) int64, smaller index first.

    Parameters
    ----------
    boxes : (N, 4) int64 x0, y0, x1, y1, half open.
    """
    order = np.argsort(boxes[:, 1], kind="stable")
    found = []
    for place, i in enumerate(order):
        for j in order[place + 1 :]:
            if boxes[j, 1] >= boxes[i, 3]:
                break
            if boxes[i, 0] < boxes[j, 2] and boxes[j, 0] < boxes[i, 2]:
                found.append((min(i, j), max(i, j)))
    return np.array(sorted(found), np.int64).reshape(-1, 2)


@numba.njit(cache=True)
def first_side(ink: Any, one: Any, other: Any) -> Any:
    """Divide the pixels that two boxes have in common by a seam along the least ink (dynamic programming).

    The seam runs along the longer side of the common rectangle, and moves by at most a pixel sideways at each step.

    Parameters
    ----------
    ink : (H, W) float32 from 0 to 1.
    one, other : (4,) int64 x0, y0, x1, y1, half open, inside the grid, with pixels in common.

    Returns
    -------
    (h, w) bool for the common rectangle: True where the pixel belongs to `one`.
    """
    x0, y0 = max(one[0], other[0]), max(one[1], other[1])
    part = ink[y0 : min(one[3], other[3]), x0 : min(one[2], other[2])]
    upright = part.shape[0] > part.shape[1]
    part = part.T if upright else part
    depth, length = part.shape
    cost, came = np.empty((depth, length)), np.zeros((depth, length), np.int8)
    for k in range(length):
        for d in range(depth):
            off = 2 * abs(d - (depth - 1) / 2) / max(depth - 1, 1)
            cost[d, k] = part[d, k] + CENTRED * off
            if k == 0:
                continue
            best, step = cost[d, k - 1], 0
            for move in (-1, 1):
                if 0 <= d + move < depth and cost[d + move, k - 1] + CENTRED * 0.5 < best:
                    best, step = cost[d + move, k - 1] + CENTRED * 0.5, move
            cost[d, k] += best
            came[d, k] = step
    nearer = np.zeros((depth, length), np.bool_)
    at = np.argmin(cost[:, length - 1])
    for k in range(length - 1, -1, -1):
        # Half of the pixels on the seam go to each side, so that neither loses more.
        nearer[: at + k % 2, k] = True
        at += came[at, k]
    axis = 0 if upright else 1
    if one[axis] + one[axis + 2] > other[axis] + other[axis + 2]:
        nearer = ~nearer
    return nearer.T.copy() if upright else nearer
