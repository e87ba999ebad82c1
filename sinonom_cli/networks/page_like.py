"""Pages, columns and lines of text where a picture of one character is expected: how many strokes lie in a row.

A straight line across one character crosses up to 14 strokes, even in characters of 64 strokes; a line across a page
or along a column crosses more. Strokes are counted as swings of grey against their surroundings, so that neither the
polarity nor a dark table around a page matters.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sinonom_cli.networks.lines import unframed

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 512
"""A picture whose longer side has n `SIDE` pixels is first reduced by the whole part of n."""
SMALLEST, LONG = 128, 2.5
"""A picture with a shorter longer side, and less long than `LONG` times its breadth, shows one character, or is too
small for several to be told apart."""
LINES = 32
"""Lines that are looked at, across and again down."""
TYPICAL = 0.9
"""Share of the lines that cross no more strokes than what is taken for the direction's number."""
MOST, MOST_TOGETHER, MOST_ALONG = 15.0, 23.0, 9.0
"""Strokes in either direction, in both together, and along a long picture, from which it shows several characters. The
most found in 17,000 glyphs of Extension B and others: 14, 22 and 8."""
SWING = 0.3
"""Share of the contrast of the picture that grey must swing by to count as a stroke's edge."""
QUIET = 8.0
"""Swings are so many standard deviations of the noise at least: a line of 1,000 pixels has none by chance."""
NARROW = 64
"""Sides below which strokes are too fine to be told from noise."""


def looks_like_page(picture: NDArray[np.uint8]) -> bool:
    """Return whether a picture, (H, W) uint8 grey, seems to show several characters: a page, a column or a line."""
    height, width = picture.shape
    longer, shorter = max(height, width), max(min(height, width), 1)
    if longer < SMALLEST and longer < LONG * shorter:
        return False
    across, down = strokes(picture)
    if max(across, down) >= MOST or across + down >= MOST_TOGETHER:
        return True
    return longer >= LONG * shorter and (down if height > width else across) >= MOST_ALONG


def strokes(picture: NDArray[np.uint8]) -> tuple[float, float]:
    """Return how many strokes lines across a picture cross, and lines down it."""
    factor = max(1, max(picture.shape) // SIDE)
    grey = unframed(np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture)
    while True:
        rows, columns = _lines(grey), _lines(grey.T)
        low, high = np.quantile(rows, (0.02, 0.98))
        least = max(SWING * float(high - low), QUIET)
        side = min(grey.shape)
        noise = QUIET * max(_noise(rows), _noise(columns)) if side >= NARROW else 0.0
        if noise > least and side >= 2 * NARROW:
            grey = np.asarray(Image.fromarray(grey).reduce(2))  # noise averages out, and strokes of one character stay
            continue
        across, down = (np.quantile(_swings(lines, max(least, noise)), TYPICAL) for lines in (rows, columns))
        return float(across), float(down)


def _lines(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return evenly spaced rows, the first and the last among them, (at most LINES + 2, W) float32."""
    chosen = np.unique(np.linspace(0, len(grey) - 1, LINES + 2).round().astype(int))
    return np.ascontiguousarray(grey[chosen], np.float32)


def _noise(lines: NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise, from the second differences of what is mostly plain ground."""
    if lines.shape[1] < 3:
        return 0.0
    second = lines[:, 2:] - 2 * lines[:, 1:-1] + lines[:, :-2]
    return float(np.median(np.abs(second))) / (0.6745 * 6**0.5)


def _swings(lines: NDArray[np.float32], least: float) -> NDArray[np.float64]:
    """Count along each line, (n, L), how often grey swings by at least `least` and back."""
    reach = max(2, lines.shape[1] // 24)
    high, low = _running(lines, reach, np.maximum), _running(lines, reach, np.minimum)
    range_, above = high - low, lines - (high + low) / 2
    side = np.where(np.abs(above) > 0.2 * range_, np.sign(above), 0) * (range_ >= least)
    last = np.maximum.accumulate(np.where(side != 0, np.arange(side.shape[1]), 0), axis=1)
    side = np.take_along_axis(side, last, axis=1)  # between two swings, the side of the last
    return (side[:, 1:] * side[:, :-1] < 0).sum(axis=1) / 2


def _running(lines: NDArray[np.float32], reach: int, most: Callable[..., Any]) -> NDArray[np.float32]:
    """Return the greatest (or least) value within `reach` pixels along each line, (n, L)."""
    length, done = lines.shape[1], 0
    while done < reach:
        step = min(max(done, 1), reach - done)
        padded = np.pad(lines, ((0, 0), (step, step)), mode="edge")
        lines = most(most(padded[:, :length], padded[:, 2 * step :]), lines)
        done += step
    return lines
