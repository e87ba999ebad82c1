"""Find out whether a block is mirrored, and which of its edges is up, by reading some of its characters."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.order import Direction

READ = 20
"""Number of characters that are read in each way."""
AT_FIRST, SURE = 8, 0.9999
"""Number of characters that are read first, and the probability of the way from which no more are read."""
USUAL = 1.4
"""Largest ratio, either way, of a box's longer side to the median, at which its character is read: small ones belong to
notes."""
UNCERTAIN = 0.95
"""Probability of the way that a block or a page lies, below which it is doubtful."""

Distances = Callable[[Sequence[NDArray[np.uint8]]], NDArray[np.float64]]
"""Function that returns the distance of each picture to the nearest known character."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """How a block lies.

    Attributes
    ----------
    mirrored : whether its left and right are swapped, as on a block that prints.
    turned : degrees by which its picture must be turned clockwise, after mirroring, to stand upright.
    probability : that this is right, in [0, 1]; 1 if nothing was to be found out.
    """

    mirrored: bool = False
    turned: int = 0
    probability: float = 1.0

    @property
    def certain(self) -> bool:
        """Return whether it is clear how the block lies."""
        return self.probability >= UNCERTAIN

    def upright(self, picture: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return a picture (H, W, ...) of the block as it is read."""
        return np.rot90(picture[:, ::-1] if self.mirrored else picture, -self.turned // 90)

    def points(self, points: NDArray[np.float64], shape: tuple[float, float]) -> NDArray[np.float64]:
        """Move (..., 2) points x, y in pixels of the block's picture, of shape (H, W), to its upright picture."""
        height, width = shape
        x, y = points[..., 0], points[..., 1]
        x = width - x if self.mirrored else x
        for _ in range(self.turned // 90):
            x, y, width, height = height - y, x, height, width
        return np.stack([x, y], axis=-1)

    def back(self, points: NDArray[np.float64], shape: tuple[float, float]) -> NDArray[np.float64]:
        """Move (K, 2) points from the upright picture to the block's picture, of shape (H, W): undo `points`."""
        width, height = (shape[1], shape[0]) if self.turned % 180 == 0 else shape
        x, y = points[:, 0], points[:, 1]
        for _ in range(self.turned // 90):
            x, y, width, height = y, width - x, height, width
        x = width - x if self.mirrored else x
        return np.stack([x, y], axis=1)

    def boxes(self, boxes: NDArray[np.float64], shape: tuple[float, float]) -> NDArray[np.float64]:
        """Move (N, 4) boxes x0, y0, x1, y1 to the upright picture."""
        corners = self.points(boxes.reshape(-1, 2, 2), shape)
        return np.hstack([corners.min(axis=1), corners.max(axis=1)])

    def shown(self, direction: Direction) -> Direction:
        """Return the direction that a text of this direction has in the block's picture, which may lie on its side."""
        if self.turned % 180 == 0:
            return direction
        return "horizontal" if direction == "vertical" else "vertical"

    def matrix(self) -> NDArray[np.float64]:
        """Return the (3, 3) matrix that leads from the map's axes (x right, y up, z up) to the upright ones."""
        mirror = np.diag([-1.0 if self.mirrored else 1.0, 1.0, 1.0])
        angle = math.radians(self.turned)
        cos, sin = round(math.cos(angle)), round(math.sin(angle))
        return np.einsum("ij,jk->ik", np.array([[cos, sin, 0], [-sin, cos, 0], [0, 0, 1]], np.float64), mirror)


def find_way(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    distances: Distances,
    mirrored: bool | None = None,
    turned: int | None = None,
) -> Way:
    """Return the way in which a block's characters look most like known ones.

    Parameters
    ----------
    grey : (H, W) uint8 picture of the block, dark strokes on a light ground.
    boxes : (N, 4) float64, x0, y0, x1, y1 in pixels, the most probable first; N >= 1.
    distances : measures how far pictures are from known characters.
    mirrored, turned : what is known already; None: find it.

    Returns
    -------
    The way, with the probability that it is better than the second best: the characters' distances in both are
    compared in pairs, and their mean difference is taken for normal (the central limit theorem).
    """
    ways = [
        Way(mirrored=mirror, turned=turn)
        for mirror in ((True, False) if mirrored is None else (mirrored,))
        for turn in ((0, 90, 180, 270) if turned is None else (turned,))
    ]
    if len(ways) == 1:
        return ways[0]
    sides = (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    typical = np.abs(np.log(sides / np.median(sides))) < math.log(USUAL)
    chosen = boxes[typical][:READ] if typical.any() else boxes[:READ]
    pictures = [cropped(grey, box) for box in chosen]

    def read(some: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
        return np.stack([distances([np.ascontiguousarray(way.upright(one)) for one in some]) for way in ways])

    away = read(pictures[:AT_FIRST])
    best, certain = _nearest(away)
    if certain < SURE and len(pictures) > AT_FIRST:
        best, certain = _nearest(np.hstack([away, read(pictures[AT_FIRST:])]))
    return Way(mirrored=ways[best].mirrored, turned=ways[best].turned, probability=certain)


def _nearest(away: NDArray[np.float64]) -> tuple[int, float]:
    """Return the way whose characters are nearest to known ones, and the probability that it is better than the next.

    `away` are the distances, (W, N) float64, of N characters in W ways.
    """
    order = np.argsort(away.mean(axis=1), kind="stable")
    gain = away[order[1]] - away[order[0]]
    spread = float(gain.std(ddof=1)) / math.sqrt(len(gain)) if len(gain) > 1 else math.inf
    certain = 0.5 * (1 + math.erf(float(gain.mean()) / max(spread, 1e-9) / math.sqrt(2)))
    return int(order[0]), certain


def cropped(grey: NDArray[np.uint8], box: NDArray[np.floating], margin: float = 0.06) -> NDArray[np.uint8]:
    """Return the part of a picture inside a box, with a margin as a share of the box's longer side."""
    x0, y0, x1, y1 = box
    around = margin * max(x1 - x0, y1 - y0)
    left, upper = max(0, math.floor(x0 - around)), max(0, math.floor(y0 - around))
    return grey[upper : math.ceil(y1 + around), left : math.ceil(x1 + around)]
