"""`preprocess.prepare` compiled: the same numbers to the last bit, for those who prepare thousands.

Importing numba and its compiled functions takes half a second, which one query does not have: who prepares few pictures
calls `preprocess.prepare`. What is left to numpy and Pillow here (reduction, moments, the two products) is what rounds
differently elsewhere.
"""

import functools
import math

import numpy as np
from numba import njit
from numpy.typing import NDArray

from sinonom_cli.models import preprocess as plain

_rim = functools.lru_cache(1024)(plain.rim)


def prepare(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return what the network sees of a picture: see `preprocess.prepare`."""
    if picture.ndim != 2 or min(picture.shape) < 1:
        raise ValueError(f"prepare takes one grey picture, (H, W), not {picture.shape}")
    grey = np.ascontiguousarray(plain._reduced(picture, size))
    top, bottom, left, right = _inside(grey, plain.PLAIN)
    grey = np.ascontiguousarray(grey[top:bottom, left:right])
    table = np.empty(256, np.float32)
    if not _table(grey, table, plain.ROUNDS, plain.FAINTEST, plain.INVERTED, plain.MARGIN):
        return np.zeros((size, size), np.float32)
    # Weights depend on a pixel's ink alone, but for the rim: 256 of them are computed as `frame_of` computes each.
    weights = np.clip((table - plain.SOLID[0]) / (plain.SOLID[1] - plain.SOLID[0]), 0, 1)
    height, width = grey.shape
    ink = np.empty((height, width), np.float32)
    rows, columns = np.zeros(height), np.zeros(width)
    _profiles(grey, table, weights, _rim(height), _rim(width), ink, rows, columns)
    (top_, row_step), (left_, column_step) = plain.frame_by(rows, columns, size)
    return _clipped(
        _resampling(top_, row_step, size, height) @ ink @ _resampling(left_, column_step, size, width).T,
    )


def _clipped(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    np.maximum(ink, 0, out=ink)
    return np.minimum(ink, 1, out=ink)


@njit(cache=True)
def _inside(grey: NDArray[np.uint8], plain_levels: int) -> tuple[int, int, int, int]:
    """Return what `preprocess.unframed` keeps: first and last + 1 of rows and of columns."""
    height, width = grey.shape
    whole = (0, height, 0, width)
    level = np.int64(grey[0, 0])  # int() of an unsigned number stays unsigned here
    for corner in (grey[0, width - 1], grey[height - 1, 0], grey[height - 1, width - 1]):
        if abs(np.int64(corner) - level) > plain_levels:
            return whole
    top, bottom, left, right = height, 0, width, 0
    for i in range(height):
        for j in range(width):
            if abs(np.int64(grey[i, j]) - level) > plain_levels:
                top, bottom = min(top, i), max(bottom, i + 1)
                left, right = min(left, j), max(right, j + 1)
    if bottom == 0:
        return whole
    inner_height, inner_width = bottom - top, right - left
    if inner_height * inner_width == height * width or min(inner_height, inner_width) < 8:
        return whole
    other = 0
    for j in range(left, right):
        other += int(abs(np.int64(grey[top, j]) - level) > plain_levels)
        other += int(abs(np.int64(grey[bottom - 1, j]) - level) > plain_levels)
    for i in range(top, bottom):
        other += int(abs(np.int64(grey[i, left]) - level) > plain_levels)
        other += int(abs(np.int64(grey[i, right - 1]) - level) > plain_levels)
    if other / (2 * (inner_height + inner_width)) < 0.85:
        return whole
    return top + 1, bottom - 1, left + 1, right - 1


@njit(cache=True)
def _table(
    grey: NDArray[np.uint8], table: NDArray[np.float32], rounds: int, faintest: float, inverted: float, margin: float
) -> bool:
    """Fill `table`, ink by grey level, as `preprocess.ink_of` does; return False if the picture is blank."""
    height, width = grey.shape
    counts = np.zeros(256, np.int64)
    for i in range(height):
        for j in range(width):
            counts[grey[i, j]] += 1
    number, total = np.cumsum(counts), np.cumsum(counts * np.arange(256))
    size = height * width
    first, final = 0, 255
    while counts[first] == 0:
        first += 1
    while counts[final] == 0:
        final -= 1
    low, high = float(first), float(final)
    for _ in range(rounds):
        last = int((low + high) / 2)
        if number[last] == 0 or number[last] == size:
            return False
        low = total[last] / number[last]
        high = (total[255] - total[last]) / (size - number[last])
    if high - low < faintest:
        return False
    last = int((low + high) / 2)
    dark = 0
    for j in range(width):
        dark += grey[0, j] <= last
        dark += grey[height - 1, j] <= last
    for i in range(height):
        dark += grey[i, 0] <= last
        dark += grey[i, width - 1] <= last
    edge = dark / (2 * (height + width))
    ground, full = high, low
    if 2 * number[last] / size + edge > inverted:
        ground, full = low, high
    ground += margin * (full - ground)
    for level in range(256):
        table[level] = min(max((level - ground) / (full - ground), 0.0), 1.0)
    return True


@njit(cache=True)
def _profiles(
    grey: NDArray[np.uint8],
    table: NDArray[np.float32],
    weights: NDArray[np.float32],
    row_rim: NDArray[np.float32],
    column_rim: NDArray[np.float32],
    ink: NDArray[np.float32],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
) -> None:
    """Fill `ink` and add up its weights along rows and columns: float32 products, float64 sums, as `frame_of`."""
    height, width = grey.shape
    for i in range(height):
        for j in range(width):
            level = grey[i, j]
            ink[i, j] = table[level]
            weight = np.float64(np.float32(np.float32(weights[level] * row_rim[i]) * column_rim[j]))
            rows[i] += weight
            columns[j] += weight


@njit(cache=True)
def _resampling(start: float, step: float, size: int, length: int) -> NDArray[np.float32]:
    """Return `preprocess.resampling`, computed only where its weights are not zero."""
    reach = max(step, 1.0)
    beyond = math.ceil(reach)
    wide = length + 2 * beyond
    found = np.zeros((size, length), np.float32)
    row, parts = np.zeros(wide), np.zeros(8)
    for i in range(size):
        centre = start + (i + 0.5) * step
        first = max(0, math.floor(centre - reach - 0.5) + beyond - 1)
        stop = min(wide, math.ceil(centre + reach - 0.5) + beyond + 2)
        for j in range(first, stop):
            row[j] = max(1 - abs((j - beyond) + 0.5 - centre) / reach, 0.0)
        total = max(_pairwise(row, 0, wide, first, stop, parts), 0.5)
        for j in range(first, stop):
            if beyond <= j < beyond + length:
                found[i, j - beyond] = row[j] / total
            row[j] = 0.0
    return found


@njit("float64(float64[::1], int64, int64, int64, int64, float64[::1])", cache=True)
def _pairwise(
    values: NDArray[np.float64], start: int, count: int, first: int, stop: int, parts: NDArray[np.float64]
) -> float:
    """Add up `values[start : start + count]`, zero outside `first` to `stop`, in the order in which numpy does."""
    if first >= start + count or stop <= start:
        return 0.0
    if count < 8:
        total = 0.0
        for i in range(start, start + count):
            total += values[i]
        return total
    if count <= 128:
        parts[:] = 0
        whole = count - count % 8
        for i in range(max(first, start), min(stop, start + whole)):
            parts[(i - start) % 8] += values[i]
        total = ((parts[0] + parts[1]) + (parts[2] + parts[3])) + ((parts[4] + parts[5]) + (parts[6] + parts[7]))
        for i in range(start + whole, start + count):
            total += values[i]
        return total
    half = count // 2
    half -= half % 8
    before = _pairwise(values, start, half, first, stop, parts)
    return before + _pairwise(values, start + half, count - half, first, stop, parts)
