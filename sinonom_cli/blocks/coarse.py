"""Make a coarse model of a scan of any number of faces, which the carved side and the way that a block lies show in."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numba
import numpy as np

from sinonom_cli.meshes.survey import Survey, survey
from sinonom_cli.meshes.zbuffer import cover, extent

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.blocks.scan import Scan

CELLS = 640
"""Number of cells along the longest side of the scan: 0.5 mm on 30 cm."""
SPOT = 0.75
"""Half of the side, in cells, of the spot that stands for the small triangles of a cell in height maps."""


class Coarse(NamedTuple):
    """Coarse model of a scan.

    Attributes
    ----------
    large : (L, 3, 3) float32, all triangles that are longer than a cell along x, y or z.
    small : (S, 3) float32, the centre of one of the other triangles of each cell.
    cell : side of a cell, mesh units.
    survey : of all triangles.
    spread : (3, 3) float64, covariance of the centres of all triangles.
    """

    large: "NDArray[np.float32]"
    small: "NDArray[np.float32]"
    cell: float
    survey: Survey
    spread: "NDArray[np.float64]"

    def box(self, rotation: "NDArray[np.float64]") -> "NDArray[np.float64]":
        """Return the bounding box of the turned model, (2, 3) float64: lowest and highest x, y, z."""
        one, other = extent(self.large, rotation), extent(self.small[:, None], rotation)
        return np.array([np.minimum(one[0], other[0]), np.maximum(one[1], other[1])])

    def seen(self, rotation: "NDArray[np.float64]", size: int) -> "tuple[NDArray[np.float64], float]":
        """Return a height map of the turned model and the side of its pixels.

        Returns
        -------
        (size, size) float64, heights from the middle of the box, mesh units, from +Z with y up; NaN where nothing is.
        """
        box = self.box(rotation)
        width, middle = float((box[1] - box[0])[:2].max()), box.mean(axis=0)
        heights = np.full((size, size), -np.inf, np.float32)
        cover(self.large, rotation, middle, size / width, size / 2 - 0.5, heights, 0, 0)
        _spot(self.small, rotation, middle, size / width, SPOT * self.cell * size / width, heights)
        return np.where(heights > -np.inf, heights, np.nan).astype(np.float64), width / size


def coarse_of(scan: "Scan") -> Coarse:
    """Return the coarse model of a scan.

    Of scans with small faces it has some two million triangles at most. How the scan is divided into blocks changes
    only the rounding of sums.

    Parameters
    ----------
    scan : the longest side of its box is more than 0.
    """
    box = scan.box
    cell = float((box[1] - box[0]).max()) / CELLS
    taken = np.zeros([int(length / cell) + 2 for length in box[1] - box[0]], np.bool_)
    large, small, facing, shown, moments, count = [], [], np.zeros(3), np.zeros(3), np.zeros((4, 3)), 0
    for block in scan:
        one, other = _thinned(block, box[0], cell, taken)
        large.append(one)
        small.append(other)
        found = survey(block)
        facing, shown = facing + found.facing, shown + found.shown
        moments += _moments(block, box.mean(axis=0))
        count += len(block)
    mean = moments[3] / count
    spread = moments[:3] / count - np.multiply.outer(mean, mean)
    return Coarse(np.concatenate(large), np.concatenate(small), cell, Survey(box, facing, shown), spread)


@numba.njit(cache=True)
def _thinned(triangles: Any, low: Any, cell: float, taken: Any) -> Any:
    """Return the triangles that are longer than a cell, and the centres of those in cells not `taken` before."""
    large, small = np.empty((len(triangles), 3, 3), np.float32), np.empty((len(triangles), 3), np.float32)
    many = few = 0
    for f in range(len(triangles)):
        longest = np.float32(0)
        for k in range(3):
            a, b, c = triangles[f, 0, k], triangles[f, 1, k], triangles[f, 2, k]
            longest = max(longest, max(a, b, c) - min(a, b, c))
        if longest > cell:
            large[few] = triangles[f]
            few += 1
            continue
        x = (float(triangles[f, 0, 0]) + triangles[f, 1, 0] + triangles[f, 2, 0]) / 3
        y = (float(triangles[f, 0, 1]) + triangles[f, 1, 1] + triangles[f, 2, 1]) / 3
        z = (float(triangles[f, 0, 2]) + triangles[f, 1, 2] + triangles[f, 2, 2]) / 3
        i, j, k = int((x - low[0]) / cell), int((y - low[1]) / cell), int((z - low[2]) / cell)
        if not taken[i, j, k]:
            taken[i, j, k] = True
            small[many] = x, y, z
            many += 1
    return large[:few].copy(), small[:many].copy()


@numba.njit(cache=True)
def _moments(triangles: Any, middle: Any) -> Any:
    """Return the sums of products of the centres' coordinates, (3, 3), and of the coordinates, as a (4, 3) float64."""
    sums = np.zeros((4, 3))
    at = np.empty(3)
    for f in range(len(triangles)):
        for k in range(3):
            at[k] = (float(triangles[f, 0, k]) + triangles[f, 1, k] + triangles[f, 2, k]) / 3 - middle[k]
        for i in range(3):
            sums[3, i] += at[i]
            for j in range(3):
                sums[i, j] += at[i] * at[j]
    return sums


@numba.njit(cache=True)
def _spot(points: Any, rotation: Any, origin: Any, scale: float, half: float, heights: Any) -> None:
    """Raise the heights of the pixels whose centre is at most `half` pixels away from a point along x and y."""
    size = len(heights)
    for n in range(len(points)):
        x, y, z = points[n]
        right = (rotation[0, 0] * x + rotation[0, 1] * y + rotation[0, 2] * z - origin[0]) * scale + size / 2 - 0.5
        down = (origin[1] - rotation[1, 0] * x - rotation[1, 1] * y - rotation[1, 2] * z) * scale + size / 2 - 0.5
        height = np.float32(rotation[2, 0] * x + rotation[2, 1] * y + rotation[2, 2] * z - origin[2])
        for row in range(max(0, int(np.ceil(down - half))), min(size - 1, int(np.floor(down + half))) + 1):
            for column in range(max(0, int(np.ceil(right - half))), min(size - 1, int(np.floor(right + half))) + 1):
                heights[row, column] = max(heights[row, column], height)
