"""Exact Euclidean distance to the nearest inked pixel."""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def distance_to(ink: Any) -> Any:
    """Return how far each pixel lies from the nearest inked one.

    Lower envelopes of parabolas, first down the columns, then along the rows (Felzenszwalb and Huttenlocher 2012,
    "Distance transforms of sampled functions", algorithm 1).

    Parameters
    ----------
    ink : (H, W) bool.

    Returns
    -------
    (H, W) float32, pixels; 0 on ink; H + W everywhere if there is no ink.
    """
    rows, columns = ink.shape
    far = float((rows + columns) ** 2)
    squared = np.empty((rows, columns))
    for i in range(rows):
        for j in range(columns):
            squared[i, j] = 0.0 if ink[i, j] else far
    for j in range(columns):
        squared[:, j] = _envelope(squared[:, j].copy())
    for i in range(rows):
        squared[i] = _envelope(squared[i].copy())
    return np.sqrt(np.minimum(squared, far)).astype(np.float32)


@numba.njit(cache=True)
def _envelope(heights: Any) -> Any:
    """Return min over q of (p - q)^2 + heights[q], for each p."""
    count = len(heights)
    roots = np.zeros(count, np.int64)
    bounds = np.empty(count + 1)
    bounds[0], bounds[1] = -np.inf, np.inf
    k = 0
    for q in range(1, count):
        r = roots[k]
        s = (heights[q] + q * q - heights[r] - r * r) / (2.0 * (q - r))
        while s <= bounds[k]:
            k -= 1
            r = roots[k]
            s = (heights[q] + q * q - heights[r] - r * r) / (2.0 * (q - r))
        k += 1
        roots[k] = q
        bounds[k], bounds[k + 1] = s, np.inf
    out = np.empty(count)
    k = 0
    for p in range(count):
        while bounds[k + 1] < p:
            k += 1
        out[p] = (p - roots[k]) ** 2 + heights[roots[k]]
    return out
