"""Register two pictures of one text, such as a page and the block that printed it, by their characters alone.

Each picture is a set of points, the middles of its characters, with names and their probabilities. Two points that
share a name may belong together. A similarity (turn, scale and shift) is searched for under which as many such pairs
as possible meet (random sample consensus, Fischler and Bolles 1981, over all pairs of the most telling
correspondences in place of random ones, with local optimisation, Chum et al. 2003). A thin-plate spline then follows
what a similarity cannot: paper that shrank, a bent page, a bowed block, a photo from the side.

How many pairs would meet by chance is estimated (Moisan and Stival 2004, *A probabilistic criterion to detect rigid
point matches*): `Registration.log_chance` tells a print of this block from one of another, for any number of
characters. A mirrored picture is not turned over here: mirror the x of its points first.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import BadInput
from sinonom_cli.layout.similarity import Candidates, Similarity, find_similarity
from sinonom_cli.layout.smooth_warp import FEWEST, Matches, SmoothWarp, meeting, smooth_warp

LEAST = 0.05
"""Smallest weight of a correspondence: the probability that both points show one and the same character."""
FAR, NEAR = 1.0, 0.5
"""Largest distance at which points meet, in usual distances of neighbours: under the similarity, and in the end."""
THRESHOLDS = (LEAST, 0.2, 0.5)
"""Least weights of the correspondences by which chance is judged."""
CHANCE = -3.0
"""Largest `log_chance` of a reliable registration: one false one in a thousand pairs of pictures."""


@dataclass(frozen=True, kw_only=True)
class Spots:
    """Characters of a picture as points.

    Attributes
    ----------
    points : (n, 2) float64, x to the right and y down, the middles of characters.
    names : candidates for each point, the characters themselves; none for a point that nothing is known of.
    probabilities : of each candidate, in [0, 1]; 1 for a name that is known.
    """

    points: NDArray[np.float64]
    names: Sequence[Sequence[str]]
    probabilities: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        if self.points.shape != (len(self.names), 2) or not np.isfinite(self.points).all():
            raise BadInput(f"{len(self.names)} names for points of the shape {self.points.shape}", "give (n, 2) floats")


@dataclass(frozen=True, kw_only=True)
class Registration:
    """How the points of one picture, `moving`, lie on another, `fixed`.

    Attributes
    ----------
    similarity : turn, scale and shift from moving to fixed.
    inliers : (k, 2) int64, points of moving and of fixed that share a name and meet under the similarity within `FAR`
        usual distances; no point twice.
    warp : the smooth map from moving to fixed.
    pairs : (m, 2) int64, points of moving and of fixed that are each other's nearest under the warp, within `NEAR`
        usual distances, whatever their names.
    same : (m,) bool, which of the pairs share a name of weight `LEAST` or more.
    spacing : usual distance of neighbouring points of fixed.
    log_chance : decimal logarithm of the number of registrations as good as this one that are expected between two
        texts that have nothing to do with each other; the lower the better. It is an estimate from above,
        and 0 where it would be more.
    """

    similarity: Similarity
    inliers: NDArray[np.int64]
    warp: SmoothWarp
    pairs: NDArray[np.int64]
    same: NDArray[np.bool_]
    spacing: float
    log_chance: float

    @property
    def reliable(self) -> bool:
        """Return whether chance is no explanation. Texts that share a passage may be registered reliably, too."""
        return self.log_chance <= CHANCE

    @property
    def agreement(self) -> float:
        """Return the share of the pairs with a common name: near 1 for one text, small for another on the same grid."""
        return float(self.same.mean()) if len(self.same) else 0.0

    def points(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where points of moving, (..., 2) float, are on fixed."""
        return self.warp.points(points)

    def boxes(self, boxes: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return where boxes of moving, (n, 4) float x0, y0, x1, y1, are on fixed: the boxes around their corners."""
        x0, y0, x1, y1 = np.asarray(boxes, np.float64).reshape(-1, 4).T
        corners = self.points(np.stack([x0, y0, x1, y0, x1, y1, x0, y1], axis=1).reshape(-1, 4, 2))
        return np.hstack([corners.min(axis=1), corners.max(axis=1)])


def register(moving: Spots, fixed: Spots) -> Registration | None:
    """Find how one picture's characters lie on those of another that shows the same text, or a part of it.

    Parameters
    ----------
    moving, fixed : characters of both, such as a page and a block. Names may be wrong for well over half of the
        points, points may be missing or too many on both sides, and characters may be repeated. Forms of one character
        that are to count as equal must be given the same name.

    Returns
    -------
    The registration with most evidence, or None if there are too few points with common names to have any. Look at
    `Registration.reliable` and `agreement` before believing it.

    Raises
    ------
    BadInput
        If all points of a picture are in one place.
    """
    if min(len(moving.points), len(fixed.points)) < FEWEST:
        return None
    pairs, weights = correspondences(moving, fixed)
    if len(pairs) < FEWEST:
        return None
    given = Matches(
        moving=moving.points,
        fixed=fixed.points,
        moving_spacing=spacing_of(moving.points),
        fixed_spacing=spacing_of(fixed.points),
        pairs=pairs,
        weights=weights,
    )
    similarity = find_similarity(_candidates(given), FAR * given.fixed_spacing)
    warp = None if similarity is None else smooth_warp(given, similarity, NEAR)
    if similarity is None or warp is None:
        return None
    inliers = meeting(given, similarity.points(moving.points), FAR)
    nearest = _nearest(warp.points(moving.points), fixed.points, NEAR * given.fixed_spacing)
    common = set(map(tuple, pairs.tolist()))
    return Registration(
        similarity=similarity,
        inliers=inliers,
        warp=warp,
        pairs=nearest,
        same=np.array([tuple(pair) in common for pair in nearest.tolist()], bool),
        spacing=given.fixed_spacing,
        log_chance=_log_chance(given, similarity),
    )


def _candidates(given: Matches) -> Candidates:
    """Return the correspondences as the search for a similarity takes them; repeated characters are less telling."""
    first, second = given.pairs.T
    return Candidates(
        start=given.moving[first],
        end=given.fixed[second],
        weights=given.weights,
        rarity=given.weights / np.bincount(first)[first] / np.bincount(second)[second],
        moving=given.moving_spacing,
        fixed=given.fixed_spacing,
    )


def correspondences(moving: Spots, fixed: Spots) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the pairs of points with a common name, (M, 2) int64, and their weights, (M,) float64, at least `LEAST`.

    A weight is the probability that both points show one character, which is the sum over their common names of the
    product of the probabilities.
    """
    holders: dict[str, list[tuple[int, float]]] = {}
    for j, (names, chances) in enumerate(zip(fixed.names, fixed.probabilities, strict=True)):
        for name, chance in zip(names, chances, strict=True):
            holders.setdefault(name, []).append((j, chance))
    weights: dict[tuple[int, int], float] = {}
    for i, (names, chances) in enumerate(zip(moving.names, moving.probabilities, strict=True)):
        for name, chance in zip(names, chances, strict=True):
            for j, other in holders.get(name, ()):
                weights[i, j] = weights.get((i, j), 0.0) + chance * other
    kept = sorted(pair for pair, weight in weights.items() if weight >= LEAST)
    found = np.array(kept, np.int64).reshape(-1, 2)
    return found, np.array([weights[pair] for pair in kept], np.float64)


def spacing_of(points: NDArray[np.float64]) -> float:
    """Return the median distance of points, (n, 2), to the nearest other one.

    Raises
    ------
    BadInput
        If it is 0.
    """
    square = ((points[:, None] - points[None]) ** 2).sum(axis=2)
    square[np.arange(len(points)), np.arange(len(points))] = np.inf
    spacing = math.sqrt(float(np.median(square.min(axis=1))))
    if not spacing > 0:
        raise BadInput("most of the characters are in one place", "give the middle of each character")
    return spacing


def _nearest(moved: NDArray[np.float64], fixed: NDArray[np.float64], limit: float) -> NDArray[np.int64]:
    """Return the points that are each other's nearest and at most `limit` apart, (m, 2) int64."""
    square = ((moved[:, None] - fixed[None]) ** 2).sum(axis=2)
    to, back = square.argmin(axis=1), square.argmin(axis=0)
    own = np.arange(len(moved))
    mutual = (back[to] == own) & (square[own, to] <= limit**2)
    return np.stack([own[mutual], to[mutual]], axis=1).astype(np.int64)


def _log_chance(given: Matches, similarity: Similarity) -> float:
    """Return the decimal logarithm of how many similarities would let so many points meet by chance.

    Two correspondences fix a similarity. Each other point then meets one of its correspondences with a probability of
    at most their number times the share of the picture that a point covers, or that of one place among all. This is
    computed for the correspondences above each of three least weights and for two distances at which they meet; the
    best of the six counts, times six.
    """
    extent = np.ptp(given.fixed, axis=0) + given.fixed_spacing
    weight = dict(zip(map(tuple, given.pairs.tolist()), given.weights.tolist(), strict=True))
    least = 0.0
    for tolerance in (FAR, NEAR):
        inliers = meeting(given, similarity.points(given.moving), tolerance).tolist()
        circle = math.pi * (tolerance * given.fixed_spacing) ** 2
        one = max(circle / float(extent[0] * extent[1]), 1 / len(given.fixed))
        for threshold in THRESHOLDS:
            some = given.pairs[given.weights >= threshold]
            met = sum(weight[i, j] >= threshold for i, j in inliers)
            if met > 2:
                chances = np.minimum(1.0, np.bincount(some[:, 0]) * one)
                count = int((chances > 0).sum())
                tests = math.log10(2 * len(THRESHOLDS) * len(some) * (len(some) - 1) / 2)
                least = min(least, tests + _log_tail(count - 2, met - 2, float(chances.sum()) / count))
    return least


def _log_tail(count: int, least: int, chance: float) -> float:
    """Return the decimal logarithm of the probability of `least` or more successes among `count` trials."""
    if least <= 0 or chance >= 1:
        return 0.0
    logs = [
        math.lgamma(count + 1)
        - math.lgamma(k + 1)
        - math.lgamma(count - k + 1)
        + k * math.log(chance)
        + (count - k) * math.log1p(-chance)
        for k in range(least, count + 1)
    ]
    top = max(logs)
    return (top + math.log(sum(math.exp(log - top) for log in logs))) / math.log(10)
