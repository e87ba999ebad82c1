"""Compute the costs of cuts: ink under a cut, odd heights, ink left out, paragraph marks, disagreement with boxes."""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

CROSSING = 14.0
"""Cost of a cut through ink across the whole width."""
CLOSE = 3.0
"""Cost of a cut between rows that are full of ink, so that cuts lie in the middle of gaps."""
SPREAD = 0.14
"""Standard deviation of the logarithm of a character's height, relative to the expected one; it is 0.07 in NomNaOCR."""
CIRCLE_HEIGHT = 0.85
"""Height of a paragraph mark with its share of the gaps, relative to an ordinary character."""
CIRCLE_COST, CIRCLE_GAIN, CIRCLE_LEAST = 14.0, 30.0, 0.5
"""A paragraph mark costs 14 minus 30 times its score, but at least 0.5. The mark must also fit the space that the
characters leave free; its score alone would make every 口 a mark."""
SKIPPED = 8.0
"""Cost of leaving out a row that is full of ink, at the ends of the column."""
BLANK, NOTHING = 0.004, 6.0
"""Mean ink below which a segment holds no character, and the cost of such a segment."""


class Costs(NamedTuple):
    """Costs of a column of height H with n characters, as the search needs them.

    Boundary y lies above row y; there are H + 1 boundaries.

    Attributes
    ----------
    cut : (H + 1,) float64, cost of a cut at each boundary.
    skipped : (H + 1,) float64, cumulative cost of leaving out the rows above each boundary.
    filled : (H + 1,) float64, cumulative mean ink of the rows above each boundary.
    circle : (H + 1,) float64, cost of a paragraph mark around each boundary.
    boxes : (H + 1, L + 1) float64; element [y, size] is the cost by which a character from boundary y, `size` rows
        high, disagrees with all boxes of a detector; (1, 1) if no detector was used.
    heights : (n,) float64, expected heights relative to an ordinary character's.
    pitch : height of an ordinary character, pixels.
    """

    cut: NDArray[np.float64]
    skipped: NDArray[np.float64]
    filled: NDArray[np.float64]
    circle: NDArray[np.float64]
    boxes: NDArray[np.float64]
    heights: NDArray[np.float64]
    pitch: float


def costs_of(
    ink: NDArray[np.float32],
    circles: NDArray[np.float32],
    boxes: NDArray[np.float64],
    heights: NDArray[np.float64],
    pitch: float,
) -> Costs:
    """Return the costs of a column.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    circles : (H,) float32, score of each row as the centre of a circle.
    boxes, heights, pitch : as in `Costs`.
    """
    row = ink.mean(axis=1).astype(np.float64)
    crossing = np.zeros(len(ink) + 1)
    crossing[1:-1] = np.minimum(ink[:-1], ink[1:]).mean(axis=1)
    near = np.pad(row, 2)
    around = (near[:-3] + near[1:-2] + near[2:-1] + near[3:]) / 4
    filled = np.concatenate([[0.0], np.cumsum(row)])
    # Leaving out paper costs nearly 0, so that the other costs decide where the outer characters end.
    skipped = SKIPPED * filled + 0.01 * np.arange(len(ink) + 1)
    rings = np.pad(circles, (1, 2))
    best = np.maximum(np.maximum(rings[:-2], rings[1:-1]), rings[2:]).astype(np.float64)
    circle = np.maximum(CIRCLE_COST - CIRCLE_GAIN * best, CIRCLE_LEAST)
    return Costs(CROSSING * crossing + CLOSE * around, skipped, filled, circle, boxes, heights, pitch)


def upside_down(costs: Costs) -> Costs:
    """Return the costs of the column turned upside down."""
    boxes = costs.boxes
    if boxes.size > 1:
        boxes = np.full_like(costs.boxes, np.inf)
        for size in range(costs.boxes.shape[1]):
            rows = len(boxes) - size
            boxes[:rows, size] = costs.boxes[:rows, size][::-1]
    return costs._replace(
        cut=costs.cut[::-1].copy(),
        skipped=costs.skipped[-1] - costs.skipped[::-1],
        filled=costs.filled[-1] - costs.filled[::-1],
        circle=costs.circle[::-1].copy(),
        boxes=boxes,
        heights=costs.heights[::-1].copy(),
    )


@numba.njit(cache=True)
def height_cost(height: float, expected: float) -> float:
    """Return the cost of the height of a character or mark, in rows, given its expected height."""
    deviation = abs(np.log(height / expected)) / SPREAD
    # The cost is linear beyond two standard deviations, so that one odd character does not distort all others.
    return 0.5 * deviation * deviation if deviation < 2 else 2 * deviation - 2


@numba.njit(cache=True)
def span(expected: float) -> tuple[int, int]:
    """Return the least and greatest height, in rows, that a character may have, given its expected height."""
    return max(3, int(expected * 0.35)), int(np.ceil(expected * 2.2)) + 1


@numba.njit(cache=True)
def mark_span(pitch: float) -> tuple[int, int]:
    """Return the least and greatest height, in rows, that a paragraph mark may have."""
    return max(4, int(pitch * 0.55)), int(pitch * 1.2) + 2


@numba.njit(cache=True)
def segment_costs(costs: Costs, k: int) -> NDArray[np.float64]:
    """Return the costs of character k by place and height.

    Returns
    -------
    (H + 1, L + 1) float64; element [y, size] is the cost of the rows y <= row < y + size, infinite if the character
    cannot stand there.
    """
    low, high = span(costs.heights[k] * costs.pitch)
    filled, boxes = costs.filled, costs.boxes
    table = np.full((len(filled), high + 1), np.inf)
    for size in range(low, high + 1):
        cost = height_cost(size, costs.heights[k] * costs.pitch)
        for y in range(len(filled) - size):
            table[y, size] = cost
            if filled[y + size] - filled[y] < BLANK * size:
                table[y, size] += NOTHING
            if boxes.size > 1:
                table[y, size] += boxes[y, size]
    return table


@numba.njit(cache=True)
def mark_costs(costs: Costs) -> NDArray[np.float64]:
    """Return the costs of a paragraph mark by place and height, as `segment_costs` does."""
    low, high = mark_span(costs.pitch)
    circle = costs.circle
    table = np.full((len(circle), high + 1), np.inf)
    for size in range(low, high + 1):
        cost = height_cost(size, CIRCLE_HEIGHT * costs.pitch)
        for y in range(len(circle) - size):
            table[y, size] = cost + circle[y + size // 2]
    return table
