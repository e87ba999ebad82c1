"""Find the part of a scan that holds the block, and refuse scans in which two blocks lie side by side."""

from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.carved_face import PROBE, likely_sides, turn_to
from sinonom_cli.blocks.regions import around
from sinonom_cli.blocks.relief_cells import CELLS, change_of, relief_of
from sinonom_cli.errors import BadInput
from sinonom_cli.pictures.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.blocks.coarse import Coarse

BUSY = 0.4
"""Least change of height around a cell, as a share of the typical one, at which something is carved or ends there."""
SMALL = 0.4
"""Largest share of the seen area that a block takes if the rest is cut off: handles and margins take less than that."""
AROUND = 0.15
"""Width of what stays around the block, as a share of its longer side."""
PART = 0.1
"""Smallest region with changes of height that belongs to the block, as a share of the largest."""
SECOND = 0.2
"""Smallest carved region that is a second block, as a share of the first."""
CARVED = 75
"""Percentile of the changes of height that stands for the depth: more than a quarter of what is seen is carved."""
BELOW, NEAR = 3.0, 3
"""Least depth, in typical changes of height, below the highest cell up to NEAR cells away, of a table beside a block.
Blanks are 1 to 1.5 deep."""
FINE = 4
"""Number of steps along a cell in which gaps between blocks are looked for."""


def limits_of_block(scan: "Coarse") -> "NDArray[np.float64] | None":
    """Return where the block lies in a scan that shows much besides, such as a table; None for other scans.

    A table is smooth. The block is the region where heights change over a short way; at a coarse resolution this is
    its edge at least.

    Returns
    -------
    (2, 3) float64, lowest and highest x, y, z in the scan's coordinates; infinite along the direction of sight.
    """
    views = {side: scan.seen(turn_to(side), PROBE) for side in likely_sides(scan)}
    length = float((scan.survey.box[1] - scan.survey.box[0]).max())
    side = max(views, key=lambda name: relief_of(views[name][0], length))
    heights, pixel = views[side]
    cell = PROBE // CELLS
    change, _ = change_of(heights, cell)
    some = change[change > 0]
    if not len(some):
        return None
    busy = change > BUSY * _typical(some)
    labels, count = components(busy)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    sizes[0] = 0
    rows, columns = np.nonzero((sizes >= PART * sizes.max())[labels] & busy)
    x0, y0, x1, y1 = (cell * k for k in (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1))
    known = np.isfinite(heights)
    seen = float(known.any(axis=0).sum() * known.any(axis=1).sum())
    if (x1 - x0) * (y1 - y0) > SMALL * seen:
        return None
    margin = AROUND * max(x1 - x0, y1 - y0)
    middle = scan.box(turn_to(side)).mean(axis=0)
    half = len(heights) / 2
    low = np.array([(x0 - margin - half) * pixel, (half - y1 - margin) * pixel, -np.inf]) + middle
    high = np.array([(x1 + margin - half) * pixel, (half - y0 + margin) * pixel, np.inf]) + middle
    corners = np.array([_turned_back(low, side), _turned_back(high, side)])
    return np.array([corners.min(axis=0), corners.max(axis=0)])


def _turned_back(point: "NDArray[np.float64]", side: str) -> "NDArray[np.float64]":
    """Return a point of the view from a side in the scan's coordinates; the rotation only swaps axes and signs."""
    rotation = turn_to(side)
    axes = np.abs(rotation).argmax(axis=0)
    return np.asarray(point[axes] * rotation[axes, range(3)])


def _typical(change: "NDArray[np.float64]") -> float:
    """Return the change of height such that half of all change lies in cells with more."""
    some = np.sort(change)
    return float(some[np.searchsorted(np.cumsum(some), some.sum() / 2)])


def refuse_two_blocks(heights: "NDArray[np.float32]", pixel: float) -> None:
    """Refuse a height map in which two carved plates are separated by nothing, or by a table below them.

    Parameters
    ----------
    heights : (H, W) float32, in the scan's units; NaN where there is no surface.
    pixel : side of a pixel, in the same units.

    Raises
    ------
    BadInput
        With the places and sizes of both.
    """
    step = -(-max(heights.shape) // (FINE * CELLS))
    change, top = change_of(heights, FINE * step)
    some = change[change > 0]
    if not len(some):
        return
    depth = float(np.percentile(some, CARVED))
    low = top < around(top, np.fmax, NEAR) - BELOW * depth
    busy = (change > BUSY * depth) & (change < BELOW * depth)
    there = _any(np.isfinite(heights), step)
    low, busy = (np.kron(cells, np.ones((FINE, FINE), bool))[: len(there), : there.shape[1]] for cells in (low, busy))
    labels, count = components(around(there & ~low, np.fmax))  # a gap of two is a crack
    sizes = np.bincount(labels[busy], minlength=count + 1)
    sizes[0] = 0
    first, *others = np.argsort(-sizes, kind="stable")
    if not others or sizes[others[0]] < SECOND * sizes[first]:
        return
    one, other = (_box(labels == number) for number in (first, others[0]))
    beside, above = (one[k + 2] <= other[k] or other[k + 2] <= one[k] for k in (0, 1))
    if not beside and not above:
        return
    both = " and ".join(
        f"{(x1 - x0) * step * pixel:.4g} x {(y1 - y0) * step * pixel:.4g}" for x0, y0, x1, y1 in (one, other)
    )
    raise BadInput(
        f"two blocks lie {'side by side' if beside else 'one above the other'} in the scan, of {both}",
        "divide the scan, so that each block has a file",
    )


def _any(mask: "NDArray[np.bool_]", step: int) -> "NDArray[np.bool_]":
    """Return which squares of step x step pixels hold any of a mask."""
    rows, columns = (-(-length // step) for length in mask.shape)
    wide = np.zeros((rows * step, columns * step), bool)
    wide[: mask.shape[0], : mask.shape[1]] = mask
    return np.asarray(wide.reshape(rows, step, columns, step).any(axis=(1, 3)))


def _box(mask: "NDArray[np.bool_]") -> tuple[int, int, int, int]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
