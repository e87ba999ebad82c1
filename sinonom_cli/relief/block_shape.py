"""Shape what surrounds the carved page of a block: handles, cracks and the irregular edge.

The amounts follow shaded pictures of nine scanned blocks: handles are 0.06 to 0.4 times as wide as the frame, a third
to a half of which is a slope that gets steeper towards the smooth handle, from about 15 to 45 degrees by its shade;
cracks begin at the ends and follow the grain.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

SLOPE = (0.3, 0.5)
"""Width of the slope between ground and handle, as a share of the handle."""
DROP = (0.02, 0.05)
"""Depth of the handles below the ground beside the frame, as a share of the width of the page's ink."""
EVEN = 0.4
"""Share of the drop that is even along the slope; the rest grows as the square of the distance."""
PLANED = 0.3
"""Share of the ground's chisel marks that a handle has."""
WAVER = 0.01
"""Largest wavering of the line where a handle begins, as a share of the block's height."""
CRACK_LENGTH, CRACK_WIDTH, CRACK_DEPTH = (0.1, 1.0), (0.2, 0.8), (0.5, 1.5)
"""Length of a crack, as a share of the block's; width at its beginning, in mm; depth there, in depths of the relief."""
GRAIN = 0.03
"""Largest slope of the grain, which cracks follow."""
WANDER = 0.004
"""Largest distance of a crack from a straight line, as a share of the block's height."""


@dataclass(frozen=True)
class Crack:
    """A crack: the end where it begins, its height there (mm above the middle) and its length (mm)."""

    at_left: bool
    y: float
    length: float

    def __str__(self) -> str:
        return f"{'left' if self.at_left else 'right'} {self.y:.4g} {self.length:.4g}"


def add_handles(
    surface: "NDArray[np.float32]", left: int, right: int, depth: float, drop: float, rng: np.random.Generator
) -> None:
    """Lower and smooth the ground at both ends of a block, in place.

    Parameters
    ----------
    surface : (R, C) float32 heights; the ends are ground, about `depth` below 0.
    left, right : width of each handle with its slope, in points.
    drop : depth of the handles below the ground, in the unit of `depth`.
    """
    rows = len(surface)
    for width, seen in ((left, surface), (right, surface[:, ::-1])):
        end = seen[:, :width]
        slope = float(rng.uniform(*SLOPE)) * width
        waver = -np.abs(_wavering(rows, 12, WAVER * rows, rng))
        if width:
            inwards = width - np.arange(width, dtype=np.float32) - 0.5
            share = ((inwards[None, :] + waver[:, None]) / np.float32(max(slope, 1))).clip(0, 1)
            end += np.float32(depth)
            end *= 1 - (1 - PLANED) * share
            end -= share * (EVEN + (1 - EVEN) * share) * np.float32(drop) + np.float32(depth)


def add_cracks(
    surface: "NDArray[np.float32]", count: int, depth: float, step: float, rng: np.random.Generator
) -> list[Crack]:
    """Cut cracks into a block, in place: V-shaped, thinner and shallower towards their end.

    Parameters
    ----------
    surface : (R, C) float32 heights, in the unit of `depth`.
    step : distance of two points, in mm.
    """
    found = []
    for _ in range(count):
        rows, columns = surface.shape
        at_left = bool(rng.random() < 0.5)
        length = max(2, round(float(rng.uniform(*CRACK_LENGTH)) * columns))
        start = float(rng.uniform(0.05, 0.95)) * rows
        grain = float(rng.uniform(-GRAIN, GRAIN))
        widest, deepest = float(rng.uniform(*CRACK_WIDTH)) / step, float(rng.uniform(*CRACK_DEPTH)) * depth
        path = start + grain * np.arange(length) + _wavering(length, 24, WANDER * rows, rng)
        left = 1 - np.arange(length) / length
        half = np.maximum(widest / 2 * left, 1)  # narrower ones would fall between points
        top, bottom = max(0, int((path - half).min())), min(rows, int((path + half).max()) + 2)
        band = surface[top:bottom, :length] if at_left else surface[top:bottom, ::-1][:, :length]
        away = np.abs(np.arange(top, bottom)[:, None] - path[None, :])
        band -= (deepest * left * (1 - away / half).clip(0, 1)).astype(np.float32)
        found.append(Crack(at_left, (rows / 2 - 0.5 - float(path[0])) * step, length * step))
    return found


def edge(rows: int, columns: int, corner: float, inset: float, rng: np.random.Generator) -> "NDArray[np.bool_]":
    """Return where a block is, (R, C) bool: within four irregular polygonal lines.

    Parameters
    ----------
    corner : distance of two corners of the lines, in points.
    inset : largest distance of a corner from the edge of the grid, in points; less than a third of `corner`, so that
        each row and column has one piece.
    """
    top, bottom = (_irregular(columns, corner, inset, rng) for _ in range(2))
    left, right = (_irregular(rows, corner, inset, rng) for _ in range(2))
    y, x = np.arange(rows)[:, None], np.arange(columns)[None, :]
    inside = (y >= top[None, :]) & (y <= rows - 1 - bottom[None, :])
    inside &= (x >= left[:, None]) & (x <= columns - 1 - right[:, None])
    return inside


def _irregular(length: int, corner: float, inset: float, rng: np.random.Generator) -> "NDArray[np.float64]":
    corners = rng.uniform(0, inset, max(2, round(length / corner) + 1))
    return np.interp(np.arange(length), np.linspace(0, length - 1, len(corners)), corners)


def _wavering(length: int, corners: int, most: float, rng: np.random.Generator) -> "NDArray[np.float32]":
    """Return (length,) distances from a straight line, at most `most`, 0 at the beginning."""
    at = np.concatenate([[0.0], rng.uniform(-most, most, corners)])
    return np.interp(np.arange(length), np.linspace(0, length - 1, len(at)), at).astype(np.float32)
