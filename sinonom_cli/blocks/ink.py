"""Turn the heights of a levelled plate into ink, as a print of it would show: 1 on tops, 0 on the ground.

Neither the tops nor the ground have one height: tops are worn, the ground between close strokes is shallow and that of
blanks is deep. So both are estimated around each pixel, from the samples that belong to them, and anew from the better
division that follows.
"""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.blocks.level import Levelled
from sinonom_cli.blocks.regions import around, runs

if TYPE_CHECKING:
    from numpy.typing import NDArray

FIRST = 0.15
"""Depth, as a share of the relief's, that divides tops from ground at first. Of 0.15 to 0.4, it gave the
least false ink on simulated blocks, and as much true ink as the others."""
ROUNDS = 3
"""Number of divisions into tops and ground. Of 1 to 3, the most gave the least false ink on simulated
blocks."""
ABOUT_TOPS = 8.0
"""Radius of the areas in which tops are averaged, in widths of a stroke. A character is about 9 wide."""
WIDER = 4.0
"""Radius of the areas that count where those hold too few tops, as a multiple."""
LITTLE = 0.05
"""Weight of these wider areas, as the share of the area that tops cover."""
UNDER = 1.25
"""Half of the width of what counts as strokes, in widths of a stroke; below them, the ground goes on from the sides."""
SHALLOW = 0.3
"""Least distance between tops and ground, in depths: the grain of wide tops and the roughness of ground are no ink."""
FOOT, HEAD = 0.4, 0.9
"""Shares of the way from the ground to the tops at which ink begins and is full. The ground of real scans varies by
0.16 to 0.20 of the depth, tops by 0.05 to 0.09."""


def ink(levelled: Levelled) -> "NDArray[np.float32]":
    """Return the ink that a print of the plate shows.

    Parameters
    ----------
    levelled : result of `level`.

    Returns
    -------
    (H, W) float32 from 0 (ground) to 1 (tops); 0 outside the plate.
    """
    heights, plate = np.nan_to_num(levelled.heights), levelled.plate
    tops = plate & (heights > -FIRST * levelled.depth)
    share = np.zeros(heights.shape, np.float32)
    for _ in range(ROUNDS):
        width = stroke_width(tops)
        if not width:
            break
        high = _about(heights, tops, width * ABOUT_TOPS)
        low = np.minimum(_under(levelled.heights, width * UNDER), high - np.float32(SHALLOW * levelled.depth))
        share = (heights - low) / (high - low)
        tops = plate & (share > (FOOT + HEAD) / 2)
    return np.where(plate, np.clip((share - FOOT) / (HEAD - FOOT), 0, 1), 0).astype(np.float32)


def stroke_width(mask: "NDArray[np.bool_]") -> int:
    """Return the usual width of a mask's strokes.

    The width at a pixel is the shorter of its runs along the row and the column; the result is the median over the
    pixels, each weighted by 1 / width^2, so that a wide border counts no more than a thin one.

    Parameters
    ----------
    mask : (H, W) bool.

    Returns
    -------
    Width in pixels; 0 for an empty mask.
    """
    counts = np.bincount(np.minimum(*runs(mask))[mask], minlength=1).astype(np.float64)
    counts[1:] /= np.arange(1, len(counts)) ** 2.0
    return int((np.cumsum(counts) > counts.sum() / 2).argmax())


def _about(heights: "NDArray[np.float32]", which: "NDArray[np.bool_]", radius: float) -> "NDArray[np.float32]":
    """Return the mean height, around each pixel, of the samples of a mask (normalised convolution), (H, W) float32."""
    side = max(1, int(radius / 4))
    rows, columns = (-(-count // side) for count in heights.shape)
    weights, sums = _binned(heights, which, side, rows, columns)
    near, far = radius / side / 2, radius * WIDER / side / 2
    overall = sums.sum() / max(weights.sum(), 1)
    wide = _blurred(sums, far) + LITTLE * LITTLE * overall
    wide /= _blurred(weights, far) + LITTLE * LITTLE
    local = (_blurred(sums, near) + LITTLE * wide) / (_blurred(weights, near) + LITTLE)
    return _spread(local, side, heights.shape[0], heights.shape[1])


@numba.njit(cache=True)
def _binned(heights: Any, which: Any, side: int, rows: int, columns: int) -> Any:
    """Return the share of each cell that a mask covers, and the mean of heights times mask; (rows, columns) float64."""
    weights, sums = np.zeros((rows, columns)), np.zeros((rows, columns))
    for y in range(heights.shape[0]):
        for x in range(heights.shape[1]):
            if which[y, x]:
                weights[y // side, x // side] += 1.0 / (side * side)
                sums[y // side, x // side] += heights[y, x] / (side * side)
    return weights, sums


def _under(heights: "NDArray[np.float32]", radius: float) -> "NDArray[np.float32]":
    """Return the ground under strokes: the heights without all that is narrower than twice the radius (opening).

    NaN is ignored and filled. The heights are taken down to cells of a quarter of the radius first, by their lowest.
    """
    side = max(1, int(radius / 4))
    rows, columns = (-(-count // side) for count in heights.shape)
    wide = np.full((rows * side, columns * side), np.nan, np.float32)
    wide[: heights.shape[0], : heights.shape[1]] = heights
    lowest = np.fmin.reduce(np.fmin.reduce(wide.reshape(rows, side, columns, side), axis=3), axis=1)
    reach = max(1, round(radius / side))
    opened = around(around(lowest, np.fmin, reach), np.fmax, reach)
    low = np.nan_to_num(opened, nan=float(np.nanmin(opened))).astype(np.float64)
    return _spread(_blurred(low, reach / 2), side, heights.shape[0], heights.shape[1])


def _blurred(values: "NDArray[np.float64]", deviation: float) -> "NDArray[np.float64]":
    """Return values after three box filters, which together are nearly a Gaussian of this standard deviation."""
    reach = max(1, round((np.sqrt(4 * deviation**2 + 1) - 1) / 2))
    for axis in (0, 1):
        moved = np.moveaxis(values, axis, 0)
        for _ in range(3):
            padded = np.pad(moved, ((reach + 1, reach), (0, 0)))
            sums = np.cumsum(padded, axis=0)
            moved = (sums[2 * reach + 1 :] - sums[: -2 * reach - 1]) / (2 * reach + 1)
        values = np.moveaxis(moved, 0, axis)
    return values


@numba.njit(cache=True)
def _spread(cells: Any, side: int, height: int, width: int) -> Any:
    """Interpolate cells linearly to pixels, (height, width) float32."""
    out = np.empty((height, width), np.float32)
    last_row, last_column = cells.shape[0] - 1, cells.shape[1] - 1
    for y in range(height):
        at = min(max((y + 0.5) / side - 0.5, 0.0), float(last_row))
        row = min(int(at), max(0, last_row - 1))
        down, lower = at - row, min(row + 1, last_row)
        for x in range(width):
            at = min(max((x + 0.5) / side - 0.5, 0.0), float(last_column))
            column = min(int(at), max(0, last_column - 1))
            right, other = at - column, min(column + 1, last_column)
            upper_value = (1 - right) * cells[row, column] + right * cells[row, other]
            lower_value = (1 - right) * cells[lower, column] + right * cells[lower, other]
            out[y, x] = (1 - down) * upper_value + down * lower_value
    return out
