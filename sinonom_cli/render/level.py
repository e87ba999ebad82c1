"""Find the surface of the stroke tops, so that a tilted or bent plate can be laid flat.

The tops are the uncarved face of the block: flat, and the upper envelope of the relief, but often a minority of its
surface, so neither a least-squares plane nor a convex hull finds them. We start from planes that are pulled upwards
more or less (expectiles), slide each to the height where most of the surface lies close by and little above, refine
it with Tukey's biweight, and keep the best.
"""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.render.depth import extent, z_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = 64
"""Side of the small height map that the tilt is measured on, pixels."""

PULLS = (0.5, 0.9, 0.99)
BANDS = (0.3, 0.2, 0.12, 0.08)
"""Width of the band that counts as top, coarse to fine, as a share of the relief's depth."""

ABOVE = 2.0
"""How many points in the band one point above it outweighs: tops have nothing above them."""


def level(triangles: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Turn a relief so that the plane through its stroke tops faces the viewer.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, mesh units, roughly facing +Z (within about 40 degrees).

    Returns
    -------
    (3, 3) float64 rotation; `vertices @ rotation.T` has its stroke plane parallel to z = 0.
    """
    rotation = np.eye(3)
    for _ in range(4):
        box = extent(triangles, rotation)
        width = max(box[1, 0] - box[0, 0], box[1, 1] - box[0, 1])
        if not width > 0:
            break
        heights = z_buffer(triangles, rotation, box.mean(axis=0), width, PROBE)
        slope_x, slope_y = fit_tops(heights / np.float32(width), bend=True)[1:3]
        rotation = _turn_up(slope_x, slope_y) @ rotation
        # A small turn barely changes what is seen: the first measurement stands.
        if math.hypot(slope_x, slope_y) < 0.05:
            break
    return rotation


def tilt_of(rotation: "NDArray[np.float64]") -> float:
    """Return by how many degrees a rotation turns the line of sight."""
    return math.degrees(math.acos(min(1.0, rotation[2, 2])))


def flatten(heights: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return the heights above the (quadratic) surface of the stroke tops.

    Parameters
    ----------
    heights : (S, S) float32, in units of the picture's width; -inf where there is no surface.

    Returns
    -------
    (S, S) float32, the same; a stroke top is at about 0, ground below.
    """
    size = len(heights)
    step = max(1, size // PROBE)
    surface = fit_tops(heights[step // 2 :: step, step // 2 :: step], bend=True)
    x = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    y = -x[:, None]
    c = surface.astype(np.float32)
    return heights - ((c[0] + c[1] * x + c[3] * x * x) + (c[2] * y + c[5] * y * y) + c[4] * x * y)


def fit_tops(heights: "NDArray[np.float32]", bend: bool) -> "NDArray[np.float64]":
    """Fit a surface to the stroke tops of a height map.

    Parameters
    ----------
    heights : (S, S) float32, in units of the picture's width; -inf where there is no surface.
    bend : whether to fit a quadratic surface; else a plane.

    Returns
    -------
    (6,) float64: coefficients of 1, x, y, x^2, xy, y^2; x and y run from -0.5 to 0.5, y up.
    """
    rows, columns = np.nonzero(np.isfinite(heights))
    if len(rows) < 16:
        return np.zeros(6)
    size = len(heights)
    points = np.stack([(columns + 0.5) / size - 0.5, 0.5 - (rows + 0.5) / size, heights[rows, columns]], axis=1)
    best, best_score, depth = np.zeros(6), -np.inf, 0.0
    for pull in PULLS:
        surface = np.array([np.median(points[:, 2]), 0, 0, 0, 0, 0])
        for _ in range(6):
            surface = _solve(_equations(points, surface, 3, pull, 0.0), surface)
        residuals = _residuals(points, surface)
        low, high = np.percentile(residuals, (5, 99))
        depth = depth or float(high - low)
        if not depth > 0:
            return surface
        for band in BANDS:
            surface[0] += _busiest(_residuals(points, surface), band * depth)
            surface = _solve(_equations(points, surface, 3, 0.0, band * depth), surface)
        score = _score(_residuals(points, surface), BANDS[-1] * depth)
        if score > best_score:
            best, best_score = surface, score
    for band in (BANDS[1], BANDS[2], BANDS[2], BANDS[3]) if bend else ():
        best = _solve(_equations(points, best, 6, 0.0, band * depth), best)
    return best


def _turn_up(slope_x: float, slope_y: float) -> "NDArray[np.float64]":
    """Return the smallest rotation that turns the normal of z = slope_x x + slope_y y to +Z."""
    normal = np.array([-slope_x, -slope_y, 1.0]) / math.sqrt(slope_x**2 + slope_y**2 + 1)
    v = np.cross(normal, (0.0, 0.0, 1.0))
    skew = np.array([[0, -v[2], v[1]], [v[2], 0, -v[0]], [-v[1], v[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1 + normal[2])  # Rodrigues


def _busiest(residuals: "NDArray[np.float64]", band: float) -> float:
    """Return the offset at which a band of +-`band` holds most points and has fewest above."""
    step = band / 4
    low = float(np.percentile(residuals, 5))
    bins = np.clip((residuals - low) / step, 0, 400).astype(np.int64)
    counts = np.bincount(bins, minlength=402)
    total = np.concatenate([[0], np.cumsum(counts)])
    centres = np.arange(len(counts))
    inside = total[np.minimum(centres + 5, len(counts))] - total[np.maximum(centres - 4, 0)]
    above = len(residuals) - total[np.minimum(centres + 9, len(counts))]
    return low + (int(np.argmax(inside - ABOVE * above)) + 0.5) * step


def _score(residuals: "NDArray[np.float64]", band: float) -> float:
    return float((np.abs(residuals) < band).sum() - ABOVE * (residuals > 2 * band).sum())


def _solve(equations: Any, keep: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Solve the normal equations; where they are singular, as with hardly a point in the band, `keep` stands."""
    matrix, right = equations
    surface = np.zeros(6)
    try:
        surface[: len(right)] = np.linalg.solve(matrix + 1e-9 * np.trace(matrix) * np.eye(len(right)), right)
    except np.linalg.LinAlgError:
        return keep
    return surface


@numba.njit(cache=True)
def _residuals(points: Any, surface: Any) -> Any:
    out = np.empty(len(points))
    for i in range(len(points)):
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        fitted = surface[0] + surface[1] * x + surface[2] * y
        out[i] = z - fitted - surface[3] * x * x - surface[4] * x * y - surface[5] * y * y
    return out


@numba.njit(cache=True)
def _equations(points: Any, surface: Any, terms: int, pull: float, band: float) -> Any:
    """Return the weighted normal equations: expectile weights if `band` is 0, else the biweight of that width."""
    matrix, right = np.zeros((terms, terms)), np.zeros(terms)
    residuals = _residuals(points, surface)
    basis = np.empty(6)
    for i in range(len(points)):
        r = residuals[i]
        if band > 0.0:
            weight = (1.0 - (r / band) ** 2) ** 2 if abs(r) < band else 0.0
        else:
            weight = pull if r > 0.0 else 1.0 - pull
        if weight == 0.0:
            continue
        x, y, z = points[i, 0], points[i, 1], points[i, 2]
        basis[0], basis[1], basis[2] = 1.0, x, y
        basis[3], basis[4], basis[5] = x * x, x * y, y * y
        for j in range(terms):
            right[j] += weight * basis[j] * z
            for k in range(terms):
                matrix[j, k] += weight * basis[j] * basis[k]
    return matrix, right
