"""Fit a smooth map to points that correspond in part, beginning with a similarity under which many of them meet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.similarity import Similarity
from sinonom_cli.layout.thin_plate import ThinPlate, eliminated, fit_thin_plate

FEWEST = 4
"""Smallest number of points that meet, of a registration."""
FINEST = 8.0
"""Wavelength, in usual distances of neighbours, that the smooth warp follows by half; see `fit_thin_plate`."""
ROUNDS = 10
"""Largest number of rounds in which the smooth warp is fitted to the pairs that meet under the last one."""
POWERS = tuple(tuple((i, j) for i in range(d + 1) for j in range(d + 1 - i)) for d in (1, 2, 3))
"""Powers of x and y in the polynomials that are fitted before, one after the other."""
BENDING = 6
"""Number of times that each is fitted to the pairs that meet under the last fit."""
RIDGE = 0.05
"""Weight of a coefficient's square, in pairs that miss by the usual distance, for each degree of its power."""


@dataclass(frozen=True, kw_only=True)
class SmoothWarp:
    """A similarity, and a thin-plate spline that adds what it leaves.

    Attributes
    ----------
    similarity : the similarity.
    rest : moves a point to its shift from where the similarity puts it.
    """

    similarity: Similarity
    rest: ThinPlate

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where points, (..., 2) float, are moved to."""
        return self.similarity.points(points) + self.rest.points(points)


@dataclass(frozen=True, kw_only=True)
class Matches:
    """Points of two pictures, and which of them may belong together.

    Attributes
    ----------
    moving, fixed : (n, 2) and (m, 2) float64.
    moving_spacing, fixed_spacing : their usual distances of neighbours.
    pairs : (M, 2) int64, points of moving and fixed that may belong together.
    weights : (M,) float64, the probability that they do.
    """

    moving: NDArray[np.float64]
    fixed: NDArray[np.float64]
    moving_spacing: float
    fixed_spacing: float
    pairs: NDArray[np.int64]
    weights: NDArray[np.float64]


def meeting(given: Matches, moved: NDArray[np.float64], tolerance: float) -> NDArray[np.int64]:
    """Return the pairs that meet, (k, 2) int64, no point twice: the most probable and nearest are taken first.

    Parameters
    ----------
    moved : (n, 2) float64, where the points of moving are on fixed.
    tolerance : largest distance at which they meet, in usual distances of fixed.
    """
    away = ((moved[given.pairs[:, 0]] - given.fixed[given.pairs[:, 1]]) ** 2).sum(axis=1) / (
        tolerance * given.fixed_spacing
    ) ** 2
    value = given.weights * (1 - away)
    found, used, taken = [], set(), set()
    for k in np.argsort(-value, kind="stable"):
        if value[k] <= 0:
            break
        i, j = given.pairs[k].tolist()
        if i not in used and j not in taken:
            used.add(i)
            taken.add(j)
            found.append((i, j))
    return np.array(sorted(found), np.int64).reshape(-1, 2)


def smooth_warp(given: Matches, similarity: Similarity, near: float) -> SmoothWarp | None:
    """Fit a smooth map to points that meet, and again to those that meet under it, until these stay the same.

    Parameters
    ----------
    similarity : the map to begin with.
    near : largest distance, in usual distances, at which points meet under the smooth map; twice that, under the
        polynomial that is fitted first and has few coefficients, so that it reaches from the points that meet under the
        similarity to the whole picture.

    Returns
    -------
    The map, or None if fewer than `FEWEST` points meet.
    """
    current = meeting(given, _bent(given, similarity, 2 * near), near)
    warp = None
    for _ in range(ROUNDS):
        if len(current) < FEWEST:
            break
        start = given.moving[current[:, 0]]
        left = given.fixed[current[:, 1]] - similarity.points(start)
        warp = SmoothWarp(
            similarity=similarity, rest=fit_thin_plate(start, left, scale=given.moving_spacing, finest=FINEST)
        )
        after = meeting(given, warp.points(given.moving), near)
        if np.array_equal(after, current):
            break
        current = after
    return warp


def _bent(given: Matches, similarity: Similarity, far: float) -> NDArray[np.float64]:
    """Return where points of moving are under the similarity and a polynomial of degree 3, fitted robustly."""
    start = moved = similarity.points(given.moving)
    first, second = given.pairs.T
    wanted = (given.fixed[second] - start[first]) / given.fixed_spacing
    at = (start - start[first].mean(axis=0)) / (np.ptp(start, axis=0).max() / 2)
    for powers in POWERS:
        design = np.stack([at[:, 0] ** i * at[:, 1] ** j for i, j in powers], axis=1)
        ridge = RIDGE * np.diag([float(i + j) for i, j in powers])
        for _ in range(BENDING):
            away = ((moved[first] - given.fixed[second]) ** 2).sum(axis=1) / (far * given.fixed_spacing) ** 2
            share = given.weights * np.maximum(0, 1 - away) ** 2
            if not share.any():
                return moved
            weighted = design[first] * share[:, None]
            normal = np.einsum("nj,nk->jk", weighted, design[first]) + ridge
            found = eliminated(normal, np.einsum("nj,nk->jk", weighted, wanted))
            moved = start + np.einsum("nj,jk->nk", design, found) * given.fixed_spacing
    return moved
