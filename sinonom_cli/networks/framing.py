"""Where characters lie in their pictures, and how they are brought to a fixed place and size: many pictures at once.

numpy only. Every sum is taken in one order, so that the numbers depend neither on BLAS, nor on the processor, nor on
what else is in the batch.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

SOLID = (0.3, 0.6)
"""Between these, ink begins to count for the frame."""
SPREAD = 4.0
"""The frame is so many standard deviations of the ink wide."""
NARROWEST = 0.2
"""Ratio of the two spreads below which a character (a single stroke) is not widened further."""
RIM = 0.12
"""Ink within this share of the picture's side from its edge counts less for the frame: it may be a neighbour's."""


@dataclass(frozen=True)
class Frames:
    """Where the characters of N pictures lie.

    Attributes
    ----------
    start : first row and first column, in pixels of the picture; (N, 2) float64.
    step : rows and columns of the picture per row and column of the result; (N, 2) float64.
    """

    start: NDArray[np.float64]
    step: NDArray[np.float64]


def frames_of(ink: NDArray[np.float32], size: int) -> Frames:
    """Find where characters lie, by moments.

    The centroid goes to the middle, the spread fills the frame; a narrow character is widened somewhat: the ratio of
    sides R becomes sqrt(sin(pi R / 2)) (Liu, Sako, Fujisawa 2004, aspect ratio function R8).

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
    """Weights along one side: 1 inside, falling to 0 at both ends over `RIM` of it."""
    place = (np.arange(length, dtype=np.float32) + 0.5) / length
    return np.clip(np.minimum(place, 1 - place) / RIM, 0, 1)


def _moments(
    profiles: NDArray[np.float64], lengths: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Means and standard deviations, (N, 2), of profiles (N, 2, L), pixel i covering i to i + 1; at least a pixel."""
    place = np.arange(profiles.shape[2]) + 0.5
    total = np.add.reduce(profiles, 2)
    empty = total < 1e-6
    total = np.where(empty, 1.0, total)
    mean = np.add.reduce(profiles * place, 2) / total
    variance = np.add.reduce(profiles * (place - mean[..., None]) ** 2, 2) / total
    deviation = np.maximum(np.sqrt(variance), 1)
    return np.where(empty, lengths / 2, mean), np.where(empty, lengths / SPREAD, deviation)


def framed(ink: NDArray[np.float32], frames: Frames, size: int) -> NDArray[np.float32]:
    """Resample pictures into their frames; outside a picture is ground.

    Parameters
    ----------
    ink : (N, H, W) float32 in [0, 1].
    frames : from `frames_of`.
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
    """Resample the rows of pictures: (N, L, M), (T, N, size) and (T, N, size, 1) -> (N, size, M) float32."""
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
    """Weights that resample rows and columns: triangle filter, wide enough not to alias; outside is ground.

    Parameters
    ----------
    frames : what is to be seen of N pictures.
    size : side of the result in pixels.
    shape : height and width of the pictures.

    Returns
    -------
    (T, N, 2, size) int64 and (T, N, 2, size, 1) float32: which T rows, and which T columns, each one of the result is
    made of, and their weights, which sum to 1 inside the picture and to less across its edge.
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
