"""Find circles drawn between characters: paragraph marks, which transcripts leave out."""

import numba
import numpy as np
from numpy.typing import NDArray

FAINT_RIM = 0.35
"""Least mean ink of a rim by which a score is divided; scores do not depend on contrast, except for fainter circles."""


@numba.njit(cache=True)
def circle_scores(ink: NDArray[np.float32], radii: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score every row as the centre of a circle drawn as a paragraph mark: ink on the rim, none inside or around.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1].
    radii : (R,) float32, radii to try, pixels.

    Returns
    -------
    (H,) float32; 1 for a perfect circle, 0 for most writing.
    """
    height, width = ink.shape
    scores = np.zeros(height, np.float32)
    for radius in radii:
        inside = _disc_offsets(-1.0, radius - 2.0)
        far = round(radius)
        for middle in range(int(width * 0.35), int(width * 0.65) + 1):
            for y in range(height):
                # A mark has ink above and below its centre; this cheap test rejects most writing at once.
                if min(_darkest(ink, y - far, middle), _darkest(ink, y + far, middle)) < 0.12:
                    continue
                within = _mean_at(ink, y, middle, inside)
                if within > 0.25:
                    continue
                weakest, mean = _rim(ink, y, middle, radius)
                score = 0.7 * weakest + 0.3 * mean - 2 * within - 1.5 * _beside(ink, y, middle, radius)
                scores[y] = max(scores[y], score / max(mean, FAINT_RIM))
    return scores


@numba.njit(cache=True)
def _rim(ink: NDArray[np.float32], y: int, x: int, radius: float) -> tuple[float, float]:
    """Return the third smallest and the mean ink in 16 directions of a rim, which may be uneven or broken."""
    around = np.zeros(16)
    for step in range(16):
        angle = step * np.pi / 8
        for out in (-1.0, 0.0, 1.0):
            row = round(y + (radius + out) * np.sin(angle))
            column = round(x + (radius + out) * np.cos(angle))
            if 0 <= row < ink.shape[0] and 0 <= column < ink.shape[1]:
                around[step] = max(around[step], ink[row, column])
    return np.sort(around)[2], around.mean()


@numba.njit(cache=True)
def _beside(ink: NDArray[np.float32], y: int, x: int, radius: float) -> float:
    """Return the mean ink left and right of a circle; it is low for a mark, which stands alone in its column."""
    total, count = 0.0, 0
    tall, wide = int(0.8 * radius), int(radius + 2.5)
    for row in range(max(0, y - tall), min(ink.shape[0], y + tall + 1)):
        for column in range(ink.shape[1]):
            if abs(column - x) >= wide:
                total += ink[row, column]
                count += 1
    return total / max(count, 1)


@numba.njit(cache=True)
def _darkest(ink: NDArray[np.float32], y: int, x: int) -> float:
    most = 0.0
    for row in range(max(0, y - 1), min(ink.shape[0], y + 2)):
        for column in range(max(0, x - 1), min(ink.shape[1], x + 2)):
            most = max(most, ink[row, column])
    return most


@numba.njit(cache=True)
def _mean_at(ink: NDArray[np.float32], y: int, x: int, offsets: NDArray[np.int64]) -> float:
    total = 0.0
    for i in range(len(offsets)):
        row, column = y + offsets[i, 0], x + offsets[i, 1]
        if 0 <= row < ink.shape[0] and 0 <= column < ink.shape[1]:
            total += ink[row, column]
    return total / max(len(offsets), 1)


@numba.njit(cache=True)
def _disc_offsets(inner: float, outer: float) -> NDArray[np.int64]:
    """Return the (dy, dx) whose distance from (0, 0) is in (inner, outer]."""
    reach = int(outer) + 1
    found = np.zeros(((2 * reach + 1) ** 2, 2), np.int64)
    count = 0
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if inner < np.sqrt(float(dy * dy + dx * dx)) <= outer:
                found[count] = dy, dx
                count += 1
    return found[:count]
