"""Apply people's corrections to the characters of a page or block; `corrections` describes them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from sinonom_cli.layout.corrections import Box, Correction, Spot, standing
from sinonom_cli.layout.order import Direction
from sinonom_cli.layout.suppress import overlaps

SAME = 0.5
"""Least intersection over union of the box of a correction and that of the character that it is about."""


@dataclass(frozen=True, kw_only=True)
class Corrected:
    """A character of a page after corrections.

    Attributes
    ----------
    box, char : where it stands and what it shows.
    index : number of the character among those given to `applied`; None if people added it.
    checked : whether people have accepted it or made it.
    column : number of its column, from 1; place : of the character in it, from 1.
    """

    box: Box
    char: str
    index: int | None
    checked: bool = False
    column: int = 1
    place: int = 1


def applied(
    characters: Sequence[Corrected], corrections: Iterable[Correction], direction: Direction = "vertical"
) -> tuple[list[Corrected], list[Correction]]:
    """Apply the corrections of one page to its characters.

    A box that was split, merged or added may stand there already in a new reading: then its character is set.

    Parameters
    ----------
    characters : in reading order, with their columns.
    corrections : of this page, in the order in which they were made.
    direction : of the text; in horizontal text a column is a row.

    Returns
    -------
    The corrected characters, in reading order, their places counted anew, and the corrections that fit none of the
    characters and were left out.
    """
    found, unfit = list(characters), []
    for each in standing(corrections):
        was, now = (_fitting(found, [spot.box for spot in spots]) for spots in (each.was, each.now))
        if now.share > was.share and len(each.was) != len(each.now):
            for place, spot in zip(now.places, each.now, strict=True):
                found[place] = replace(found[place], box=spot.box, char=spot.char or found[place].char, checked=True)
            continue
        if not was.share and each.was:
            unfit.append(each)
            continue
        start = min(was.places) if was.places else _place_after(found, each.after)
        kept = [one for place, one in enumerate(found) if place not in was.places]
        made = [_made(spot, found, each, was.places, start, direction) for spot in each.now]
        found = [*kept[:start], *made, *kept[start:]]
    return _counted(found), unfit


class _Fit(NamedTuple):
    """Places of the characters that boxes show, and the smallest overlap of the boxes with them; 0: they fit none."""

    places: list[int]
    share: float


def _fitting(found: Sequence[Corrected], boxes: Sequence[Box]) -> _Fit:
    """Return the characters whose boxes overlap given boxes most, by `SAME` at least, each another one."""
    if not found or not boxes:
        return _Fit([], 0.0)
    there = np.array([one.box for one in found])
    shares = np.array([overlaps(np.array(box), there) for box in boxes])
    places = shares.argmax(axis=1).tolist()
    share = float(shares.max(axis=1).min())
    return _Fit(places, share) if share >= SAME and len(set(places)) == len(places) else _Fit([], 0.0)


def _made(
    spot: Spot,
    found: Sequence[Corrected],
    each: Correction,
    places: Sequence[int],
    start: int,
    direction: Direction,
) -> Corrected:
    """Return a character that a correction brings; it keeps its number where it replaces exactly one character.

    It also keeps its box where the correction does not change the box: that of a new reading may have moved a little.
    """
    if len(places) == 1 and len(each.now) == 1:
        old = found[places[0]]
        box = old.box if spot.box == each.was[0].box else spot.box
        return replace(old, box=box, char=spot.char, checked=True)
    column = found[places[0]].column if places else _column_at(found, start, spot.box, direction)
    return Corrected(box=spot.box, char=spot.char, index=None, checked=True, column=column)


def _column_at(found: Sequence[Corrected], start: int, box: Box, direction: Direction) -> int:
    """Return the column of a new box at a place: of the neighbour in line with it; without one, a further column."""
    beside = [one for one in found[max(start - 1, 0) : start + 1] if in_line(one.box, box, direction)]
    return beside[0].column if beside else max((one.column for one in found), default=0) + 1


def _place_after(found: Sequence[Corrected], box: Box | None) -> int:
    """Return the place at which an added character is put: after the one with this box; else the last place."""
    if box is None:
        return 0
    places = _fitting(found, [box]).places
    return places[0] + 1 if places else len(found)


def _counted(found: Sequence[Corrected]) -> list[Corrected]:
    """Count the places in each column anew."""
    counts: dict[int, int] = {}
    counted = []
    for one in found:
        counts[one.column] = counts.get(one.column, 0) + 1
        counted.append(replace(one, place=counts[one.column]))
    return counted


def neighbour_before(characters: Sequence[Corrected], box: Box, direction: Direction = "vertical") -> Box | None:
    """Return the box of the character that a new box follows in reading; None if it is the first.

    It follows the nearest character above it (in horizontal text: to its left) that is in line with it; without one, it
    comes before the nearest such character below (to its right); without any, it is the last.
    """
    first, last = (1, 3) if direction == "vertical" else (0, 2)
    middle = (box[first] + box[last]) / 2
    above: list[tuple[float, int]] = []
    below: list[tuple[float, int]] = []
    for place, one in enumerate(characters):
        if not in_line(one.box, box, direction):
            continue
        centre = (one.box[first] + one.box[last]) / 2
        (above if centre <= middle else below).append((abs(centre - middle), place))
    if above:
        return characters[min(above)[1]].box
    if below:
        place = min(below)[1]
        return characters[place - 1].box if place else None
    return characters[-1].box if characters else None


def in_line(one: Box, other: Box, direction: Direction) -> bool:
    """Return whether two boxes stand in one column, or row: they share half of the width, or height, of the smaller."""
    low, high = (0, 2) if direction == "vertical" else (1, 3)
    shared = min(one[high], other[high]) - max(one[low], other[low])
    return shared >= 0.5 * min(one[high] - one[low], other[high] - other[low])
