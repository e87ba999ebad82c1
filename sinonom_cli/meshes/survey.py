"""Measure a mesh before it is drawn: its bounding box, the directions of its faces and its separate pieces
(compiled)."""

from typing import Any, NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

CELLS = 40
"""Number of cells along the longest side of a mesh. Pieces with an empty cell between them, 2.5 % of a width, are
separate."""


PLAINLY = 0.8
"""Smallest ratio of a mesh's z facing to its largest facing at which the mesh faces along z."""
THIN = 0.7
"""Largest ratio of the shortest side of a mesh's box to each other side at which it is a plate, if its faces look all
around."""
AGREED = 0.5
"""Smallest ratio of the sum of normals along an axis to the sum of their absolute values at which their direction is
clear."""


class Survey(NamedTuple):
    """Measurements of a mesh.

    Attributes
    ----------
    box : (2, 3) float64, lowest and highest x, y, z.
    facing : (3,) float64, sum of the faces' normals, each as long as the face's area.
    shown : (3,) float64, sum of the absolute values of these normals: the area of the faces seen along x, y and z, from
        either side.
    """

    box: "NDArray[np.float64]"
    facing: "NDArray[np.float64]"
    shown: "NDArray[np.float64]"


def survey(triangles: "NDArray[np.float32]") -> Survey:
    """Return the measurements of a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, finite.
    """
    return Survey(*_survey(triangles))


def across(found: Survey) -> int:
    """Return the axis along which a plate is seen: the axis that its faces look along, or its thinnest axis.

    The area seen along an axis does not show it: the flanks of deep relief, seen from the side, can have as much area.
    """
    facing, sides = np.abs(found.facing), found.box[1] - found.box[0]
    if facing.max() > AGREED * found.shown[facing.argmax()]:
        return 2 if facing[2] >= PLAINLY * facing.max() else int(facing.argmax())
    thinnest = int(sides.argmin())
    return thinnest if sides[thinnest] <= THIN * np.delete(sides, thinnest).min() else 2


@numba.njit(cache=True)
def _survey(triangles: Any) -> Any:
    lx = ly = lz = np.float32(np.inf)
    hx = hy = hz = np.float32(-np.inf)
    nx = ny = nz = mx = my = mz = 0.0
    for f in range(triangles.shape[0]):
        ax, ay, az = triangles[f, 0, 0], triangles[f, 0, 1], triangles[f, 0, 2]
        bx, by, bz = triangles[f, 1, 0], triangles[f, 1, 1], triangles[f, 1, 2]
        cx, cy, cz = triangles[f, 2, 0], triangles[f, 2, 1], triangles[f, 2, 2]
        lx, hx = min(lx, ax, bx, cx), max(hx, ax, bx, cx)
        ly, hy = min(ly, ay, by, cy), max(hy, ay, by, cy)
        lz, hz = min(lz, az, bz, cz), max(hz, az, bz, cz)
        ux, uy, uz, vx, vy, vz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        x, y, z = 0.5 * (uy * vz - uz * vy), 0.5 * (uz * vx - ux * vz), 0.5 * (ux * vy - uy * vx)
        nx, ny, nz, mx, my, mz = nx + x, ny + y, nz + z, mx + abs(x), my + abs(y), mz + abs(z)
    box = np.array([[lx, ly, lz], [hx, hy, hz]], np.float64)
    return box, np.array([nx, ny, nz]), np.array([mx, my, mz])


@numba.njit(cache=True)
def pieces(triangles: Any, box: Any) -> Any:
    """Divide a mesh into separate pieces.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    box : (2, 3) float64, bounding box of the triangles; its longest side is more than 0.

    Returns
    -------
    count : number of pieces.
    labels : (X, Y, Z) int16, number of the piece in each cell, from 1; 0: no face. The longest side of the box has
        CELLS cubic cells; a border of empty cells surrounds the box.
    """
    scale = CELLS / max(box[1, 0] - box[0, 0], box[1, 1] - box[0, 1], box[1, 2] - box[0, 2])
    shape = (
        int((box[1, 0] - box[0, 0]) * scale) + 4,
        int((box[1, 1] - box[0, 1]) * scale) + 4,
        int((box[1, 2] - box[0, 2]) * scale) + 4,
    )
    grid = np.zeros(shape, np.uint8)
    marked, first = _mark(triangles, box[0], scale, grid)
    labels, stack = np.zeros(shape, np.int16), np.empty(marked, np.int32)
    count, start = 1, 0
    left = marked - _flood(grid, labels, first, count, stack)
    while left:  # nearly always, nothing is left
        while grid.ravel()[start] == 0:
            start += 1
        count += 1
        left -= _flood(grid, labels, start, count, stack)
    return count, labels


@numba.njit(cache=True)
def _mark(triangles: Any, low: Any, scale: float, grid: Any) -> Any:
    """Mark the cells that faces pass through; return their number and the index of one of them."""
    flat, down, deep = grid.ravel(), grid.shape[1], grid.shape[2]
    ox, oy, oz = low[0] - 1.0 / scale, low[1] - 1.0 / scale, low[2] - 1.0 / scale
    half = 0.5 / scale
    marked = first = 0
    for f in range(triangles.shape[0]):
        ax, ay, az = triangles[f, 0, 0], triangles[f, 0, 1], triangles[f, 0, 2]
        ux, uy, uz = triangles[f, 1, 0] - ax, triangles[f, 1, 1] - ay, triangles[f, 1, 2] - az
        vx, vy, vz = triangles[f, 2, 0] - ax, triangles[f, 2, 1] - ay, triangles[f, 2, 2] - az
        at = (int((ax - ox) * scale) * down + int((ay - oy) * scale)) * deep + int((az - oz) * scale)
        if flat[at] == 0:
            flat[at] = 1
            marked, first = marked + 1, at
        reach = max(abs(ux), abs(uy), abs(uz), abs(vx), abs(vy), abs(vz))
        if reach > half:  # sample points all over the face, a cell apart at most
            steps = int(reach * scale) + 1
            for i in range(steps + 1):
                for j in range(steps + 1 - i):
                    s, t = i / steps, j / steps
                    x, y, z = ax + s * ux + t * vx - ox, ay + s * uy + t * vy - oy, az + s * uz + t * vz - oz
                    at = (int(x * scale) * down + int(y * scale)) * deep + int(z * scale)
                    if flat[at] == 0:
                        flat[at] = 1
                        marked += 1
    return marked, first


@numba.njit(cache=True)
def _flood(grid: Any, labels: Any, start: int, label: int, stack: Any) -> int:
    """Move the marked cells connected to cell `start` from the grid to the labels; return their number."""
    flat, named, deep = grid.ravel(), labels.ravel(), grid.shape[2]
    layer = grid.shape[1] * deep
    flat[start], named[start], stack[0] = 0, label, start
    seen = top = 1
    while top:
        top -= 1
        cell = stack[top]
        for i in (-layer, 0, layer):
            for j in (-deep, 0, deep):
                for other in range(cell + i + j - 1, cell + i + j + 2):
                    if flat[other]:
                        flat[other], named[other], stack[top] = 0, label, other
                        top, seen = top + 1, seen + 1
    return seen
