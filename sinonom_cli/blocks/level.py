"""Take tilt, bow and twist out of a scanned block, and find the part of it that is carved."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.plates import refuse_two_blocks
from sinonom_cli.blocks.regions import around, largest
from sinonom_cli.blocks.relief_cells import tops_of
from sinonom_cli.blocks.smooth_surface import SmoothSurface

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.blocks.surface import Surface

EDGE, NEAR = 4, 0.5
"""How many cells beyond the carved cells the plate may go, where heights are within NEAR depths of the tops: the outer
part of a wide border."""
THREAD = 2
"""Half of the greatest width, in pixels, of threads that do not make what hangs on them a part of the plate."""
ABOVE, BELOW = 1.5, 6.0
"""How far a sample of the plate may lie above and below the tops, in depths; others are spikes or not the plate."""


@dataclass(frozen=True)
class Levelled:
    """Heights of a carved plate below its tops.

    Attributes
    ----------
    heights : (H, W) float32, in the surface's units: near 0 at the tops, negative on the ground; NaN outside `plate`.
    plate : (H, W) bool, the carved plate with its blanks.
    depth : typical depth of the relief, in the same units.
    tops : the surface through the tops; x in columns and y in rows of the map, z in the same units.
    """

    heights: "NDArray[np.float32]"
    plate: "NDArray[np.bool_]"
    depth: float
    tops: SmoothSurface


def level(surface: "Surface") -> Levelled:
    """Take tilt, bow and twist out of a block.

    Raises
    ------
    BadInput
        If the surface has no relief, or so little that no plate can be found, or two blocks.
    """
    heights = surface.heights
    there = np.isfinite(heights)
    length = max(int(np.count_nonzero(there.any(axis=axis))) for axis in (0, 1)) * surface.pixel
    refuse_two_blocks(heights, surface.pixel)
    zone, side, depth, fitted, _ = tops_of(heights, length)
    tops = SmoothSurface(fitted.coefficients, fitted.box, side)
    x, y = (np.arange(count) + 0.5 for count in heights.shape[::-1])
    below = (heights - tops.at_grid(x, y)).astype(np.float32)
    plate = _enlarged(zone, side, heights.shape) & (below < ABOVE * depth) & (below > -BELOW * depth)
    edge = _enlarged(around(zone, np.fmax, EDGE), side, heights.shape) & (np.abs(below) < NEAR * depth)
    plate = _without_threads(plate | edge)
    return Levelled(np.where(plate, below, np.float32(np.nan)), plate, depth, tops)


def _without_threads(mask: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return the largest part of a mask, without the threads that lead away from it."""
    core = largest(around(mask, np.fmin, THREAD))
    return mask & around(core, np.fmax, 2 * THREAD)


def _enlarged(zone: "NDArray[np.bool_]", side: int, shape: tuple[int, ...]) -> "NDArray[np.bool_]":
    return np.kron(zone, np.ones((side, side), bool))[: shape[0], : shape[1]]
