"""Draw printed columns: glyph-like strokes in known boxes, ruling lines, paragraph marks, paper with grain."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

WIDTH, PITCH = 28, 26


@dataclass
class Drawn:
    """Drawn column: `grey` is (H, W) uint8, and `spans` has the top and bottom of each character's ink, in pixels."""

    grey: NDArray[np.uint8]
    spans: list[tuple[int, int]]

    def gaps(self) -> list[tuple[int, int]]:
        """Return the ranges of rows between the ink of one character and the next."""
        return [(a[1], b[0]) for a, b in zip(self.spans, self.spans[1:], strict=False)]


def column(text: str, *, seed: int = 0, gap: int = 4, rules: bool = False, touching: tuple[int, ...] = ()) -> Drawn:
    """Draw a column of characters.

    `○` is a paragraph mark (it has no span), 一 is a flat stroke, and any other character is derived from its code
    point. Characters whose numbers are in `touching` reach down to the next one.
    """
    rng = np.random.default_rng(seed)
    spans: list[tuple[int, int]] = []
    parts: list[NDArray[np.float64]] = []
    y = 3
    for char in text:
        height = {"一": 4, "○": 14}.get(char, PITCH - gap)
        parts.append(_part(char, height))
        if char != "○":
            spans.append((y, y + height))
        y += height + (gap + 4 if char == "一" else gap)
    ink = np.zeros((y, WIDTH))
    y = 3
    number = 0
    for char, part in zip(text, parts, strict=True):
        ink[y : y + len(part), 3 : WIDTH - 3] = part
        step = len(part) + (gap + 4 if char == "一" else gap)
        if char != "○":
            if number in touching:
                ink[y + len(part) - 2 : y + step + 1, 9:12] = 1
            number += 1
        y += step
    if rules:
        ink[:, 0] = ink[:, -1] = 0.8
    grey = 225 - 170 * ink + rng.normal(0, 6, ink.shape)
    return Drawn(np.uint8(np.clip(grey, 0, 255)), spans)


def _part(char: str, height: int) -> NDArray[np.float64]:
    """Return the ink of one character, (height, WIDTH - 6), which reaches all four sides of its box."""
    width = WIDTH - 6
    ink = np.zeros((height, width))
    if char == "一":
        ink[:] = 1
        return ink
    if char == "○":
        rows, columns = np.mgrid[:height, :width]
        away = np.hypot(rows - (height - 1) / 2, columns - (width - 1) / 2)
        ink[np.abs(away - height / 2 + 1) < 1.1] = 1
        return ink
    rng = np.random.default_rng(ord(char))
    middle = width // 2 + int(rng.integers(-4, 5))
    ink[:, middle : middle + 3] = 1
    for row in (0, height // 2 + int(rng.integers(-3, 4)), height - 3):
        left, right = int(rng.integers(0, 4)), width - int(rng.integers(0, 4))
        ink[row : row + 3, left:right] = 1
    return ink


def save(grey: NDArray[np.uint8], path: object) -> None:
    """Write a patch as a colour JPEG, like those of the data set."""
    Image.fromarray(grey).convert("RGB").save(path, quality=92)  # type: ignore[arg-type]
