"""Apply people's corrections to the placed characters of a page or block, which keep their order, columns and parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.layout.apply_corrections import Corrected, applied
from sinonom_cli.layout.order import Direction, Placed
from sinonom_cli.layout.suppress import overlaps

if TYPE_CHECKING:
    from sinonom_cli.layout.corrections import Box, Correction
    from sinonom_cli.layout.parts import Part


@dataclass(frozen=True, kw_only=True)
class PutRight:
    """Characters of a page or block after corrections, in reading order.

    Attributes
    ----------
    placed : place of each; `index` is its number among the characters before the corrections, -1 for a new one.
    moved : whether its box is another than before.
    chars : what people say that it shows; "" where they say nothing.
    unfit : corrections that fit no character.
    """

    placed: list[Placed]
    moved: list[bool]
    chars: list[str]
    unfit: list[Correction]


def put_right(
    placed: Sequence[Placed],
    boxes: Sequence[Box],
    chars: Sequence[str],
    corrections: Sequence[Correction],
    size: tuple[float, float],
    least: float,
    direction: Direction = "vertical",
) -> PutRight:
    """Apply corrections to the characters of a page or block.

    Parameters
    ----------
    placed : in reading order.
    boxes : box of each in the units of the corrections; the boxes returned are in these units.
    chars : what each shows; "" if unknown.
    corrections : in the order in which they were made.
    size : width and height of the page or block, in these units.
    least : smallest side of a box inside it; a correction with a smaller one is left out.
    direction : of the text.
    """
    usable = [each for each in corrections if all(_is_inside(spot.box, size, least) for spot in each.now)]
    given = [
        Corrected(box=box, char=char, index=number, column=one.column, place=one.place)
        for number, (one, box, char) in enumerate(zip(placed, boxes, chars, strict=True))
    ]
    found, unfit = applied(given, usable, direction)
    numbers = {column: number for number, column in enumerate(dict.fromkeys(one.column for one in found), 1)}
    found.sort(key=lambda one: numbers[one.column])  # a column is read as a whole
    return PutRight(
        placed=[
            Placed(
                index=-1 if one.index is None else one.index,
                column=numbers[one.column],
                place=one.place,
                part=placed[one.index].part if one.index is not None else _part(one, placed, boxes, found),
                box=one.box,
            )
            for one in found
        ],
        moved=[one.index is None or one.box != boxes[one.index] for one in found],
        chars=[one.char if one.checked else "" for one in found],
        unfit=[each for each in corrections if each in unfit or each not in usable],
    )


def _is_inside(box: Box, size: tuple[float, float], least: float) -> bool:
    """Return whether the part of a box on a page or block has sides of `least`."""
    x0, y0, x1, y1 = box
    return min(x1, size[0]) - max(x0, 0) >= least and min(y1, size[1]) - max(y0, 0) >= least


def _part(one: Corrected, placed: Sequence[Placed], boxes: Sequence[Box], found: Sequence[Corrected]) -> Part:
    """Return the part of a new character: of the old one that it overlaps most, else of the nearest in its column."""
    if not len(boxes):
        return "text"
    shares = overlaps(np.array(one.box), np.array(boxes))
    if shares.max() > 0:
        return placed[int(shares.argmax())].part
    beside = [other.index for other in found if other.index is not None and other.column == one.column]
    if not beside:
        return "text"
    middle = one.box[1] + one.box[3]
    return placed[min(beside, key=lambda number: abs(boxes[number][1] + boxes[number][3] - middle))].part
