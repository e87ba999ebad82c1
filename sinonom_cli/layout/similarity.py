"""Find the similarity (turn, scale and shift) under which most corresponding points meet, most of them being wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEEDS, TRIALS = 300, 4000
"""Largest number of correspondences that similarities are made from, and of similarities that are tried."""
REFINED = 40
"""Number of the best similarities that are fitted to all pairs that meet, before the best of them is chosen."""
FITS = 5
"""Number of times that it is fitted."""
STRETCH = 2.0
"""Largest factor by which the scale differs from the ratio of the points' usual distances."""
BASE = 2.0
"""Smallest distance of two points that a similarity is made from, in usual distances."""


@dataclass(frozen=True, kw_only=True)
class Similarity:
    """Map (x, y) to (a x - b y + u, b x + a y + v)."""

    a: float
    b: float
    u: float
    v: float

    @property
    def scale(self) -> float:
        """Return the factor by which lengths grow."""
        return math.hypot(self.a, self.b)

    @property
    def angle(self) -> float:
        """Return the turn from x towards y, clockwise as pictures show it, in degrees from -180 to 180."""
        return math.degrees(math.atan2(self.b, self.a))

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where points, (..., 2) float, are moved to."""
        x, y = np.asarray(points, np.float64)[..., 0], np.asarray(points, np.float64)[..., 1]
        return np.stack([self.a * x - self.b * y + self.u, self.b * x + self.a * y + self.v], axis=-1)


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Points that may belong together.

    Attributes
    ----------
    start, end : (M, 2) float64, where a point is, and where its counterpart may be; a point may have several.
    weights : (M,) float64 > 0, probability of each.
    rarity : (M,) float64 > 0, how telling each is: a similarity is made from the most telling ones.
    moving, fixed : usual distance of neighbouring points, of both pictures.
    """

    start: NDArray[np.float64]
    end: NDArray[np.float64]
    weights: NDArray[np.float64]
    rarity: NDArray[np.float64]
    moving: float
    fixed: float


def find_similarity(given: Candidates, far: float) -> Similarity | None:
    """Return the similarity under which candidates of most weight meet; None if none can be tried.

    Similarities are made from pairs of the most telling candidates, and the best are fitted to all that meet.

    Parameters
    ----------
    far : largest distance at which a candidate meets; a nearer one counts more.
    """
    maps = _tried(given)
    score = np.concatenate([_scores(part, given, far) for part in np.array_split(maps, 32)])
    best, most = None, 0.0
    for k in np.argsort(-score, kind="stable")[:REFINED]:
        a, b, u, v = maps[k].tolist()
        similarity, reached = _refined(Similarity(a=a, b=b, u=u, v=v), given, far)
        stretch = similarity.scale * given.moving / given.fixed
        if reached > most and 1 / STRETCH <= stretch <= STRETCH:  # points that look like one point pull it to nothing
            best, most = similarity, reached
    return best


def _tried(given: Candidates) -> NDArray[np.float64]:
    """Return (T, 4) similarities a, b, u, v of two candidates each, the most promising first."""
    seeds = np.argsort(-given.rarity, kind="stable")[:SEEDS]
    first, second = np.triu_indices(len(seeds), 1)
    first, second = seeds[first], seeds[second]
    step, wanted = given.start[second] - given.start[first], given.end[second] - given.end[first]
    length, reach = (step**2).sum(axis=1), (wanted**2).sum(axis=1)
    scale = np.sqrt(reach / np.maximum(length, 1e-300)) * given.moving / given.fixed
    fit = (scale <= STRETCH) & (scale >= 1 / STRETCH)
    fit &= (length >= (BASE * given.moving) ** 2) & (reach >= (BASE * given.fixed) ** 2)
    promise = np.where(fit, given.rarity[first] * given.rarity[second] * np.sqrt(length), 0.0)
    tried = np.argsort(-promise, kind="stable")[:TRIALS]
    tried = tried[fit[tried]]
    (x, y), (u, v), square = step[tried].T, wanted[tried].T, length[tried]
    a, b = (x * u + y * v) / square, (x * v - y * u) / square
    at, to = given.start[first[tried]], given.end[first[tried]]
    return np.stack([a, b, to[:, 0] - a * at[:, 0] + b * at[:, 1], to[:, 1] - b * at[:, 0] - a * at[:, 1]], axis=1)


def _scores(maps: NDArray[np.float64], given: Candidates, far: float) -> NDArray[np.float64]:
    """Return the weight of the candidates that meet under each similarity, (T, 4); less for distant ones."""
    a, b, u, v = (maps[:, k, None] for k in range(4))
    right = a * given.start[:, 0] - b * given.start[:, 1] + u - given.end[:, 0]
    down = b * given.start[:, 0] + a * given.start[:, 1] + v - given.end[:, 1]
    return np.einsum("tm,m->t", np.maximum(0, 1 - (right**2 + down**2) / far**2), given.weights)


def _refined(similarity: Similarity, given: Candidates, far: float) -> tuple[Similarity, float]:
    """Fit a similarity to the candidates that meet, by reweighted least squares; return it and its score."""
    for _ in range(FITS):
        away = ((similarity.points(given.start) - given.end) ** 2).sum(axis=1)
        share = given.weights * np.maximum(0, 1 - away / far**2)
        if np.count_nonzero(share) < 2:
            break
        similarity = _fitted(given.start, given.end, share)
    maps = np.array([[similarity.a, similarity.b, similarity.u, similarity.v]])
    return similarity, float(_scores(maps, given, far)[0])


def _fitted(start: NDArray[np.float64], end: NDArray[np.float64], share: NDArray[np.float64]) -> Similarity:
    """Return the similarity of least squares, in closed form (Umeyama 1991, without mirroring)."""
    total = share.sum()
    middle = np.einsum("n,nk->k", share, start) / total, np.einsum("n,nk->k", share, end) / total
    (x, y), (u, v) = (start - middle[0]).T, (end - middle[1]).T
    square = max(float((share * (x * x + y * y)).sum()), 1e-300)
    a, b = float((share * (x * u + y * v)).sum()) / square, float((share * (x * v - y * u)).sum()) / square
    (p, q), (r, s) = middle[0].tolist(), middle[1].tolist()
    return Similarity(a=a, b=b, u=r - a * p + b * q, v=s - b * p - a * q)
