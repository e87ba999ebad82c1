"""Recognise pages, columns and lines of text, given in place of one character, by the strokes that a line crosses.

A straight line across one character crosses up to 14 strokes, even in characters of 64 strokes. A line across a page
or along a column crosses more. Strokes are counted as swings of grey relative to their surroundings, so that neither
the polarity nor a dark table around a page matters.
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
"""Length, in pixels, to which a longer side is reduced; the factor is the whole part of their ratio."""
SMALLEST, LONG = 128, 2.5
"""Smallest longer side, in pixels, and smallest ratio of the sides, of a picture that may show several characters. In a
picture below both, several characters would be too small to distinguish."""
LINES = 32
"""Number of lines that are examined across, and again down, besides the first and the last."""
TYPICAL = 0.9
"""Quantile of the strokes that the lines of a direction cross; it is taken as the direction's number of strokes."""
MOST, MOST_TOGETHER, MOST_ALONG = 15.0, 23.0, 9.0
"""Smallest numbers of strokes that show several characters: in either direction, in both together, and along a long
picture. The most found in 17,000 glyphs of Extension B and others are 14, 22 and 8."""
SWING = 0.3
"""Smallest swing of grey that counts as a stroke's edge, as a share of the picture's contrast."""
QUIET = 8.0
"""Smallest swing in standard deviations of the noise, and in grey levels; a line of 1,000 pixels has none by chance."""
NARROW = 64
"""Smallest side, in pixels, of a picture whose strokes can be distinguished from noise."""


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
    """Return the numbers of strokes that lines across a picture and lines down it cross."""
    factor = max(1, max(picture.shape) // SIDE)
    grey = unframed(np.asarray(Image.fromarray(picture).reduce(factor)) if factor > 1 else picture)
    while True:
        rows, columns = _lines(grey), _lines(grey.T)
        low, high = np.quantile(rows, (0.02, 0.98))
        least = max(SWING * float(high - low), QUIET)
        side = min(grey.shape)
        noise = QUIET * max(_noise(rows), _noise(columns)) if side >= NARROW else 0.0
        if noise > least and side >= 2 * NARROW:
            grey = np.asarray(Image.fromarray(grey).reduce(2))  # averages noise out and keeps a character's strokes
            continue
        across, down = (np.quantile(_swings(lines, max(least, noise)), TYPICAL) for lines in (rows, columns))
        return float(across), float(down)


def _lines(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return evenly spaced rows, the first and the last among them, (at most LINES + 2, W) float32."""
    chosen = np.unique(np.linspace(0, len(grey) - 1, LINES + 2).round().astype(int))
    return np.ascontiguousarray(grey[chosen], np.float32)


def _noise(lines: NDArray[np.float32]) -> float:
    """Return the standard deviation of the noise, from second differences; most of the pixels are plain ground."""
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
    side = np.take_along_axis(side, last, axis=1)  # between swings, the side of the last one holds
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
