"""The largest region of a grid, runs, convex hulls, and the pixels inside a polygon."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.pictures.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray


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


@numba.njit(cache=True)
def runs(mask: Any) -> Any:
    """Return the length of the run of pixels through each pixel of a mask.

    Parameters
    ----------
    mask : (H, W) bool.

    Returns
    -------
    across, down : (H, W) int32, along the row and along the column; 0 outside the mask.
    """
    height, width = mask.shape
    across, down = np.zeros((height, width), np.int32), np.zeros((height, width), np.int32)
    for y in range(height):
        start = 0
        for x in range(width + 1):
            if x == width or not mask[y, x]:
                across[y, start:x] = x - start
                start = x + 1
    for x in range(width):
        start = 0
        for y in range(height + 1):
            if y == height or not mask[y, x]:
                down[start:y, x] = y - start
                start = y + 1
    return across, down
