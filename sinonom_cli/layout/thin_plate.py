"""Thin-plate splines: smooth maps of the plane that are fitted to pairs of points, with regularisation.

Source: F. L. Bookstein, *Principal warps: thin-plate splines and the decomposition of deformations*, IEEE Transactions
on Pattern Analysis and Machine Intelligence 11(6), 1989; regularised as in G. Wahba, *Spline models for observational
data*, SIAM 1990, equation 2.4.23. The systems are solved by elimination without LAPACK, so that results do not depend
on its threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ThinPlate:
    """Smooth map of the plane.

    Attributes
    ----------
    origin, scale : points are moved by -origin and divided by `scale` before the spline is evaluated; (2,) float64 and
        a length.
    knots : (n, 2) float64, points that the spline was fitted to, in these coordinates.
    weights : (n, 2) float64, weights of the knots' kernels, for x and y.
    linear : (3, 2) float64: constant, factor of x and factor of y, for x and y.
    """

    origin: NDArray[np.float64]
    scale: float
    knots: NDArray[np.float64]
    weights: NDArray[np.float64]
    linear: NDArray[np.float64]

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where points, (..., 2) float, are moved to."""
        given = np.asarray(points, np.float64)
        at = (given.reshape(-1, 2) - self.origin) / self.scale
        moved = _design(at, self.linear)
        if len(self.knots):
            moved = moved + np.einsum("ij,jk->ik", _kernel(at, self.knots), self.weights)
        return moved.reshape(given.shape)


def fit_thin_plate(
    points: NDArray[np.float64], targets: NDArray[np.float64], *, scale: float, finest: float
) -> ThinPlate:
    """Fit a spline that moves points near to their targets.

    Parameters
    ----------
    points, targets : (n, 2) float64, n at least 3, not all on one line; no point twice.
    scale : usual distance of neighbouring points.
    finest : wavelength of a wave in the targets, in units of `scale`, that the spline follows with half its height;
        longer waves are followed more closely, and shorter ones, such as the noise of single points, less. The spline
        minimises the sum of squared distances + mu * bending energy; a spline through dense points of unit spacing
        damps a wave number k by 1 / (1 + mu * k^4), so that mu = (finest / 2 pi)^4.

    Raises
    ------
    ValueError
        If there are fewer than three points.
    """
    if len(points) < 3:
        raise ValueError(f"a thin-plate spline needs three points, not {len(points)}")
    count = len(points)
    origin = points.mean(axis=0)
    knots = (points - origin) / scale
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _kernel(knots, knots)
    # The kernel r^2 log r is 8 pi times the fundamental solution of the biharmonic equation.
    system[np.arange(count), np.arange(count)] += 8 * math.pi * (finest / (2 * math.pi)) ** 4
    plane = np.hstack([np.ones((count, 1)), knots])
    system[:count, count:], system[count:, :count] = plane, plane.T
    # Points of one line leave the slope across it free: the smallest change of the diagonal makes it 0.
    system[np.arange(count, count + 3), np.arange(count, count + 3)] -= 1e-9
    found = eliminated(system, np.vstack([targets, np.zeros((3, 2))]))
    return ThinPlate(origin=origin, scale=scale, knots=knots, weights=found[:count], linear=found[count:])


def eliminated(system: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve a system of equations, (n, n), for several right sides, (n, m), by elimination with row pivots."""
    rows = np.hstack([system, right])
    count = len(system)
    for k in range(count):
        best = k + int(np.abs(rows[k:, k]).argmax())
        if best != k:
            rows[[k, best]] = rows[[best, k]]
        rows[k, k:] /= rows[k, k]
        rows[k + 1 :, k + 1 :] -= rows[k + 1 :, k, None] * rows[k, k + 1 :]
    found = rows[:, count:]
    for k in range(count - 1, 0, -1):
        found[:k] -= rows[:k, k, None] * found[k]
    return found


def _design(at: NDArray[np.float64], linear: NDArray[np.float64]) -> NDArray[np.float64]:
    return linear[0] + at[:, :1] * linear[1] + at[:, 1:] * linear[2]


def _kernel(at: NDArray[np.float64], knots: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return r^2 log r, (N, n) float64, for the distances r of points to knots."""
    square = ((at[:, None] - knots[None]) ** 2).sum(axis=2)
    return np.asarray(square * np.log(np.maximum(square, 1e-300)) / 2)
