"""Measure the relief of a height map in cells, and find the smooth surface through its tops.

Tops are strokes, rules and border, the parts of the plank's face that the knife has left. They are looked for only
where the heights change steeply over a short way. So handles, the uncarved margin and a table under the block, which
are smooth, have no say, whatever their size and height.
"""

from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sinonom_cli.blocks.regions import around, hull, inside
from sinonom_cli.blocks.smooth_surface import SmoothSurface, fit
from sinonom_cli.errors import BadInput
from sinonom_cli.pictures.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

CELLS = 160
"""Number of cells along the longer side of the map, at most. A cell is 2 mm wide on a block 30 cm long: narrower than
the gaps between most strokes, so that its neighbours hold a top wherever strokes stand."""
TOP, LOW = 0.9, 0.1
"""Quantiles of the heights in a cell that stand for its tops and its ground."""
STEP = 0.06
"""Smallest change of height between neighbouring cells, as a share of the block's longer side, that is no relief but
the edge of the block: 18 mm on 30 cm. Relief is about 0.11 of a character's width deep."""
SMOOTH, STEEP = 0.4, 4.0
"""Least and greatest change of height around a cell, in depths of the relief, at which the cell is carved."""
NEAR_TOP = 0.3
"""Largest distance of a cell's tops below those of its neighbours, in depths, at which they count as tops."""
REACH = 4
"""Largest number of cells without relief between two parts of the carved plate; blanks between columns have rules."""
PART = 0.1
"""Smallest carved part that belongs to the plate, as a share of the largest."""
LEAST = 0.02
"""Standard deviation of the tops that is assumed at least, in depths."""
FEWEST = 30
"""Smallest number of cells with tops that a block must have."""


class Tops(NamedTuple):
    """Tops of a relief.

    Attributes
    ----------
    zone : (rows, columns) bool, the cells of the carved plate.
    side : side of a cell, in pixels.
    depth : typical depth of the relief, in the units of the heights.
    surface : the smooth surface through the tops; x in columns and y in rows of cells.
    spread : median distance of the tops from it, in depths.
    """

    zone: "NDArray[np.bool_]"
    side: int
    depth: float
    surface: SmoothSurface
    spread: float


def tops_of(heights: "NDArray[np.floating]", length: float) -> Tops:
    """Find the surface through the tops of a height map.

    Parameters
    ----------
    heights : (H, W) float; NaN where there is no surface.
    length : of the block's longer side, in the units of the heights.

    Raises
    ------
    BadInput
        If there is no relief, or too little of it.
    """
    side = max(1, -(-max(heights.shape) // CELLS))
    cells = _cells(heights, side)
    # Without a first guess of the slopes, those of a tilted block would count as relief; then bow is taken out too.
    smooth = _tilt(cells[0])
    for last in (False, True):
        zone, points, depth = _tops(cells, smooth, STEP * length)
        surface = fit(points, _box_of(zone), LEAST * depth)
        smooth = surface.at_grid(*(np.arange(count) + 0.5 for count in zone.shape[::-1]))
        if last:
            off = points[:, 2] - smooth[points[:, 1].astype(int), points[:, 0].astype(int)]
    return Tops(zone, side, depth, surface, float(np.median(np.abs(off))) / depth)


def relief_of(heights: "NDArray[np.floating]", length: float) -> float:
    """Return the mean change of height around a cell, without edges of the block; parameters as for `tops_of`."""
    change, _ = change_of(heights, max(1, -(-max(heights.shape) // CELLS)))
    some = change[change < STEP * length]
    return float(some.mean()) if len(some) >= FEWEST else 0.0


def change_of(heights: "NDArray[np.floating]", side: int) -> "tuple[NDArray[np.float64], NDArray[np.float64]]":
    """Return the change of height around each cell, and its tops, (rows, columns) float64, without the tilt.

    Parameters
    ----------
    heights : (H, W) float; NaN where there is no surface.
    side : of a cell, pixels.

    Returns
    -------
    change : from the lowest to the highest of a cell and its neighbours; NaN where nothing is.
    top : heights of the tops; NaN in empty cells.
    """
    cells = _cells(heights, side)
    smooth = _tilt(cells[0])
    return around(cells[0] - smooth, np.fmax) - around(cells[1] - smooth, np.fmin), cells[0] - smooth


def _tops(
    cells: "NDArray[np.float64]", smooth: "NDArray[np.float64]", step: float
) -> "tuple[NDArray[np.bool_], NDArray[np.float64], float]":
    """Return the cells of the carved plate, its tops (N, 3) in cells and mesh units, and the relief's depth."""
    top, low = cells[0] - smooth, cells[1] - smooth
    highest = around(top, np.fmax)
    change = highest - around(low, np.fmin)
    some = np.sort(change[change < step])  # NaN compares as False
    if len(some) < FEWEST or not some[-1] > 0:
        raise _no_relief()
    # Half of all change lies in cells with more change than this: smooth handles count little.
    depth = float(some[np.searchsorted(np.cumsum(some), some.sum() / 2)])
    carved = (change > SMOOTH * depth) & (change < min(STEEP * depth, step))
    zone = _zone(carved)
    is_top = carved & zone & (top > highest - NEAR_TOP * depth)
    if is_top.sum() < FEWEST:
        raise _no_relief()
    rows, columns = np.nonzero(is_top)
    return zone, np.stack([columns + 0.5, rows + 0.5, cells[0][is_top]], axis=1), depth


def _no_relief() -> BadInput:
    return BadInput(
        "no carved plate was found: the surface has no relief of strokes, rules or a border",
        "give a scan of a whole block, or choose the carved side",
    )


@numba.njit(cache=True)
def _cells(heights: Any, side: int) -> Any:
    """Return high and low heights of each cell (TOP and LOW), (2, rows, columns) float64; NaN in empty cells."""
    rows, columns = -(-heights.shape[0] // side), -(-heights.shape[1] // side)
    out = np.full((2, rows, columns), np.nan)
    step = max(1, side // 8)  # at most some hundred samples of a cell
    some = np.empty(side * side)
    for i in range(rows):
        for j in range(columns):
            count = 0
            for y in range(i * side, min((i + 1) * side, heights.shape[0]), step):
                for x in range(j * side, min((j + 1) * side, heights.shape[1]), step):
                    if np.isfinite(heights[y, x]):
                        some[count] = heights[y, x]
                        count += 1
            if count:
                values = np.sort(some[:count])
                out[0, i, j] = values[int(TOP * (count - 1) + 0.5)]
                out[1, i, j] = values[int(LOW * (count - 1) + 0.5)]
    return out


def _tilt(top: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the plane whose slopes are the medians of the slopes between cells, (rows, columns) float64.

    Slopes show the tilt more safely than heights do: a handle or a table changes them only at its edge.
    """
    plane = np.zeros(top.shape)
    for axis, at in enumerate(np.ogrid[: top.shape[0], : top.shape[1]]):
        apart = max(1, top.shape[axis] // 16)
        later, earlier = (np.moveaxis(top, axis, 0)[part] for part in (slice(apart, None), slice(None, -apart)))
        slopes = (later - earlier)[np.isfinite(later - earlier)] / apart
        plane += (float(np.median(slopes)) if len(slopes) else 0.0) * at
    return plane


def _zone(carved: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return the convex hull of the carved cells that lie together, (rows, columns) bool."""
    near = around(carved, np.fmax, REACH // 2)
    labels, count = components(near)
    sizes = np.bincount(labels[carved], minlength=count + 1)
    sizes[0] = 0
    own = carved & (sizes >= max(1, PART * sizes.max()))[labels]
    return np.asarray(inside(hull(own, 1.5), carved.shape))


def _box_of(zone: "NDArray[np.bool_]") -> tuple[float, float, float, float]:
    rows, columns = np.nonzero(zone)
    return float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1)
