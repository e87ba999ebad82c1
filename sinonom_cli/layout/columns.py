"""Find the columns of a straightened page: their centres, and which characters are notes of half a column.

A page is described by the centres of its columns, which stand about one pitch apart; empty columns are filled in. A
character is either *text*, in the middle of a column, or of a *note*, a quarter of the pitch right or left of the
middle and about half as wide. Costs are negative log-likelihoods of normal distributions of the offset, in parts of a
wide character, and of the width, in parts of the pitch. For each of a range of pitches, dynamic programming over the
centres finds the least total cost; the pitch with the least cost counts.
"""

import math
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

STEPS = 24
"""Candidate centres per pitch."""
NARROWEST, WIDEST = 0.7, 1.6
"""Range of the distance of neighbouring centres, in pitches."""
CLOSER, FARTHER = 0.05, 0.07
"""Standard deviations of that distance below and above one pitch, in pitches."""
MOST_SPACING = 4.0
"""Largest cost of a distance above one pitch, for gutters between pages."""
PITCHES = 1.06
"""Factor from a candidate pitch to the next."""
WIDE = 0.85
"""Quantile of the widths that counts as the width of a wide character."""
QUARTER = 0.24
"""Distance of a note's half columns from the middle of the column, in pitches."""
LEFT, TEXT, RIGHT = -1, 0, 1


@dataclass(frozen=True)
class Kind:
    """Distribution of the characters of text or of notes.

    Attributes
    ----------
    share : share of all characters.
    spread : standard deviation of the offset from where the character should be, in widths of a wide character.
    width, width_spread : mean and standard deviation of the width, in pitches.
    """

    share: float
    spread: float
    width: float
    width_spread: float


TEXT_KIND = Kind(share=0.7, spread=0.10, width=0.70, width_spread=0.18)
NOTE_KIND = Kind(share=0.3, spread=0.07, width=0.42, width_spread=0.10)
MOST = 12.0
"""Largest cost of one character more than the best place has, so that false boxes move no column."""


@dataclass(frozen=True)
class Columns:
    """Columns of a page.

    Attributes
    ----------
    pitch : usual distance of neighbouring columns.
    centres : (c,) float64, ascending, of the columns that have characters.
    column : (n,) int64 index of each character's column.
    side : (n,) int64, `TEXT`, or `LEFT` or `RIGHT` for notes.
    """

    pitch: float
    centres: NDArray[np.float64]
    column: NDArray[np.int64]
    side: NDArray[np.int64]


def find_columns(x: NDArray[np.float64], width: NDArray[np.float64], pitch: float | None = None) -> Columns:
    """Find the columns of straightened characters.

    Parameters
    ----------
    x : (n,) float64 centres across the columns, n at least 1.
    width : (n,) float64 widths, above 0.
    pitch : usual distance of neighbouring columns, where it is known; None: it is estimated.

    Returns
    -------
    Columns
    """
    order = np.argsort(x, kind="stable")
    wide = float(np.quantile(width, WIDE))
    best_cost, best_pitch, best_centres = math.inf, 0.0, x[:0]
    for candidate in [pitch] if pitch is not None else _pitches(width):
        low, high = float(x.min()) - 0.5 * candidate, float(x.max()) + candidate
        grid = low + np.arange(math.ceil((high - low) / candidate * STEPS), dtype=np.float64) * (candidate / STEPS)
        total, chain = _chain(x[order], width[order], grid, candidate, wide)
        total += len(x) * math.log(candidate)  # Widths have a density per pitch.
        if total < best_cost:
            best_cost, best_pitch, best_centres = total, candidate, grid[chain]
    nearest = np.searchsorted(best_centres, x)
    costs, cheapest = _costs(x, width, best_centres, np.maximum(nearest - 2, 0), 4, best_pitch, wide)
    within = costs.argmin(axis=1)
    side = cheapest[np.arange(len(x)), within]
    column = within + np.maximum(nearest - 2, 0)
    _call_lone_halves_text(column, side)
    used, column = np.unique(column, return_inverse=True)
    return Columns(best_pitch, best_centres[used], column.astype(np.int64), side)


def _call_lone_halves_text(column: NDArray[np.int64], side: NDArray[np.int64]) -> None:
    """Turn notes into text where a column has nothing but left halves, or right halves on a page without left ones.

    A note has no left half without a right one. Columns of small characters that stand far apart look like halves.
    """
    for half in (LEFT, RIGHT):
        if half == RIGHT and (side == LEFT).any():
            break
        for number in np.unique(column):
            within = column == number
            if (side[within] == half).all():
                side[within] = TEXT


def _pitches(width: NDArray[np.float64]) -> list[float]:
    """Return candidate pitches, from below the width of ordinary characters to five times that of narrow ones."""
    low, high = 0.95 * float(np.quantile(width, 0.5)), 2.4 * float(np.quantile(width, 0.9))
    return [low * PITCHES**k for k in range(math.ceil(math.log(high / low, PITCHES)) + 1)]


def _costs(
    x: NDArray[np.float64],
    width: NDArray[np.float64],
    centres: NDArray[np.float64],
    first: NDArray[np.int64],
    count: int,
    pitch: float,
    wide: float,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the cost of each character in the `count` columns from `first` on.

    Returns
    -------
    costs : (n, count) float64; infinite where there is no such column.
    cheapest : (n, count) int64: the cheapest of `LEFT`, `TEXT` and `RIGHT`.
    """
    table = np.array(
        [
            (
                middle,
                kind.spread * wide / pitch,
                kind.width,
                kind.width_spread,
                math.log(kind.spread * kind.width_spread / kind.share),
            )
            for kind, middle in ((NOTE_KIND, -QUARTER), (TEXT_KIND, 0.0), (NOTE_KIND, QUARTER))
        ]
    )
    costs, cheapest = _limited_costs(x / pitch, width / pitch, centres / pitch, first, count, table, MOST)
    return costs, cheapest + LEFT


@numba.njit(cache=True)
def _limited_costs(x: Any, width: Any, centres: Any, first: Any, count: int, kinds: Any, most: float) -> Any:
    """Compute the costs and the cheapest kinds; no cost is more than `most` above the character's least."""
    costs = np.full((len(x), count), np.inf)
    cheapest = np.zeros((len(x), count), np.int64)
    for i in range(len(x)):
        least = np.inf
        there = min(count, len(centres) - first[i])
        for j in range(there):
            for k in range(len(kinds)):
                offset = (x[i] - centres[first[i] + j] - kinds[k, 0]) / kinds[k, 1]
                size = (width[i] - kinds[k, 2]) / kinds[k, 3]
                cost = (offset * offset + size * size) / 2 + kinds[k, 4]
                if cost < costs[i, j]:
                    costs[i, j] = cost
                    cheapest[i, j] = k
            least = min(least, costs[i, j])
        for j in range(there):
            costs[i, j] = min(costs[i, j], least + most)
    return costs, cheapest


def _chain(
    x: NDArray[np.float64], width: NDArray[np.float64], grid: NDArray[np.float64], pitch: float, wide: float
) -> tuple[float, NDArray[np.int64]]:
    """Return the least cost of a chain of centres and their places on the grid; characters are sorted by x."""
    low, high = math.ceil(NARROWEST * STEPS), math.floor(WIDEST * STEPS)
    off = np.arange(high + 1) / STEPS - 1
    spacing = np.where(off < 0, (off / CLOSER) ** 2 / 2, np.minimum((off / FARTHER) ** 2 / 2, MOST_SPACING))
    # A character's column is at most the widest distance away.
    first = np.maximum(np.searchsorted(grid, x) - high - 1, 0)
    costs, _ = _costs(x, width, grid, first, 2 * high + 2, pitch, wide)
    # starts[g]: number of characters left of centre g.
    starts = np.searchsorted(x, grid, side="left").astype(np.int64)
    return _cheapest(costs, first, starts, spacing, low)


@numba.njit(cache=True)
def _cost(costs: Any, first: Any, i: int, j: int) -> Any:
    """Return the cost of character i in column j; infinite if that is too far away."""
    within = j - first[i]
    return costs[i, within] if 0 <= within < costs.shape[1] else np.inf


@numba.njit(cache=True)
def _cheapest(costs: Any, first: Any, starts: Any, spacing: Any, low: int) -> Any:
    """Find the chain by dynamic programming; a character between two centres takes the cheaper one."""
    count, places = len(costs), len(starts)
    total = np.empty(places)
    before = np.full(places, -1)
    for b in range(places):
        alone = 0.0  # The chain begins here: all characters to the left belong to this column.
        for i in range(starts[b] - 1, -1, -1):
            alone += _cost(costs, first, i, b)
            if alone == np.inf:
                break
        total[b] = alone
        for step in range(low, min(len(spacing) - 1, b) + 1):
            a = b - step
            cost = total[a] + spacing[step]
            for i in range(starts[a], starts[b]):
                cost += min(_cost(costs, first, i, a), _cost(costs, first, i, b))
            if cost < total[b]:
                total[b] = cost
                before[b] = a
    best, last = np.inf, 0
    for b in range(places):
        cost = total[b]
        for i in range(count - 1, starts[b] - 1, -1):
            cost += _cost(costs, first, i, b)
            if cost == np.inf:
                break
        if cost < best:
            best, last = cost, b
    return best, _followed(before, last)


@numba.njit(cache=True)
def _followed(before: Any, last: int) -> Any:
    """Return the chain that ends at `last`, from its first place."""
    length = 1
    place = last
    while before[place] >= 0:
        place = before[place]
        length += 1
    chain = np.empty(length, np.int64)
    for k in range(length - 1, -1, -1):
        chain[k] = last
        last = before[last]
    return chain
