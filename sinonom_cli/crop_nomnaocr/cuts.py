"""Where to cut a column of n characters: the cheapest cuts by dynamic programming over its ink."""

from dataclasses import dataclass

import numba
import numpy as np
from numpy.typing import NDArray

CROSSING = 14.0
"""Cost of a cut through ink across the whole width."""
CLOSE = 3.0
"""Cost of a cut in the middle of full rows, so that cuts lie in the middle of gaps."""
SPREAD = 0.14
"""Standard deviation of the logarithm of a character's height, given what is expected."""
CIRCLE_HEIGHT = 0.85
CIRCLE_COST, CIRCLE_GAIN, CIRCLE_LEAST = 16.0, 30.0, 0.5
"""A paragraph mark costs 16 less 30 times its score, but never nothing: room that the characters leave speaks for it,
not the mark alone, or every 口 would be one."""
SKIPPED = 8.0
"""Cost of leaving a full row of ink out, at the ends of the column."""
LEAST_HEIGHT = 6
"""Pixels that a character needs; shorter ones cannot be told apart."""
BLANK, NOTHING = 0.004, 6.0
"""Mean ink below which a segment holds no character, and the cost of such a segment."""


@dataclass(frozen=True)
class Cuts:
    """The characters' places in a column.

    Attributes
    ----------
    tops, bottoms : (n,) int64; character k lies in rows tops[k] <= y < bottoms[k].
    certainty : (n,) float64 in [0, 1]: how far the next best cuts, elsewhere, are from being as cheap.
    cost : of all cuts.
    pitch : height of an ordinary character, pixels.
    """

    tops: NDArray[np.int64]
    bottoms: NDArray[np.int64]
    certainty: NDArray[np.float64]
    cost: float
    pitch: float


def find_cuts(ink: NDArray[np.float32], heights: NDArray[np.float64], circles: NDArray[np.float32]) -> Cuts:
    """Cut a column into its characters.

    The cost of a way to cut is what its cuts run through, how far heights are from those expected, the ink left
    over at the ends, and what circles drawn between characters (paragraph marks, not in transcripts) cost or gain.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    heights : (n,) float64, expected heights of the characters relative to an ordinary one.
    circles : (H,) float32, score of each row as the middle of a circle.
    """
    cut, skipped, filled = row_costs(ink)
    rows = np.flatnonzero(ink.mean(axis=1) > 0.03)
    extent = float(rows[-1] - rows[0] + 1) if len(rows) else 0.0
    extent = extent if extent >= LEAST_HEIGHT * len(heights) else float(len(ink))
    best: tuple[float, int, float] | None = None
    circle = circle_costs(circles)
    seen = int(np.sum(_peaks(circles, 6) > 0.3))
    for marks in range(min(seen, 5) + 1):
        # Characters end at their ink, not in the middle of the gap: the column is about 0.08 short of whole pitches.
        pitch = extent / max(heights.sum() + CIRCLE_HEIGHT * marks - 0.08, 0.5)
        _, starts = forward(cut, skipped, filled, circle, heights, pitch)
        cost = float((starts[-1] + skipped[-1] - skipped).min())
        if best is None or cost < best[0] - 1e-9:
            best = cost, marks, pitch
    assert best is not None
    tops, bottoms, certainty = _traced(cut, skipped, filled, circle, heights, best[2])
    return Cuts(tops, bottoms, certainty, best[0], best[2])


def circle_costs(circles: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (H + 1,) cost of a paragraph mark around each boundary of rows; the best of its three rows counts."""
    near = np.pad(circles, (1, 2))
    best = np.maximum(np.maximum(near[:-2], near[1:-1]), near[2:])
    return np.maximum(CIRCLE_COST - CIRCLE_GAIN * best.astype(np.float64), CIRCLE_LEAST)


def row_costs(ink: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return costs by row boundary y = 0..H (between rows y - 1 and y).

    Returns
    -------
    cut : (H + 1,) cost of a cut at y.
    skipped : (H + 1,) cumulated cost of leaving out the rows above y.
    filled : (H + 1,) cumulated mean ink of the rows above y.
    """
    height, _ = ink.shape
    row = ink.mean(axis=1).astype(np.float64)
    crossing = np.zeros(height + 1)
    crossing[1:-1] = np.minimum(ink[:-1], ink[1:]).mean(axis=1)
    near = np.convolve(np.pad(row, 2), [0.25, 0.25, 0.25, 0.25], mode="valid")
    filled = np.concatenate([[0.0], np.cumsum(row)])
    skipped = SKIPPED * filled + 0.01 * np.arange(height + 1)
    return CROSSING * crossing + CLOSE * near, skipped, filled


def _peaks(scores: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(scores, reach, constant_values=-1), 2 * reach + 1)
    return np.where(scores >= windows.max(axis=1), scores, -1)


@numba.njit(cache=True)
def height_cost(height: float, expected: float) -> float:
    """Return the cost of a character or mark that is `height` rows high where `expected` were."""
    deviation = abs(np.log(height / expected)) / SPREAD
    # Linear beyond two deviations: one odd character must not bend all others.
    return 0.5 * deviation * deviation if deviation < 2 else 2 * deviation - 2


@numba.njit(cache=True)
def _height_costs(expected: float, high: int) -> NDArray[np.float64]:
    return np.array([height_cost(size, expected) if size else 0.0 for size in range(high + 1)])


@numba.njit(cache=True)
def _span(expected: float) -> tuple[int, int]:
    return max(3, int(expected * 0.35)), int(np.ceil(expected * 2.2)) + 1


@numba.njit(cache=True)
def _mark_span(pitch: float) -> tuple[int, int]:
    return max(4, int(pitch * 0.55)), int(pitch * 1.2) + 2


@numba.njit(cache=True)
def forward(
    cut: NDArray[np.float64],
    skipped: NDArray[np.float64],
    filled: NDArray[np.float64],
    circle: NDArray[np.float64],
    heights: NDArray[np.float64],
    pitch: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least cost of everything above a boundary.

    Returns
    -------
    ends : (n, H + 1); ends[k, y] of characters 0..k if character k ends at y.
    starts : (n + 1, H + 1); starts[k, y] of characters 0..k - 1 if character k starts at y; the last row: if what
        is left out at the bottom starts there.
    """
    n, boundaries = len(heights), len(cut)
    ends = np.full((n, boundaries), np.inf)
    starts = np.full((n + 1, boundaries), np.inf)
    mark_low, mark_high = _mark_span(pitch)
    mark = _height_costs(CIRCLE_HEIGHT * pitch, mark_high)
    for k in range(n + 1):
        before = skipped if k == 0 else ends[k - 1]
        for y in range(boundaries):
            below = cut[y] if k < n else 0.0
            starts[k, y] = before[y] + (0.0 if k == 0 else below)
            for size in range(mark_low, min(mark_high, y) + 1):
                above = before[y - size] + (0.0 if k == 0 else cut[y - size])
                came = above + mark[size] + circle[y - size + size // 2] + below
                starts[k, y] = min(starts[k, y], came)
        if k == n:
            break
        low, high = _span(heights[k] * pitch)
        costs = _height_costs(heights[k] * pitch, high)
        for y in range(boundaries):
            for size in range(low, min(high, y) + 1):
                cost = starts[k, y - size] + costs[size]
                if filled[y] - filled[y - size] < BLANK * size:
                    cost += NOTHING
                ends[k, y] = min(ends[k, y], cost)
    return ends, starts


def _traced(
    cut: NDArray[np.float64],
    skipped: NDArray[np.float64],
    filled: NDArray[np.float64],
    circle: NDArray[np.float64],
    heights: NDArray[np.float64],
    pitch: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return tops, bottoms and certainty of the cheapest cuts.

    The cost of everything below a boundary is the cost of everything above it in the column upside down; both
    together give, for each boundary of each character, the cheapest way to cut that goes through it.
    """
    ends, starts = forward(cut, skipped, filled, circle, heights, pitch)
    ends_up, starts_up = forward(
        cut[::-1].copy(),
        skipped[-1] - skipped[::-1],
        filled[-1] - filled[::-1],
        circle[::-1].copy(),
        heights[::-1].copy(),
        pitch,
    )
    tops, bottoms = _walk_back(ends, starts, cut, circle, skipped, filled, heights, pitch)
    sure_top = _certainty(starts[:-1] + ends_up[::-1, ::-1], tops, pitch)
    sure_bottom = _certainty(ends + starts_up[:-1][::-1, ::-1], bottoms, pitch)
    return tops, bottoms, np.minimum(sure_top, sure_bottom)


def _certainty(through: NDArray[np.float64], chosen: NDArray[np.int64], pitch: float) -> NDArray[np.float64]:
    """Return the share of the weight exp(-cost) that lies within 0.15 pitch, at least 3 rows, of each choice."""
    weight = np.exp(-np.minimum(through - through.min(axis=1, keepdims=True), 50.0))
    reach = max(3, round(pitch * 0.15))
    near = np.abs(np.arange(through.shape[1])[None] - chosen[:, None]) <= reach
    return (weight * near).sum(axis=1) / weight.sum(axis=1)


@numba.njit(cache=True)
def _walk_back(
    ends: NDArray[np.float64],
    starts: NDArray[np.float64],
    cut: NDArray[np.float64],
    circle: NDArray[np.float64],
    skipped: NDArray[np.float64],
    filled: NDArray[np.float64],
    heights: NDArray[np.float64],
    pitch: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n, _ = ends.shape
    tops, bottoms = np.zeros(n, np.int64), np.zeros(n, np.int64)
    mark_low, mark_high = _mark_span(pitch)
    limit = np.argmin(starts[n] + skipped[-1] - skipped)
    for k in range(n, -1, -1):
        if k < n:
            bottoms[k] = limit
            low, high = _span(heights[k] * pitch)
            best = np.inf
            for size in range(low, min(high, limit) + 1):
                cost = starts[k, limit - size] + height_cost(size, heights[k] * pitch)
                if filled[limit] - filled[limit - size] < BLANK * size:
                    cost += NOTHING
                if cost < best:
                    best, tops[k] = cost, limit - size
            limit = tops[k]
        if k == 0:
            break
        start, below = limit, cut[limit] if k < n else 0.0
        best = ends[k - 1, start] + below
        for size in range(mark_low, min(mark_high, start) + 1):
            cost = ends[k - 1, start - size] + cut[start - size] + below
            cost += height_cost(size, CIRCLE_HEIGHT * pitch) + circle[start - size + size // 2]
            if cost < best:
                best, limit = cost, start - size
    return tops, bottoms
