"""Turn distances into calibrated probabilities, and measure how well they are calibrated.

An *energy* is a squared Euclidean distance, or any distance that is additive in the same way. Each possible answer to a
query is relevant with a probability proportional to exp(-energy / temperature). The temperature is fitted by maximum
likelihood (Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern neural networks", ICML).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 15
"""Number of bins of equal mass for the calibration error; Guo et al. use the same number of bins of equal width."""
STEPS = 41
"""Number of temperatures that are tried over eight decades before the best is refined."""


def probabilities(energies: NDArray[np.floating], temperature: float) -> NDArray[np.float64]:
    """Return the softmax of -energy / temperature over the last axis.

    Parameters
    ----------
    energies : (..., K) float; inf where there is no answer; at least one of the K is finite.
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
    """Return log p and log(1 - p) of each query, where p is the probability of all its relevant answers together.

    Parameters
    ----------
    energies : (Q, K) float, inf where there is no answer.
    right : (Q, K) bool, which answers are relevant; each query has at least one.

    Returns
    -------
    Two (Q,) float64, <= 0; log(1 - p) is -inf where there is no irrelevant answer.
    """
    energies = np.asarray(energies, np.float64)
    logits = (energies.min(axis=1, keepdims=True) - energies) / temperature
    with np.errstate(divide="ignore"):
        every, yes, no = (
            _log_sum_exp(np.where(chosen, logits, -np.inf)) for chosen in (np.isfinite(energies), right, ~right)
        )
    return yes - every, no - every


def fit_temperature(energies: NDArray[np.floating], right: NDArray[np.bool_]) -> float:
    """Return the temperature that maximises the likelihood of the relevant answers.

    As in Platt scaling (1999), the target probability of each of n queries is (n + 1) / (n + 2) instead of 1. So the
    temperature stays above 0 even if all queries are answered correctly.

    Parameters
    ----------
    energies : (Q, K) float, inf where there is no answer.
    right : (Q, K) bool, which answers are relevant; queries without a relevant or an irrelevant answer are ignored.

    Raises
    ------
    ValueError
        If all queries are ignored.
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
    """Return the expected calibration error, which compares confidence and accuracy in each bin.

    All bins hold the same number of queries. With bins of equal width, nearly all queries of a good model fall into the
    last bin, which hides errors inside it (Nixon et al. 2019, "Measuring calibration in deep learning").

    Parameters
    ----------
    confidence : (Q,) float in [0, 1], probability of each query's first answer.
    correct : (Q,) bool, whether that answer is relevant.

    Returns
    -------
    Mean over queries of |mean confidence - share correct| of their bin, in [0, 1].
    """
    order = np.argsort(confidence, kind="stable")
    over = (np.asarray(confidence, np.float64) - np.asarray(correct, np.float64))[order]
    return sum(abs(float(part.sum())) for part in np.array_split(over, bins)) / max(len(order), 1)


def auroc(known: NDArray[np.floating], unknown: NDArray[np.floating]) -> float:
    """Return the area under the ROC curve: how often an unknown query scores higher than a known one; ties count half.

    Parameters
    ----------
    known, unknown : (M,) and (N,) float, scores of the queries.

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
    """Return the minimiser of a function that first falls and then rises, by golden-section search."""
    golden = (5**0.5 - 1) / 2
    while high - low > 1e-4:
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if loss(left) < loss(right) else (left, high)
    return (low + high) / 2
