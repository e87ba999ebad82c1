"""Random numbers, smooth fields and blurs for batches of pictures, written once for numpy and for torch.

`carve` works in numpy, one large picture at a time, and must not need torch; training works in torch, on batches of
small ones. What both do with their arrays is the same, so that it is said here and in `physics` once.
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
    """Random numbers for N pictures of S x S pixels, and smooth fields made of them.

    Smooth fields are drawn on few points and interpolated: another S shows the same field in another resolution.

    Parameters
    ----------
    count, size : N and S.
    xp : numpy or torch.
    uniform, normal : give random arrays of a shape: even in [0, 1), and of mean 0 and variance 1.
    array : turns a numpy array into one of `xp` (on the right device).
    product, on_both_sides : of matrices: a @ b, and a @ b @ c.T.
    exp : e to the power of numbers <= 0.
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
        """(N, 1, 1), even in a range."""
        return low + (high - low) * self.uniform((self.count, 1, 1))

    def chance(self, share: float) -> Array:
        """(N,) bool, true for about that share."""
        return self.uniform((self.count,)) < share

    def noise(self) -> Array:
        """(N, S, S), normal, each pixel for itself."""
        return self.normal((self.count, self.size, self.size))

    def smooth(self, waves: int, across: int | None = None) -> Array:
        """(N, S, S), normal, about `waves` hills down and `across` hills across the picture."""
        across = across or waves
        coarse = self.normal((self.count, waves + 1, across + 1))
        rows, columns = (self.array(_hills(self.size, n + 1)) for n in (waves, across))
        return self.on_both_sides(rows, coarse, columns)

    def lines(self, corners: Array) -> Array:
        """(N, K, S): straight lines from each of the (N, K, M) corners, evenly spaced, to the next."""
        return self.product(corners, self.array(_ramps(self.size, corners.shape[2])))

    def numbers(self, count: int) -> Array:
        """(count,), 0, 1, 2, ..."""
        return self.array(np.arange(count, dtype=np.float32))

    def plane(self) -> tuple[Array, Array]:
        """(S, 1) and (1, S), the places of the pixels from -0.5 to 0.5 down and across."""
        place = self.array(_places(self.size))
        return place[:, None], place[None, :]

    def blurred(self, pictures: Array, deviation: Array) -> Array:
        """Gaussian blur, each picture (N, S, S) with its own deviation (N, 1, 1), a share of the side."""
        place = self.array(_places(self.size))
        weights = self.bell((place[:, None] - place[None, :]) / deviation)
        weights = weights / weights.sum(2)[:, :, None]
        return self.on_both_sides(weights, pictures, weights)

    def bell(self, away: Array) -> Array:
        """Unnormalised Gaussian, 0 from 4 deviations on: numbers next to zero slow all arithmetic down."""
        squares = away * away
        return (self.exp(-0.5 * squares.clip(max=16)) - math.exp(-8)) * (squares < 16)


def numpy_fields(rng: np.random.Generator, size: int, count: int = 1) -> RandomFields:
    """Return a RandomFields of numpy arrays; the same numbers give the same bytes whatever BLAS and its threads are."""
    from sinonom_cli.parallel.products import exp, on_both_sides, product

    return RandomFields(
        count,
        size,
        np,
        lambda shape: rng.random(shape, np.float32),
        lambda shape: rng.standard_normal(shape, np.float32),
        lambda array: array,
        product,
        on_both_sides,
        exp,
    )


def torch_fields(generator: Any, count: int, size: int, device: Any) -> RandomFields:
    """Return a RandomFields of torch tensors on `device`; numbers are drawn where the torch.Generator is."""
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
    """(size, count) weights of smooth interpolation between even points, of equal deviation everywhere."""
    from sinonom_cli.parallel.products import exp

    away = (_places(size)[:, None] + 0.5) * (count - 1) - np.arange(count)
    weights = exp(-0.5 * np.minimum((away / 0.5) ** 2, 16)) - math.exp(-8)
    return np.asarray(weights / np.sqrt((weights**2).sum(axis=1, keepdims=True)), np.float32)


@functools.lru_cache(64)
def _ramps(size: int, count: int) -> NDArray[np.float32]:
    """(count, size) weights of linear interpolation between even points."""
    away = np.abs((_places(size)[None, :] + 0.5) * (count - 1) - np.arange(count)[:, None])
    return np.asarray(np.maximum(1 - away, 0), np.float32)
