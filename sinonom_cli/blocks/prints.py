"""Carry over what is known of a print to the block that made it: boxes and names of characters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.doubts import PRINT, UNLIKELY, Doubt
from sinonom_cli.blocks.find import Read
from sinonom_cli.blocks.judge_text import AGREES, FITS_HERE
from sinonom_cli.characters import form_of
from sinonom_cli.layout.register import Registration, Spots, register
from sinonom_cli.search.naming import Name

FITS = 0.3
"""Smallest share of the characters in one place that have a common name, of a print of this block."""
NEIGHBOURS = 8
"""Number of nearest characters that must agree, by `FITS_HERE`, where a known name is believed."""
APART = 0.6
"""Smallest distance, in usual distances, of a character of the print from those of the block that have no outline."""
NEAR = 1.5
"""Largest such distance at which the print would show a character of the block."""
RELIEF = 0.05
"""Smallest mean ink in the box of a character that is added."""
FLOOR = 0.01
"""Probability, by each of block and print, of a name that is not among those it gives."""


@dataclass(frozen=True, kw_only=True)
class Print:
    """A picture of a print of a block.

    Attributes
    ----------
    path, number : the file, and the number of the page in it, from 0.
    name : of the picture, for messages.
    boxes, chars : boxes of characters, x0, y0, x1, y1 in its pixels, and their names, "" for unknown ones, as somebody
        has drawn them; empty: they are found.
    """

    path: Path
    number: int
    name: str
    boxes: tuple[tuple[float, ...], ...] = ()
    chars: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class PrintCharacters:
    """Characters of a print.

    Attributes
    ----------
    boxes : (n, 4) float64, x0, y0, x1, y1, not mirrored.
    names : names of each with their probabilities, the most probable first.
    known : (n,) bool, whether the name is known and not read.
    """

    boxes: NDArray[np.float64]
    names: Sequence[Sequence[Name]]
    known: NDArray[np.bool_]


ReadPrint = Callable[[Print], PrintCharacters]
"""Function that finds the characters of a print."""


@dataclass(frozen=True, kw_only=True)
class Carried:
    """What a print tells of a block's characters.

    Attributes
    ----------
    chars : name of each character; "" where the print gives none.
    probabilities : of these names.
    doubts : where they disagree.
    added : (k, 4) float64, boxes of characters that have no outline, in pixels of the upright block.
    fits : whether it is a print of this block.
    agreement : share of the characters in one place that have a common name.
    """

    chars: list[str]
    probabilities: list[float]
    doubts: list[Doubt]
    added: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 4)))
    fits: bool = True
    agreement: float = 0.0


def carry_over(read: Read, names: Sequence[Sequence[Name]], page: PrintCharacters, called: str) -> Carried:
    """Register a print with the block and carry over its names, and boxes of characters without outline.

    Parameters
    ----------
    read, names : characters of the block and the model's names of them.
    page : characters of the print.
    called : name of the print, for the doubts.
    """
    boxes = read.boxes
    found = register(_spots(page.boxes, page.names), _spots(boxes, names))
    empty = [""] * len(boxes)
    if found is None or not found.reliable or found.agreement < FITS:
        met = int(found.same.sum()) if found is not None else 0
        reason = f"{doubts.OTHER_PRINT}: {called}, {met} of {len(boxes)} characters agree"
        return Carried(
            chars=empty, probabilities=[0.0] * len(boxes), doubts=[Doubt(reason=reason, known_by=PRINT)], fits=False
        )
    carried = Carried(chars=empty, probabilities=[0.0] * len(boxes), doubts=[], agreement=found.agreement)
    believed = _believed(found, boxes)
    for (j, i), sure in zip(found.pairs.tolist(), believed, strict=True):
        _carry(carried, i, names[i], page.names[j], bool(page.known[j]), bool(sure))
    moved = found.boxes(page.boxes)
    added, blank = _without_outline(read, boxes, page, moved, found)
    carried.doubts.extend(_not_in_print(boxes, moved, found))
    carried.doubts.extend(
        Doubt(reason=doubts.BLANK, column=_column(read, moved[j]), known=_first(page.names[j]), known_by=PRINT)
        for j in blank
    )
    return replace(carried, added=moved[added])


def _spots(boxes: NDArray[np.float64], names: Sequence[Sequence[Name]]) -> Spots:
    """Return characters as points, with one name for all forms of a character."""
    return Spots(
        points=(boxes[:, :2] + boxes[:, 2:]) / 2,
        names=[[form_of(name.char) for name in called] for called in names],
        probabilities=[[name.probability for name in called] for called in names],
    )


def _carry(
    carried: Carried, number: int, names: Sequence[Name], printed: Sequence[Name], known: bool, believed: bool
) -> None:
    """Name one character by the print, and doubt it where block and print disagree."""
    if not printed:
        return
    first = printed[0].char
    agrees = sum(name.probability for name in names if form_of(name.char) == form_of(first))
    if known:
        if agrees >= AGREES or believed:
            carried.chars[number], carried.probabilities[number] = first, min(agrees, 1.0)
        if agrees < AGREES and names:
            carried.doubts.append(Doubt(reason=doubts.DISAGREES, number=number, known=first, known_by=PRINT))
        return
    char, probability = fused(names, printed)
    if probability >= UNLIKELY:
        carried.chars[number], carried.probabilities[number] = char, probability
    differ = names and form_of(names[0].char) != form_of(first)
    if differ and min(names[0].probability, printed[0].probability) >= UNLIKELY:
        carried.doubts.append(Doubt(reason=doubts.PRINT_DIFFERS, number=number, known=first, known_by=PRINT))


def fused(names: Sequence[Name], printed: Sequence[Name]) -> tuple[str, float]:
    """Return the most probable name by two independent looks, and its probability.

    The probabilities are multiplied; a name that one look does not give has there `FLOOR`. Forms of one character
    count together, and the form is the one that has most in both.
    """
    looks = [{name.char: name.probability for name in look} for look in (names, printed)]
    chars = list({**looks[0], **looks[1]})
    forms: dict[str, list[str]] = {}
    for char in chars:
        forms.setdefault(form_of(char), []).append(char)
    weight = {
        form: float(np.prod([max(FLOOR, sum(look.get(char, 0.0) for char in some)) for look in looks]))
        for form, some in forms.items()
    }
    best = max(weight, key=lambda form: weight[form])
    char = max(forms[best], key=lambda one: looks[0].get(one, 0.0) + looks[1].get(one, 0.0))
    return char, weight[best] / (sum(weight.values()) + FLOOR * FLOOR)


def _believed(found: Registration, boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return for each pair whether most of the nearest other pairs have a common name."""
    middles = ((boxes[:, :2] + boxes[:, 2:]) / 2)[found.pairs[:, 1]]
    square = ((middles[:, None] - middles[None]) ** 2).sum(axis=2)
    nearest = np.argsort(square, axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    return np.asarray(found.same[nearest].mean(axis=1) >= FITS_HERE)


def _distances(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the distances of the middles of boxes, (n, m) float64."""
    middles = [(boxes[:, :2] + boxes[:, 2:]) / 2 for boxes in (one, other)]
    return np.asarray(np.sqrt(((middles[0][:, None] - middles[1][None]) ** 2).sum(axis=2)))


def _without_outline(
    read: Read, boxes: NDArray[np.float64], page: PrintCharacters, moved: NDArray[np.float64], found: Registration
) -> tuple[list[int], list[int]]:
    """Return the characters of the print that the block has no outline of: those with relief, and those without."""
    height, width = read.ink.shape
    lonely = _distances(moved, boxes).min(axis=1) > APART * found.spacing
    inside = (moved[:, :2] >= 0).all(axis=1) & (moved[:, 2:] <= np.array([width, height])).all(axis=1)
    added: list[int] = []
    blank: list[int] = []
    for j in np.flatnonzero(lonely & inside & (np.ptp(moved.reshape(-1, 2, 2), axis=1).min(axis=1) >= 1)).tolist():
        x0, y0, x1, y1 = np.round(moved[j]).astype(int)
        part = read.ink[y0 : y1 + 1, x0 : x1 + 1]
        (added if float(part.mean()) >= RELIEF else blank).append(j)
    return added, blank


def _not_in_print(boxes: NDArray[np.float64], moved: NDArray[np.float64], found: Registration) -> list[Doubt]:
    """Return the doubts about outlines where the print, which reaches there, has no character."""
    away = _distances(boxes, moved).min(axis=1)
    there = (away > APART * found.spacing) & (away <= NEAR * found.spacing)
    return [
        Doubt(reason=doubts.NOT_IN_PRINT, number=number, known_by=PRINT) for number in np.flatnonzero(there).tolist()
    ]


def _column(read: Read, box: NDArray[np.float64]) -> int:
    """Return the column of the nearest character."""
    return read.characters[int(_distances(box[None], read.boxes)[0].argmin())].placed.column


def _first(names: Sequence[Name]) -> str:
    return names[0].char if names else ""
