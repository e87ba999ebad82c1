"""Turn heights into a picture like a print: strokes are dark; the ground, and places without a surface, are light."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.relief.tone_constants import CUT, PERCENTILES, REACH, WORN

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tone_local(heights: "NDArray[np.float32]") -> "NDArray[np.uint8]":
    """Draw a relief so that a point is darker the nearer it lies to the stroke tops around it.

    Heights are compared with a smooth surface through the highest points nearby, which follows wear. They are measured
    in units of the relief's depth (robust percentiles), so that a single gouge or spike changes only its own place.

    Parameters
    ----------
    heights : (S, S) float32, height above the stroke tops (see `flatten`); -inf where there is no surface.

    Returns
    -------
    (S, S) uint8: 0 = stroke top, 255 = ground or no surface; flanks lie between.
    """
    surface = np.isfinite(heights)
    sample = heights[::3, ::3][surface[::3, ::3]]
    if not sample.size:
        return np.full(heights.shape, 255, np.uint8)
    low, high = np.percentile(sample, PERCENTILES)
    depth = np.float32(max(high - low, 1e-9))
    d = np.clip((heights - np.float32(high)) / depth, np.float32(-1.5), np.float32(0.1))
    d = _blur(d, 1)
    tops = np.maximum(_upper_envelope(d, REACH), np.float32(-WORN))
    ink = np.clip(1 + (d - tops) / np.float32(CUT), 0, 1)
    ink *= ink
    ink[~surface] = 0
    return (255.5 - 255 * ink).astype(np.uint8)


def tone_report(heights: "NDArray[np.float32]") -> "NDArray[np.uint8]":
    """Draw a relief as the report did: scale the heights to [0, 1] between their extremes, then square them.

    Parameters and result are the same as those of `tone_local`.
    """
    surface = np.isfinite(heights)
    if not surface.any():
        return np.full(heights.shape, 255, np.uint8)
    low, high = heights[surface].min(), heights[surface].max()
    share = np.clip((heights - low) / max(high - low, np.float32(1e-9)), 0, 1) ** 2
    return (255.5 - 255 * share).astype(np.uint8)


TONES = {"local": tone_local, "report": tone_report}


def _upper_envelope(heights: "NDArray[np.float32]", reach: float) -> "NDArray[np.float32]":
    """Return a smooth surface through the highest points within `reach` (a share of the picture's width)."""
    size = len(heights)
    block = max(1, size // 64)
    count = -(-size // block)
    radius = max(1, round(reach * count / 2))
    coarse = _blur(_highest(_block_tops(heights, block, count), radius), radius)
    return _blur(np.repeat(np.repeat(coarse, block, 0), block, 1)[:size, :size], block)


@numba.njit(cache=True)
def _block_tops(heights: Any, block: int, count: int) -> Any:
    """Return the maximum of each block of `block` x `block` pixels, (count, count)."""
    size = len(heights)
    tops = np.full((count, count), -np.inf, np.float32)
    for i in range(size):
        row = tops[i // block]
        for k in range(count):  # no division for each pixel: it would take longer than everything else
            top = row[k]
            for j in range(k * block, min(size, (k + 1) * block)):
                top = max(top, heights[i, j])
            row[k] = top
    return tops


@numba.njit(cache=True)
def _highest(field: Any, radius: int) -> Any:
    """Return the maximum over square windows of side 2 radius + 1."""
    rows, columns = field.shape
    across, both = np.empty_like(field), np.empty_like(field)
    for i in range(rows):
        for j in range(columns):
            top = field[i, j]
            for k in range(max(0, j - radius), min(columns, j + radius + 1)):
                top = max(top, field[i, k])
            across[i, j] = top
    for i in range(rows):
        for j in range(columns):
            top = across[i, j]
            for k in range(max(0, i - radius), min(rows, i + radius + 1)):
                top = max(top, across[k, j])
            both[i, j] = top
    return both


@numba.njit(cache=True)
def _blur(field: Any, radius: int) -> Any:
    """Return the mean over square windows of side 2 radius + 1; border values are repeated outwards."""
    rows, columns = field.shape
    across, both = np.empty_like(field), np.empty_like(field)
    share = 1.0 / (2 * radius + 1)
    for i in range(rows):
        line = field[i]
        total = radius * line[0]
        for j in range(radius + 1):
            total += line[min(j, columns - 1)]
        for j in range(columns):
            across[i, j] = total * share
            total += line[min(j + radius + 1, columns - 1)] - line[max(j - radius, 0)]
    totals = radius * across[0].astype(np.float64)
    for i in range(radius + 1):
        totals += across[min(i, rows - 1)]
    for i in range(rows):
        ahead, behind = across[min(i + radius + 1, rows - 1)], across[max(i - radius, 0)]
        for j in range(columns):
            both[i, j] = totals[j] * share
            totals[j] += ahead[j] - behind[j]
    return both
