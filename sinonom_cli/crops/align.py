"""Use a detector's boxes along a column as evidence for where its characters are.

Boxes are not matched to the transcript one by one, because a detector misses, splits and merges characters and also
finds paragraph marks. Each segment that the search in `cuts` considers costs more the less it agrees with any box.
Together with the ink, the expected heights and the number of characters, this corrects a wrong number of boxes.
"""

import numba
import numpy as np
from numpy.typing import NDArray

DISAGREEMENT = 12.0
"""Cost of a segment that no box touches; a segment that equals a box of score 1 costs 0."""


@numba.njit(cache=True)
def disagreement(
    spans: NDArray[np.float64], scores: NDArray[np.float64], height: int, tallest: int
) -> NDArray[np.float64]:
    """Return the cost of every segment of a column, given a detector's boxes.

    Parameters
    ----------
    spans : (m, 2) float64, top and bottom of each box, pixels.
    scores : (m,) float64 in [0, 1].
    height : height of the column, pixels.
    tallest : greatest height of a segment, pixels.

    Returns
    -------
    (height + 1, tallest + 1) float64; element [y, size] is the cost of the rows y <= row < y + size.
    """
    cost = np.full((height + 1, tallest + 1), DISAGREEMENT)
    for box in range(len(spans)):
        low, high = spans[box]
        for y in range(max(0, int(low) - tallest), min(height, int(high) + 1) + 1):
            for size in range(1, min(tallest, height - y) + 1):
                common = min(high, y + size) - max(low, y)
                if common <= 0:
                    continue
                share = common / (max(high, y + size) - min(low, y))
                cost[y, size] = min(cost[y, size], DISAGREEMENT * (1 - scores[box] * share))
    return cost


def agreement(spans: NDArray[np.float64], tops: NDArray[np.int64], bottoms: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the intersection over union, along the column, of each segment with the box nearest to it.

    Parameters
    ----------
    spans : (m, 2) float64, top and bottom of each box, pixels.
    tops, bottoms : (n,) int64, first row of each segment and the row below its last.

    Returns
    -------
    (n,) float64 in [0, 1]; 0 if there is no box.
    """
    if not len(spans):
        return np.zeros(len(tops))
    low, high = spans[:, 0][None], spans[:, 1][None]
    common = np.minimum(bottoms[:, None], high) - np.maximum(tops[:, None], low)
    total = np.maximum(bottoms[:, None], high) - np.minimum(tops[:, None], low)
    return np.clip(common / total, 0, 1).max(axis=1)
