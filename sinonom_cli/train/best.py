"""Say whether later weights are worse than earlier ones, by the queries that both have answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import nn

from sinonom_cli.search.metrics import bootstrap


@dataclass(frozen=True)
class Scores:
    """Result of a validation.

    Attributes
    ----------
    values : the scores by name; `val_mrr@5` is the one that counts.
    reciprocal : (Q,) float64, the reciprocal rank of each query of `val_mrr@5`, in a fixed order of queries.
    """

    values: dict[str, float]
    reciprocal: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def mrr(self) -> float:
        """Return the score that counts."""
        return self.values.get("val_mrr@5", 0.0)


FEW = 6
"""Least number of queries that can all be answered worse with a probability below 2.5 % (1 / 2^6) by chance alone."""

Validate = Callable[[nn.Module], Scores]


def worse(later: NDArray[np.float64], earlier: NDArray[np.float64]) -> bool:
    """Return whether later weights answer the same queries worse than earlier ones, by more than chance.

    They are worse if the whole 95 % interval of the mean difference is below 0 (paired bootstrap over queries; Efron,
    Tibshirani 1993, "An introduction to the bootstrap", chapter 13). Later weights are learnt at a lower rate, and
    thousands of queries showed that they are better even where some hundreds show no difference. Weights that find
    nothing are worse than any that find something. Fewer than `FEW` queries show nothing else.

    Parameters
    ----------
    later, earlier : (Q,) float64, reciprocal ranks of the same queries in the same order.
    """
    if len(later) != len(earlier) or len(later) < 2:
        return False
    if earlier.any() and not later.any():
        return True
    if len(later) < FEW:
        return False
    _, high = bootstrap(later - earlier)
    return high < 0
