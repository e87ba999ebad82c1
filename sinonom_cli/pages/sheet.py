"""A sheet, a page or a block that `read` or `cut` wrote: a picture, and the characters on it with boxes and names."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.upright import Way

if TYPE_CHECKING:
    from sinonom_cli.layout.corrections import Box
    from sinonom_cli.layout.given_corrections import TakenIn
    from sinonom_cli.layout.order import Direction


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
    direction : of the text, "vertical" or "horizontal".
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
    direction: Direction = "vertical"
    unfit: int = 0
    taken_in: TakenIn = ()

    def upright(self, box: Box) -> Box:
        """Return a box of the sheet in its upright picture."""
        x0, y0, x1, y1 = self.way.boxes(np.array([box], np.float64), (self.height, self.width))[0].tolist()
        return x0, y0, x1, y1

    def halves(self, box: Box) -> tuple[Box, Box]:
        """Return the two halves of a box in reading order: upper and lower, or in horizontal text left and right."""
        x0, y0, x1, y1 = self.upright(box)
        if self.direction == "vertical":
            middle = (y0 + y1) / 2
            return self._shown((x0, y0, x1, middle)), self._shown((x0, middle, x1, y1))
        middle = (x0 + x1) / 2
        return self._shown((x0, y0, middle, y1)), self._shown((middle, y0, x1, y1))

    def _shown(self, box: Box) -> Box:
        """Return a box of the upright picture on the sheet."""
        points = self.way.back(np.array(box, np.float64).reshape(2, 2), (self.height, self.width))
        (x0, y0), (x1, y1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return x0, y0, x1, y1
