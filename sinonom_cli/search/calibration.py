"""From distances to probabilities that mean what they say, and how well they do.

An *energy* grows with distance: squared Euclidean distance, or any distance that adds up like one. Of the answers that
a query may have, one is right with probability proportional to exp(-energy / temperature) (Guo, Pleiss, Sun,
Weinberger 2017, "On calibration of modern neural networks", ICML: the temperature is fitted by likelihood).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Of equal mass, over which the calibration error is taken; Guo et al. take as many, of equal width."""
STEPS = 41
"""Temperatures tried over eight decades before the best is refined."""


def probabilities(energies: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return the softmax of -energy / temperature over the last axis.

    Parameters
    ----------
    energies : (..., K) float; inf where there is no answer, but not everywhere.
    temperature : > 0, in the unit of the energies.

    Returns
    -------
    (..., K) float64 in [0, 1], summing to 1; 0 where there is no answer.
    """
    energies = np.asarray(energies, np.float64)
    share = np.exp((energies.min(axis=-1, keepdims=True) - energies) / temperature)
    return share / share.sum(axis=-1, keepdims=True)


def likelihoods(
    energies: NDArray[np.floating], right: NDArray[np.bool_], temperature: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return log p and log(1 - p) of each query, p the probability of all its right answers together.

    Parameters
    ----------
    energies : (Q, K) float, inf where there is no answer.
    right : (Q, K) bool, at least one of each query.

    Returns
    -------
    Two (Q,) float64, <= 0; log(1 - p) is -inf where there is no wrong answer.
    """
    energies = np.asarray(energies, np.float64)
    logits = (energies.min(axis=1, keepdims=True) - energies) / temperature
    with np.errstate(divide="ignore"):
        every, yes, no = (
            _log_sum_exp(np.where(chosen, logits, -np.inf)) for chosen in (np.isfinite(energies), right, ~right)
        )
    return yes - every, no - every


def fit_temperature(energies: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Return the temperature under which the right answers are likeliest.

    As in Platt scaling (1999), each of n queries counts as right by (n + 1) / (n + 2) only: where all are answered
    right, the temperature stays above 0, as it should after so few.

    Parameters
    ----------
    energies : (Q, K) float, inf where there is no answer.
    right : (Q, K) bool; queries that have no right or no wrong answer teach nothing.

    Raises
    ------
    ValueError
        If no query teaches anything.
    """
    energies, right = np.asarray(energies, np.float64), np.asarray(right, bool)
    teaching = right.any(axis=1) & (~right & np.isfinite(energies)).any(axis=1)
    energies, right = energies[teaching], right[teaching]
    if len(energies) == 0:
        raise ValueError("no query has both right and wrong answers")
    doubt = 1 / (len(energies) + 2)

    def loss(log_temperature: float) -> float:
        yes, no = likelihoods(energies, right, float(np.exp(log_temperature)))
        return -float(((1 - doubt) * yes + doubt * no).mean())

    ranges = np.where(np.isfinite(energies), energies, -np.inf).max(axis=1) - energies.min(axis=1)
    scale = np.log(max(float(np.median(ranges)), 1e-12))
    tried = scale + np.linspace(np.log(1e-5), np.log(1e3), STEPS)
    best = int(np.argmin([loss(value) for value in tried.tolist()]))
    return float(np.exp(_least(loss, float(tried[max(best - 1, 0)]), float(tried[min(best + 1, STEPS - 1)]))))


def calibration_error(confidence: NDArray[np.floating], correct: NDArray[np.bool_], bins: int = BINS) -> float:
    """Return the expected calibration error: how far confidence and accuracy lie apart, bin by bin.

    Bins hold equally many queries: bins of equal width leave nearly all of a good model's queries in the last, which
    hides what goes wrong inside it (Nixon et al. 2019, "Measuring calibration in deep learning").

    Parameters
    ----------
    confidence : (Q,) float in [0, 1], of each query's first answer.
    correct : (Q,) bool, whether that is right.

    Returns
    -------
    Mean over queries of |mean confidence - share correct| of their bin, in [0, 1].
    """
    order = np.argsort(confidence, kind="stable")
    over = (np.asarray(confidence, np.float64) - np.asarray(correct, np.float64))[order]
    return sum(abs(float(part.sum())) for part in np.array_split(over, bins)) / max(len(order), 1)


def auroc(known: NDArray[np.floating], unknown: NDArray[np.floating]) -> float:
    """Return how often an unknown scores higher than a known, equals counting half: the area under the ROC curve.

    Parameters
    ----------
    known, unknown : (M,) and (N,) float, scores.

    Returns
    -------
    float in [0, 1], 0.5 for chance (Mann and Whitney 1947).
    """
    known, unknown = np.sort(np.asarray(known, np.float64)), np.asarray(unknown, np.float64)
    below = np.searchsorted(known, unknown, "left") + np.searchsorted(known, unknown, "right")
    return float(below.mean() / (2 * len(known)))


def _log_sum_exp(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    most = logits.max(axis=1)
    most = np.where(np.isfinite(most), most, 0.0)
    return most + np.log(np.exp(logits - most[:, None]).sum(axis=1))


def _least(loss: Callable[[float], float], low: float, high: float) -> float:
    """Return where a function that falls and then rises is least, by golden section."""
    golden = (5**0.5 - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return (low + high) / 2
