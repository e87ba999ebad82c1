"""Compose parts of pages from pictures of characters, with boxes, for the training of the detector.

A page has columns from right to left, with or without rules, notes in two half-columns, a frame, headings above it,
fish-tails, pictures and blanks. All lengths follow the height of an ordinary character.

`relief.compose` composes whole pages, whose characters have names and an order, to be carved and read. The detector
learns from parts instead: frames are cut off by the picture's edge, columns stand off their grid, lines lean, and there
are pictures, all of which a page that is carved must not have. The two share no measures, so each has its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Glyph = tuple[NDArray[np.uint8], float]
"""Ink of a character, (h, w) uint8, 255 = ink, without paper around it; and the height of its body, pixels."""
Pick = Callable[[np.random.Generator], Glyph]
"""Function that draws a character of one typeface family."""

HEIGHTS = (15.0, 46.0)
"""Smallest and largest height of an ordinary character, pixels."""
AROUND = 40
"""Width of the band around the picture that is composed too, pixels: turning moves it into the picture."""


@dataclass(frozen=True, kw_only=True)
class Composed:
    """Part of a page.

    Attributes
    ----------
    ink : (S, S) float32 in [0, 1], 1 = ink.
    boxes : (N, 4) float64, x0, y0, x1, y1 of the characters whose middle lies in the picture, pixels.
    height : height of an ordinary character, pixels.
    """

    ink: NDArray[np.float32]
    boxes: NDArray[np.float64]
    height: float


def compose(rng: np.random.Generator, pick: Pick, side: int) -> Composed:
    """Compose a part of a page.

    Parameters
    ----------
    rng : random generator.
    pick : draws the characters.
    side : side of the picture, pixels, S.
    """
    page = _Page(rng, pick, side + 2 * AROUND)
    page.draw_lines()
    page.draw_picture()
    page.write_columns()
    angle = rng.normal(0, 1.2) if rng.random() < 0.8 else rng.uniform(-5, 5)
    turned = Image.fromarray(page.canvas).rotate(angle, Image.Resampling.BILINEAR)
    ink = np.asarray(turned, np.float32)[AROUND : AROUND + side, AROUND : AROUND + side] / np.float32(255)
    boxes = _turned(np.array(page.boxes, np.float64).reshape(-1, 4) - AROUND, side, math.radians(angle))
    middle = (boxes[:, :2] + boxes[:, 2:]) / 2
    return Composed(ink=ink, boxes=boxes[((middle > 0) & (middle < side)).all(axis=1)], height=page.height)


def _turned(boxes: NDArray[np.float64], side: int, angle: float) -> NDArray[np.float64]:
    """Turn the middles of boxes about the middle of the picture, counter-clockwise; sizes stay."""
    x, y = (boxes[:, :2] + boxes[:, 2:]).T / 2 - side / 2
    half = (boxes[:, 2:] - boxes[:, :2]) / 2
    cos, sin = math.cos(angle), math.sin(angle)
    middle = np.stack([cos * x + sin * y, cos * y - sin * x], axis=1) + side / 2
    return np.hstack([middle - half, middle + half])


class _Page:
    """Page that is being composed: its measures, its ink, and the boxes of its characters."""

    def __init__(self, rng: np.random.Generator, pick: Pick, side: int) -> None:
        self.rng, self.pick, self.side = rng, pick, side
        self.height = math.exp(rng.uniform(math.log(HEIGHTS[0]), math.log(HEIGHTS[1])))
        self.pitch = self.height * rng.uniform(1.02, 1.75)
        self.step = self.height * rng.uniform(0.82, 1.2)
        self.squeeze = rng.uniform(0.85, 1.12), rng.uniform(0.85, 1.12)
        self.line = max(1.0, self.height * rng.uniform(0.03, 0.12))
        self.top, self.bottom, self.edge, self.edge_is_left = self._frame()
        start = side + rng.uniform(-self.pitch, self.pitch)
        self.columns = list(np.arange(start, -self.pitch, -self.pitch))
        self.picture: tuple[float, float, float, float] | None = None
        self.canvas = np.zeros((side, side), np.uint8)
        self.boxes: list[tuple[int, int, int, int]] = []

    def _frame(self) -> tuple[float, float, float | None, bool]:
        """Return where the frame's upper and lower edge and one of its sides lie, and whether that is the left one."""
        rng, side = self.rng, self.side
        framed = rng.random() < 0.35
        top = rng.uniform(0, side * 0.6) if framed and rng.random() < 0.7 else -1.0
        bottom = rng.uniform(side * 0.4, side) if framed and rng.random() < 0.5 else side + 1.0
        if bottom < top + 2 * self.height:
            bottom = side + 1.0
        edge = rng.uniform(0, side) if framed and rng.random() < 0.5 else None
        return top, bottom, edge, bool(rng.random() < 0.5)

    def inside(self, x: float) -> bool:
        """Return whether a column lies inside the frame."""
        return self.edge is None or (x > self.edge) == self.edge_is_left

    def draw_lines(self) -> None:
        """Draw rules between columns, the frame, and a fish-tail."""
        rng, image = self.rng, Image.fromarray(self.canvas)
        draw = ImageDraw.Draw(image)

        def line(x0: float, y0: float, x1: float, y1: float, width: float) -> None:
            draw.line((x0, y0, x1, y1), fill=int(rng.integers(180, 256)), width=max(1, round(width)))

        upper, lower = max(self.top, 0), min(self.bottom, self.side)
        if rng.random() < 0.6:
            for x in self.columns:
                if self.inside(x + self.pitch / 2) and rng.random() < 0.95:
                    line(x + self.pitch / 2, upper, x + self.pitch / 2 + rng.normal(), lower, self.line)
        apart = 2.5 * self.line + 2
        for y, outwards in ((self.top, -apart), (self.bottom, apart)):
            if 0 < y < self.side:
                line(0, y, self.side, y, self.line * rng.uniform(1, 3))
                if rng.random() < 0.5:
                    line(0, y + outwards, self.side, y + outwards, self.line)
        if self.edge is not None:
            line(self.edge, upper, self.edge, lower, self.line * rng.uniform(1, 3))
            if rng.random() < 0.5:
                outer = self.edge + (-apart if self.edge_is_left else apart)
                line(outer, upper, outer, lower, self.line)
        if rng.random() < 0.15:
            self._fish_tail(draw)
        self.canvas = np.array(image)

    def _fish_tail(self, draw: ImageDraw.ImageDraw) -> None:
        """Draw a black block across a column, with or without a notch below."""
        rng = self.rng
        x, y = rng.choice(self.columns), rng.uniform(0, self.side)
        half, high = 0.45 * self.pitch, self.height * rng.uniform(0.6, 1.6)
        notch = [(x, y + 0.4 * high)] if rng.random() < 0.7 else []
        draw.polygon([(x - half, y), (x + half, y), (x + half, y + high), *notch, (x - half, y + high)], fill=255)

    def draw_picture(self) -> None:
        """Draw, on some pages, a picture of wandering lines; no character stands on it."""
        rng = self.rng
        if rng.random() >= 0.12:
            return
        (x0, y0), (wide, high) = rng.uniform(0, self.side, 2), rng.uniform(60, 200, 2)
        self.picture = x0, y0, x0 + wide, y0 + high
        image = Image.fromarray(self.canvas)
        draw = ImageDraw.Draw(image)
        for _ in range(int(rng.integers(4, 16))):
            points = np.cumsum(rng.normal(0, 14, (12, 2)), axis=0) + rng.uniform((x0, y0), (x0 + wide, y0 + high))
            points = points.clip((x0, y0), (x0 + wide, y0 + high))
            draw.line([*map(tuple, points)], fill=255, width=max(1, round(self.line * rng.uniform(0.5, 1.5))))
        self.canvas = np.array(image)

    def write_columns(self) -> None:
        """Write text into the columns, and headings above the frame."""
        rng = self.rng
        full, sparse = rng.random() < 0.6, rng.random() < 0.1
        for x in self.columns:
            beside = self.edge is not None and abs(x - self.edge) < 0.45 * self.pitch
            if not self.inside(x) or beside or rng.random() < 0.06:
                continue
            top, bottom = max(self.top, -self.step), min(self.bottom, self.side + self.step)
            if not full or rng.random() < 0.25:
                length = bottom - top
                top += rng.uniform(0, 0.7) * length * (rng.random() < 0.5)
                bottom -= rng.uniform(0, 0.7) * length * (rng.random() < 0.5)
            self._write(x, top, bottom, sparse)
        if self.top > 0 and rng.random() < 0.4:
            for x in self.columns:
                if rng.random() < 0.3:
                    place = self.top - self.height * rng.uniform(0.7, 1.2)
                    self._character(x, place, self.height * rng.uniform(0.5, 0.8))

    def _write(self, x: float, top: float, bottom: float, sparse: bool) -> None:
        """Write one column: characters, notes, gaps."""
        rng, height = self.rng, self.height
        y = top + height * rng.uniform(0.5, 0.8)
        while y < bottom - 0.45 * height:
            if rng.random() < 0.06:
                y = self._notes(x, y, bottom) + 0.3 * self.step
            elif sparse and rng.random() < 0.5:
                y += self.step
            elif rng.random() < 0.02:
                y += self.step * rng.uniform(0.3, 2)
            else:
                self._character(x, y, height * (rng.uniform(0.5, 0.8) if rng.random() < 0.03 else 1))
                y += self.step * rng.uniform(0.93, 1.08)

    def _notes(self, x: float, y: float, bottom: float) -> float:
        """Write notes in two half-columns, the right one first; return where the column goes on."""
        rng, number = self.rng, int(self.rng.integers(1, 8))
        small = self.height * rng.uniform(0.42, 0.56)
        step, apart = small * rng.uniform(0.9, 1.15), self.pitch * rng.uniform(0.2, 0.26)
        odd = rng.random() < 0.3
        for k in range(number):
            if y + small / 2 > bottom - 2:
                break
            middle = y - self.height / 2 + 0.55 * small
            self._character(x + apart, middle, small)
            if not (odd and k == number - 1):
                self._character(x - apart, middle, small)
            y += step
        return y

    def _character(self, x: float, y: float, height: float) -> None:
        """Draw a character about a point, unless it would lie on the picture or outside."""
        rng = self.rng
        if not (-height < x < self.side + height and -height < y < self.side + height):
            return
        if self.picture is not None:
            x0, y0, x1, y1 = self.picture
            if x0 - height < x < x1 + height and y0 - height < y < y1 + height:
                return
        glyph, body = self.pick(rng)
        scale = height / body * rng.uniform(0.86, 1.06)
        wide, high = (each * rng.uniform(0.94, 1.06) for each in self.squeeze)
        shape = max(2, round(glyph.shape[1] * scale * wide)), max(2, round(glyph.shape[0] * scale * high))
        drawn = np.asarray(Image.fromarray(glyph).resize(shape, Image.Resampling.BILINEAR))
        left = round(x + rng.normal(0, 0.04) * height - shape[0] / 2)
        upper = round(y + rng.normal(0, 0.04) * height - shape[1] / 2)
        right, lower = left + shape[0], upper + shape[1]
        x0, y0, x1, y1 = max(left, 0), max(upper, 0), min(right, self.side), min(lower, self.side)
        if x1 > x0 and y1 > y0:
            part = self.canvas[y0:y1, x0:x1]
            np.maximum(part, drawn[y0 - upper : y1 - upper, x0 - left : x1 - left], out=part)
            self.boxes.append((left, upper, right, lower))
