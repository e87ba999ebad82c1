"""Estimate the displacement that is left after an affine registration as a smooth flow.

The method is one step of weighted least squares over windows (Lucas and Kanade 1981, "An iterative image registration
technique with an application to stereo vision", IJCAI, equation 9 in two dimensions). The windows are Gaussian, and a
Tikhonov ridge pulls the flow to 0 where there is no edge. One step is enough, because an affine registration leaves a
displacement of a pixel or less.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.search.align import blurred, slopes

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 0.1
"""Standard deviation of the Gaussian windows, as a share of the picture's side."""
RIDGE = 3.0
"""Ridge added to each window's normal equations, as a multiple of the mean squared gradient of the query."""


def flow(query: NDArray[np.float32], candidates: NDArray[np.float32]) -> NDArray[np.float32]:
    """Estimate the displacement of candidates against the query at each place.

    Parameters
    ----------
    query : (S, S) float32, smooth.
    candidates : (N, S, S) float32, smooth, registered with the query to about one pixel.

    Returns
    -------
    (N, 2, S, S) float32, pixels to the right and downwards: a candidate shows at a place plus its flow what the query
    shows at the place. The flow is pulled to 0 more strongly where there are fewer edges; it is 0 for blank pictures.
    """
    goal, seen = standardised(query), standardised(candidates)
    down, across = slopes(goal, 0), slopes(goal, 1)
    deviation = WINDOW * len(query)
    xx, xy, yy = blurred(np.stack([across * across, across * down, down * down]), deviation)
    ridge = RIDGE * (across * across + down * down).mean() / 2 + 1e-12
    xx, yy = xx + ridge, yy + ridge
    residual = goal - seen
    x, y = blurred(np.stack([residual * across, residual * down]), deviation)
    share = 1 / (xx * yy - xy * xy)
    return np.stack([(yy * x - xy * y) * share, (xx * y - xy * x) * share], axis=1)


def roughness(flows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how much flows change from place to place.

    Parameters
    ----------
    flows : (N, 2, S, S) float32, from `flow`.

    Returns
    -------
    (N,) float64, >= 0: the mean over places of the square root of the length of the flow's gradient. The root gives a
    single break in a stroke less weight than displaced strokes all over the character.
    """
    down, across = slopes(flows, 2), slopes(flows, 3)
    length = np.sqrt((down * down + across * across).sum(axis=1))
    return np.sqrt(length).mean(axis=(1, 2), dtype=np.float64)


def standardised(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalise pictures, (..., S, S), to mean 0 and standard deviation 1; blank ones become 0."""
    centred = pictures - pictures.mean(axis=(-2, -1), keepdims=True)
    deviation = np.sqrt((centred * centred).mean(axis=(-2, -1), keepdims=True))
    return centred / np.maximum(deviation, np.float32(1e-6))
