"""Turn the picture of a page upright and flat: quarters, mirror, the lean of its columns, a view from the side."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.blocks.upright import Way
from sinonom_cli.layout.straighten import straightening

UNMOVED = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
Rows = tuple[tuple[float, float, float], ...]
LARGEST = 2.0
"""Largest area of a flattened picture, in areas of the picture; a view from far aside is cut off at its edges."""


@dataclass(frozen=True, kw_only=True)
class Turning:
    """Map between the picture of a page as it is shown and as it is read.

    Attributes
    ----------
    way : quarters and mirror.
    shape : (H, W) of the picture as it is shown.
    flat : rows of the 3 x 3 homography from the upright picture to the one that is read.
    size : width and height of the picture that is read; (0, 0): those of the upright one.
    """

    way: Way
    shape: tuple[int, ...]
    flat: Rows = UNMOVED
    size: tuple[int, int] = (0, 0)

    def picture(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture as it is read, (H', W') uint8; what lies outside the shown picture is white."""
        upright: NDArray[np.uint8] = np.ascontiguousarray(self.way.upright(grey), np.uint8)
        if self.flat == UNMOVED:
            return upright
        # Pillow asks for the source of each pixel, at its middle; so does `points`.
        back = np.linalg.inv(np.array(self.flat))
        image = Image.fromarray(upright).transform(
            self.size,
            Image.Transform.PERSPECTIVE,
            tuple((back / back[2, 2]).ravel()[:8]),
            Image.Resampling.BICUBIC,
            fillcolor=255,
        )
        return np.asarray(image)

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (..., 2) points x, y from the shown picture to the one that is read."""
        moved = self.way.points(points, (self.shape[0], self.shape[1]))
        return moved if self.flat == UNMOVED else projected(np.array(self.flat), moved)

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (K, 2) points from the picture that is read to the shown one: undo `points`."""
        if self.flat != UNMOVED:
            points = projected(np.linalg.inv(np.array(self.flat)), points)
        return self.way.back(points, (self.shape[0], self.shape[1]))

    def shown_box(self, box: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """Return the box, in the shown picture, around a box of the picture that is read."""
        x0, y0, x1, y1 = box
        corners = self.back(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
        (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
        return float(left), float(top), float(right), float(bottom)

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (N, 4) boxes x0, y0, x1, y1 to the picture that is read, stretched as the page is at their middles."""
        turned = self.way.boxes(boxes, (self.shape[0], self.shape[1]))
        if self.flat == UNMOVED:
            return turned
        half, middle = (turned[:, 2:] - turned[:, :2]) / 2, (turned[:, 2:] + turned[:, :2]) / 2
        flat = np.array(self.flat)
        at = projected(flat, middle)
        aside = np.linalg.norm(projected(flat, middle + [1, 0]) - at, axis=1)
        down = np.linalg.norm(projected(flat, middle + [0, 1]) - at, axis=1)
        half = half * np.stack([aside, down], axis=1)
        return np.hstack([at - half, at + half])


def projected(matrix: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (..., 2) points x, y moved by a (3, 3) homography."""
    moved = np.einsum("ij,...j->...i", matrix[:, :2], points) + matrix[:, 2]
    return moved[..., :2] / moved[..., 2:]


def lean_of(boxes: NDArray[np.float64]) -> float:
    """Return by how many degrees a page must be turned clockwise for its columns to stand upright.

    Parameters
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1 of its characters.
    """
    shift = straightening(boxes).shift
    return -math.degrees(math.atan(shift[0])) if shift else 0.0


def turned_by(way: Way, shape: tuple[int, ...], degrees: float) -> Turning:
    """Return the turning that also turns the upright picture clockwise by some degrees, all of it kept."""
    width, height = (shape[1], shape[0]) if way.turned % 180 == 0 else (shape[0], shape[1])
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    return _framed(way, shape, np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]]), corners)


def flattened(way: Way, shape: tuple[int, ...], frame: NDArray[np.float64]) -> Turning:
    """Return the turning under which the frame of a page becomes a rectangle.

    Parameters
    ----------
    way, shape : as in `Turning`.
    frame : (4, 2) float64, corners of the frame in the upright picture, from the upper left clockwise; convex.
    """
    sides = np.linalg.norm(np.roll(frame, -1, axis=0) - frame, axis=1)
    wide, high = max(sides[0], sides[2]), max(sides[1], sides[3])  # the farther of two sides looks shorter
    matrix = homography(frame, np.array([(0, 0), (wide, 0), (wide, high), (0, high)]))
    width, height = (shape[1], shape[0]) if way.turned % 180 == 0 else (shape[0], shape[1])
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)
    # Beyond the horizon of a strong view from the side there is no page: keep at most half a frame around it.
    low, high_limit = np.array([-0.5 * wide, -0.5 * high]), np.array([1.5 * wide, 1.5 * high])
    ahead = np.einsum("j,kj->k", matrix[2, :2], corners) + matrix[2, 2] > 1e-6
    kept = np.clip(projected(matrix, corners[ahead]), low, high_limit) if ahead.any() else np.array([low, high_limit])
    if not ahead.all():
        kept = np.vstack([kept, low, high_limit])
    return _framed(way, shape, matrix, kept, moved=True)


def homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) homography that moves four points, (4, 2), to four others, no three of them on a line.

    Hartley and Zisserman 2004, "Multiple view geometry in computer vision", section 4.1.
    """
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        right += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(right)), 1.0).reshape(3, 3)


def _framed(
    way: Way, shape: tuple[int, ...], matrix: NDArray[np.float64], corners: NDArray[np.float64], moved: bool = False
) -> Turning:
    """Return a turning whose picture begins and ends with the moved corners."""
    at = corners if moved else projected(matrix, corners)
    low, high = at.min(axis=0), at.max(axis=0)
    scale = min(1.0, math.sqrt(LARGEST * shape[0] * shape[1] / max(float(np.prod(high - low)), 1.0)))
    put = np.array([[scale, 0, -scale * low[0]], [0, scale, -scale * low[1]], [0, 0, 1]])
    flat = np.einsum("ij,jk->ik", put, matrix)
    width, height = (max(1, math.ceil(scale * length)) for length in high - low)
    first, second, third = ((float(row[0]), float(row[1]), float(row[2])) for row in flat / flat[2, 2])
    return Turning(way=way, shape=shape, flat=(first, second, third), size=(width, height))
