"""Draw random numbers, smooth fields and blurs for batches of pictures, with the same code for numpy and torch.

`carve` works in numpy, on one large picture at a time, and must not need torch. Training works in torch, on batches of
small pictures. Both perform the same operations on their arrays, which are written once, here and in `physics`.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any
"""A numpy array or a torch tensor of float32."""


class RandomFields:
    """Generator of random numbers for N pictures of S x S pixels, and of smooth fields made from them.

    Smooth fields are drawn on few points and interpolated, so another S shows the same field at another resolution.

    Parameters
    ----------
    count, size : N and S.
    xp : numpy or torch.
    uniform, normal : functions that return random arrays of a shape: uniform in [0, 1); normal with mean 0 and variance
        1.
    array : function that converts a numpy array into an array of `xp` (on the right device).
    product, on_both_sides : functions that return the matrix products a @ b and a @ b @ c.T.
    exp : function that returns e ** x for x <= 0.
    """

    def __init__(
        self,
        count: int,
        size: int,
        xp: Any,
        uniform: Callable[[tuple[int, ...]], Array],
        normal: Callable[[tuple[int, ...]], Array],
        array: Callable[[NDArray[np.float32]], Array],
        product: Callable[[Array, Array], Array],
        on_both_sides: Callable[[Array, Array, Array], Array],
        exp: Callable[[Array], Array],
    ) -> None:
        self.count, self.size, self.xp = count, size, xp
        self.uniform, self.normal, self.array = uniform, normal, array
        self.product, self.on_both_sides, self.exp = product, on_both_sides, exp

    def within(self, low: float, high: float) -> Array:
        """Return (N, 1, 1) numbers drawn uniformly between `low` and `high`."""
        return low + (high - low) * self.uniform((self.count, 1, 1))

    def chance(self, share: float) -> Array:
        """Return (N,) bool, each True with probability `share`."""
        return self.uniform((self.count,)) < share

    def noise(self) -> Array:
        """Return (N, S, S) standard normal numbers, independent for each pixel."""
        return self.normal((self.count, self.size, self.size))

    def smooth(self, waves: int, across: int | None = None) -> Array:
        """Return smooth fields (N, S, S), standard normal, with about `waves` hills down and `across` hills across."""
        across = across or waves
        coarse = self.normal((self.count, waves + 1, across + 1))
        rows, columns = (self.array(_hills(self.size, n + 1)) for n in (waves, across))
        return self.on_both_sides(rows, coarse, columns)

    def lines(self, corners: Array) -> Array:
        """Return straight lines (N, K, S) through evenly spaced corners, (N, K, M)."""
        return self.product(corners, self.array(_ramps(self.size, corners.shape[2])))

    def numbers(self, count: int) -> Array:
        """Return the numbers 0, 1, 2, ..., (count,)."""
        return self.array(np.arange(count, dtype=np.float32))

    def plane(self) -> tuple[Array, Array]:
        """Return the coordinates of the pixels, from -0.5 to 0.5: y, down, (S, 1) and x, across, (1, S)."""
        place = self.array(_places(self.size))
        return place[:, None], place[None, :]

    def blurred(self, pictures: Array, deviation: Array) -> Array:
        """Blur each picture (N, S, S) by a Gaussian with its own standard deviation (N, 1, 1), a share of the side."""
        place = self.array(_places(self.size))
        weights = self.bell((place[:, None] - place[None, :]) / deviation)
        weights = weights / weights.sum(2)[:, :, None]
        return self.on_both_sides(weights, pictures, weights)

    def bell(self, away: Array) -> Array:
        """Return the unnormalised Gaussian, truncated at 4 sigma so that products never reach denormals."""
        squares = away * away
        return (self.exp(-0.5 * squares.clip(max=16)) - math.exp(-8)) * (squares < 16)


def numpy_tools(rng: np.random.Generator) -> tuple[Any, ...]:
    """Return the arguments of RandomFields after `size`, for numpy; equal random numbers give equal bytes anywhere."""
    from sinonom_cli.parallel.products import exp, on_both_sides, product

    return (
        np,
        lambda shape: rng.random(shape, np.float32),
        lambda shape: rng.standard_normal(shape, np.float32),
        lambda array: array,
        product,
        on_both_sides,
        exp,
    )


def numpy_fields(rng: np.random.Generator, size: int, count: int = 1) -> RandomFields:
    """Return random fields of numpy arrays; equal random numbers give equal bytes with any BLAS."""
    return RandomFields(count, size, *numpy_tools(rng))


def torch_fields(generator: Any, count: int, size: int, device: Any) -> RandomFields:
    """Return a RandomFields of torch tensors on `device`; numbers are drawn on the device of the torch.Generator."""
    import torch

    at = generator.device
    return RandomFields(
        count,
        size,
        torch,
        lambda shape: torch.rand(shape, generator=generator, device=at).to(device),
        lambda shape: torch.randn(shape, generator=generator, device=at).to(device),
        lambda array: torch.from_numpy(array).to(device),
        torch.matmul,
        torch_on_both_sides,
        torch.exp,
    )


def torch_on_both_sides(rows: Any, fields: Any, columns: Any) -> Any:
    """Return rows @ fields @ columns.T of stacks of tensors."""
    return rows @ fields @ columns.mT


@functools.lru_cache(64)
def _places(size: int) -> NDArray[np.float32]:
    return ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)


@functools.lru_cache(64)
def _hills(size: int, count: int) -> NDArray[np.float32]:
    """Return (size, count) weights of smooth interpolation between even points, with equal variance everywhere."""
    from sinonom_cli.parallel.products import exp

    away = (_places(size)[:, None] + 0.5) * (count - 1) - np.arange(count)
    weights = exp(-0.5 * np.minimum((away / 0.5) ** 2, 16)) - math.exp(-8)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)


@functools.lru_cache(64)
def _ramps(size: int, count: int) -> NDArray[np.float32]:
    """Return (count, size) weights of linear interpolation between evenly spaced points."""
    away = np.abs((_places(size)[None, :] + 0.5) * (count - 1) - np.arange(count)[:, None])
    return np.asarray(np.maximum(1 - away, 0), np.float32)
