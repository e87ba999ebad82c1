"""Read one column of writing: find its characters, name each by its looks, and then in context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.upright import cropped
from sinonom_cli.crops.columns import column_ink
from sinonom_cli.layout.detect import shipped_detector
from sinonom_cli.pages.context import Context
from sinonom_cli.pages.look_alikes import with_look_alikes
from sinonom_cli.pages.sight import Sight, names_by_sight
from sinonom_cli.search.naming import CANDIDATES, Name, Namer, shipped_namer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


LIKELY = 0.4
"""Smallest probability of a box that is a character: less than on a page, as a column holds little else. Chosen on 300
columns of NomNaOCR's `Train.txt`: CER 8.38 %, 8.41 with 0.5, 8.49 with 0.55."""
TALL, NEAR = 1.45, 0.7
"""Largest height of two boxes that may show one character, and largest distance of their middles, in pitches: the
usual distance of neighbouring middles in the column."""
USUAL = 1.2
"""Pitch of a column of a few boxes, in heights of the tallest."""


@dataclass(frozen=True, kw_only=True)
class ColumnCharacter:
    """A character of a column.

    Attributes
    ----------
    box : x0, y0, x1, y1 in pixels of the picture.
    score : probability that the box holds a character, in [0, 1].
    sight : names by its looks alone, the most probable first.
    names : names after look-alikes and neighbours, the most probable first; as `sight` where no context was used.
    """

    box: tuple[float, float, float, float]
    score: float
    sight: tuple[Name, ...]
    names: tuple[Name, ...]


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Characters of columns, named by their looks.

    Attributes
    ----------
    places : for each character, the place of its box, or of the upper one of its two boxes, among the given ones.
    boxes : (n, 4) float64.
    scores : (n,) float64, the higher one where two boxes were joined.
    names : names of each character, the most probable first, at most `CANDIDATES`.
    embeddings : (n, D) float32 of length 1, what the names were found by.
    """

    places: list[int]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    names: list[list[Name]]
    embeddings: NDArray[np.float32]


def read_column(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64] | None = None,
    scores: NDArray[np.float64] | None = None,
    context: Context | None = None,
) -> list[ColumnCharacter]:
    """Read a column from top to bottom.

    Paragraph marks (rings between characters) are left out.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground: a picture of the column, or of the page around it.
    boxes : (N, 4) float64, x0, y0, x1, y1 of the column's characters; None: `grey` shows one column, and the detector
        that ships finds them.
    scores : (N,) float64, probability of each box; None: 1.
    context : model of texts; None: names by sight alone. With it, look-alikes in the column vote too.
    """
    seen = see_column(grey, boxes, scores)
    named = seen.names if context is None else in_context(with_look_alikes(seen.names, seen.embeddings), context)
    return [
        ColumnCharacter(
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            score=float(score),
            sight=tuple(before),
            names=tuple(after),
        )
        for box, score, before, after in zip(seen.boxes, seen.scores, seen.names, named, strict=True)
    ]


def see_column(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64] | None = None,
    scores: NDArray[np.float64] | None = None,
) -> Seen:
    """Find the characters of a column, and name them by their looks; the parameters are those of `read_column`."""
    if boxes is None:
        found = shipped_detector().find(column_ink(grey), likely=LIKELY)
        boxes, scores = found.boxes, found.scores
    scores = np.ones(len(boxes)) if scores is None else scores
    order = np.argsort(boxes[:, 1] + boxes[:, 3], kind="stable")
    boxes, scores = boxes[order], scores[order]
    return characters_by_sight(grey, boxes, scores, np.zeros(len(boxes), np.int64), shipped_namer())


def characters_by_sight(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    scores: NDArray[np.float64],
    columns: NDArray[np.int64],
    namer: Namer,
) -> Seen:
    """Name the characters of one column or of several, join what is one character, and leave out paragraph marks.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground.
    boxes : (N, 4) float64, x0, y0, x1, y1, in reading order, from top to bottom in each column.
    scores : (N,) float64, probability that a box holds a character.
    columns : (N,) int64, number of the column of each box; the halves of a note are two columns.
    namer : names characters by their looks.
    """
    sight = names_by_sight(grey, boxes, namer, CANDIDATES)
    groups = joined(grey, boxes, sight, columns, namer)
    whole = np.array([[*boxes[group, :2].min(axis=0), *boxes[group, 2:].max(axis=0)] for group in groups])
    names, marks = ([part[group[0]] for group in groups] for part in (sight.names, sight.marks))
    several = [place for place, group in enumerate(groups) if len(group) > 1]
    embeddings = sight.embeddings[[group[0] for group in groups]]
    again = names_by_sight(grey, whole[several], namer, CANDIDATES)
    embeddings[several] = again.embeddings
    for place, names_again in zip(several, again.names, strict=True):
        names[place] = names_again
    kept = [place for place, mark in enumerate(marks) if not mark]
    return Seen(
        places=[groups[place][0] for place in kept],
        boxes=whole.reshape(-1, 4)[kept],
        scores=np.array([scores[groups[place]].max() for place in kept]),
        names=[names[place] for place in kept],
        embeddings=embeddings[kept],
    )


def joined(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64],
    sight: Sight,
    columns: NDArray[np.int64],
    namer: Namer,
) -> list[list[int]]:
    """Return which boxes show one character together, as groups of one or two places in order.

    A detector takes the upper and the lower part of a tall character for two. Two neighbours of a column that stand
    close are one character if their union is nearer to a known character than the two are on average. On 300 columns
    of NomNaOCR's `Train.txt`, this rule was right for all of 28 such pairs but one.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground.
    boxes : (N, 4) float64, in reading order, from top to bottom in each column.
    sight : what they show.
    columns : (N,) int64, number of the column of each box.
    namer : names characters by their looks.
    """
    upper = np.array([k for k in _close(boxes, columns) if not sight.marks[k : k + 2].any()], np.int64)
    both = np.hstack(
        [np.minimum(boxes[upper, :2], boxes[upper + 1, :2]), np.maximum(boxes[upper, 2:], boxes[upper + 1, 2:])]
    )
    away = np.array([several[0].distance for several in sight.names])
    union = namer.distances([cropped(grey, box) for box in both])
    gain = (away[upper] + away[upper + 1]) / 2 - union
    follower: dict[int, int] = {}
    for place in np.argsort(-gain, kind="stable"):
        k = int(upper[place])
        if gain[place] > 0 and not {k, k + 1} & {*follower, *follower.values()}:
            follower[k] = k + 1
    return [[k, follower[k]] if k in follower else [k] for k in range(len(boxes)) if k not in follower.values()]


def _close(boxes: NDArray[np.float64], columns: NDArray[np.int64]) -> list[int]:
    """Return the places of boxes that may show one character with the next of their column."""
    found: list[int] = []
    for column in np.unique(columns):
        places = np.flatnonzero(columns == column)
        middle = (boxes[places, 1] + boxes[places, 3]) / 2
        steps = np.diff(middle)
        if not len(steps):
            continue
        heights = boxes[places, 3] - boxes[places, 1]
        pitch = float(np.median(steps)) if len(steps) > 2 else USUAL * float(heights.max())
        tall = np.maximum(boxes[places[1:], 3], boxes[places[:-1], 3]) - boxes[places[:-1], 1]
        close = (tall < TALL * pitch) | (steps < NEAR * pitch)
        found += [int(k) for k, below in zip(places[:-1][close], places[1:][close], strict=True) if below == k + 1]
    return found


def in_context(names: Sequence[Sequence[Name]], context: Context) -> list[list[Name]]:
    """Return the names of characters in reading order with their probabilities in context, the most probable first.

    Parameters
    ----------
    names : names by sight of each character, best `CANDIDATES` of each; columns may follow each other. The
        first one counts as the first of a column.
    context : model of texts.
    """
    candidates = [[(name.char, name.probability) for name in several] for several in names]
    after = context.decode(candidates)
    return [
        sorted(
            (replace(name, probability=float(chance)) for name, chance in zip(several, chances, strict=False)),
            key=lambda name: -name.probability,
        )
        for several, chances in zip(names, after, strict=True)
    ]
