"""Describe composed pages: the ranges of their amounts, and what they hold."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sinonom_cli.relief.physics import Span

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

TEXT, NOTES, HEADING, STRIP = "text", "notes", "heading", "strip"
"""Kinds of characters: of the text, of notes in half-columns, of a heading above the border, of the centre strip."""


@dataclass(frozen=True, kw_only=True)
class Composition:
    """Ranges of the amounts of a page; what is drawn with a probability is named so.

    Attributes
    ----------
    size : height of a character's cell, in pixels.
    columns : number of columns, without the centre strip.
    rows : number of cells in a column.
    leading : width of a column, as a multiple of a cell's height.
    fill : side of a glyph's picture, as a multiple of its cell's; ink that would leave the cell makes it smaller.
    jitter : largest shift of a glyph, as a share of its cell.
    ruled : probability of rules between columns.
    borders : probabilities of no border, a single and a double one.
    strip : probability of a centre strip.
    notes : probability that a run of notes begins after a character.
    note_rows : number of characters of a half-column of notes.
    heading : probability that a column has characters above the border.
    short : probability that a column ends early.
    indent : probability that a column begins some cells down.
    blank : probability that a cell is left empty.
    margin : empty paper around the border, in cells.
    """

    size: Span = Span(20, 60)
    columns: Span = Span(4, 16)
    rows: Span = Span(6, 20)
    leading: Span = Span(1.05, 1.6)
    fill: Span = Span(0.85, 1.2)
    jitter: float = 0.04
    ruled: float = 0.7
    borders: tuple[float, float, float] = (0.15, 0.4, 0.45)
    strip: float = 0.5
    notes: float = 0.06
    note_rows: Span = Span(1, 8)
    heading: float = 0.06
    short: float = 0.3
    indent: float = 0.2
    blank: float = 0.02
    margin: Span = Span(0.5, 1.5)


@dataclass(frozen=True)
class Placed:
    """A character on a page.

    Attributes
    ----------
    char : the character.
    index : its index among the characters given.
    box : x0, y0, x1, y1 of its ink in pixels, whole numbers; x1 and y1 are the first pixels beyond.
    column : number of its column from the right, from 1; the centre strip counts as a column.
    place : its number in the column, from 1, in reading order: headings first, the right half-column of a note before
        the left one.
    kind : TEXT, NOTES, HEADING or STRIP.
    """

    char: str
    index: int
    box: tuple[int, int, int, int]
    column: int
    place: int
    kind: str


@dataclass(frozen=True)
class Page:
    """A composed page.

    Attributes
    ----------
    picture : (H, W) uint8, dark ink on light paper.
    lines : (H, W) bool, True where rules, the border or a fish-tail are drawn.
    characters : its characters in reading order.
    """

    picture: "NDArray[np.uint8]"
    lines: "NDArray[np.bool_]"
    characters: list[Placed]
