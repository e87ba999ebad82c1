"""How alike two pictures are where they lie, when each part may have moved a little.

Of both, the directions of strokes' edges are mapped on a coarse grid. Every place of one picture is compared with the
places of the other within a cell of it, each with its 3 x 3 surroundings, and takes the most alike: the image
distortion model of Keysers, Deselaers, Gollan and Ney 2007 ("Deformation models for image recognition", IEEE TPAMI 29).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIRECTIONS, GRID, REACH = 8, 16, 1
"""Directions of edges, places a side, and how many of them a part may have moved."""


def edge_maps(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Map where edges of which direction lie.

    Parameters
    ----------
    ink : (S, S) float32 in [0, 1], as `prepare` makes it; S a multiple of GRID.

    Returns
    -------
    (DIRECTIONS, GRID, GRID) float32, >= 0, of length 1; all 0 if the picture is blank.
    """
    size = len(ink)
    smooth, coarse = _weights(size, size, size / 64), _weights(GRID, size, 0.6 * size / GRID)
    down, right = np.gradient(smooth @ ink @ smooth.T)
    turn = np.arctan2(down, right) * (DIRECTIONS / (2 * np.pi))
    away = np.abs((turn - np.arange(DIRECTIONS)[:, None, None] + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2)
    # The square root: a faint edge says nearly as much as a sharp one.
    layers = np.maximum(1 - away, 0) * np.sqrt(np.hypot(down, right))
    maps = (coarse @ layers @ coarse.T).astype(np.float32)
    length = float(np.sqrt((maps**2).sum()))
    return maps / length if length > 0 else maps


def local_distances(query: NDArray[np.float32], candidates: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compare a picture with others.

    Parameters
    ----------
    query : (DIRECTIONS, GRID, GRID) float32, from `edge_maps`.
    candidates : (N, DIRECTIONS, GRID, GRID) float32.

    Returns
    -------
    (N,) float64, >= 0; 0 for equal pictures.
    """
    edges = ((0, 0), (0, 0), (REACH, REACH), (REACH, REACH))
    padded = np.pad(candidates, edges)
    steps = range(2 * REACH + 1)
    moved = (
        _surroundings(((padded[:, :, y : y + GRID, x : x + GRID] - query) ** 2).sum(axis=1))
        for y in steps
        for x in steps
    )
    return np.minimum.reduce(list(moved)).sum(axis=(1, 2), dtype=np.float64)


def _surroundings(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum each place of (N, G, G) with the eight around it."""
    padded = np.pad(values, ((0, 0), (1, 1), (1, 1)))
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]


@cache
def _weights(places: int, size: int, deviation: float) -> NDArray[np.float64]:
    """Return (places, size) weights that blur and sample one side: each place averages over its share of the pixels."""
    pixel = np.arange(size) + 0.5
    blur = np.exp(-0.5 * ((pixel[:, None] - pixel) / deviation) ** 2)
    blur /= blur.sum(axis=1, keepdims=True)
    return blur.reshape(places, size // places, size).mean(axis=1)
