"""Register many candidate pictures with one query picture by robust affine maps.

Each candidate is shifted, rotated, scaled and sheared until it matches the query. The method is efficient second-order
minimisation (Benhimane and Malis 2004, "Real-time image-based tracking of planes using efficient second-order
minimization", IROS, equation 17: each step uses the mean of both pictures' gradients). Each step normalises both
pictures to one mean and one standard deviation, so that neither gain nor offset matters (as in Evangelidis and Psarakis
2008, IEEE TPAMI 30, equation 3). Places that do not match (breaks, neighbouring characters) get a low weight by
iteratively reweighted least squares. The weights are those of a Cauchy distribution, 1 / (1 + e / c), where e is the
mean squared residual around a place.

All candidates are processed together in numpy, because importing compiled functions takes longer than a query. Sums use
einsum, because its order of summation does not depend on the number of threads; that of BLAS may.
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
    size = len(query)
    padded = np.pad(candidates, ((0, 0), (1, 1), (1, 1)))
    blur = blurring(size, AROUND * size)
    weights = np.ones_like(candidates)
    found = maps
    for _ in range(rounds):
        moved = warped(padded, found)
        goal, seen = _standardised(query[None], weights), _standardised(moved, weights)
        residual = seen - goal
        found = _composed(found, _step(residual, (_gradients(goal), _gradients(seen)), weights))
        weights = np.reciprocal(1 + on_both_sides(blur, residual * residual) / np.float32(MISFIT))
    kept = np.where(believed(found)[:, None, None], found, maps)
    return warped(padded, kept), kept


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
    wide = padded.shape[1]
    size = wide - 2
    place = (np.arange(size) - (size - 1) / 2).astype(np.float32)
    a = maps.astype(np.float32)[:, :, :, None, None]
    across, down = (a[:, k, 0] * place + a[:, k, 1] * place[:, None] + a[:, k, 2] for k in (0, 1))
    middle = np.float32((wide - 1) / 2)
    x, y = (np.clip(along + middle, 0, np.float32(wide - 1.001)) for along in (across, down))
    left, top = x.astype(np.int32), y.astype(np.int32)
    x -= left
    y -= top
    corner = (np.arange(len(padded), dtype=np.int32) * (wide * wide))[:, None, None] + top * wide + left
    flat = padded.ravel()
    upper = flat[corner]
    upper += x * (flat[corner + 1] - upper)
    lower = flat[corner + wide]
    lower += x * (flat[corner + (wide + 1)] - lower)
    return upper + y * (lower - upper)


def believed(maps: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return, as (N,) bool, which of (N, 2, 3) maps are finite and stretch or shrink no direction beyond STRETCH."""
    a, b, c, d = (np.nan_to_num(maps[:, i, j], nan=9.0, posinf=9.0, neginf=9.0) for i in (0, 1) for j in (0, 1))
    # The singular values of a 2 x 2 matrix are half the sum and half the difference of these two lengths.
    plus, minus = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
    least, most = np.abs(plus - minus) / 2, (plus + minus) / 2
    return (least >= 1 - STRETCH) & (most <= 1 + STRETCH) & np.isfinite(maps).all(axis=(1, 2))


def _standardised(pictures: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalise pictures, (1, S, S) or (N, S, S), to mean 0 and standard deviation 1 under (N, S, S) weights."""
    total = weights.sum(axis=(1, 2), keepdims=True)
    centred = pictures - (weights * pictures).sum(axis=(1, 2), keepdims=True) / total
    variance = (weights * centred * centred).sum(axis=(1, 2), keepdims=True) / total
    return centred / np.sqrt(np.maximum(variance, np.float32(1e-12)))


def _gradients(fields: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    down, across = np.gradient(fields, axis=(1, 2))
    return np.asarray(across, np.float32), np.asarray(down, np.float32)


def _step(
    residual: NDArray[np.float32],
    gradients: tuple[tuple[NDArray[np.float32], NDArray[np.float32]], tuple[NDArray[np.float32], NDArray[np.float32]]],
    weights: NDArray[np.float32],
) -> NDArray[np.float64]:
    """Return the affine changes of coordinates, (N, 6), that explain the weighted residuals best."""
    dx, dy = ((one + other) / 2 for one, other in zip(*gradients, strict=True))
    wx, wy, wr = weights * dx, weights * dy, weights * residual
    fields = np.stack([wx * dx, wx * dy, wy * dy, wx, wy, wr * dx, wr * dy, wr, weights], axis=1)
    size = residual.shape[1]
    place = (np.arange(size) - (size - 1) / 2).astype(np.float32)
    powers = np.stack([np.ones_like(place), place, place**2])
    # The sums over each field, multiplied by x ** k and y ** l, have the shape (N, 9, l, k).
    rows = np.einsum("nfij,kj->nfik", fields, powers)
    sums = np.einsum("nfik,li->nflk", rows, powers).astype(np.float64)
    # Each product of two of the terms (x, y, 1) of an affine change has a power of x and a power of y.
    k, across = np.array([[2, 1, 1], [1, 0, 0], [1, 0, 0]]), np.array([[0, 1, 0], [1, 2, 1], [0, 1, 0]])
    xx, xy, yy = (sums[:, f][:, across, k] for f in range(3))
    normal = np.concatenate([np.concatenate([xx, xy], 2), np.concatenate([xy, yy], 2)], 1)
    ones = [(0, 1), (1, 0), (0, 0)]
    mean, force = (np.stack([sums[:, f, i, j] for f in pair for i, j in ones], 1) for pair in ((3, 4), (5, 6)))
    total, left = sums[:, 8, 0, 0][:, None], sums[:, 7, 0, 0][:, None]
    normal -= mean[:, :, None] * mean[:, None, :] / total[:, :, None]
    force -= mean * left / total
    return _solved(normal, force)


def _solved(normal: NDArray[np.float64], force: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solve (N, K, K) positive definite systems by elimination, without BLAS; a ridge keeps blank pictures solvable."""
    count = normal.shape[1]
    ridge = np.einsum("naa->n", normal)[:, None, None] * 1e-9 + 1e-12
    rows = np.concatenate([normal + ridge * np.eye(count), force[:, :, None]], axis=2)
    for k in range(count):
        rows[:, k] /= rows[:, k, k, None]
        others = np.arange(count) != k
        rows[:, others] -= rows[:, others, k, None] * rows[:, k, None]
    return rows[:, :, count]


def _composed(maps: NDArray[np.float64], change: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return maps, (N, 2, 3), preceded by the first-order inverse of an affine change of coordinates, (N, 6)."""
    back = np.eye(2, 3) - change.reshape(-1, 2, 3)
    linear = np.einsum("nij,njk->nik", maps[:, :, :2], back)
    linear[:, :, 2] += maps[:, :, 2]
    return linear


def on_both_sides(weights: NDArray[np.float32], fields: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return weights @ fields @ weights.T of (..., S, S) fields, without BLAS."""
    down = np.einsum("ik,...kj->...ij", weights, fields)
    across = np.einsum("ik,...kj->...ij", weights, np.ascontiguousarray(down.swapaxes(-1, -2)))
    return across.swapaxes(-1, -2)


@cache
def blurring(size: int, deviation: float) -> NDArray[np.float32]:
    """Return the (size, size) weights of a Gaussian blur along one axis; each row sums to 1."""
    place = np.arange(size)
    weights = np.exp(-0.5 * ((place[:, None] - place) / deviation) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
