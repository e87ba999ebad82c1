"""Part a reading into regions and lines, as PAGE, ALTO and TEI need them.

A line is a run of characters of one column and one part: a column with a note becomes the text above the note, the
note's right half column, its left one, and the text below. A region is a run of lines of one kind.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from sinonom_cli.layout.parts import Part
from sinonom_cli.pages.reading import Point, ReadCharacter, Reading

Kind = Literal["text", "heading", "centre"]
"""Kind of a region: text with its notes, a heading above the frame, or the centre strip of a spread."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a page.

    Attributes
    ----------
    name : unique on the page; an XML identifier.
    part : of all its characters.
    characters : in reading order.
    """

    name: str
    part: Part
    characters: tuple[ReadCharacter, ...]

    @property
    def text(self) -> str:
        """Return what the line reads."""
        return "".join(character.char for character in self.characters)


@dataclass(frozen=True, kw_only=True)
class Region:
    """A region of a page: its kind and its lines in reading order; `name` is an XML identifier."""

    name: str
    kind: Kind
    lines: tuple[Line, ...]


def regions_of(reading: Reading) -> list[Region]:
    """Return the regions of a page in reading order."""
    lines: list[Line] = []
    for column in reading.columns():
        for part, run in groupby(column, key=lambda character: character.part):
            lines.append(Line(name=f"line_{len(lines) + 1}", part=part, characters=tuple(run)))
    regions: list[Region] = []
    for kind, members in groupby(lines, key=lambda line: kind_of(line.part)):
        regions.append(Region(name=f"region_{len(regions) + 1}", kind=kind, lines=tuple(members)))
    return regions


def kind_of(part: Part) -> Kind:
    """Return the kind of region that a part belongs to."""
    return part if part in ("heading", "centre") else "text"


def around(characters: Sequence[ReadCharacter], reading: Reading) -> tuple[int, int, int, int]:
    """Return x0, y0, x1, y1 around characters, whole pixels inside the picture."""
    x0, y0 = (math.floor(min(character.box[side] for character in characters)) for side in (0, 1))
    x1, y1 = (math.ceil(max(character.box[side] for character in characters)) for side in (2, 3))
    (left, top), (right, bottom) = _inside((x0, y0), reading), _inside((x1, y1), reading)
    return left, top, right, bottom


def corners(character: ReadCharacter, reading: Reading) -> list[tuple[int, int]]:
    """Return the outline of a character in whole pixels inside the picture."""
    return [_inside(point, reading) for point in character.outline]


def _inside(point: Point, reading: Reading) -> tuple[int, int]:
    return min(max(round(point[0]), 0), reading.width), min(max(round(point[1]), 0), reading.height)


def rectangle(box: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """Return the corners of a box, from the upper left clockwise."""
    x0, y0, x1, y1 = box
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]


def written(points: Sequence[tuple[int, int]]) -> str:
    """Return points as PAGE and ALTO write them: `x,y x,y ...`."""
    return " ".join(f"{x},{y}" for x, y in points)


def confidence(probability: float) -> str:
    """Return a probability as PAGE and ALTO write it, in [0, 1]."""
    return f"{min(max(probability, 0), 1):.4f}"
