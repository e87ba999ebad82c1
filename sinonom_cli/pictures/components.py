"""Label the connected regions of a mask."""

from typing import Any

import numba
import numpy as np


@numba.njit(cache=True)
def components(mask: Any, corners: bool = True) -> Any:
    """Number the connected regions of a mask.

    Parameters
    ----------
    mask : (H, W) bool.
    corners : whether pixels that touch at a corner only are connected.

    Returns
    -------
    labels : (H, W) int32, from 1 in the order of their first pixels; 0 outside the mask.
    count : number of regions.
    """
    height, width = mask.shape
    labels = np.zeros((height, width), np.int32)
    stack = np.empty(mask.sum() + 1, np.int64)
    count = 0
    for start in range(height * width):
        if not mask[start // width, start % width] or labels[start // width, start % width]:
            continue
        count += 1
        labels[start // width, start % width] = count
        stack[0], top = start, 1
        while top:
            top -= 1
            row, column = stack[top] // width, stack[top] % width
            for y in range(max(0, row - 1), min(height, row + 2)):
                for x in range(max(0, column - 1), min(width, column + 2)):
                    if mask[y, x] and labels[y, x] == 0 and (corners or y == row or x == column):
                        labels[y, x] = count
                        stack[top] = y * width + x
                        top += 1
    return labels, count
