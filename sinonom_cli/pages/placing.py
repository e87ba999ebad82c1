"""Lay a page on a block by its characters, and judge whether this block printed it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import BadInput
from sinonom_cli.layout.register import LEAST, Spots, register

if TYPE_CHECKING:
    from numpy.typing import NDArray

MOST_CHANCE = 5.0
"""Evidence against chance, as a decimal logarithm, beyond which more makes no difference."""
MOST_FIT = 0.1
"""Fit of the carvings, either way, beyond which more makes no difference."""
FENCE = 1.5
"""Distance of Tukey's fence from the upper quartile, in distances between the quartiles."""
WEIGHTS = (-7.79, 6.64, 14.18, 2.90, 5.93)
"""Weights of the logistic regression in `probabilities`: bias, evidence, mean likeness, lead and fit. They were fitted
on windows of 4 to 60 characters of simulated prints of 40 simulated blocks (`benchmarks/which_block.py --fit`)."""


@dataclass(frozen=True, kw_only=True)
class Placing:
    """A page on a block.

    Attributes
    ----------
    block : number of the block.
    pairs : (m, 2) int64, characters of the page and carvings of the block that are at one place; no one twice.
    same : (m,) bool, which of them would be found by their looks alone.
    alike : (m,) bool, which of them look alike: these, and those that are no farther apart than is usual for these.
    likely, distances : (m,) float64, likeness of each pair, see `votes.likeness`, and distance of its embeddings.
    covered : number of characters of the page that lie on the block.
    evidence : decimal logarithm of how many such placings would be expected by chance, negative: the higher the better.
    fit : by how much its carvings fit the print better than others of the same characters, see `very_carving.fit_of`.
    """

    block: int
    pairs: NDArray[np.int64]
    same: NDArray[np.bool_]
    alike: NDArray[np.bool_]
    likely: NDArray[np.float64]
    distances: NDArray[np.float64]
    covered: int
    evidence: float
    fit: float = 0.0

    @property
    def score(self) -> float:
        """Return the mean likeness of the characters that lie on the block, in [0, 1]."""
        return float(self.likely.sum()) / max(self.covered, 1)


def placed(
    block: int,
    points: NDArray[np.float64],
    places: NDArray[np.float64],
    likely: NDArray[np.float64],
    energies: NDArray[np.float64],
    distances: NDArray[np.float64],
) -> Placing:
    """Register a page with a block.

    Parameters
    ----------
    block : number of the block.
    points : (N, 2) float64, middles of the page's characters, upright, y down.
    places : (n, 2) float64, middles of the block's carvings, upright, y down.
    likely, energies, distances : (N, n) float64, likeness of each character to each carving, and energy and distance of
        their embeddings.
    """
    # A carving stands for a name; characters that look like many carvings may belong to each with a small probability.
    chances = likely / np.maximum(1.0, likely.sum(axis=1, keepdims=True))
    registration = None
    near = [np.flatnonzero(row >= LEAST) for row in chances]
    with suppress(BadInput):  # points that lie in one place cannot be registered
        registration = register(
            Spots(
                points=points,
                names=[[str(j) for j in some] for some in near],
                probabilities=[row[some].tolist() for row, some in zip(chances, near, strict=True)],
            ),
            Spots(points=places, names=[[str(j)] for j in range(len(places))], probabilities=[[1.0]] * len(places)),
        )
    if registration is None:
        none, nothing = np.zeros(0), np.zeros((0, 2), np.int64)
        same = none.astype(bool)
        return Placing(
            block=block,
            pairs=nothing,
            same=same,
            alike=same,
            likely=none,
            distances=none,
            covered=0,
            evidence=-np.inf,
        )
    moved = registration.similarity.points(points)
    edge = registration.spacing
    within = (moved >= places.min(axis=0) - edge) & (moved <= places.max(axis=0) + edge)
    i, j = registration.pairs.T
    return Placing(
        block=block,
        pairs=registration.pairs,
        same=registration.same,
        alike=registration.same | (energies[i, j] <= _fence(energies[i, j][registration.same])),
        likely=likely[i, j],
        distances=distances[i, j],
        covered=max(int(within.all(axis=1).sum()), len(registration.pairs)),
        evidence=-registration.log_chance,
    )


def _fence(energies: NDArray[np.float64]) -> float:
    """Return the energy beyond which one is an outlier among some, by Tukey's rule; -inf if there are none."""
    if not len(energies):
        return -math.inf
    low, high = np.quantile(energies, (0.25, 0.75))
    return float(high + FENCE * (high - low))


def probabilities(placings: Sequence[Placing], blocks: int) -> list[float]:
    """Return for each block the probability that it printed the page, in [0, 1].

    A logistic regression on the evidence that the placing is no chance among so many blocks, on the mean likeness, on
    how far the likeness exceeds that of the best other block at the same characters, and on the fit of the carvings.
    Two blocks can both have printed a page: a photo of a spread shows halves of two prints.

    Parameters
    ----------
    placings : of the blocks that were tried.
    blocks : number of blocks in the index.
    """
    found = []
    for placing in placings:
        bias, *weights = WEIGHTS
        given = zip(weights, features(placing, placings, blocks), strict=True)
        found.append(1 / (1 + math.exp(-(bias + sum(weight * value for weight, value in given)))))
    return [chance if len(placing.pairs) else 0.0 for chance, placing in zip(found, placings, strict=True)]


def features(placing: Placing, placings: Sequence[Placing], blocks: int) -> tuple[float, float, float, float]:
    """Return what `probabilities` judges a block by: evidence, mean likeness, lead and fit, within -1 and 1 each."""
    if not len(placing.pairs):
        return 0.0, 0.0, -1.0, 0.0
    evidence = evidence_of(placing, blocks) / MOST_CHANCE
    own = set(placing.pairs[:, 0].tolist())
    rivals = [
        sum(like for (i, _), like in zip(other.pairs.tolist(), other.likely.tolist(), strict=True) if i in own)
        for other in placings
        if other is not placing
    ]
    total = float(placing.likely.sum())
    lead = (total - max(rivals, default=0.0)) / max(total, 1e-9)
    return evidence, placing.score, max(lead, -1.0), min(max(placing.fit / MOST_FIT, -1.0), 1.0)


def evidence_of(placing: Placing, blocks: int) -> float:
    """Return the evidence that a placing is no chance among a number of blocks, within 0 and `MOST_CHANCE`."""
    return min(max(placing.evidence - math.log10(max(blocks, 1)), 0.0), MOST_CHANCE)
