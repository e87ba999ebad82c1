"""Read large meshes block by block, and gather the blocks in a height map: neither needs the whole mesh in memory."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.meshes.mesh_text import bytes_of
from sinonom_cli.meshes.ply import parts_of
from sinonom_cli.meshes.polygons import Ragged, corners_of, faces_of, note_small
from sinonom_cli.meshes.precision import single_precision
from sinonom_cli.meshes.read import Notes, finite_of, note_not_finite, read_mesh, suffix_of
from sinonom_cli.meshes.stl import binary_blocks, faces_in, is_text
from sinonom_cli.meshes.zbuffer import cover, extent

BLOCK = 1 << 18
"""Largest number of faces of the file in a block."""
MOST_PIXELS = 250_000_000
"""Largest number of pixels of a height map, which then takes 1 GB."""


@dataclass(frozen=True)
class HeightMap:
    """Orthographic height map of a mesh, seen from +Z after a rotation, with y up.

    Attributes
    ----------
    heights : (H, W) float32, z of the topmost surface under the centre of each pixel, mesh units; row 0 is the top;
        -inf where there is no surface. Each border row and column has some surface.
    left, top : x of the left edge and y of the upper edge, mesh units after rotation; whole multiples of `pixel`.
    pixel : side of a pixel, mesh units.
    """

    heights: NDArray[np.float32]
    left: float
    top: float
    pixel: float


def blocks_of(path: Path, notes: Notes | None = None) -> Iterator[NDArray[np.float32]]:
    """Read a mesh block by block; all blocks together are the triangles that `read_mesh` returns.

    Of binary STL, only a block is in memory. Of binary PLY, the bytes of the file are in memory. Other formats come as
    one block, or as blocks of a mesh in memory.

    Parameters
    ----------
    path : the file; it must not change before the last block.
    notes : receives what was left out and what is unusual, after the last block.

    Yields
    ------
    (N, 3, 3) float32, N >= 1 triangles of three finite vertices (x, y, z), in the file's units. Where a file mixes
    polygons of several sizes, triangles of a block are ordered by them.

    Raises
    ------
    SinonomError
        As `read_mesh`; that too many vertices are not finite is known only after the last block.
    """
    notes = notes or Notes()
    blocks = _READERS.get(suffix_of(path), _whole)(path, notes.remarks)
    faces = bad = 0
    for block in blocks:
        fine = finite_of(block)
        faces, bad = faces + len(block), bad + len(block) - len(fine)
        if len(fine):
            yield fine
    note_not_finite(path, bad, faces, notes)


def _whole(path: Path, remarks: list[str]) -> Iterator[NDArray[np.float32]]:
    notes = Notes(remarks=remarks)
    yield read_mesh(path, notes)


def _stl_blocks(path: Path, remarks: list[str]) -> Iterator[NDArray[np.float32]]:
    if is_text(path):
        yield from _whole(path, remarks)
    else:
        yield from binary_blocks(path, faces_in(path, remarks), BLOCK)


def _ply_blocks(path: Path, remarks: list[str]) -> Iterator[NDArray[np.float32]]:
    axes, polygons = parts_of(path, bytes_of(path))
    points: NDArray[Any] = np.stack(axes, axis=1)
    single = points if points.dtype == np.float32 else _single(path, points, polygons)
    small, count = Counter[int](), 0
    for block in _polygon_blocks(polygons):
        faces, few = faces_of(path, points, block)
        small, count = small + few, count + len(faces)
        if len(faces):
            yield corners_of(single, faces)
    note_small(path, count, small, remarks)


def _single(path: Path, points: NDArray[Any], polygons: "NDArray[Any] | Ragged") -> NDArray[np.float32]:
    """Return points in single precision, near the origin; see `single_precision`."""
    used = np.zeros(len(points), bool)
    for block in _polygon_blocks(polygons):
        used[faces_of(path, points, block)[0]] = True
    return single_precision(points, used)


def _polygon_blocks(polygons: "NDArray[Any] | Ragged") -> "Iterator[NDArray[Any] | Ragged]":
    """Yield polygons, at most `BLOCK` at a time."""
    begin = 0
    for start in range(0, len(polygons), BLOCK):
        if isinstance(polygons, Ragged):
            sizes = polygons.sizes[start : start + BLOCK]
            end = begin + int(sizes.sum())
            yield Ragged(polygons.corners[begin:end], sizes)
            begin = end
        else:
            yield polygons[start : start + BLOCK]


_READERS = {".stl": _stl_blocks, ".ply": _ply_blocks}


def scan_heights(blocks: Iterable[NDArray[np.float32]], rotation: NDArray[np.float64], pixel: float) -> HeightMap:
    """Return the height map of a mesh that comes in blocks, by a z-buffer.

    Edges of pixels are whole multiples of `pixel` from the origin. The map is as wide and high as the mesh, and its
    bytes do not depend on how the mesh is divided into blocks. A pixel has the surface under its centre, as in
    `z_buffer`.

    Parameters
    ----------
    blocks : (N, 3, 3) float32 triangles each, finite.
    rotation : (3, 3) float64, applied to the vertices first.
    pixel : side of a pixel, mesh units.

    Raises
    ------
    UsageError
        If `pixel` is not above 0.
    BadInput
        If the map would have more than `MOST_PIXELS`, or no pixel has a surface.
    """
    if not 0 < pixel < math.inf:
        raise UsageError(f"a pixel cannot be {pixel} wide", "give a width above 0")
    canvas, rotation = _Canvas(pixel), np.ascontiguousarray(rotation, np.float64)
    for block in blocks:
        if len(block):
            canvas.take(block, rotation)
    return canvas.result()


class _Canvas:
    """Height map that grows with the mesh; `row` and `column` are those of its first pixel, counted from the origin."""

    def __init__(self, pixel: float) -> None:
        self.pixel, self.row, self.column = pixel, 0, 0
        self.heights = np.empty((0, 0), np.float32)

    def take(self, triangles: NDArray[np.float32], rotation: NDArray[np.float64]) -> None:
        """Draw triangles."""
        (left, low, _), (right, high, _) = (extent(triangles, rotation) / self.pixel).tolist()
        if not max(abs(left), abs(low), abs(right), abs(high)) < 2**52:
            raise self._too_large(right - left, high - low)
        # A pixel more on each side: what is rounded differently must not fall beyond the map.
        self._hold(math.floor(-high) - 1, math.ceil(-low) + 1, math.floor(left) - 1, math.ceil(right) + 1)
        cover(triangles, rotation, np.zeros(3), 1 / self.pixel, -0.5, self.heights, self.row, self.column)

    def _hold(self, top: int, bottom: int, left: int, right: int) -> None:
        """Enlarge the map to hold these rows and columns, the ends excluded."""
        rows, columns = self.heights.shape
        old = (self.row, self.row + rows, self.column, self.column + columns)
        if rows and old[0] <= top and bottom <= old[1] and old[2] <= left and right <= old[3]:
            return
        if rows:
            top, bottom, left, right = min(top, old[0]), max(bottom, old[1]), min(left, old[2]), max(right, old[3])
        if (bottom - top) * (right - left) > MOST_PIXELS:
            raise self._too_large(right - left, bottom - top)
        # Half as much again where it grows, so that it grows rarely.
        more = [(rows // 2) * (top < old[0]), (rows // 2) * (bottom > old[1])]
        more += [(columns // 2) * (left < old[2]), (columns // 2) * (right > old[3])]
        if (bottom - top + more[0] + more[1]) * (right - left + more[2] + more[3]) <= MOST_PIXELS:
            top, bottom, left, right = top - more[0], bottom + more[1], left - more[2], right + more[3]
        heights = np.full((bottom - top, right - left), -np.inf, np.float32)
        heights[self.row - top : self.row - top + rows, self.column - left : self.column - left + columns] = (
            self.heights
        )
        self.heights, self.row, self.column = heights, top, left

    def result(self) -> HeightMap:
        """Return the part of the map that has a surface."""
        rows = np.flatnonzero((self.heights > -np.inf).any(axis=1))
        columns = np.flatnonzero((self.heights > -np.inf).any(axis=0))
        if not len(rows):
            raise BadInput(f"no pixel of {self.pixel:g} has a surface: the mesh is seen edge-on", "turn the mesh")
        heights = self.heights[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].copy()
        left, top = (self.column + int(columns[0])) * self.pixel, -(self.row + int(rows[0])) * self.pixel
        return HeightMap(heights, left, top, self.pixel)

    def _too_large(self, width: float, height: float) -> BadInput:
        size = f"{width:,.0f} x {height:,.0f} pixels of {self.pixel:g}"
        return BadInput(
            f"the height map of the mesh would have {size}, and at most {MOST_PIXELS:,} are drawn", "give larger pixels"
        )
