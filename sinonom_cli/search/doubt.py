"""Decide whether a query shows anything that the index holds (`--reject`), from a few signs that are weighed together.

The distance of the nearest answer alone depends on the query: a worn print is far from everything, and some characters
have many similar neighbours. So three signs are weighed by logistic regression: the logarithms of the nearest answer's
energy; of the mean energy of the nearest answers with other characters, a local reference as in CSLS (Conneau et al.
2018, "Word translation without parallel data", ICLR, equation 4); and, with `--tta`, of the spread of the query's
views, which grows with the defects of a picture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.search.rows import Row, nearest

if TYPE_CHECKING:
    from numpy.typing import NDArray

CROWD = 20
"""Number of nearest answers with other characters whose mean energy is the second sign."""
LEAST = 1e-3
"""Smallest energy of the nearest answer, as a share of the mean energy of the others."""
LEAST_SPREAD = 1e-6
"""Smallest spread of views, for embeddings of length 1."""
RIDGE = 0.1
"""Weight of the squared weights in the fit: without it, a few queries that are separated have infinite weights."""
STEPS = 50
"""Largest number of Newton steps; eight are enough for thousands of queries."""
NAMES = ("distance", "others", "spread")
"""Names of the weights in the index's record, in the order of the signs."""


@dataclass(frozen=True)
class Doubt:
    """Weights of the signs, and the limit beyond which a query is rejected.

    Attributes
    ----------
    weights : for the signs of `signs_of`; two, or three with `--tta`. The first one is > 0.
    limit : greatest doubt of a query that is kept.
    """

    weights: tuple[float, ...]
    limit: float

    def __call__(self, signs: Sequence[float]) -> float:
        """Return the doubt about a query; the greater, the less likely it is that the index holds what it shows."""
        return sum(weight * sign for weight, sign in zip(self.weights, signs, strict=True))

    def as_record(self) -> dict[str, float]:
        """Return the doubt as the index's record keeps it."""
        return {**dict(zip(NAMES, self.weights, strict=False)), "limit": self.limit}

    @classmethod
    def from_record(cls, kept: Mapping[str, Any], spread: bool) -> Doubt:
        """Read a doubt from the index's record.

        Parameters
        ----------
        spread : whether the queries have a spread of views.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a number is missing or not valid.
        """
        weights = tuple(float(kept[name]) for name in NAMES[: 2 + spread])
        if not (np.isfinite([*weights, float(kept["limit"])]).all() and weights[0] > 0):
            raise ValueError
        return cls(weights, float(kept["limit"]))


def signs_of(rows: Sequence[Row], energies: NDArray[np.float64], spread: float | None) -> tuple[float, ...]:
    """Return the signs by which a query is known or unknown.

    Parameters
    ----------
    rows, energies : the answers and their energies, nearest first, at least one.
    spread : of the query's views, see `spread_of_views`; None without `--tta`.

    Returns
    -------
    log e, log m and, with `spread`, log s. e is the energy of the nearest answer, at least LEAST m; m is the mean
    energy of the `CROWD` nearest other labels, each with its nearest row (fewer if `rows` has fewer; e without any).
    """
    others = energies[list(nearest(rows, "label").values())[1 : CROWD + 1]]
    mean = max(float(others.mean()) if len(others) else float(energies[0]), 1e-12)
    signs = (float(np.log(max(float(energies[0]), LEAST * mean))), float(np.log(mean)))
    return signs if spread is None else (*signs, float(np.log(max(spread, LEAST_SPREAD))))


def fit_weights(known: NDArray[np.float64], unknown: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the weights that separate known from unknown queries best, by logistic regression.

    The signs are scaled to a standard deviation of 1, and the weights have a ridge (le Cessie and van Houwelingen 1992,
    "Ridge estimators in logistic regression"). If greater distances would then count as known, the distance alone
    decides: (1, 0) or (1, 0, 0).

    Parameters
    ----------
    known, unknown : (M, S) and (N, S) float64 signs.
    """
    count = known.shape[1]
    signs = np.concatenate([known, unknown])
    target = np.repeat([0.0, 1.0], [len(known), len(unknown)])
    scale = signs.std(axis=0) if len(signs) else np.zeros(count)
    weights = np.zeros(count + 1)
    if len(known) and len(unknown):
        scaled = (signs - signs.mean(axis=0)) / np.where(scale > 0, scale, 1.0)
        weights = _regression(np.concatenate([scaled, np.ones((len(signs), 1))], axis=1), target)
    if not weights[0] > 0 or not scale[0] > 0:
        return (1.0, *[0.0] * (count - 1))
    return tuple((weights[:-1] / np.where(scale > 0, scale, 1.0)).tolist())


def _regression(signs: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights of a logistic regression, by Newton's method; the last column has no ridge."""
    ridge = np.full(signs.shape[1], RIDGE)
    ridge[-1] = 1e-9
    weights = np.zeros(signs.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-np.clip(np.einsum("nf,f->n", signs, weights), -30, 30)))
        slope = np.einsum("nf,n->f", signs, share - target) + ridge * weights
        bend = np.einsum("nf,n,ng->fg", signs, share * (1 - share), signs) + np.diag(ridge)
        step = np.linalg.solve(bend, slope)
        weights = weights - step
        if float(np.abs(step).max()) < 1e-9:
            break
    return weights
