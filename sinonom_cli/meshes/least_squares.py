"""Robust weighted least squares with the same bytes on every machine: Tukey's weights, and normal equations."""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def biweight(residual: float, width: float) -> float:
    """Return Tukey's biweight (Beaton and Tukey 1974) of a residual: 1 at 0, and 0 from `width` on.

    Parameters
    ----------
    residual, width : in one unit; width > 0.
    """
    return (1.0 - (residual / width) ** 2) ** 2 if abs(residual) < width else 0.0


@numba.njit(cache=True)
def biweights(residuals: Any, width: float) -> Any:
    """Return the biweights of (N,) float64 residuals, (N,) float64."""
    weights = np.empty(len(residuals))
    for n in range(len(residuals)):
        weights[n] = biweight(residuals[n], width)
    return weights


@numba.njit(cache=True)
def solved(system: Any, least: float) -> Any:
    """Solve symmetric normal equations by elimination, term by term: BLAS would round differently on other processors.

    Parameters
    ----------
    system : (K, K + 1) float64, upper half of the matrix, and the right side in the last column; it is overwritten.
    least : a pivot must be greater than this; otherwise the equations count as singular.

    Returns
    -------
    (K,) float64; empty if the equations are singular.
    """
    count = len(system)
    for i in range(count):
        if not system[i, i] > least:
            return np.empty(0)
        for k in range(i + 1, count):
            share = system[i, k] / system[i, i]
            for j in range(k, count + 1):
                system[k, j] -= share * system[i, j]
    found = np.zeros(count)
    for i in range(count - 1, -1, -1):
        total = system[i, count]
        for j in range(i + 1, count):
            total -= system[i, j] * found[j]
        found[i] = total / system[i, i]
    return found
