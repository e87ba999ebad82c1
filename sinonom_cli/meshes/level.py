"""Find the surface of the stroke tops, so that a tilted or bent plate can be laid flat.

The tops are the uncarved face of the block. They are flat and form the upper envelope of the relief, but often cover
only a minor part of its surface. Therefore neither a least-squares plane nor a convex hull finds them. The search
starts from planes that are pulled upwards to different degrees (expectiles). Each is shifted to the height where most
of the surface lies close to it and little lies above it, and then refined with Tukey's biweight. The best one is kept.
The tilt is finally determined from tops and ground together (`ground`).
"""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.ground import with_ground
from sinonom_cli.meshes.least_squares import biweight
from sinonom_cli.meshes.look import PROBE, Look, look_at
from sinonom_cli.meshes.surfaces import plane_equations, quadratic_equations, residuals, solution
from sinonom_cli.meshes.zbuffer import extent

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROUNDS = 4
"""Largest number of height maps of one mesh, each seen along the normal that the one before has given."""

PULLS = (0.9, 0.99)
BANDS = (0.3, 0.15, 0.07, 0.03)
"""Widths of the band around the surface whose points count as tops, coarse to fine, as shares of the relief's depth."""

ABOVE = 8.0
"""Number of points in the band that one point above it outweighs, because nothing lies above the tops."""

FIRMNESS = (0.0, 0.00006, 0.00006, 0.000005, 0.000003, 0.000005)
"""Weight of each prior coefficient in the normal equations, for each point of the height map. It determines slope and
bend where the tops cannot, for example across a single straight stroke. Tops that cover a fifth of the plate and extend
over half of it weigh some hundred times as much."""

STEEPEST = 1.5
"""Largest ratio of the heights' spread about the tops to their spread about the least-squares plane; above it, the
plane touches one edge of the ground instead of the tops."""


def level(triangles: "NDArray[np.float32]", first: Look | None = None) -> "NDArray[np.float64]":
    """Turn a relief so that the plane through its stroke tops faces the viewer.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, mesh units, roughly facing +Z (within about 40 degrees).
    first : coarse height map of the mesh before any rotation; None: compute it here.

    Returns
    -------
    (3, 3) float64 rotation; `vertices @ rotation.T` has its stroke plane parallel to z = 0.
    """
    rotation = np.eye(3)
    for round_ in range(ROUNDS):
        seen = first if first and round_ == 0 else look_at(triangles, extent(triangles, rotation), rotation)
        if not seen.width:
            break
        surface = fit_tops(seen.heights, tilted=round_ == 0)
        # A small rotation barely changes the height map, so the measurement before it is good enough.
        last = round_ == ROUNDS - 1 or math.hypot(surface[1], surface[2]) < 0.1
        if last:
            surface = with_ground(_points(seen.heights), surface)
        # Terms are summed one by one: products of BLAS round differently on different processors.
        rotation = np.einsum("ij,jk->ik", turn_up(surface[1], surface[2]), rotation)
        if last:
            break
    return rotation


def tilt_of(rotation: "NDArray[np.float64]") -> float:
    """Return the angle, in degrees, by which a rotation turns the line of sight."""
    return math.degrees(math.acos(min(1.0, rotation[2, 2])))


def flatten(heights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return the heights above the (quadratic) surface of the stroke tops.

    Parameters
    ----------
    heights : (S, S) float32, in units of the picture's width; -inf where there is no surface.

    Returns
    -------
    (S, S) float32, in the same units; about 0 at stroke tops, negative on the ground.
    """
    size = len(heights)
    step = max(1, size // PROBE)
    surface = fit_tops(heights[step // 2 :: step, step // 2 :: step], tilted=False)
    x = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    y = -x[:, None]
    c = surface.astype(np.float32)
    return heights - ((c[0] + c[1] * x + c[3] * x * x) + (c[2] * y + c[5] * y * y) + c[4] * x * y)


def relief(heights: "NDArray[np.float32]") -> float:
    """Return the variation of a surface about the quadratic surface that fits it best.

    Parameters
    ----------
    heights : (S, S) float32, in units of the picture's width; -inf where there is no surface.

    Returns
    -------
    Difference between the 98th and the 2nd percentile, in the same units.
    """
    points = _points(heights[::2, ::2])
    if len(points) < 16:
        return 0.0
    start = np.array([points[:, 2].mean(), 0, 0, 0, 0, 0])
    off = np.sort(residuals(points, _improved(points, start, start, 6, 0.5, 0.0)))
    return float(off[len(off) - 1 - len(off) // 50] - off[len(off) // 50])


def _points(heights: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Return the points of a height map, (N, 3); x and y run from -0.5 to 0.5, with y up."""
    rows, columns = np.nonzero(heights > -np.inf)
    size = len(heights)
    return np.stack([(columns + 0.5) / size - 0.5, 0.5 - (rows + 0.5) / size, heights[rows, columns]], axis=1)


def fit_tops(heights: "NDArray[np.float32]", tilted: bool) -> "NDArray[np.float64]":
    """Fit a quadratic surface to the stroke tops of a height map.

    Parameters
    ----------
    heights : (S, S) float32, in units of the picture's width; -inf where there is no surface.
    tilted : whether the tops may slope steeply; otherwise the search begins from the horizontal plane alone.

    Returns
    -------
    (6,) float64: coefficients of 1, x, y, x^2, xy, y^2; x and y run from -0.5 to 0.5, with y up.
    """
    points = _points(heights)
    if len(points) < 16:
        return np.zeros(6)
    start = np.array([points[:, 2].mean(), 0, 0, 0, 0, 0])
    if tilted:
        start = _improved(points, start, start, 3, 0.5, 0.0)  # the least-squares plane
    low, high = np.percentile(residuals(points, start), (5, 99))
    if not high > low:
        return start
    depth, prior = float(high - low), start
    best, best_score = _refined(points, start, prior, depth)
    for pull in PULLS if tilted else ():
        for _ in range(4):  # each step starts from the result of the one before, a little higher
            start = _improved(points, start, start, 3, pull, 0.0)
        surface, score = _refined(points, start, prior, depth)
        if score > best_score:
            best, best_score = surface, score
    for band in (BANDS[1], BANDS[2], BANDS[2], BANDS[3]):
        best = _improved(points, best, prior, 6, 0.0, band * depth)
    return best


def turn_up(slope_x: float, slope_y: float) -> "NDArray[np.float64]":
    """Return the smallest rotation that turns the normal of z = slope_x x + slope_y y to +Z."""
    length = math.sqrt(slope_x**2 + slope_y**2 + 1)
    a, b, c = -slope_x / length, -slope_y / length, 1 / length  # the normal
    share = 1 / (1 + c)
    return np.array(  # Rodrigues' formula about (b, -a, 0), multiplied out
        [[1 - a * a * share, -a * b * share, -a], [-a * b * share, 1 - b * b * share, -b], [a, b, c]]
    )


@numba.njit(cache=True)
def _refined(points: Any, surface: Any, prior: Any, depth: float) -> Any:
    """Shift a plane to the height of most tops and refine it; return the plane and its score."""
    surface = surface.copy()
    for k in range(len(BANDS)):
        band = BANDS[k] * depth
        surface[0] += _busiest(residuals(points, surface), band)
        surface = _improved(points, surface, prior, 3, 0.0, band)
    score, band = 0.0, BANDS[-1] * depth
    above = residuals(points, surface)
    for r in above:
        score += 1.0 if abs(r) < band else -ABOVE if r > 2.0 * band else 0.0
    steeper = above.std() / residuals(points, prior).std() - STEEPEST
    return surface, score - len(points) * max(0.0, steeper)


@numba.njit(cache=True)
def _busiest(above: Any, band: float) -> Any:
    """Return the offset at which a band of +-`band` holds most points and has fewest points above it."""
    step, count = band / 4.0, 400
    low = high = above[0]
    for r in above:
        low, high = min(low, r), max(high, r)
    step = max(step, (high - low) / (count - 1))
    reach = max(1, round(band / step))
    total = np.zeros(count + 1)  # how many points lie below each bin
    for r in above:
        total[int((r - low) / step) + 1] += 1.0
    for i in range(count):
        total[i + 1] += total[i]
    best, best_score = 0, -np.inf
    for i in range(count):
        upper, free = min(count, i + reach + 1), min(count, i + 2 * reach + 1)
        score = total[upper] - total[max(0, i - reach)] - ABOVE * (total[count] - total[free])
        if score > best_score:
            best, best_score = i, score
    return low + (best + 0.5) * step


@numba.njit(cache=True)
def _improved(points: Any, surface: Any, prior: Any, terms: int, pull: float, band: float) -> Any:
    """Fit the first `terms` coefficients (3 or 6) again, by weighted least squares.

    Weights come from the residuals of `surface`. If `band` is 0, they are expectile weights. Otherwise they are
    biweights of that width, and all coefficients except the first are pulled slightly towards `prior` (FIRMNESS).
    """
    weights = residuals(points, surface)
    for i in range(len(points)):
        r = weights[i]
        if band > 0.0:
            weights[i] = biweight(r, band)
        else:
            weights[i] = pull if r > 0.0 else 1.0 - pull
    system = plane_equations(points, weights) if terms == 3 else quadratic_equations(points, weights)
    for j in range(1, terms):
        hold = 0.0 if band == 0.0 else FIRMNESS[j] * len(points)
        system[j, j] += hold
        system[j, terms] += hold * prior[j]
    return solution(system, surface)
