"""Connected regions of a grid, convex hulls, and the pixels inside a polygon."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


def largest(mask: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return the largest connected region of a mask."""
    labels, _ = components(mask)
    sizes = np.bincount(labels.ravel(), minlength=2)
    sizes[0] = 0
    return mask & (labels == sizes.argmax())


def hull(mask: "NDArray[np.bool_]", margin: float) -> "NDArray[np.float64]":
    """Return the convex hull of the centres of a mask's pixels, with a margin around it (Andrew's monotone chain).

    Parameters
    ----------
    mask : (H, W) bool, not empty.
    margin : more than 0; the round corners have 16 directions.

    Returns
    -------
    (K, 2) float64: x, y of the corners in order, in pixels.
    """
    rows = np.nonzero(mask.any(axis=1))[0]
    ends = (mask[rows].argmax(axis=1), mask.shape[1] - 1 - mask[rows, ::-1].argmax(axis=1))
    corners = np.unique(np.concatenate([np.stack([end, rows], axis=1) for end in ends]) + 0.5, axis=0)
    if len(corners) > 2:
        corners = _hull(corners)
    offsets = np.array([(_COSINES[k], _COSINES[(k + 12) % 16]) for k in range(16)]) * margin
    return np.asarray(_hull(np.unique((corners[:, None] + offsets).reshape(-1, 2), axis=0)))


_COSINES = [np.cos(np.pi / 8 * k) for k in range(16)]


@numba.njit(cache=True)
def _hull(points: Any) -> Any:
    chain = np.empty((2 * len(points), 2))
    count = 0
    for half in range(2):
        base = count + 1
        for n in range(len(points)):
            x, y = points[n if half == 0 else len(points) - 1 - n]
            while count > base and (
                (chain[count - 1, 0] - chain[count - 2, 0]) * (y - chain[count - 2, 1])
                - (chain[count - 1, 1] - chain[count - 2, 1]) * (x - chain[count - 2, 0])
                <= 0
            ):
                count -= 1
            chain[count] = x, y
            count += 1
        count -= 1  # the last point begins the other half
    return chain[:count].copy()


@numba.njit(cache=True)
def inside(polygon: Any, shape: Any) -> Any:
    """Return the pixels whose centre lies inside a polygon.

    Parameters
    ----------
    polygon : (K, 2) float64 x, y in pixels; pixel (row, column) has its centre at (column + 0.5, row + 0.5).
    shape : H, W of the result.

    Returns
    -------
    (H, W) bool.
    """
    out = np.zeros(shape, np.bool_)
    crossings = np.empty(len(polygon))
    for row in range(shape[0]):
        y, count = row + 0.5, 0
        for k in range(len(polygon)):
            ax, ay = polygon[k - 1]
            bx, by = polygon[k]
            if (ay > y) != (by > y):
                crossings[count] = ax + (y - ay) / (by - ay) * (bx - ax)
                count += 1
        crossings[:count].sort()
        for k in range(0, count, 2):
            first = max(0, int(np.ceil(crossings[k] - 0.5)))
            out[row, first : max(first, min(shape[1], int(np.ceil(crossings[k + 1] - 0.5))))] = True
    return out


@numba.njit(cache=True)
def holds(polygon: Any, x: float, y: float) -> bool:
    """Return whether a point lies inside a polygon (K, 2): whether a ray from it crosses an odd number of edges."""
    found = False
    for k in range(len(polygon)):
        ax, ay = polygon[k - 1]
        bx, by = polygon[k]
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            found = not found
    return found


def around(values: "NDArray[Any]", choose: "np.ufunc", reach: int = 1) -> "NDArray[Any]":
    """Return the highest (np.fmax) or lowest (np.fmin) of the values up to `reach` cells away, NaN ignored."""
    for axis in (0, 1):
        moved = np.moveaxis(values, axis, 0)
        out = moved.copy()
        for shift in range(1, reach + 1):
            choose(out[shift:], moved[:-shift], out=out[shift:])
            choose(out[:-shift], moved[shift:], out=out[:-shift])
        values = np.moveaxis(out, 0, axis)
    return values
