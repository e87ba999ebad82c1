"""Turn the picture of a page upright: by quarters, mirrored or not, and by the angle at which its columns lean."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.blocks.upright import Way
from sinonom_cli.layout.straighten import straightening


@dataclass(frozen=True, kw_only=True)
class Turning:
    """Map between the picture of a page as it is shown and as it is read.

    Attributes
    ----------
    way : quarters and mirror.
    shape : (H, W) of the picture as it is shown.
    lean : degrees by which the picture is turned clockwise after that, about its middle.
    """

    way: Way
    shape: tuple[int, ...]
    lean: float

    def picture(self, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the picture as it is read, (H', W') uint8; corners that are new are white."""
        upright: NDArray[np.uint8] = np.ascontiguousarray(self.way.upright(grey), np.uint8)
        if not self.lean:
            return upright
        image = Image.fromarray(upright)
        return np.asarray(image.rotate(-self.lean, Image.Resampling.BICUBIC, expand=True, fillcolor=255))

    def points(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (..., 2) points x, y from the shown picture to the one that is read."""
        height, width = self.shape[:2]
        moved = self.way.points(points, (height, width))
        if not self.lean:
            return moved
        middle, new_middle = self._middles()
        return np.einsum("ij,...j->...i", self._matrix(), moved - middle) + new_middle

    def back(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (K, 2) points from the picture that is read to the shown one: undo `points`."""
        if self.lean:
            middle, new_middle = self._middles()
            points = np.einsum("ji,kj->ki", self._matrix(), points - new_middle) + middle
        height, width = self.shape[:2]
        return self.way.back(points, (height, width))

    def boxes(self, boxes: NDArray[np.float64]) -> NDArray[np.float64]:
        """Move (N, 4) boxes x0, y0, x1, y1 to the picture that is read; their areas stay as they are."""
        turned = self.way.boxes(boxes, (self.shape[0], self.shape[1]))
        if not self.lean:
            return turned
        middle, new_middle = self._middles()
        half = (turned[:, 2:] - turned[:, :2]) / 2
        centres = (turned[:, 2:] + turned[:, :2]) / 2
        centres = np.einsum("ij,kj->ki", self._matrix(), centres - middle) + new_middle
        return np.hstack([centres - half, centres + half])

    def _matrix(self) -> NDArray[np.float64]:
        """Return the (2, 2) matrix of a clockwise turn by `lean`, y pointing down."""
        cos, sin = math.cos(math.radians(self.lean)), math.sin(math.radians(self.lean))
        return np.array([[cos, -sin], [sin, cos]])

    def _middles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the middles of the upright picture before and after it is turned by `lean`."""
        height, width = self.shape[:2] if self.way.turned % 180 == 0 else self.shape[1::-1]
        turned = Image.new("1", (width, height)).rotate(-self.lean, expand=True)
        return np.array([width, height]) / 2, np.array(turned.size) / 2


def lean_of(boxes: NDArray[np.float64]) -> float:
    """Return by how many degrees a page must be turned clockwise for its columns to stand upright.

    Parameters
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1 of its characters.
    """
    shift = straightening(boxes).shift
    return -math.degrees(math.atan(shift[0])) if shift else 0.0
