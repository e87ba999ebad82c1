"""A sheet, a page or a block that `read` or `cut` wrote: a picture, and the characters on it with boxes and names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.blocks.upright import Way

if TYPE_CHECKING:
    from sinonom_cli.layout.given_corrections import TakenIn

Box = tuple[float, float, float, float]


@dataclass(frozen=True, kw_only=True)
class SheetCharacter:
    """A character of a sheet.

    Attributes
    ----------
    column, place : its column, and its place in the column, from 1.
    part : of the page, see `layout.order.Placed`.
    box : x0, y0, x1, y1 in the sheet's units, y downwards.
    outline : (K, 2) corners x, y.
    char : what it shows; "" if unknown.
    names : characters that it may show with their probabilities, the most probable first; at most five.
    mesh : its mesh; None: it has none.
    checked : whether people have looked at it.
    number : place, from 0, among the characters of the sheet as it was written; None: people have made it.
    """

    column: int
    place: int
    part: str
    box: Box
    outline: tuple[tuple[float, float], ...]
    char: str
    names: tuple[tuple[str, float], ...] = ()
    mesh: Path | None = None
    checked: bool = False
    number: int | None = None

    @property
    def probability(self) -> float:
        """Return the probability of `char` in [0, 1]; 1 if people chose it, 0 if it is unknown."""
        return 1.0 if self.checked and self.char else dict(self.names).get(self.char, 0.0)


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """A page or a block.

    Attributes
    ----------
    name : unique in its folder.
    width, height : size in the sheet's units: pixels of a page's picture, or the units of a block's scan.
    picture : picture of the sheet, which shows all of it at any scale.
    clean : the same without outlines and names drawn in; None: folders of earlier versions do not have it.
    way : how a page's picture lies; blocks are shown upright.
    characters : in reading order.
    unfit : number of corrections that fit none of its characters.
    taken_in : corrections that it was made with, see `layout.given_corrections.TakenIn`.
    """

    name: str
    width: float
    height: float
    picture: Path
    characters: tuple[SheetCharacter, ...] = field(repr=False)
    clean: Path | None = None
    way: Way = field(default_factory=Way)
    unfit: int = 0
    taken_in: TakenIn = ()
