"""Straighten a page of boxes: coordinates in which columns neither lean nor bend.

Each character is linked with the one below it. A smooth shift across the page, a polynomial of both coordinates, is
fitted so that linked characters come to stand below each other. Most links join characters of one column, and the fit
is by least absolute differences, so that the other links have little influence.
"""

from dataclasses import dataclass, replace
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.parallel.products import product

POWERS = ((0, 1), (0, 2), (1, 1), (0, 3), (1, 2), (2, 1))
"""Powers of x and y in the shift: lean, bend, fanning out, and their changes along the page."""
LEAN, BEND = 0.06, 0.03
"""Usual size of the coefficients: the lean as a slope, a bend at the page's edge in halves of its larger side."""
FEWEST = 6
"""Smallest number of links for each coefficient."""
FARTHEST = 6.0
"""Largest distance of linked characters, in heights."""
ROUNDS = 12
"""Rounds of the fit by reweighted least squares; coefficients then change by less than a thousandth of a character."""


@dataclass(frozen=True)
class Straightening:
    """Map from a page to coordinates in which its columns are straight and upright.

    Attributes
    ----------
    origin, scale : middle of the page, (2,) float64, which stays in place, and half its larger side.
    powers : powers of x and y in the shift.
    shift : coefficients of the shift along x, relative to `scale`; the first is that of y, the lean.
    """

    origin: NDArray[np.float64]
    scale: float
    powers: tuple[tuple[int, int], ...]
    shift: tuple[float, ...]

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where points of the page, (n, 2) float64, are on the straightened page."""
        at = (points - self.origin) / self.scale
        moved = at.copy()
        for (i, j), coefficient in zip(self.powers, self.shift, strict=True):
            moved[:, 0] += coefficient * at[:, 0] ** i * at[:, 1] ** j
        if self.shift:
            moved[:, 1] -= self.shift[0] * at[:, 0]  # Rows are taken to be at right angles to columns.
        return moved * self.scale + self.origin

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (n, 4) float64 boxes with moved centres and unchanged sizes."""
        half = (boxes[:, 2:] - boxes[:, :2]) / 2
        centres = self.points((boxes[:, 2:] + boxes[:, :2]) / 2)
        return np.hstack([centres - half, centres + half])


def straightening(boxes: NDArray[np.float64]) -> Straightening:
    """Estimate how the columns of a page lean and bend.

    Parameters
    ----------
    boxes : (n, 4) float64, x0, y0, x1, y1; columns lean by at most about 10 degrees, n at least 1.

    Returns
    -------
    Straightening : with few characters, the map that changes nothing, or takes out the lean alone.
    """
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    found = Straightening((low + high) / 2, float((high - low).max()) / 2, (), ())
    centres = (boxes[:, 2:] + boxes[:, :2]) / 2
    at = (centres - found.origin) / found.scale
    # The first links look straight down; the later ones follow the columns.
    for _ in range(3):
        links = _links(found.points(centres), half)
        powers = POWERS[: len(links) // FEWEST]
        found = replace(found, powers=powers, shift=_fitted(at, links, powers, float(np.median(half)) / found.scale))
    return found


@numba.njit(cache=True)
def _links(centres: Any, half: Any) -> Any:
    """Return (k, 2) int64: a character and the nearest of about its width below it."""
    links = np.empty((len(centres), 2), np.int64)
    count = 0
    for i in range(len(centres)):
        least = np.inf
        for j in range(len(centres)):
            aside, below = abs(centres[j, 0] - centres[i, 0]), centres[j, 1] - centres[i, 1]
            wider, tall = max(half[i, 0], half[j, 0]), half[i, 1] + half[j, 1]
            if aside >= 0.8 * wider or below <= 0.5 * tall or below >= FARTHEST * tall:
                continue
            cost = below + 2 * aside
            if cost < least and min(half[i, 0], half[j, 0]) > 0.75 * wider:
                least = cost
                links[count, 0], links[count, 1] = i, j
        if least < np.inf:
            count += 1
    return links[:count]


def _fitted(
    at: NDArray[np.float64], links: NDArray[np.int64], powers: tuple[tuple[int, int], ...], size: float
) -> tuple[float, ...]:
    """Return the coefficients of the shift under which linked characters stand below each other."""
    if not powers:
        return ()
    design = np.stack([at[:, 0] ** i * at[:, 1] ** j for i, j in powers], axis=1)
    rows = design[links[:, 1]] - design[links[:, 0]]
    wanted = at[links[:, 0], 0] - at[links[:, 1], 0]
    ridge = np.array([LEAN if power == (0, 1) else BEND for power in powers]) ** -2.0
    weights = np.full(len(links), size**-2)
    found = np.zeros(len(powers))
    for _ in range(ROUNDS):
        weighted = np.ascontiguousarray((rows * weights[:, None]).T)
        normal = product(weighted, rows)
        normal[np.diag_indices(len(powers))] += ridge
        found = _solved(normal, product(weighted, wanted[:, None])[:, 0])
        left = np.abs(product(rows, found[:, None])[:, 0] - wanted)
        weights = size**-2 / np.maximum(left / size, 0.05)
    return tuple(found.tolist())


def _solved(matrix: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve a positive definite system of a few equations by elimination, without LAPACK."""
    rows = np.hstack([matrix, right[:, None]])
    count = len(rows)
    for k in range(count):
        rows[k] /= max(rows[k, k], 1e-30)
        for j in range(count):
            if j != k:
                rows[j] -= rows[j, k] * rows[k]
    return rows[:, -1]
