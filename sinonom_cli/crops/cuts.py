"""Find the cheapest cuts of a column into n characters by dynamic programming."""

from dataclasses import dataclass, replace

import numba
import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.align import disagreement
from sinonom_cli.crops.costs import CIRCLE_HEIGHT, Costs, costs_of, mark_costs, segment_costs, span, upside_down

LEAST_HEIGHT = 6
"""Smallest height, in pixels, that a character can have; shorter ones cannot be told apart."""
MOST_MARKS = 5
LIKELY_MARK = 0.3
"""Smallest score of a circle for which one more paragraph mark is considered."""


HIGH = 1.4
"""Smallest height of a character, in widths of the column's ink, at which two characters may stand in place of one.
In NomNaOCR the height is 1.2 (median; 2.0 at the 99th percentile); with half of the transcript missing it is 2.4, and
at least 1.6."""
FURTHER, FURTHER_SLOPE = 1.1, 0.84
"""A column may hold two or three times as many characters if each further cut costs less than 1.1 plus 0.84 times the
logarithm of the height. In unchanged columns a further cut costs 2.7 (median; 1.7 at the first percentile)."""


@dataclass(frozen=True)
class Cuts:
    """Places of the characters in a column.

    Attributes
    ----------
    tops, bottoms : (n,) int64; character k lies in rows tops[k] <= y < bottoms[k].
    certainty : (n,) float64 in [0, 1]; low if cuts elsewhere are nearly as cheap.
    cost : cost of all cuts, by ink and heights, without the cost of disagreement with a detector's boxes.
    pitch : height of an ordinary character, pixels.
    rival : cost minus that of the cheapest cuts into one character more or fewer, by ink alone; above 0, another
        number of characters fits better.
    rival_number : number of characters of those cuts.
    sparse : score for two or three times as many characters in the column; above 0, this is more likely than not.
    """

    tops: NDArray[np.int64]
    bottoms: NDArray[np.int64]
    certainty: NDArray[np.float64]
    cost: float
    pitch: float
    rival: float = -np.inf
    rival_number: int = 0
    sparse: float = -np.inf


def find_cuts(
    ink: NDArray[np.float32],
    heights: NDArray[np.float64],
    circles: NDArray[np.float32],
    spans: NDArray[np.float64] | None = None,
    scores: NDArray[np.float64] | None = None,
) -> Cuts:
    """Cut a column into its characters.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    heights : (n,) float64, expected heights of the characters relative to an ordinary one.
    circles : (H,) float32, score of each row as the centre of a circle (a paragraph mark, not in the transcript).
    spans, scores : (m, 2) tops and bottoms, pixels, and (m,) scores in [0, 1] of a detector's boxes; None if no
        detector was used.
    """
    plain = costs_of(ink, circles, np.zeros((1, 1)), heights, 0.0)
    column = _Extent(ink, circles)
    if spans is None or scores is None or not len(spans):
        best, lowest = _cheapest(plain, column)
        rivals = {len(other): _cheapest(plain._replace(heights=other), column)[1] for other in _rivals(heights, ink)}
        number = min(rivals, key=rivals.__getitem__, default=0)
        rival = lowest - rivals[number] if rivals else -np.inf
        cuts = replace(_traced(best, lowest), rival=rival, rival_number=number)
        return replace(cuts, sparse=_sparseness(plain, column, cuts))
    _, tallest = span(heights.max() * column.pitch(heights, 0))
    return _traced(*_cheapest(plain._replace(boxes=disagreement(spans, scores, len(ink), tallest)), column))


def _rivals(heights: NDArray[np.float64], ink: NDArray[np.float32]) -> list[NDArray[np.float64]]:
    """Return the expected heights with one character fewer and with one more, where the column allows them."""
    fewer = [heights[:-1]] if len(heights) > 2 else []  # A lone character has no cut, and its height is not compared.
    more = [np.append(heights, 1.0)] if len(ink) >= LEAST_HEIGHT * (len(heights) + 1) else []
    return fewer + more


def _sparseness(plain: Costs, column: "_Extent", cuts: Cuts) -> float:
    """Return `Cuts.sparse`, from the height of characters relative to their width and the cost of further cuts."""
    aspect, number = cuts.pitch / column.width, len(cuts.tops)
    if aspect < HIGH:
        return -np.inf
    further = np.inf
    for times in (2, 3):
        if column.whole >= LEAST_HEIGHT * times * number:
            lowest = _cheapest(plain._replace(heights=np.ones(times * number)), column)[1]
            further = min(further, (lowest - cuts.cost) / ((times - 1) * number))
    return float(FURTHER + FURTHER_SLOPE * np.log(aspect) - further)


class _Extent:
    """Extent of a column's ink and the number of paragraph marks it may hold, from which the pitch follows."""

    def __init__(self, ink: NDArray[np.float32], circles: NDArray[np.float32]) -> None:
        across = np.cumsum(ink.sum(axis=0, dtype=np.float64))
        self.width = float(np.ptp(np.searchsorted(across, [0.02 * across[-1], 0.98 * across[-1]]))) + 1
        rows = np.flatnonzero(ink.mean(axis=1) > 0.03)
        self.inked = float(rows[-1] - rows[0] + 1) if len(rows) else 0.0
        self.whole = float(len(ink))
        self.marks = min(int(np.sum(_peaks(circles, 6) > LIKELY_MARK)), MOST_MARKS)

    def pitch(self, heights: NDArray[np.float64], marks: int) -> float:
        extent = self.inked if self.inked >= LEAST_HEIGHT * len(heights) else self.whole
        # The outer characters end at their ink and have no half gap, so the column is about 0.08 pitches shorter.
        return extent / max(heights.sum() + CIRCLE_HEIGHT * marks - 0.08, 0.5)


def _cheapest(plain: Costs, column: _Extent) -> tuple[Costs, float]:
    """Return the costs with the number of paragraph marks whose best cuts are cheapest, and the cost of these cuts."""
    best, lowest = plain, np.inf
    for marks in range(column.marks + 1):
        costs = plain._replace(pitch=column.pitch(plain.heights, marks))
        cost = total_cost(costs, forward(costs)[1])
        if cost < lowest - 1e-9:
            best, lowest = costs, cost
    return best, lowest


def _peaks(scores: NDArray[np.float32], reach: int) -> NDArray[np.float32]:
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(scores, reach, constant_values=-1), 2 * reach + 1)
    return np.where(scores >= windows.max(axis=1), scores, -1)


def total_cost(costs: Costs, starts: NDArray[np.float64]) -> float:
    """Return the cost of the cheapest cuts, given `starts` from `forward`."""
    return float((starts[-1] + costs.skipped[-1] - costs.skipped).min())


@numba.njit(cache=True)
def forward(costs: Costs) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the least cost of everything above each boundary.

    Returns
    -------
    ends : (n, H + 1) float64; ends[k, y] is the cost of characters 0..k if character k ends at y.
    starts : (n + 1, H + 1) float64; starts[k, y] is the cost of characters 0..k - 1 if character k starts at y, or,
        for k = n, if the rows left out at the bottom start at y.
    """
    n, boundaries = len(costs.heights), len(costs.cut)
    ends = np.full((n, boundaries), np.inf)
    starts = np.full((n + 1, boundaries), np.inf)
    cut, mark = costs.cut, mark_costs(costs)
    for k in range(n + 1):
        # A cut costs where two characters or marks meet; the ends of the column cost no cut.
        above = costs.skipped if k == 0 else ends[k - 1] + cut
        below = cut if k < n else np.zeros(boundaries)
        starts[k] = costs.skipped if k == 0 else ends[k - 1] + below
        _relax(above, mark, below, starts[k])
        if k < n:
            _relax(starts[k], segment_costs(costs, k), np.zeros(boundaries), ends[k])
    return ends, starts


@numba.njit(cache=True)
def _relax(
    above: NDArray[np.float64], table: NDArray[np.float64], below: NDArray[np.float64], best: NDArray[np.float64]
) -> None:
    """Lower `best[y]` to the least of `above[y - size] + table[y - size, size] + below[y]`."""
    for top in range(len(above)):
        for size in range(1, min(table.shape[1], len(above) - top)):
            cost = above[top] + table[top, size] + below[top + size]
            best[top + size] = min(best[top + size], cost)


def _traced(costs: Costs, cost: float) -> Cuts:
    """Return the cheapest cuts.

    The cost of everything below a boundary is the cost of everything above it in the column turned upside down. Both
    together give, for each boundary of each character, the cost of the cheapest cuts through it.
    """
    ends, starts = forward(costs)
    ends_up, starts_up = forward(upside_down(costs))
    tops, bottoms = _walk_back(costs, ends, starts)
    sure_top = _certainty(starts[:-1] + ends_up[::-1, ::-1], tops, costs.pitch)
    sure_bottom = _certainty(ends + starts_up[:-1][::-1, ::-1], bottoms, costs.pitch)
    if costs.boxes.size > 1:
        cost -= float(costs.boxes[tops, bottoms - tops].sum())
    return Cuts(tops, bottoms, np.minimum(sure_top, sure_bottom), cost, costs.pitch)


def _certainty(through: NDArray[np.float64], chosen: NDArray[np.int64], pitch: float) -> NDArray[np.float64]:
    """Return the share of the weight exp(-cost) within 0.15 pitch, at least 3 rows, of each chosen boundary."""
    weight = np.exp(-np.minimum(through - through.min(axis=1, keepdims=True), 50.0))
    reach = max(3, round(pitch * 0.15))
    near = np.abs(np.arange(through.shape[1])[None] - chosen[:, None]) <= reach
    return (weight * near).sum(axis=1) / weight.sum(axis=1)


@numba.njit(cache=True)
def _walk_back(
    costs: Costs, ends: NDArray[np.float64], starts: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    n, _ = ends.shape
    tops, bottoms = np.zeros(n, np.int64), np.zeros(n, np.int64)
    cut, mark = costs.cut, mark_costs(costs)
    limit = np.argmin(starts[n] + costs.skipped[-1] - costs.skipped)
    for k in range(n, -1, -1):
        if k < n:
            bottoms[k] = limit
            table = segment_costs(costs, k)
            best = np.inf
            for size in range(1, min(table.shape[1] - 1, limit) + 1):
                cost = starts[k, limit - size] + table[limit - size, size]
                if cost < best:
                    best, tops[k] = cost, limit - size
            limit = tops[k]
        if k == 0:
            break
        start, below = limit, cut[limit] if k < n else 0.0
        best = ends[k - 1, start] + below
        for size in range(1, min(mark.shape[1] - 1, start) + 1):
            cost = ends[k - 1, start - size] + cut[start - size] + mark[start - size, size] + below
            if cost < best:
                best, limit = cost, start - size
    return tops, bottoms
