"""Make the mesh of a whole block, strip by strip: an open surface as a scan is, or a closed solid with a flat back."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.relief.plate import rotation
from sinonom_cli.relief.whole_block import Block

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = 64
"""Number of rows of squares whose triangles are in memory at once."""
THINNEST = 1.0
"""Smallest distance of the back from the deepest point, in mm."""


def triangles_of(block: Block, thickness: float | None = None) -> "Iterator[NDArray[np.float32]]":
    """Yield the triangles of a block in parts, each (F, 3, 3) float32, in mm; the middle of the face is the origin.

    Parameters
    ----------
    thickness : distance of a flat back from the plane of the stroke tops in the middle of the block, in mm; the mesh
        is closed then: every edge belongs to two triangles, which run along it in opposite directions. None: an open
        surface, which faces +Z before the block is turned by its pose.

    Raises
    ------
    SinonomError
        If less than THINNEST mm would be left between the back and the deepest point.
    """
    whole = squares_of(block.inside)
    if thickness is not None:
        _refuse_thin(block, thickness)
    points = Points(block, thickness or 0.0)
    for start in range(0, len(whole), STRIP):
        rows, columns = np.nonzero(whole[start : start + STRIP])
        rows += start
        a, b, c, d = ((rows, columns), (rows, columns + 1), (rows + 1, columns), (rows + 1, columns + 1))
        yield np.stack([points.top(*corner) for corner in (a, c, b, b, c, d)], axis=1).reshape(-1, 3, 3)
    if thickness is not None:
        yield _walls(whole, points)
        yield _back(whole, points)


def squares_of(inside: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return which squares of a grid, (R - 1, C - 1) bool, have all four corners inside."""
    return np.asarray(inside[:-1, :-1] & inside[:-1, 1:] & inside[1:, :-1] & inside[1:, 1:])


class Points:
    """Points of a block in space, by their row and column.

    Parameters
    ----------
    thickness : distance of the back from the plane of stroke tops, in mm.
    """

    def __init__(self, block: Block, thickness: float = 0.0) -> None:
        self._heights, self._step, self._back = block.heights, block.step, -thickness
        self._turn = rotation(block.pose)
        self._middle = [(length - 1) / 2 for length in block.heights.shape]

    def top(self, rows: "NDArray[np.int64]", columns: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """Return points of the carved face, (N, 3) float32, in mm."""
        return self._turned(rows, columns, self._heights[rows, columns])

    def back(self, rows: "NDArray[np.int64]", columns: "NDArray[np.int64]") -> "NDArray[np.float32]":
        """Return points of the back, (N, 3) float32, in mm."""
        return self._turned(rows, columns, np.full(len(rows), self._back, np.float32))

    def _turned(
        self, rows: "NDArray[np.int64]", columns: "NDArray[np.int64]", z: "NDArray[np.float32]"
    ) -> "NDArray[np.float32]":
        x, y = (columns - self._middle[1]) * self._step, (self._middle[0] - rows) * self._step
        # Terms are summed one by one: matrix products of BLAS round differently on different processors.
        return np.stack([a * x + b * y + c * z for a, b, c in self._turn], axis=-1).astype(np.float32)


def _refuse_thin(block: Block, thickness: float) -> None:
    deepest = -float(block.heights[block.inside].min())
    if thickness < deepest + THINNEST:
        raise SinonomError(
            f"a block {thickness:g} mm thick is too thin: its relief, bow and cracks reach {deepest:.1f} mm down",
            f"--thickness {deepest + THINNEST:.0f} or more, or less --depth, --bow or --cracks",
        )


def _walls(whole: "NDArray[np.bool_]", points: Points) -> "NDArray[np.float32]":
    """Return two triangles for each edge of the face that belongs to one square only."""
    wide = np.pad(whole, 1)
    here = wide[1:-1, 1:-1]
    found = []
    # The edge of a square on one side, as the square's own triangles run along it: from one corner to the other.
    for beyond, (r0, c0), (r1, c1) in (
        (wide[1:-1, :-2], (0, 0), (1, 0)),
        (wide[2:, 1:-1], (1, 0), (1, 1)),
        (wide[1:-1, 2:], (1, 1), (0, 1)),
        (wide[:-2, 1:-1], (0, 1), (0, 0)),
    ):
        rows, columns = np.nonzero(here & ~beyond)
        first, last = (rows + r0, columns + c0), (rows + r1, columns + c1)
        a, b, under_a, under_b = points.top(*first), points.top(*last), points.back(*first), points.back(*last)
        found.append(np.stack([b, a, under_a, b, under_a, under_b], axis=1).reshape(-1, 3, 3))
    return np.concatenate(found)


def _back(whole: "NDArray[np.bool_]", points: Points) -> "NDArray[np.float32]":
    """Return the flat back: a band of few triangles for each run of squares in a row."""
    none = np.zeros(whole.shape[1], bool)
    corners: list[tuple[int, int]] = []
    for row, squares in enumerate(whole):
        above = whole[row - 1] if row else none
        below = whole[row + 1] if row + 1 < len(whole) else none
        change = np.flatnonzero(np.diff(np.pad(squares, 1).astype(np.int8)))
        for start, end in change.reshape(-1, 2):
            upper, lower = (_on_line(other[start:end]) + start for other in (above, below))
            corners += _band(row, upper.tolist(), lower.tolist())
    at = np.array(corners, np.int64).reshape(-1, 2)
    return points.back(at[:, 0], at[:, 1]).reshape(-1, 3, 3)


def _on_line(beyond: "NDArray[np.bool_]") -> "NDArray[np.int64]":
    """Return the vertices that a run of squares needs on one of its sides, counted from its start.

    Between two squares that both have a neighbour beyond the side none is needed: bands on both sides leave it out.
    """
    inner = np.flatnonzero(~(beyond[:-1] & beyond[1:])) + 1
    return np.concatenate([[0], inner, [len(beyond)]])


def _band(row: int, upper: list[int], lower: list[int]) -> list[tuple[int, int]]:
    """Return the corners of triangles between two lines of vertices with the same ends, clockwise seen from above."""
    corners: list[tuple[int, int]] = []
    i = j = 0
    while i + 1 < len(upper) or j + 1 < len(lower):
        if j + 1 == len(lower) or (i + 1 < len(upper) and upper[i + 1] <= lower[j + 1]):
            corners += [(row, upper[i]), (row, upper[i + 1]), (row + 1, lower[j])]
            i += 1
        else:
            corners += [(row, upper[i]), (row + 1, lower[j + 1]), (row + 1, lower[j])]
            j += 1
    return corners
