"""Find the characters of a levelled block: which way it lies, their boxes, reading order and outlines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.outlines import outlines
from sinonom_cli.blocks.upright import Way, find_way
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.detect import shipped_detector
from sinonom_cli.layout.order import Placed, reading_order
from sinonom_cli.search.naming import shipped_namer

FEWEST = 2
"""Smallest number of characters of a block; the mesh of one character needs no cutting."""


@dataclass(frozen=True, kw_only=True)
class Character:
    """A character of a block.

    Attributes
    ----------
    placed : its place in reading order, and its box in pixels of the upright picture.
    outline : (K, 2) float64 x, y in pixels of the upright picture.
    score : probability that it is a character, in [0, 1].
    """

    placed: Placed
    outline: NDArray[np.float64]
    score: float


@dataclass(frozen=True, kw_only=True)
class Read:
    """The characters of a block.

    Attributes
    ----------
    way : how the block lies.
    ink : (H, W) float32 in [0, 1], upright.
    size : height of an ordinary character, pixels.
    characters : in reading order.
    """

    way: Way
    ink: NDArray[np.float32]
    size: float
    characters: list[Character]

    @property
    def boxes(self) -> NDArray[np.float64]:
        """Return the boxes of the characters, (N, 4) float64 x0, y0, x1, y1, pixels."""
        return np.array([character.placed.box for character in self.characters], np.float64)


def find_characters(
    ink: NDArray[np.float32], mirrored: bool | None = None, turned: int | None = None, size: float | None = None
) -> Read:
    """Find the characters of a block.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 on stroke tops, from `ink`.
    mirrored, turned : what is known about how the block lies; None: find it.
    size : height of an ordinary character, pixels; None: find it.

    Raises
    ------
    BadInput
        If fewer than `FEWEST` characters are found.
    """
    found = shipped_detector().find(ink, size)
    if len(found.boxes) < FEWEST:
        what = "one character" if len(found.boxes) else "no characters"
        hint = "sinonom render takes meshes of single characters" if len(found.boxes) else "give the scan of a block"
        raise BadInput(f"{what} found", hint)
    grey = np.round(255 * (1 - ink)).astype(np.uint8)
    way = find_way(grey, found.boxes, shipped_namer().distances, mirrored, turned)
    boxes = way.boxes(found.boxes, ink.shape)
    ink = np.ascontiguousarray(way.upright(ink), np.float32)
    placed = [(place, float(found.scores[place.index])) for place in reading_order(boxes, found.scores)]
    return Read(way=way, ink=ink, size=found.size, characters=outlined(placed, ink))


def outlined(placed: Sequence[tuple[Placed, float]], ink: NDArray[np.float32]) -> list[Character]:
    """Return characters with their outlines, given their places and scores, and the ink of the upright block."""
    polygons = outlines(np.array([place.box for place, _ in placed]), ink)
    return [
        Character(placed=place, outline=polygon, score=score)
        for (place, score), polygon in zip(placed, polygons, strict=True)
    ]
