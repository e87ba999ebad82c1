"""Divide, join and add outlines of a block's characters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.find import Read, outlined
from sinonom_cli.layout.order import Placed, reading_order

MIDDLE = (0.3, 0.7)
"""Part of an outline's height in which it is divided, at the row with the least ink."""

Box = tuple[float, float, float, float]


def divided_and_joined(read: Read, divide: Sequence[int], join: Sequence[int]) -> tuple[Read, dict[int, str]]:
    """Return the characters with some outlines divided into an upper and a lower one, and some joined with the next.

    Returns
    -------
    The characters, and "divided" or "joined" for the indices of the new ones.
    """
    kept: list[tuple[Placed, float]] = []
    changed: dict[int, str] = {}
    numbers = iter(range(len(read.characters)))
    for number in numbers:
        character = read.characters[number]
        x0, y0, x1, y1 = character.placed.box
        if number in divide:
            y = _thinnest(read.ink, character.placed.box)
            for box in ((x0, y0, x1, y), (x0, y, x1, y1)):
                changed[len(kept)] = "divided"
                kept.append((replace(character.placed, box=box), character.score))
        elif number in join:
            other = read.characters[next(numbers)].placed.box
            box = min(x0, other[0]), min(y0, other[1]), max(x1, other[2]), max(y1, other[3])
            changed[len(kept)] = "joined"
            kept.append((replace(character.placed, box=box), character.score))
        else:
            kept.append((character.placed, character.score))
    return replace(read, characters=outlined(_numbered(kept), read.ink)), changed


def with_boxes(read: Read, boxes: NDArray[np.float64]) -> Read:
    """Return the characters with further ones, whose score is 0, in reading order.

    Parameters
    ----------
    boxes : (n, 4) float64 x0, y0, x1, y1 in pixels of the upright picture.
    """
    scores = np.concatenate([[character.score for character in read.characters], np.zeros(len(boxes))])
    placed = reading_order(np.vstack([read.boxes, boxes]), scores)
    return replace(read, characters=outlined([(one, float(scores[one.index])) for one in placed], read.ink))


def _numbered(kept: Sequence[tuple[Placed, float]]) -> list[tuple[Placed, float]]:
    """Number the places of each column again."""
    count: dict[int, int] = {}
    found = []
    for placed, score in kept:
        count[placed.column] = count.get(placed.column, 0) + 1
        found.append((replace(placed, place=count[placed.column]), score))
    return found


def _thinnest(ink: NDArray[np.float32], box: Box) -> float:
    """Return the row of a box, near its middle, with the least ink."""
    x0, y0, x1, y1 = box
    top, bottom = (round(y0 + share * (y1 - y0)) for share in MIDDLE)
    rows = ink[top : bottom + 1, max(0, round(x0)) : round(x1)].sum(axis=1, dtype=np.float64)
    return float(top + rows.argmin()) if len(rows) else (y0 + y1) / 2
