"""Fit a smooth polynomial surface to points of which many lie on it and others far below or above."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.least_squares import biweights, solved
from sinonom_cli.parallel.products import product

if TYPE_CHECKING:
    from numpy.typing import NDArray

DEGREES = (1, 2, 2, 3, 4, 4)
"""Degrees of the polynomials, fitted one after the other, each from the weights of the one before."""
ROUNDS = 6
"""Number of fits of each degree."""
WIDTH = 4.685
"""Half width of Tukey's biweight in robust standard deviations: 95 % efficient on normal errors."""
SPREAD = 1.4826
"""Standard deviation of a normal distribution as a multiple of its median absolute deviation."""
FIRMNESS = 1e-4
"""Weight, for each point, that holds coefficients of degree 3 and more at 0 where the points cannot determine them."""


@dataclass(frozen=True)
class SmoothSurface:
    """Polynomial z(x, y).

    Attributes
    ----------
    coefficients : (D + 1, D + 1) float64; [i, j] belongs to P_i(v) P_j(u), with Legendre polynomials P and u, v
        from -1 to 1 over the box.
    box : x0, y0, x1, y1 of the box.
    unit : length of a unit of the box in units of x and y.
    """

    coefficients: "NDArray[np.float64]"
    box: tuple[float, float, float, float]
    unit: float = 1.0

    def at_grid(self, x: "NDArray[np.floating]", y: "NDArray[np.floating]") -> "NDArray[np.float64]":
        """Return z for all pairs of (W,) x and (H,) y, (H, W) float64.

        Outside the box, the surface goes on with the values at the box's edge, because polynomials diverge there.
        """
        x0, y0, x1, y1 = (self.unit * value for value in self.box)
        across, up = (
            legendre(np.clip((2 * values - low - high) / max(high - low, 1e-300), -1, 1), len(self.coefficients))
            for values, low, high in ((x, x0, x1), (y, y0, y1))
        )
        return product(product(up.T, self.coefficients), across)


def legendre(u: "NDArray[np.floating]", count: int) -> "NDArray[np.float64]":
    """Return the first `count` >= 2 Legendre polynomials (Bonnet's recursion), (count, N), at (N,) u from -1 to 1."""
    values = np.ones((count, len(u)))
    values[1] = u
    for n in range(1, count - 1):
        values[n + 1] = ((2 * n + 1) * u * values[n] - n * values[n - 1]) / (n + 1)
    return values


def fit(points: "NDArray[np.float64]", box: tuple[float, float, float, float], least: float) -> SmoothSurface:
    """Fit a surface to the points that most of the others agree with.

    Iterated weighted least squares: Cauchy's weights for the first degree, which need no good start, then Tukey's
    biweight (Beaton and Tukey 1974) with the median absolute deviation for scale, which ignores distant points wholly.

    Parameters
    ----------
    points : (N, 3) float64 x, y, z; N >= 3.
    box : x0, y0, x1, y1, in which x and y lie.
    least : smallest standard deviation that is assumed for the points on the surface, in units of z.
    """
    size = max(DEGREES) + 1
    x0, y0, x1, y1 = box
    u = legendre((2 * points[:, 0] - x0 - x1) / max(x1 - x0, 1e-300), size)
    v = legendre((2 * points[:, 1] - y0 - y1) / max(y1 - y0, 1e-300), size)
    terms = sorted(((i, j) for i in range(size) for j in range(size - i)), key=lambda term: (sum(term), term))
    basis = np.ascontiguousarray(np.stack([v[i] * u[j] for i, j in terms], axis=1))
    z = np.ascontiguousarray(points[:, 2])
    found, weights = np.zeros(len(terms)), np.ones(len(z))
    for stage, degree in enumerate(DEGREES):
        count = (degree + 1) * (degree + 2) // 2
        hold = np.array([FIRMNESS * len(z) * (sum(term) > 2) for term in terms])
        for _ in range(ROUNDS):
            found[:count] = _weighted_fit(basis[:, :count], z, weights, hold[:count])
            off = z - np.einsum("nk,k->n", basis[:, :count], found[:count])
            near = off[weights > 0] if stage else off
            spread = max(SPREAD * float(np.median(np.abs(near - np.median(near)))), least)
            weights = 1 / (1 + (off / spread) ** 2) if stage < 2 else biweights(off, WIDTH * spread)
    coefficients = np.zeros((size, size))
    for (i, j), value in zip(terms, found, strict=True):
        coefficients[i, j] = value
    return SmoothSurface(coefficients, box)


@numba.njit(cache=True)
def _weighted_fit(basis: Any, z: Any, weights: Any, hold: Any) -> Any:
    """Fit coefficients by weighted least squares; `hold` is added to the diagonal of the normal equations."""
    count = basis.shape[1]
    system = np.zeros((count, count + 1))
    for n in range(len(z)):
        if weights[n] == 0.0:
            continue
        for i in range(count):
            share = weights[n] * basis[n, i]
            for j in range(i, count):
                system[i, j] += share * basis[n, j]
            system[i, count] += share * z[n]
    for i in range(count):
        system[i, i] += hold[i] + 1e-9 * system[0, 0] + 1e-300
    return solved(system, -np.inf)
