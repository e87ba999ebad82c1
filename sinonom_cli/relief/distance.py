"""Compute the exact Euclidean distance to the nearest inked pixel."""

import math
from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def distance_to(ink: Any) -> Any:
    """Return the distance of each pixel from the nearest inked pixel.

    The distances are lower envelopes of parabolas, first down the columns, then along the rows (Felzenszwalb and
    Huttenlocher 2012, "Distance transforms of sampled functions", algorithm 1).

    Parameters
    ----------
    ink : (H, W) bool.

    Returns
    -------
    (H, W) float32, pixels; 0 on ink; H + W everywhere if there is no ink.
    """
    rows, columns = ink.shape
    far = float((rows + columns) ** 2)
    squared, out = np.empty((rows, columns)), np.empty((rows, columns), np.float32)
    longest = max(rows, columns)
    line, lowest = np.empty(longest), np.empty(longest)
    roots, bounds = np.empty(longest, np.int64), np.empty(longest + 1)
    for j in range(columns):
        for i in range(rows):
            line[i] = 0.0 if ink[i, j] else far
        _envelope(line, lowest, roots, bounds, rows)
        for i in range(rows):
            squared[i, j] = lowest[i]
    for i in range(rows):
        for j in range(columns):
            line[j] = squared[i, j]
        _envelope(line, lowest, roots, bounds, columns)
        for j in range(columns):
            out[i, j] = math.sqrt(min(lowest[j], far))
    return out


@numba.njit(cache=True)
def _envelope(heights: Any, out: Any, roots: Any, bounds: Any, count: int) -> None:
    """Write min over q of (p - q)^2 + heights[q] to out[p], for p and q below `count`; the rest are scratch arrays."""
    k = 0
    roots[0] = 0
    bounds[0], bounds[1] = -np.inf, np.inf
    for q in range(1, count):
        while True:
            r = roots[k]
            s = (heights[q] + q * q - heights[r] - r * r) / (2.0 * (q - r))
            if s > bounds[k]:
                break
            k -= 1
        k += 1
        roots[k] = q
        bounds[k], bounds[k + 1] = s, np.inf
    k = 0
    for p in range(count):
        while bounds[k + 1] < p:
            k += 1
        out[p] = (p - roots[k]) ** 2 + heights[roots[k]]
