"""Round coordinates to float32 without losing the details of a mesh that lies far from the origin."""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

FAR = 2.0
"""Largest distance of a mesh from the origin, in units of its longest side; beyond it, float32 rounds the mesh's
details."""


def single_precision(points: Any, used: "NDArray[np.bool_] | None" = None) -> NDArray[np.float32]:
    """Return points as float32; points far from the origin are moved there first, so that no detail is lost.

    Scanners may give coordinates in the hundreds of thousands with fractions of a millimetre; float32 holds seven
    digits.

    Parameters
    ----------
    points : (..., 3), anything that numpy converts to an array of numbers.
    used : (N,) bool, which of the points a face names, in flat order; the others do not matter. None: all.
    """
    points = np.asarray(points)
    if points.dtype == np.float32 or not points.size:
        return points.astype(np.float32, copy=False)
    flat = np.ascontiguousarray(points.reshape(-1, 3), np.float64)
    middle = far_middle(*_finite_box(flat, np.ones(len(flat), bool) if used is None else used))
    out = np.empty(points.shape, np.float32)
    _moved(flat, np.zeros(3) if middle is None else middle, out.reshape(-1, 3))
    return out


def far_middle(low: NDArray[np.float64], high: NDArray[np.float64]) -> "NDArray[np.float64] | None":
    """Return the middle of a box, (3,) float64, if it is far from the origin; None otherwise, and for an empty box.

    Parameters
    ----------
    low, high : (3,) float64, lowest and highest x, y, z; infinite for an empty box.
    """
    if not (low <= high).all():
        return None
    with np.errstate(over="ignore", invalid="ignore"):
        middle = low + (high - low) / 2
        return np.asarray(middle) if np.abs(middle).max() > FAR * (high - low).max() else None


@numba.njit(cache=True)
def _finite_box(points: Any, used: Any) -> Any:
    """Return the lowest and highest x, y, z of the used points that are finite: two (3,) float64."""
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for i in range(points.shape[0]):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        if used[i] and abs(x) < np.inf and abs(y) < np.inf and abs(z) < np.inf:
            low[0], low[1], low[2] = min(low[0], x), min(low[1], y), min(low[2], z)
            high[0], high[1], high[2] = max(high[0], x), max(high[1], y), max(high[2], z)
    return low, high


@numba.njit(cache=True)
def _moved(points: Any, origin: Any, out: Any) -> None:
    """Write points, (N, 3), less `origin` to `out` as float32."""
    for i in range(points.shape[0]):
        for k in range(3):
            out[i, k] = points[i, k] - origin[k]
