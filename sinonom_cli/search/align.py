"""Robust affine registration of one picture with many.

Each candidate is moved, turned, stretched and sheared until it lies on the query: efficient second-order minimisation
(Benhimane and Malis 2004, "Real-time image-based tracking of planes using efficient second-order minimization", IROS,
equation 17: a step by the mean of both pictures' gradients), of pictures that are brought to one mean and one deviation
in each step, so that neither gain nor offset counts (as Evangelidis and Psarakis 2008, IEEE TPAMI 30, equation 3, do).
Places that do not fit (breaks, neighbours) lose their weight: iteratively reweighted least squares with the weights of
a Cauchy distribution, 1 / (1 + e / c), e being the mean squared residual around a place.

All candidates are worked on at once, in numpy: importing compiled functions takes longer than a query does. Sums are
einsum's: their order does not depend on the number of threads, as that of BLAS may.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

MISFIT = 0.3
"""Mean squared residual, in variances of the picture, at which the weight of a place is halved."""
AROUND = 0.08
"""Deviation of the Gaussian over which squared residuals are averaged, as a share of the side."""
STRETCH = 0.35
"""A map that stretches or shrinks any direction by more than this is not believed."""


def aligned(
    query: NDArray[np.float32], candidates: NDArray[np.float32], maps: NDArray[np.float64], rounds: int
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Find the affine maps by which candidates lie on the query.

    Parameters
    ----------
    query : (S, S) float32, smooth.
    candidates : (N, S, S) float32, smooth; 0 outside.
    maps : (N, 2, 3) float64, from where to start; see `warped`.
    rounds : steps.

    Returns
    -------
    (N, S, S) float32, the candidates as they lie on the query, and (N, 2, 3) float64, their maps. A map that is not
    finite or stretches by more than STRETCH is that from which its candidate started.
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
    """Sample pictures bilinearly where affine maps point to.

    Parameters
    ----------
    padded : (N, S + 2, S + 2) float32, with a border of 0; beyond it everything is 0.
    maps : (N, 2, 3) float64; x' and y' of a place (x, y, 1). Lengths are pixels, the origin is the picture's middle.

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
    """Tell which of (N, 2, 3) maps are finite and stretch no direction by more than STRETCH, either way."""
    a, b, c, d = (np.nan_to_num(maps[:, i, j], nan=9.0, posinf=9.0, neginf=9.0) for i in (0, 1) for j in (0, 1))
    # Singular values of a 2 x 2 matrix: half the sum and half the difference of these two lengths.
    plus, minus = np.hypot(a + d, c - b), np.hypot(a - d, c + b)
    least, most = np.abs(plus - minus) / 2, (plus + minus) / 2
    return (least >= 1 - STRETCH) & (most <= 1 + STRETCH) & np.isfinite(maps).all(axis=(1, 2))


def _standardised(pictures: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Bring pictures, (1, S, S) or (N, S, S), to weighted mean 0 and deviation 1, by (N, S, S) weights."""
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
    """Solve for the affine change of place, (N, 6), that explains the weighted residuals best."""
    dx, dy = ((one + other) / 2 for one, other in zip(*gradients, strict=True))
    wx, wy, wr = weights * dx, weights * dy, weights * residual
    fields = np.stack([wx * dx, wx * dy, wy * dy, wx, wy, wr * dx, wr * dy, wr, weights], axis=1)
    size = residual.shape[1]
    place = (np.arange(size) - (size - 1) / 2).astype(np.float32)
    powers = np.stack([np.ones_like(place), place, place**2])
    # Sums over each field of it, times x ** k, times y ** l: (N, 9, l, k).
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
    """Return the maps after a place has been changed back by `change`, (N, 6)."""
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
    """Return (size, size) weights of a Gaussian blur of one side, rows summing to 1."""
    place = np.arange(size)
    weights = np.exp(-0.5 * ((place[:, None] - place) / deviation) ** 2)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), np.float32)
