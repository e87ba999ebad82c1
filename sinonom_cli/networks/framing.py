"""Find where characters lie in their pictures and bring them to a fixed place and size, many pictures at once.

The code uses numpy only. Every sum is taken in a fixed order, so that the result depends neither on BLAS, nor on the
processor, nor on the other pictures of the batch.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SOLID = (0.3, 0.6)
"""Ink values between which a pixel's weight for the frame rises from 0 to 1."""
SPREAD = 4.0
"""Width of the frame, in standard deviations of the ink."""
NARROWEST = 0.2
"""Smallest ratio of the two spreads; a narrower character (a single stroke) is not widened further."""
RIM = 0.12
"""Share of the picture's side, from its edge, within which ink has less weight: it may belong to a neighbour."""


@dataclass(frozen=True)
class Frames:
    """Frames of the characters in N pictures.

    Attributes
    ----------
    start : first row and first column of the frame, in pixels of the picture; (N, 2) float64.
    step : rows and columns of the picture for each row and column of the result; (N, 2) float64.
    """

    start: NDArray[np.float64]
    step: NDArray[np.float64]


def frames_of(ink: NDArray[np.float32], size: int) -> Frames:
    """Find where characters lie, from the moments of their ink.

    The centroid goes to the middle, and the spread fills the frame. A narrow character is widened somewhat: the ratio
    of sides R becomes sqrt(sin(pi R / 2)) (Liu, Sako, Fujisawa 2004, aspect ratio function R8).

    Parameters
    ----------
    ink : (N, H, W) float32 in [0, 1], 1 = ink.
    size : side of the result in pixels.
    """
    count, *shape = ink.shape
    weight = ink - np.float32(SOLID[0])
    weight *= np.float32(1 / (SOLID[1] - SOLID[0]))
    np.maximum(weight, 0, out=weight)
    np.minimum(weight, 1, out=weight)
    weight *= rim(shape[0])[:, None]
    weight *= rim(shape[1])
    profiles = np.zeros((count, 2, max(shape)))
    for axis, length in enumerate(shape):
        profiles[:, axis, :length] = np.add.reduce(weight, 2 - axis)
    mean, deviation = _moments(profiles, np.array(shape, np.float64))
    ratio = deviation / deviation.max(axis=1, keepdims=True)
    side = SPREAD * deviation / np.sqrt(np.sin(np.pi / 2 * np.maximum(ratio, NARROWEST)))
    return Frames(mean - side / 2, side / size)


@lru_cache(1024)
def rim(length: int) -> NDArray[np.float32]:
    """Return weights along one side, (length,) float32: 1 inside, falling to 0 over the share `RIM` at both ends."""
    place = (np.arange(length, dtype=np.float32) + 0.5) / length
    return np.clip(np.minimum(place, 1 - place) / RIM, 0, 1)


def _moments(
    profiles: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the means and standard deviations, (N, 2) pixels each, of profiles (N, 2, L).

    Pixel i covers i to i + 1. A deviation is at least 1.
    """
    place = np.arange(profiles.shape[2]) + 0.5
    total = np.add.reduce(profiles, 2)
    empty = total < 1e-6
    total = np.where(empty, 1.0, total)
    mean = np.add.reduce(profiles * place, 2) / total
    variance = np.add.reduce(profiles * (place - mean[..., None]) ** 2, 2) / total
    deviation = np.maximum(np.sqrt(variance), 1)
    return np.where(empty, lengths / 2, mean), np.where(empty, lengths / SPREAD, deviation)


def framed(ink: NDArray[np.float32], frames: Frames, size: int) -> NDArray[np.float32]:
    """Resample pictures into their frames; everything outside a picture is ground.

    Parameters
    ----------
    ink : (N, H, W) float32 in [0, 1].
    frames : frames from `frames_of`.
    size : side of the result in pixels.

    Returns
    -------
    (N, size, size) float32 in [0, 1].
    """
    places, weights = resampling(frames, size, ink.shape[1:])
    rows = _resampled(ink, places[:, :, 0], weights[:, :, 0])
    columns = _resampled(np.ascontiguousarray(rows.swapaxes(1, 2)), places[:, :, 1], weights[:, :, 1])
    both = np.ascontiguousarray(columns.swapaxes(1, 2))
    return np.minimum(both, 1, out=both)


def _resampled(
    values: NDArray[np.float32], places: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Resample the rows of pictures; return (N, size, M) float32.

    The shapes are (N, L, M) of `values`, (T, N, size) of `places` and (T, N, size, 1) of `weights`.
    """
    count, length, width = values.shape
    rows = values.reshape(count * length, width)
    places = places + (np.arange(count) * length)[:, None]
    found = rows.take(places[0], 0)
    found *= weights[0]
    for place, weight in zip(places[1:], weights[1:], strict=True):
        part = rows.take(place, 0)
        part *= weight
        found += part
    return found


def resampling(frames: Frames, size: int, shape: tuple[int, ...]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the weights of a triangle filter, wide enough not to alias, that resamples rows and columns.

    Parameters
    ----------
    frames : frames of N pictures; everything outside a picture is ground.
    size : side of the result in pixels.
    shape : height and width of the pictures in pixels.

    Returns
    -------
    (T, N, 2, size) int64 and (T, N, 2, size, 1) float32: the T rows and the T columns that each row and column of the
    result is made of, and their weights. These sum to 1 inside the picture and to less across its edge.
    """
    step, ends = frames.step[..., None], np.array(shape)[:, None] - 1
    reach = np.maximum(step, 1.0)
    centre = frames.start[..., None] + (np.arange(size) + 0.5) * step - 0.5
    taps = np.arange(1, math.ceil(2 * reach.max()) + 1).reshape(-1, 1, 1, 1)
    places = np.floor(centre - reach).astype(np.int64) + taps
    weights = reach - np.abs(places - centre)
    np.maximum(weights, 0, out=weights)
    weights /= np.add.reduce(weights, 0)
    inside = np.minimum(np.maximum(places, 0), ends)
    weights *= inside == places
    return inside, weights.astype(np.float32)[..., None]
