"""Turn prepared pictures of characters by a few degrees, as if the camera had been held straight."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from sinonom_cli.networks.framing import framed, frames_of
from sinonom_cli.networks.test_time_augmentation import seen_as

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Turns(NamedTuple):
    """How pictures were set upright.

    Attributes
    ----------
    degrees : (n,) int64, by how many degrees each was turned, positive: clockwise; 0: it was not.
    sure : (n,) float64 in (0, 1], how far other turns show the same character; 1 if none was tried.
    """

    degrees: NDArray[np.int64]
    sure: NDArray[np.float64]


def turned(pictures: NDArray[np.float32], degrees: float) -> NDArray[np.float32]:
    """Turn pictures, and bring their characters into their frames again, since turned ink has another spread.

    What lies outside of the first frame stays cut off: when the whole picture was turned before it was framed, fewer
    characters were named.

    Parameters
    ----------
    pictures : (N, S, S) float32 in [0, 1], 1 = ink, from `prepare`.
    degrees : positive: clockwise.

    Returns
    -------
    (N, S, S) float32 in [0, 1].
    """
    size = pictures.shape[1]
    ink = seen_as(pictures, (degrees, 1.0, 0.0, 0.0))
    return framed(ink, frames_of(ink, size), size)
