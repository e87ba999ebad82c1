"""Register many candidate pictures with one query picture by robust affine maps.

Each candidate is shifted, rotated, scaled and sheared until it matches the query. The method is efficient second-order
minimisation (Benhimane and Malis 2004, "Real-time image-based tracking of planes using efficient second-order
minimization", IROS, equation 17: each step uses the mean of both pictures' gradients). Each step normalises both
pictures to one mean and one standard deviation, so that neither gain nor offset matters (as in Evangelidis and Psarakis
2008, IEEE TPAMI 30, equation 3). Places that do not match (breaks, neighbouring characters) get a low weight by
iteratively reweighted least squares. The weights are those of a Cauchy distribution, 1 / (1 + e / c), where e is the
mean squared residual around a place.

All candidates are processed together in numpy, because importing compiled functions takes longer than a query. Inside
this module, fields have the shape (S, N, S): row i of all N pictures is contiguous, so that one operation of a sum over
rows covers N * S values. Sums use einsum, because its order of summation does not depend on the number of threads; that
of BLAS may.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISFIT = 0.3
"""Mean squared residual, in units of the picture's variance, at which the weight of a place is halved."""
AROUND = 0.08
"""Standard deviation of the Gaussian that averages squared residuals, as a share of the picture's side."""
STRETCH = 0.35
"""Largest relative stretch or shrinkage of any direction that a map may have; other maps are rejected."""
_X, _Y = np.array([1, 0, 0]), np.array([0, 1, 0])
"""Powers of x and of y in the terms of an affine change: x, y and 1."""


def aligned(
    query: NDArray[np.float32], candidates: NDArray[np.float32], maps: NDArray[np.float64], rounds: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Find the affine maps that register candidates with the query.

    Parameters
    ----------
    query : (S, S) float32, smooth.
    candidates : (N, S, S) float32, smooth; 0 outside.
    maps : (N, 2, 3) float64, where the registration starts; see `warped`.
    rounds : number of steps.

    Returns
    -------
    (N, S, S) float32, the registered candidates, and (N, 2, 3) float64, their maps. A map that is not finite or
    stretches by more than STRETCH is replaced by the map from which its candidate started.
    """
    size, count = len(query), len(candidates)
    planes = _planes(np.pad(candidates, ((0, 0), (1, 1), (1, 1))))
    goal = (query - query.mean())[:, None]
    goal_slopes = slopes(goal, 2), slopes(goal, 0)
    weights = np.ones((size, count, size), np.float32)
    found = maps
    for left in reversed(range(rounds)):
        seen = _sampled(planes, found)
        total = _sums(weights)
        (scale, middle), (other_scale, other_middle) = (_scales(one, weights, total) for one in (seen, goal))
        residual = (seen - middle) * scale
        residual -= (goal - other_middle) * other_scale
        # The slopes are the mean of both pictures' slopes.
        across, down = slopes(seen, 2), slopes(seen, 0)
        for mean, other in zip((across, down), goal_slopes, strict=True):
            np.multiply(mean, scale / 2, out=mean)
            np.add(mean, other * (other_scale / 2), out=mean)
        found = _composed(found, _step(residual, across, down, weights))
        if left:
            np.add(_blurred(residual * residual, AROUND * size), np.float32(MISFIT), out=weights)
            np.divide(np.float32(MISFIT), weights, out=weights)
    kept = np.where(believed(found)[:, None, None], found, maps)
    return np.ascontiguousarray(_sampled(planes, kept).swapaxes(0, 1)), kept


def warped(padded: NDArray[np.float32], maps: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sample pictures bilinearly at the places to which affine maps point.

    Parameters
    ----------
    padded : (N, S + 2, S + 2) float32, with a border of 0; everything beyond the border is 0, too.
    maps : (N, 2, 3) float64; they give x' and y' of a place (x, y, 1) in pixels from the picture's centre.

    Returns
    -------
    (N, S, S) float32.
    """
    return np.ascontiguousarray(_sampled(_planes(padded), maps).swapaxes(0, 1))


def _planes(padded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return values, differences to the right and downwards, and differences of these, (4, N, S + 2, S + 2)."""
    planes = np.zeros((4, *padded.shape), np.float32)
    planes[0] = padded
    for axis, plane, source in ((2, 1, 0), (1, 2, 0), (1, 3, 1)):
        part = (slice(None), slice(None), slice(-1)) if axis == 2 else (slice(None), slice(-1))
        planes[plane][part] = np.diff(planes[source], axis=axis)
    return planes


def _sampled(planes: NDArray[np.float32], maps: NDArray[np.float64]) -> NDArray[np.float32]:
    """Sample pictures as `warped` does, from the planes of `_planes`; return (S, N, S) float32."""
    count, wide = planes.shape[1:3]
    place = _places(wide - 2)
    a = maps.astype(np.float32)
    a[:, :, 2] += np.float32((wide - 1) / 2)
    x, y = (a[:, k, 0, None] * place + (a[:, k, 1] * place[:, None] + a[:, k, 2])[:, :, None] for k in (0, 1))
    for along in (x, y):
        np.clip(along, 0, np.float32(wide - 1.001), out=along)
    left, top = np.floor(x), np.floor(y)
    x -= left
    y -= top
    top *= wide
    top += left
    corner = top.astype(np.intp)
    corner += (np.arange(count) * (wide * wide))[:, None]
    value, right, down, both = (plane.ravel().take(corner, mode="clip") for plane in planes)
    both *= x
    both += down
    both *= y
    right *= x
    both += right
    both += value
    return both


def believed(maps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return, as (N,) bool, which of (N, 2, 3) maps are finite and stretch or shrink no direction beyond STRETCH."""
    a, b, c, d = (np.nan_to_num(maps[:, i, j], nan=9.0, posinf=9.0, neginf=9.0) for i in (0, 1) for j in (0, 1))
    # The singular values of a 2 x 2 matrix are half the sum and half the difference of these two lengths.
    plus, minus = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
    least, most = np.abs(plus - minus) / 2, (plus + minus) / 2
    return (least >= 1 - STRETCH) & (most <= 1 + STRETCH) & np.isfinite(maps).all(axis=(1, 2))


def slopes(fields: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Return the central differences of float32 fields along an axis, one-sided at both ends, as `np.gradient`."""
    fields = np.ascontiguousarray(fields)
    found = np.empty(fields.shape, np.float32)
    lines, out = fields.swapaxes(0, axis), found.swapaxes(0, axis)
    # One difference over all values is faster than one for each line; those across lines are replaced below.
    flat, step = fields.ravel(), fields.strides[axis] // fields.itemsize
    between = found.reshape(-1)[step:-step]
    np.subtract(flat[2 * step :], flat[: -2 * step], out=between)
    between *= np.float32(0.5)
    np.subtract(lines[1], lines[0], out=out[0])
    np.subtract(lines[-1], lines[-2], out=out[-1])
    return found


def _sums(fields: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the sum over each of N pictures, (N, 1), of fields (S, N, S)."""
    return np.asarray(np.add.reduce(np.add.reduce(fields, 0), 1, keepdims=True))


def _scales(
    pictures: NDArray[np.float32], weights: NDArray[np.float32], total: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the reciprocal of the standard deviation and the mean of pictures, (N, 1) float32 each.

    Parameters
    ----------
    pictures, weights : (S, N, S) or (S, 1, S) float32, and (S, N, S) float32.
    total : (N, 1) float32, sum of the weights of each picture.
    """
    part = weights * pictures
    mean = _sums(part) / total
    part *= pictures
    variance = _sums(part) / total - mean * mean
    return 1 / np.sqrt(np.maximum(variance, np.float32(1e-12))), mean


def _step(
    residual: NDArray[np.float32], dx: NDArray[np.float32], dy: NDArray[np.float32], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return the affine changes of coordinates, (N, 6), that explain the weighted residuals best.

    Parameters
    ----------
    residual, dx, dy, weights : (S, N, S) float32; `dx` and `dy` are slopes to the right and downwards.
    """
    size, count, _ = residual.shape
    powers = _places(size) ** np.arange(3, dtype=np.float32)[:, None]
    wx, wy, wr = weights * dx, weights * dy, weights * residual
    fields = (wx * dx, wx * dy, wy * dy, wx, wy, wr * dx, wr * dy)
    # The sums over each field, multiplied by y ** l and x ** k, have the shape (7, l, k, N).
    rows = np.stack([np.einsum("li,im->lm", powers, field.reshape(size, -1)) for field in fields])
    sums = np.einsum("flnj,kj->flkn", rows.reshape(7, 3, count, size), powers).astype(np.float64)
    xx, xy, yy = (sums[f][_Y[:, None] + _Y, _X[:, None] + _X] for f in range(3))
    mean, force = (sums[f : f + 2, _Y, _X].reshape(6, count) for f in (3, 5))
    total, left = (_sums(one).astype(np.float64)[:, 0] for one in (weights, wr))
    normal = np.concatenate([np.concatenate([xx, xy], 1), np.concatenate([xy, yy], 1)])
    normal -= mean[:, None] * (mean / total)
    return _solved(normal, force - mean * (left / total)).T


def _solved(normal: NDArray[np.float64], force: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve positive definite systems by elimination, without BLAS; a ridge keeps blank pictures solvable.

    Parameters
    ----------
    normal, force : (K, K, N) and (K, N) float64.

    Returns
    -------
    (K, N) float64.
    """
    size = len(normal)
    ridge = np.einsum("aan->n", normal) * 1e-9 + 1e-12
    rows = np.concatenate([normal, force[:, None]], axis=1)
    rows[np.arange(size), np.arange(size)] += ridge
    for k in range(size):
        pivot = rows[k] / rows[k, k]
        rows -= rows[:, k, None] * pivot
        rows[k] = pivot
    return rows[:, size]


def _composed(maps: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return maps, (N, 2, 3), preceded by the first-order inverse of an affine change of coordinates, (N, 6)."""
    back = np.eye(2, 3) - change.reshape(-1, 2, 3)
    linear = np.einsum("nij,njk->nik", maps[:, :, :2], back)
    linear[:, :, 2] += maps[:, :, 2]
    return linear


def blurred(fields: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    """Blur fields, (..., S, S) with an even S, by the weights of `blurring` along both sides, without BLAS."""
    size = fields.shape[-1]
    rows = np.ascontiguousarray(fields.reshape(-1, size, size).swapaxes(0, 1))
    return _blurred(rows, deviation).swapaxes(0, 1).reshape(fields.shape)


def _blurred(fields: NDArray[np.float32], deviation: float) -> NDArray[np.float32]:
    """Blur each of M fields, (S, M, S), as `blurred` does.

    The weights of a row and of its mirror image are mirror images. So the sums and the differences of the two rows are
    blurred, which takes half the multiplications.
    """
    size = len(fields)
    half = size // 2
    for _ in range(2):
        rows = fields.reshape(size, -1)
        first, last = rows[:half], rows[: half - 1 : -1]
        both = zip(_halves(size, deviation), (first + last, first - last), strict=True)
        even, odd = (np.einsum("ki,im->km", weights, part) for weights, part in both)
        along = np.empty_like(fields)
        np.add(even, odd, out=along.reshape(size, -1)[:half])
        np.subtract(even, odd, out=along.reshape(size, -1)[: half - 1 : -1])
        fields = np.ascontiguousarray(along.T)
    return fields


@cache
def _halves(size: int, deviation: float) -> NDArray[np.float32]:
    """Return the weights of sums and of differences of mirrored rows in the first half of a blur, (2, S / 2, S / 2)."""
    rows = blurring(size, deviation)[: size // 2]
    own, other = rows[:, : size // 2], rows[:, : size // 2 - 1 : -1]
    return np.asarray(np.stack([own + other, own - other]) / 2, np.float32)


def _places(size: int) -> NDArray[np.float32]:
    """Return the places of pixels along one side, (size,) float32, in pixels from the centre."""
    return (np.arange(size) - (size - 1) / 2).astype(np.float32)


@cache
def blurring(size: int, deviation: float) -> NDArray[np.float32]:
    """Return the (size, size) weights of a Gaussian blur along one axis; each row sums to 1."""
    place = np.arange(size)
    weights = np.exp(-0.5 * ((place[:, None] - place) / deviation) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
