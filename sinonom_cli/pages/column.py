"""Read one column of writing: find its characters, name each by its looks, and then in context."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.crops.columns import column_ink
from sinonom_cli.layout.detect import Detector, shipped_detector
from sinonom_cli.pages.context import CANDIDATES, Context
from sinonom_cli.pages.sight import names_by_sight
from sinonom_cli.search.naming import Name, Namer, shipped_namer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class ColumnCharacter:
    """A character of a column.

    Attributes
    ----------
    box : x0, y0, x1, y1 in pixels of the picture.
    score : probability that the box holds a character, in [0, 1].
    sight : names by its looks alone, the most probable first.
    names : names in context, the most probable first; as `sight` where no context was used.
    """

    box: tuple[float, float, float, float]
    score: float
    sight: tuple[Name, ...]
    names: tuple[Name, ...]


def read_column(
    grey: NDArray[np.uint8],
    boxes: NDArray[np.float64] | None = None,
    scores: NDArray[np.float64] | None = None,
    *,
    namer: Namer | None = None,
    detector: Detector | None = None,
    context: Context | None = None,
) -> list[ColumnCharacter]:
    """Read a column from top to bottom.

    Paragraph marks (rings between characters) are left out.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground: a picture of the column, or of the page around it.
    boxes : (N, 4) float64, x0, y0, x1, y1 of the column's characters; None: `grey` shows one column, and the detector
        finds them.
    scores : (N,) float64, probability of each box; None: 1.
    namer : names characters by their looks; None: the one that ships.
    detector : finds characters; None: the one that ships.
    context : model of texts; None: names by sight alone.
    """
    namer = namer or shipped_namer()
    if boxes is None:
        found = (detector or shipped_detector()).find(column_ink(grey))
        boxes, scores = found.boxes, found.scores
    scores = np.ones(len(boxes)) if scores is None else scores
    order = np.argsort(boxes[:, 1] + boxes[:, 3], kind="stable")
    boxes, scores = boxes[order], scores[order]
    sight = names_by_sight(grey, boxes, namer, CANDIDATES)
    kept = np.flatnonzero(~sight.marks)
    by_sight = [sight.names[place] for place in kept]
    named = by_sight if context is None else in_context(by_sight, context)
    return [
        ColumnCharacter(
            box=(float(boxes[k, 0]), float(boxes[k, 1]), float(boxes[k, 2]), float(boxes[k, 3])),
            score=float(scores[k]),
            sight=tuple(before),
            names=tuple(after),
        )
        for k, before, after in zip(kept, by_sight, named, strict=True)
    ]


def in_context(names: Sequence[Sequence[Name]], context: Context, starts: bool = True) -> list[list[Name]]:
    """Return the names of characters in reading order with their probabilities in context, the most probable first.

    Parameters
    ----------
    names : names by sight of each character, best `CANDIDATES` of each; columns may follow each other.
    context : model of texts.
    starts : whether the first character begins a column.
    """
    candidates = [[(name.char, name.probability) for name in several] for several in names]
    after = context.decode(candidates, starts)
    return [
        sorted(
            (replace(name, probability=float(chance)) for name, chance in zip(several, chances, strict=False)),
            key=lambda name: -name.probability,
        )
        for several, chances in zip(names, after, strict=True)
    ]
