"""See a whole block from above, as a height map of 16 bits."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.zbuffer import draw_triangle
from sinonom_cli.relief.block_mesh import STRIP, Points, squares_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.relief.whole_block import Block

MAP_COLUMNS = ("pixel", "height_step", "height_offset", "map_x", "map_y")
"""Columns of `metadata.csv` for height maps, in mm. The value at column i and row j of the map shows the point
x = map_x + i pixel, y = map_y - j pixel, z = height_offset + height_step value of the turned block; 0 is a hole."""
HIGHEST = 65534
"""Largest value of a height: 65535 may mark holes, as 0 does."""


@dataclass(frozen=True)
class HeightMap:
    """A height map.

    Attributes
    ----------
    values : (H, W) uint16, 1 = deepest, 65534 = highest, 0 = no surface.
    pixel : side of a pixel, in mm.
    step, offset : a value's height is offset + step x value, in mm.
    corner : x and y of the centre of the first pixel, in mm.
    """

    values: "NDArray[np.uint16]"
    pixel: float
    step: float
    offset: float
    corner: tuple[float, float]

    def known(self) -> dict[str, str]:
        """Return the scale by the names of MAP_COLUMNS."""
        values = (self.pixel, self.step, self.offset, *self.corner)
        return dict(zip(MAP_COLUMNS, (f"{value:.9g}" for value in values), strict=True))


def map_of(block: "Block") -> HeightMap:
    """Look at a block, turned by its pose, from +Z; a pixel is as wide as the distance of the block's points."""
    points, whole = Points(block), squares_of(block.inside)
    low, high = _extent(points, whole)
    width, height = (math.ceil(float(high[k] - low[k]) / block.step) + 1 for k in (0, 1))
    heights = np.full((height, width), -np.inf, np.float32)
    for start in range(0, len(whole), STRIP):
        part = whole[start : start + STRIP]
        strip = _strip(points, part, start).astype(np.float64)
        strip[..., 0] = (strip[..., 0] - low[0]) / block.step
        strip[..., 1] = (high[1] - strip[..., 1]) / block.step
        _draw_squares(strip, part, heights)
    there = np.isfinite(heights)
    lowest, highest = float(heights[there].min()), float(heights[there].max())
    step = max(highest - lowest, 1e-6) / (HIGHEST - 1)
    values = np.where(there, np.where(there, heights - lowest, 0) / step + 1, 0).round().astype(np.uint16)
    return HeightMap(values, block.step, step, lowest - step, (float(low[0]), float(high[1])))


def _strip(points: Points, part: "NDArray[np.bool_]", start: int) -> "NDArray[np.float32]":
    """Return the points of rows of squares that begin at row `start`, (R + 1, C + 1, 3)."""
    at = np.indices((len(part) + 1, part.shape[1] + 1)).reshape(2, -1)
    return points.top(at[0] + start, at[1]).reshape(len(part) + 1, -1, 3)


def _extent(points: Points, whole: "NDArray[np.bool_]") -> "tuple[NDArray[np.float32], NDArray[np.float32]]":
    """Return the lowest and the highest x, y, z of the corners of squares."""
    low, high = np.full(3, np.inf, np.float32), np.full(3, -np.inf, np.float32)
    for start in range(0, len(whole), STRIP):
        part = whole[start : start + STRIP]
        strip, wide = _strip(points, part, start), np.pad(part, 1)
        corners = strip[wide[:-1, :-1] | wide[:-1, 1:] | wide[1:, :-1] | wide[1:, 1:]]
        low, high = (
            np.minimum(low, corners.min(axis=0, initial=np.inf)),
            np.maximum(high, corners.max(axis=0, initial=-np.inf)),
        )
    return low, high


@numba.njit(cache=True, error_model="numpy")
def _draw_squares(points: Any, whole: Any, heights: Any) -> None:
    """Draw both triangles of each square into a z-buffer; x and y are in pixels, with centres at whole numbers."""
    for i in range(whole.shape[0]):
        for j in range(whole.shape[1]):
            if whole[i, j]:
                a, b, c, d = points[i, j], points[i, j + 1], points[i + 1, j], points[i + 1, j + 1]
                draw_triangle(a[0], a[1], a[2], c[0], c[1], c[2], b[0], b[1], b[2], heights, 0, 0)
                draw_triangle(b[0], b[1], b[2], c[0], c[1], c[2], d[0], d[1], d[2], heights, 0, 0)
