"""Align the characters that were found on a block with the characters of its transcript, by dynamic programming.

The alignment keeps both orders and costs least in all. A character that was found stands for one of the text, for none,
or for two that were taken for one; two that were found may be parts of one; a character of the text may have no
outline. Costs are negative logarithms of probabilities, so that the cheapest alignment is the most probable one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.characters import form_of
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.search.naming import Name

FLOOR = 0.01
"""Smallest probability that a character shows what the text says, whatever the model reads."""
EXTRA, MISSING = 3.5, 3.5
"""Costs of an outline that the text lacks, and of a character that no outline shows."""
ILLEGIBLE_COST = 2.0
"""Cost of a sign for a character that cannot be read, whether an outline shows it or none."""
GLUED, SPLIT = 3.0, 3.0
"""Costs of two characters in one outline, and of one in two outlines, whose sizes are as expected."""
TALL, TALL_SPREAD = 1.8, 0.2
"""Usual height of an outline of two characters, in heights of the others, and the deviation of its logarithm."""
LEAST = 0.05
"""Smallest probability that the model is sure of the name of two characters in one outline."""
WHOLE_SPREAD = 0.2
"""Deviation of the logarithm of the size of two outlines of one character, in sizes of the others."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of an alignment: outlines `first` to `last` - 1 show characters `start` to `end` - 1 of the text."""

    first: int
    last: int
    start: int
    end: int


def align_text(
    boxes: NDArray[np.float64],
    columns: Sequence[int],
    names: Sequence[Sequence[Name]],
    text: Sequence[str],
    mend: bool = True,
) -> list[Step]:
    """Return the most probable alignment of outlines with a text.

    Parameters
    ----------
    boxes : (n, 4) float64, x0, y0, x1, y1, upright, in reading order.
    columns : number of the column of each; parts of one character stand in one column.
    names : names of each with their probabilities; none for a character that could not be drawn.
    text : columns of the transcript in reading order; two characters in one outline are of one column.
    mend : whether an outline may show two characters, or two outlines one.

    Returns
    -------
    Steps in order, which cover all outlines and all characters once: each takes one outline or none and one character
    or none, or one outline and two characters, or two outlines and one character.
    """
    chars = "".join(text)
    line = np.repeat(np.arange(len(text)), [len(column) for column in text])
    match = -np.log(np.maximum(agreements(names, chars), FLOOR))
    illegible = np.array([char in ILLEGIBLE for char in chars], bool)
    match[:, illegible] = ILLEGIBLE_COST
    sides = boxes[:, 2:] - boxes[:, :2]
    height, side = np.median(sides[:, 1]), np.median(sides.max(axis=1))
    tall = (np.log(sides[:, 1] / (TALL * height)) / TALL_SPREAD) ** 2 / 2
    # What shows two characters is no character that the model is sure of.
    sure = -np.log([max(LEAST, 1 - called[0].probability) if called else 1.0 for called in names])
    glued = np.where((line[1:] == line[:-1])[None], GLUED + (tall + sure)[:, None], np.inf)
    low, high = np.minimum(boxes[:-1, :2], boxes[1:, :2]), np.maximum(boxes[:-1, 2:], boxes[1:, 2:])
    whole = (np.log((high - low).max(axis=1) / side) / WHOLE_SPREAD) ** 2 / 2
    apart = np.diff(np.asarray(columns)) != 0
    split = np.where(apart, np.inf, SPLIT + whole)
    if not mend:
        glued, split = np.full_like(glued, np.inf), np.full_like(split, np.inf)
    moves = _cheapest(match, glued, split, EXTRA, np.where(illegible, ILLEGIBLE_COST, MISSING))
    steps, place, at = [], 0, 0
    for move in moves[::-1]:
        outlines, count = _MOVES[move]
        steps.append(Step(first=place, last=place + outlines, start=at, end=at + count))
        place, at = place + outlines, at + count
    return steps


def agreements(names: Sequence[Sequence[Name]], chars: str) -> NDArray[np.float64]:
    """Return the probability that each outline shows each character in any of its forms, (n, m) float64."""
    places: dict[str, list[int]] = {}
    for j, char in enumerate(chars):
        places.setdefault(form_of(char), []).append(j)
    found = np.zeros((len(names), len(chars)))
    for i, called in enumerate(names):
        for name in called:
            found[i, places.get(form_of(name.char), [])] += name.probability
    return np.minimum(found, 1.0)


_MOVES = ((0, 0), (1, 1), (1, 0), (0, 1), (1, 2), (2, 1))
"""Numbers of outlines and of characters that each move takes."""


@numba.njit(cache=True)
def _cheapest(match: Any, glued: Any, split: Any, extra: float, missing: Any) -> Any:
    """Return the moves of the cheapest path, from its end."""
    n, m = match.shape
    total = np.full((n + 1, m + 1), np.inf)
    came = np.zeros((n + 1, m + 1), np.int8)
    total[0, 0] = 0.0
    for i in range(n + 1):
        for j in range(m + 1):
            if i > 0 and j > 0:
                _offer(total, came, i, j, total[i - 1, j - 1] + match[i - 1, j - 1], 1)
            if i > 0:
                _offer(total, came, i, j, total[i - 1, j] + extra, 2)
            if j > 0:
                _offer(total, came, i, j, total[i, j - 1] + missing[j - 1], 3)
            if i > 0 and j > 1:
                _offer(total, came, i, j, total[i - 1, j - 2] + glued[i - 1, j - 2], 4)
            if i > 1 and j > 0:
                _offer(total, came, i, j, total[i - 2, j - 1] + split[i - 2], 5)
    moves = np.empty(n + m, np.int64)
    count, i, j = 0, n, m
    while i > 0 or j > 0:
        move = came[i, j]
        moves[count] = move
        count += 1
        i -= 1 if move in (1, 2, 4) else (2 if move == 5 else 0)
        j -= 1 if move in (1, 3, 5) else (2 if move == 4 else 0)
    return moves[:count]


@numba.njit(cache=True)
def _offer(total: Any, came: Any, i: int, j: int, cost: float, move: int) -> None:
    if cost < total[i, j]:
        total[i, j] = cost
        came[i, j] = move
