"""Find the two grey levels of a picture, ink and ground, decide which one is ink, and whether there is any ink.

This module needs numpy only.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDS = 6
FAINTEST = 4.0
"""Smallest difference between ink and ground, in grey levels; below it, a picture counts as blank."""
INVERTED = 1.7
"""Largest sum of twice the share of dark pixels and their share along the edge; above it, the light level is ink."""
MARGIN = 0.1
"""Share of the contrast, next to the ground, that counts as ground: paper grain and haze."""

_LEVELS = np.arange(256)


@dataclass(frozen=True)
class Levels:
    """The two grey levels of a picture.

    Attributes
    ----------
    low, high : means of its dark pixels and of its light pixels.
    last : largest grey level that counts as dark.
    share : share of dark pixels, 0 to 1.
    lightest : largest grey level in the picture.
    """

    low: float
    high: float
    last: int
    share: float
    lightest: int

    @property
    def contrast(self) -> float:
        """Return the difference between the two levels, in grey levels."""
        return self.high - self.low


def levels_of(grey: NDArray[np.uint8]) -> Levels | None:
    """Find the levels of an (H, W) uint8 picture; None if it is blank."""
    counts = np.bincount(grey.ravel(), minlength=256)
    number, total = np.cumsum(counts), np.cumsum(counts * _LEVELS)
    present = np.flatnonzero(counts)
    low, high, size = float(present[0]), float(present[-1]), grey.size
    for _ in range(ROUNDS):  # Ridler and Calvard 1978: the threshold lies midway between the means of its two classes
        last = int((low + high) / 2)
        below = int(number[last])
        if below in (0, size):
            return None
        low, high = int(total[last]) / below, int(total[-1] - total[last]) / (size - below)
    if high - low < FAINTEST:
        return None
    last = int((low + high) / 2)
    return Levels(low, high, last, int(number[last]) / size, int(present[-1]))


def edge_of(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values along the four sides of an (H, W) array."""
    return np.concatenate([values[0], values[-1], values[:, 0], values[:, -1]])


def ends_of(grey: NDArray[np.uint8], found: Levels) -> tuple[float, float]:
    """Decide the polarity of a picture: return the grey level where ground ends and that of full ink."""
    edge = edge_of(grey) <= found.last
    inverted = 2 * found.share + np.count_nonzero(edge) / len(edge) > INVERTED
    ground, full = (found.low, found.high) if inverted else (found.high, found.low)
    return ground + MARGIN * (full - ground), full


def ink_between(grey: NDArray[np.uint8], ground: NDArray[np.float64], full: NDArray[np.float64]) -> NDArray[np.float32]:
    """Map grey levels linearly from ground to full ink.

    Parameters
    ----------
    grey : (N, H, W) uint8.
    ground, full : (N,) float64, results of `ends_of`.

    Returns
    -------
    (N, H, W) float32 in [0, 1], 1 = ink.
    """
    ink = grey.astype(np.float32)
    ink -= ground.astype(np.float32)[:, None, None]
    ink *= (1 / (full - ground)).astype(np.float32)[:, None, None]
    np.maximum(ink, 0, out=ink)
    return np.minimum(ink, 1, out=ink)


def ink_of(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the ink of an (H, W) uint8 picture, (H, W) float32 in [0, 1]; None if it is blank."""
    found = levels_of(grey)
    if found is None:
        return None
    ground, full = np.array(ends_of(grey, found))[:, None]
    return ink_between(grey[None], ground, full)[0]
