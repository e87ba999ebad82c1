"""Cut the characters of a block out of its scan: the triangles inside each outline, at full resolution."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.blocks.regions import holds, inside
from sinonom_cli.blocks.surface import Surface
from sinonom_cli.meshes.samples import surface_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOWHERE, EDGE = -1, -2
"""Labels of pixels that no outline reaches, and of pixels that an edge of an outline may pass through."""


class Cutter:
    """Sorts the triangles of a scan by the outlines that their centres lie in.

    Triangles far below the face inside an outline, such as those of the block's back, are left out: all that lie
    deeper under its lowest sample than this lies under its highest.

    Parameters
    ----------
    surface : height map of the scan's carved face.
    polygons : K polygons (n, 2) float64 x, y in pixels of the map; a centre in two of them belongs to the first.
    """

    def __init__(self, surface: Surface, polygons: "list[NDArray[np.float64]]") -> None:
        self._surface, self._polygons = surface, [np.ascontiguousarray(one, np.float64) for one in polygons]
        self._labels = np.full(surface.heights.shape, NOWHERE, np.int32)
        self._boxes = np.array([[*one.min(axis=0), *one.max(axis=0)] for one in polygons]).reshape(-1, 4)
        self._floors = np.empty(len(polygons))
        for number in range(len(polygons))[::-1]:  # the first is written last
            self._floors[number] = self._mark(number)
        self._starts = np.concatenate([[0], np.cumsum([len(one) for one in polygons])]).astype(np.int64)
        self._corners = np.concatenate([*self._polygons, np.empty((0, 2))])
        self._found: list[list[NDArray[np.float32]]] = [[] for _ in polygons]

    def _mark(self, number: int) -> float:
        """Write a polygon's label to its pixels; return the least height of its triangles."""
        polygon = self._polygons[number]
        rows, columns = self._surface.heights.shape
        x0, y0 = np.maximum(np.floor(self._boxes[number, :2]).astype(int) - 1, 0)
        x1, y1 = np.minimum(np.ceil(self._boxes[number, 2:]).astype(int) + 1, (columns, rows))
        window = self._labels[y0:y1, x0:x1]
        within = np.asarray(inside(polygon - np.array([x0, y0]), window.shape))
        window[within] = number
        _mark_edges(window, polygon - np.array([x0, y0]))
        some = self._surface.heights[y0:y1, x0:x1][within]
        some = some[np.isfinite(some)]
        return float(2 * some.min() - some.max()) - self._surface.pixel if len(some) else -np.inf

    def add(self, triangles: "NDArray[np.float32]") -> None:
        """Sort a block of triangles, (F, 3, 3) float32, in the scan's coordinates."""
        turned, owners = _sorted_out(
            *(triangles, self._surface.rotation, self._surface.shift, self._surface.pixel, self._labels),
            *(self._floors, self._boxes, self._starts, self._corners),
        )
        order = np.argsort(owners, kind="stable")
        bounds = np.searchsorted(owners[order], np.arange(len(self._polygons) + 1))
        for number, (start, end) in enumerate(pairwise(bounds)):
            if end > start:
                self._found[number].append(turned[order[start:end]])

    def meshes(self) -> "Iterator[NDArray[np.float32]]":
        """Yield the triangles of each outline, K arrays (n, 3, 3) float32, in the order in which they came.

        They are in the map's coordinates (`Surface`): the carved face looks to +Z, x to the right, y up. Each outline's
        triangles leave the memory when they have been yielded.
        """
        for parts in self._found:
            yield np.concatenate([*parts, np.empty((0, 3, 3), np.float32)])
            parts.clear()


def cut(
    surface: Surface, polygons: "list[NDArray[np.float64]]", blocks: "Iterable[NDArray[np.float32]]"
) -> "Iterator[NDArray[np.float32]]":
    """Yield the triangles of a scan inside each polygon; see `Cutter`.

    Parameters
    ----------
    blocks : the triangles of the scan, in blocks (F, 3, 3) float32, so that they need not be in memory all at once.
    """
    cutter = Cutter(surface, polygons)
    for triangles in blocks:
        cutter.add(triangles)
    return cutter.meshes()


def cut_samples(surface: Surface, polygons: "list[NDArray[np.float64]]") -> "Iterator[NDArray[np.float32]]":
    """Yield the surface through the samples of a height map inside each polygon, for maps that have no triangles.

    Yields
    ------
    K arrays (n, 3, 3) float32 in the map's coordinates (`Surface`); a sample belongs to all polygons that hold it.
    """
    for polygon in polygons:
        rows, columns = surface.heights.shape
        x0, y0 = np.maximum(np.floor(polygon.min(axis=0)).astype(int), 0)
        x1, y1 = np.minimum(np.ceil(polygon.max(axis=0)).astype(int), (columns, rows))
        window = surface.heights[y0:y1, x0:x1]
        within = inside(polygon - np.array([x0, y0]), window.shape)
        mesh = surface_of(np.where(within, window, np.float32(np.nan)), surface.pixel)
        middle = np.array([x0 + x1, -(y0 + y1), 0]) / 2 * surface.pixel
        yield (mesh + middle).astype(np.float32)


@numba.njit(cache=True)
def _mark_edges(labels: Any, polygon: Any) -> None:
    """Write EDGE to all pixels that the edges of a polygon pass through, and to their neighbours."""
    for k in range(len(polygon)):
        ax, ay = polygon[k - 1]
        bx, by = polygon[k]
        steps = int(2 * max(abs(bx - ax), abs(by - ay))) + 1
        for step in range(steps + 1):
            x = int(np.floor(ax + (bx - ax) * step / steps))
            y = int(np.floor(ay + (by - ay) * step / steps))
            for row in range(max(0, y - 1), min(labels.shape[0], y + 2)):
                for column in range(max(0, x - 1), min(labels.shape[1], x + 2)):
                    labels[row, column] = EDGE


@numba.njit(cache=True)
def _sorted_out(
    triangles: Any, turn: Any, shift: Any, pixel: float, labels: Any, floors: Any, boxes: Any, starts: Any, corners: Any
) -> Any:
    """Return the turned triangles that belong to a polygon, (n, 3, 3) float32, and its number, (n,) int32."""
    owners = np.full(len(triangles), NOWHERE, np.int32)
    count = 0
    for f in range(len(triangles)):
        x = (float(triangles[f, 0, 0]) + triangles[f, 1, 0] + triangles[f, 2, 0]) / 3
        y = (float(triangles[f, 0, 1]) + triangles[f, 1, 1] + triangles[f, 2, 1]) / 3
        z = (float(triangles[f, 0, 2]) + triangles[f, 1, 2] + triangles[f, 2, 2]) / 3
        right = (turn[0, 0] * x + turn[0, 1] * y + turn[0, 2] * z + shift[0]) / pixel
        down = -(turn[1, 0] * x + turn[1, 1] * y + turn[1, 2] * z + shift[1]) / pixel
        if not (0 <= right < labels.shape[1] and 0 <= down < labels.shape[0]):
            continue
        owner = labels[int(down), int(right)]
        if owner == EDGE:
            owner = _owner(right, down, boxes, starts, corners)
        if owner >= 0 and turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * z + shift[2] >= floors[owner]:
            owners[f] = owner
            count += 1
    out, numbers = np.empty((count, 3, 3), np.float32), np.empty(count, np.int32)
    at = 0
    for f in range(len(triangles)):
        if owners[f] < 0:
            continue
        numbers[at] = owners[f]
        for v in range(3):
            x, y, z = triangles[f, v, 0], triangles[f, v, 1], triangles[f, v, 2]
            for k in range(3):
                out[at, v, k] = turn[k, 0] * x + turn[k, 1] * y + turn[k, 2] * z + shift[k]
        at += 1
    return out, numbers


@numba.njit(cache=True)
def _owner(x: float, y: float, boxes: Any, starts: Any, corners: Any) -> int:
    """Return the first polygon that holds a point; NOWHERE if none does."""
    for k in range(len(boxes)):
        near = boxes[k, 0] <= x <= boxes[k, 2] and boxes[k, 1] <= y <= boxes[k, 3]
        if near and holds(corners[starts[k] : starts[k + 1]], x, y):
            return k
    return NOWHERE
