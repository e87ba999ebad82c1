"""Measure boxes, outlines and reading order against those that people have drawn."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.suppress import SAME, overlaps


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Number of characters that were found, that there are, and that were found rightly; sums over several pages.

    Attributes
    ----------
    right, found, true : numbers.
    """

    right: int = 0
    found: int = 0
    true: int = 0

    def __add__(self, other: "Agreement") -> "Agreement":
        return Agreement(right=self.right + other.right, found=self.found + other.found, true=self.true + other.true)

    @property
    def precision(self) -> float:
        """Share of what was found that is right; 0 if nothing was found."""
        return self.right / max(self.found, 1)

    @property
    def recall(self) -> float:
        """Share of what there is that was found; 0 if there is nothing."""
        return self.right / max(self.true, 1)

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 0 if nothing is right."""
        return 2 * self.right / max(self.found + self.true, 1)


def box_overlaps(found: NDArray[np.float64], true: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of each of (n, 4) boxes with each of (m, 4): (n, m) float64 in [0, 1]."""
    return np.array([overlaps(box, true) for box in found], np.float64).reshape(len(found), len(true))


def outline_overlaps(found: Sequence[NDArray[np.float64]], true: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return the intersection over union of each of n outlines with each of m.

    Parameters
    ----------
    found, true : polygons, (k, 2) float64 each, of any sense of rotation, convex or not; no polygon crosses itself.

    Returns
    -------
    (n, m) float64 in [0, 1], exact to rounding.
    """
    low, high = (
        [np.array([ends(outline, axis=0) for outline in outlines]).reshape(-1, 2) for outlines in (found, true)]
        for ends in (np.min, np.max)
    )
    areas = [[abs(_signed_area(outline)) for outline in outlines] for outlines in (found, true)]
    shared = np.zeros((len(found), len(true)))
    meet = ((low[0][:, None] < high[1][None]) & (low[1][None] < high[0][:, None])).all(axis=2)
    for i, j in np.argwhere(meet):
        common = common_area(found[i], true[j])
        shared[i, j] = common / max(areas[0][i] + areas[1][j] - common, 1e-12)
    return np.clip(shared, 0, 1)


def common_area(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the area that two polygons have in common, exact to rounding.

    A polygon is the signed sum of the trapezoids between its edges and a line below it. The common area is therefore
    the signed sum of the common areas of all pairs of trapezoids, one of each polygon; such a pair has in common what
    is below both edges.

    Parameters
    ----------
    one, other : (k, 2) float64 each, of any sense of rotation, convex or not; no polygon crosses itself.
    """
    base = min(one[:, 1].min(), other[:, 1].min())
    centre = one.mean(axis=0)[0]
    first, second = (_trapezoids(polygon - [centre, base]) for polygon in (one, other))
    left = np.maximum(first[0][:, None], second[0][None])
    right = np.maximum(np.minimum(first[1][:, None], second[1][None]), left)
    (a0, b0), (a1, b1) = ((part[2], part[3]) for part in (first, second))
    # Heights of both edges at both ends of the common interval; the lower edge changes where the difference is 0.
    low_first, high_first = (a0[:, None] + b0[:, None] * x for x in (left, right))
    low_second, high_second = (a1[None] + b1[None] * x for x in (left, right))
    low, high = low_first - low_second, high_first - high_second
    crossing = low * high < 0
    share = np.where(crossing, low / np.where(crossing, low - high, 1), 0)
    width = right - left
    plain = (np.minimum(low_first, low_second) + np.minimum(high_first, high_second)) / 2 * width
    middle = low_first + share * (high_first - low_first)
    bent = (
        (np.minimum(low_first, low_second) + middle) * share
        + (middle + np.minimum(high_first, high_second)) * (1 - share)
    ) * (width / 2)
    area = np.where(crossing, bent, plain) * first[4][:, None] * second[4][None]
    return float(abs(area.sum()))


def _trapezoids(polygon: NDArray[np.float64]) -> tuple[NDArray[np.float64], ...]:
    """Return left and right end, height at x = 0, slope and sign (1: from left to right) of the edges' trapezoids."""
    after = np.roll(polygon, -1, axis=0)
    slanted = polygon[:, 0] != after[:, 0]
    start, end = polygon[slanted], after[slanted]
    slope = (end[:, 1] - start[:, 1]) / (end[:, 0] - start[:, 0])
    height = start[:, 1] - slope * start[:, 0]
    ends = np.minimum(start[:, 0], end[:, 0]), np.maximum(start[:, 0], end[:, 0])
    return *ends, height, slope, np.sign(end[:, 0] - start[:, 0])


def _signed_area(polygon: NDArray[np.float64]) -> float:
    x, y = (polygon - polygon[:1]).T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2


def pairs(shared: NDArray[np.float64], scores: NDArray[np.float64], least: float = SAME) -> NDArray[np.int64]:
    """Match what was found with what is true, one to one: the best first, each with the free one it shares most with.

    Parameters
    ----------
    shared : (n, m) float64 intersections over unions.
    scores : (n,) float64; the highest chooses first, of equal ones the earlier.
    least : smallest intersection over union of a match.

    Returns
    -------
    (k, 2) int64 rows and columns of `shared`, in the order of the rows.
    """
    matches = []
    free = np.ones(shared.shape[1], bool)
    for row in np.argsort(-scores, kind="stable"):
        left = np.where(free, shared[row], -1.0)
        if len(left) and left.max() >= least:
            free[left.argmax()] = False
            matches.append((int(row), int(left.argmax())))
    return np.array(sorted(matches), np.int64).reshape(-1, 2)


def neighbours_in_order(matches: NDArray[np.int64], true: int) -> tuple[int, int]:
    """Count neighbours of the true order that are neighbours in the order that was found.

    Parameters
    ----------
    matches : (k, 2) int64, one to one: place in the order that was found, place in the true order, both from 0.
    true : number of characters of the true order.

    Returns
    -------
    right, all : "all" is the number of pairs of consecutive characters of the true order of which both were found;
        "right" is the number of these whose second comes directly after the first in the order that was found.
    """
    place = np.full(true, -1)
    place[matches[:, 1]] = matches[:, 0]
    both = (place[:-1] >= 0) & (place[1:] >= 0)
    return int((np.diff(place)[both] == 1).sum()), int(both.sum())
