"""Draw random fields for one whole page, which `physics` carves like a plate: lengths are in widths of a plate."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.parallel.products import exp
from sinonom_cli.relief.random_fields import RandomFields, numpy_tools


class PageFields(RandomFields):
    """Generator of random numbers and smooth fields, (1, R, C), on a grid of R x C points.

    Fields have the same hills, in plate widths, as on a single plate: a page has more of them. Memory grows with R x C
    only.

    Parameters
    ----------
    rng : source of all random numbers.
    rows, columns : R and C.
    plate : number of points along the side of a plate; it is also `size`.
    """

    def __init__(self, rng: np.random.Generator, rows: int, columns: int, plate: int) -> None:
        super().__init__(1, plate, *numpy_tools(rng))
        self.rows, self.columns = rows, columns

    def noise(self) -> NDArray[np.float32]:
        """Return (1, R, C) standard normal numbers, independent for each point."""
        return np.asarray(self.normal((1, self.rows, self.columns)))

    def smooth(self, waves: int, across: int | None = None) -> NDArray[np.float32]:
        """Return a smooth field (1, R, C), standard normal, with so many hills down and across for each plate."""
        down = max(1, round(waves * self.rows / self.size))
        right = max(1, round((across or waves) * self.columns / self.size))
        coarse = self.normal((down + 1, right + 1))
        down_only = np.ascontiguousarray(_interpolated(coarse, self.rows).T)
        return np.ascontiguousarray(_interpolated(down_only, self.columns).T)[None]

    def plane(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the coordinates of points in plate widths, from the middle: y, down, (R, 1) and x, across, (1, C)."""
        y, x = (((np.arange(n) + 0.5 - n / 2) / self.size).astype(np.float32) for n in (self.rows, self.columns))
        return y[:, None], x[None, :]

    def blurred(self, pictures: NDArray[np.float32], deviation: Any) -> NDArray[np.float32]:
        """Blur fields (1, R, C) by a Gaussian whose standard deviation, (1, 1, 1), is in plate widths."""
        width = float(np.asarray(deviation).item()) * self.size
        reach = min(math.ceil(4 * width), min(pictures.shape[1:]) - 1)
        weights = self.bell((np.arange(-reach, reach + 1, dtype=np.float32) / np.float32(width))[None])[0]
        return _convolved(_convolved(pictures[0], weights, reach).T, weights, reach).T[None]


def _convolved(field: NDArray[np.float32], weights: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    """Convolve the columns of a field, term by term; at its ends, the weights of what is there sum to 1."""
    rows = len(field)
    out, total = np.zeros_like(field), np.zeros((rows, 1), np.float32)
    for k, weight in enumerate(weights):
        away = k - reach
        here, there = slice(max(0, -away), rows - max(0, away)), slice(max(0, away), rows + min(0, away))
        out[here] += field[there] * weight
        total[here] += weight
    out /= total
    return out


def _interpolated(coarse: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Interpolate the rows of `coarse`, (N, M), smoothly to `size` rows, with equal variance everywhere.

    The weights are those of `RandomFields.smooth`: Gaussian, cut off at two rows' distance.
    """
    count = len(coarse)
    at = (np.arange(size) + 0.5) / size * (count - 1)
    out = np.zeros((size, coarse.shape[1]), np.float32)
    nearest = [np.floor(at).astype(np.int64) + k for k in range(-2, 4)]
    weights = np.zeros((6, size))
    for k, row in enumerate(nearest):
        there = (row >= 0) & (row < count)
        weights[k] = np.where(there, exp(-0.5 * np.minimum(((at - row) / 0.5) ** 2, 16)) - math.exp(-8), 0)
    weights /= np.sqrt((weights**2).sum(axis=0))
    for row, weight in zip(nearest, weights.astype(np.float32), strict=True):
        out += coarse[row.clip(0, count - 1)] * weight[:, None]
    return out
