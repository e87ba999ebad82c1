"""What `read` makes of a page: its characters, each with its place, its names by sight and its names in context."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sinonom_cli.layout.given_corrections import TakenIn
    from sinonom_cli.layout.parts import Part
    from sinonom_cli.search.naming import Name

UNREADABLE = "□"
"""Sign that stands in a text for a character without a name."""

Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class ReadCharacter:
    """A character of a page.

    Attributes
    ----------
    column, place : number of the column on the page, and of the character in the column, both from 1.
    part : "text", "note-right", "note-left", "heading" or "centre", see `layout.order.Placed`.
    box : x0, y0, x1, y1 in pixels of the picture as it is shown (turned as its EXIF data say).
    outline : four corners x, y in the same pixels, from the upper left of the character clockwise; they differ from the
        box where the page is turned or seen from the side.
    score : probability that the box holds a character, in [0, 1].
    sight : names by the looks of the character alone, the most probable first, at most five.
    names : names in their context, the most probable first, at most five; as `sight` where no context was used.
    rejected : whether its picture matches no known character.
    named_by : "sight", "context", "transcript" or "correction", from which the first of `names` is.
    checked : whether people have said what it shows; then `names` is only that.
    """

    column: int
    place: int
    part: Part
    box: tuple[float, float, float, float]
    outline: tuple[Point, Point, Point, Point]
    score: float
    sight: tuple[Name, ...]
    names: tuple[Name, ...]
    rejected: bool = False
    named_by: str = "sight"
    checked: bool = False

    @property
    def char(self) -> str:
        """Return the most probable character, or `UNREADABLE`."""
        return self.names[0].char if self.names and not self.rejected else UNREADABLE

    @property
    def label(self) -> str:
        """Return the label of the most probable character, such as `U+5B57`, or ""."""
        return self.names[0].label if self.names and not self.rejected else ""

    @property
    def probability(self) -> float:
        """Return the probability of the most probable character, in [0, 1]; 0 without one."""
        return self.names[0].probability if self.names and not self.rejected else 0.0


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A page that was read.

    Attributes
    ----------
    page : name of the page, under which its files are written; unique in an output.
    source : file of the picture, relative to the input that holds it; `#k` for the k-th page of a file.
    width, height : size of the picture as it is shown, pixels.
    direction : "vertical" or "horizontal".
    turned : degrees by which the picture must be turned clockwise, after mirroring, to stand upright: 0, 90, 180, 270.
    mirrored : whether the picture is a mirror image.
    size : height of an ordinary character, pixels of the picture.
    characters : in reading order.
    left_out : number of characters of the next leaf at the edge of the paper, which are not among the characters.
    taken_in : corrections that were applied, see `layout.given_corrections.TakenIn`.
    """

    page: str
    source: str
    width: int
    height: int
    direction: str
    turned: int
    mirrored: bool
    size: float
    characters: tuple[ReadCharacter, ...]
    left_out: int = 0
    taken_in: TakenIn = ()

    def columns(self) -> list[tuple[ReadCharacter, ...]]:
        """Return the characters column by column."""
        return [tuple(group) for _, group in groupby(self.characters, key=lambda character: character.column)]

    @property
    def text(self) -> str:
        """Return what the page reads: a column a line."""
        return "\n".join("".join(character.char for character in column) for column in self.columns())
