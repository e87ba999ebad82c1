"""Turn the grey of a scanned column into ink: flatten the paper, and find ruling lines and their remains."""

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.pictures.components import components

_WINDOW, _STEP = 25, 8
_LEAST_CONTRAST = 40.0
_DEAD = 0.12
"""Share of the contrast between paper and ink that counts as the paper's grain, not as ink."""
RULED = 0.8
"""Smallest share of dark rows in a ruling line."""
INKED = 0.35
"""Ink, in [0, 1], above which a pixel is part of a stroke."""


def soft_ink(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the ink of a column with flat paper and full contrast; soft edges of strokes stay grey.

    Parameters
    ----------
    grey : (H, W) uint8, dark ink on light paper.

    Returns
    -------
    (H, W) float32 in [0, 1]; 1 is ink.
    """
    height = len(grey)
    padded = np.pad(grey, ((_WINDOW // 2, _WINDOW // 2 + _STEP), (0, 0)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW, axis=0)[: height + _STEP : _STEP]
    levels = np.percentile(windows.reshape(len(windows), -1), 75, axis=1)
    paper = np.interp(np.arange(height), np.arange(len(levels)) * _STEP, levels)
    darkness = paper[:, None] - grey
    contrast = max(float(np.percentile(darkness, 96)), _LEAST_CONTRAST)
    return np.clip((darkness / contrast - _DEAD) / (1 - _DEAD), 0, 1).astype(np.float32)


@numba.njit(cache=True)
def ruling_lines(ink: NDArray[np.float32], length: int) -> NDArray[np.bool_]:
    """Find the ruling lines between columns: longer than any stroke, near the left or right border.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1].
    length : least length of a line, pixels; a line may be broken or faint.

    Returns
    -------
    (H, W) bool.
    """
    height, width = ink.shape
    zone = max(2, width // 5)
    found = np.zeros((height, width), np.bool_)
    length = min(length, height)
    for x in range(width):
        if zone <= x < width - zone:
            continue
        # A line may lean by a pixel, so the neighbours of each pixel count too.
        dark = np.zeros(height + 1, np.int64)
        for y in range(height):
            most = ink[y, max(0, x - 1) : min(width, x + 2)].max()
            dark[y + 1] = dark[y] + (most > 0.15)
        for y in range(height - length + 1):
            if dark[y + length] - dark[y] >= RULED * length:
                found[y : y + length, x] = True
    return found


def border_scraps(ink: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find pieces of ruling lines at the left and right border: thin, upright and isolated.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1].

    Returns
    -------
    (H, W) bool, with the soft rim of each piece.
    """
    width = ink.shape[1]
    labels, _ = components(ink > np.float64(0.2))  # 51 / 255 in single precision is more
    found = np.zeros(ink.shape, np.bool_)
    touching = np.unique(np.concatenate([labels[:, :2].ravel(), labels[:, -2:].ravel()]))
    for label in touching[touching > 0]:
        rows, columns = np.nonzero(labels == label)
        tall, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
        if wide <= max(2, width // 8) and tall >= 2 * wide:
            around = slice(max(0, rows.min() - 1), rows.max() + 2), slice(max(0, columns.min() - 1), columns.max() + 2)
            found[around] |= (labels[around] == 0) | (labels[around] == label)
    return found
