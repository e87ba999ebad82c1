"""Compose an artificial page of glyph pictures, with the name, the place and the order of each character.

Such pages are carved and read: order, names and the way they lie are known. The detector learns from parts of pages,
which `layout.compose` composes with all that a part may show.

A page is read in columns from right to left. It has a border (none, single or double), rules between columns or none, a
centre strip with a fish-tail, notes in two half-columns, headings above or at the top, and blank places.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.relief.composition import HEADING, NOTES, STRIP, TEXT, Composition, Page, Placed
from sinonom_cli.relief.physics import Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

PAPER, INK = 235, 25
"""Grey levels of the paper and of full ink."""
NOTE = 0.48
"""Size of a note's characters, as a share of the column's width."""


@dataclass
class _Sheet:
    """A page that is being composed: its ink, 0 to 255, its lines, and what has been placed in the column."""

    ink: "NDArray[np.uint8]"
    lines: "NDArray[np.bool_]"
    characters: list[Placed] = field(default_factory=list)
    column: int = 0
    place: int = 0


def compose_page(
    glyphs: "Mapping[str, Sequence[NDArray[np.uint8]]]",
    rng: np.random.Generator,
    composition: Composition | None = None,
) -> Page:
    """Compose a page; equal random numbers and glyphs give equal pages.

    Parameters
    ----------
    glyphs : pictures of each character, (S, S) uint8, dark ink on a light ground; any sizes. Only their ink is placed.
    rng : source of all random numbers.
    composition : ranges of the amounts; None: the defaults.

    Raises
    ------
    SinonomError
        If there are no glyphs, or a glyph that is drawn is blank.
    """
    if not glyphs or not all(glyphs.values()):
        raise SinonomError("a page needs pictures of characters", "give at least one picture for each character")
    writer = _Writer(glyphs, rng, composition or Composition())
    return writer.page()


class _Writer:
    """Writer of one page: its random numbers, its amounts and its glyphs."""

    def __init__(
        self,
        glyphs: "Mapping[str, Sequence[NDArray[np.uint8]]]",
        rng: np.random.Generator,
        amounts: Composition,
    ) -> None:
        self.glyphs, self.chars, self.rng, self.amounts = glyphs, list(glyphs), rng, amounts
        self.size = self._whole(amounts.size)
        self.rows = self._whole(amounts.rows)
        self.width = round(self.size * self._within(amounts.leading))
        self.fill = self._within(amounts.fill)
        self.margin = round(self.size * self._within(amounts.margin))
        self.thick = max(1, round(self.size * float(rng.uniform(0.04, 0.14))))
        self.thin = max(1, round(self.size * float(rng.uniform(0.02, 0.05))))

    def page(self) -> Page:
        """Compose the page."""
        columns, strip = self._whole(self.amounts.columns), self._chance(self.amounts.strip)
        border = int(self.rng.choice(3, p=self.amounts.borders))
        ruled = self._chance(self.amounts.ruled)
        gap = (0, self.thick, self.thick + 3 * self.thin)[border] + self.thin + 2
        head = self.size * 2 if self.amounts.heading else 0
        top, left = self.margin + head + gap, self.margin + gap
        across, down = (columns + strip) * self.width, self.rows * self.size
        shape = top + down + gap + self.margin, left + across + gap + self.margin
        sheet = _Sheet(np.zeros(shape, np.uint8), np.zeros(shape, bool))
        self._border(sheet, border, (left - gap, top - gap, left + across + gap, top + down + gap))
        middle = columns // 2
        for k in range(columns + strip):  # from the right
            x = left + across - (k + 1) * self.width
            sheet.column, sheet.place = k + 1, 0
            if k and ruled:
                sheet.lines[top - gap : top + down + gap, x + self.width - self.thin // 2 - 1 :][:, : self.thin] = True
            if strip and k == middle:
                self._strip(sheet, x, top)
            else:
                self._column(sheet, x, top)
        picture = np.maximum(sheet.ink, np.where(sheet.lines, 255, 0).astype(np.uint8))
        grey = PAPER - np.round(picture.astype(np.float32) * ((PAPER - INK) / 255)).astype(np.uint8)
        return Page(grey.astype(np.uint8), sheet.lines, sheet.characters)

    def _border(self, sheet: _Sheet, kind: int, box: tuple[int, int, int, int]) -> None:
        """Draw no border (0), a thick one (1), or a thick one with a thin one inside (2)."""
        x0, y0, x1, y1 = box
        for inset, thick in ((0, self.thick), (self.thick + 2 * self.thin, self.thin))[:kind]:
            part = sheet.lines[y0 + inset : y1 - inset, x0 + inset : x1 - inset]
            part[:thick] = part[-thick:] = part[:, :thick] = part[:, -thick:] = True

    def _column(self, sheet: _Sheet, x: int, top: int) -> None:
        """Write a column of text, with a heading above it, notes in it and blanks as they are drawn."""
        if self._chance(self.amounts.heading):
            self._heading(sheet, x, top)
        first = int(self.rng.integers(1, 4)) if self._chance(self.amounts.indent) else 0
        last = self.rows - (int(self.rng.integers(0, self.rows)) if self._chance(self.amounts.short) else 0)
        row = min(first, self.rows - 1)
        while row < last:
            y = top + row * self.size
            if self._chance(self.amounts.notes) and row > first:
                row += self._notes(sheet, x, y, last - row)
                continue
            if not self._chance(self.amounts.blank):
                self._glyph(sheet, (x, y, self.width, self.size), TEXT)
            row += 1

    def _notes(self, sheet: _Sheet, x: int, y: int, room: int) -> int:
        """Write notes in two half-columns, first the right one, and return the number of cells that they take."""
        size = max(4, round(self.size * NOTE * 1.6))
        rows = min(self._whole(self.amounts.note_rows), room * self.size // size)
        half = self.width // 2
        for k, count in ((1, rows), (0, rows - (int(self.rng.integers(0, rows)) if rows else 0))):
            for row in range(count):
                self._glyph(sheet, (x + k * half, y + row * size, half, size), NOTES)
        return max(1, -(-rows * size // self.size))

    def _strip(self, sheet: _Sheet, x: int, top: int) -> None:
        """Write the centre strip: a title, a fish-tail and the number of the leaf."""
        title = int(self.rng.integers(1, max(2, self.rows // 2)))
        for row in range(title):
            self._glyph(sheet, (x, top + row * self.size, self.width, self.size), STRIP)
        if title < self.rows:
            self._fish_tail(sheet, x, top + title * self.size)
        for row in range(title + 1, min(self.rows, title + 1 + int(self.rng.integers(0, 4)))):
            self._glyph(sheet, (x, top + row * self.size, self.width, self.size), STRIP)

    def _fish_tail(self, sheet: _Sheet, x: int, y: int) -> None:
        """Draw a fish-tail: a black bar from rule to rule with a notch below."""
        high = self.size - 4
        rows, columns = np.mgrid[0:high, 0 : self.width]
        notch = high * (1 - 0.7 * (1 - np.abs(columns - self.width / 2) / (self.width / 2)))
        sheet.lines[y + 2 : y + 2 + high, x : x + self.width] |= rows < notch

    def _heading(self, sheet: _Sheet, x: int, top: int) -> None:
        """Write one or two characters above the border."""
        size = self.size
        lines = sheet.lines[:top, x : x + self.width].any(axis=1)
        first = int(np.flatnonzero(lines)[0]) if lines.any() else top - 2
        for k in reversed(range(int(self.rng.integers(1, 3)))):
            y = first - (k + 1) * size
            if y >= 0:
                self._glyph(sheet, (x, y, self.width, size), HEADING)

    def _glyph(self, sheet: _Sheet, cell: tuple[int, int, int, int], kind: str) -> None:
        """Place a random glyph in a cell (x, y, width, height) and note its box."""
        index = int(self.rng.integers(len(self.chars)))
        pictures = self.glyphs[self.chars[index]]
        ink = ink_of(pictures[int(self.rng.integers(len(pictures)))])
        if ink is None:
            raise SinonomError(f"a picture of {self.chars[index]} is blank", "leave it out")
        x, y, width, height = cell
        edge = 1 + self.thin  # rules stay free
        placed = _resized(ink, min(width, height) * self.fill, min(width, height) - 2 * edge)
        slack = [(length - side) / 2 for length, side in zip((width, height), placed.shape[::-1], strict=True)]
        shift = self.rng.uniform(-1, 1, 2) * self.amounts.jitter * self.size
        left, top = (int(s + d.clip(edge - s, s - edge)) for s, d in zip(slack, shift, strict=True))
        at = slice(y + top, y + top + placed.shape[0]), slice(x + left, x + left + placed.shape[1])
        sheet.ink[at] = np.maximum(sheet.ink[at], placed)
        sheet.place += 1
        box = at[1].start, at[0].start, at[1].stop, at[0].stop
        sheet.characters.append(Placed(self.chars[index], index, box, sheet.column, sheet.place, kind))

    def _whole(self, span: Span) -> int:
        return int(self.rng.integers(round(span.low), round(span.high) + 1))

    def _within(self, span: Span) -> float:
        return float(self.rng.uniform(span.low, span.high))

    def _chance(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def _resized(ink: "NDArray[np.float32]", side: float, most: int) -> "NDArray[np.uint8]":
    """Return a glyph's ink, 0 to 255, without the paper around it.

    Its picture would be `side` pixels wide and high; ink that would be larger than `most` is made that large.
    """
    rows, columns = np.flatnonzero((ink > 0.1).any(axis=1)), np.flatnonzero((ink > 0.1).any(axis=0))
    own = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(side / max(ink.shape), most / max(own.shape))
    width, height = (max(1, min(most, round(length * scale))) for length in own.shape[::-1])
    picture = Image.fromarray(np.round(own * 255).astype(np.uint8)).resize((width, height), Image.Resampling.BOX)
    small = np.asarray(picture)
    rows, columns = np.flatnonzero((small > 0).any(axis=1)), np.flatnonzero((small > 0).any(axis=0))
    return small[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
