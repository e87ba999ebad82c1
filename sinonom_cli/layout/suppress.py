"""Drop boxes that show a character which a better box shows already (non-maximum suppression)."""

import numpy as np
from numpy.typing import NDArray

SAME = 0.5
"""Smallest intersection over union of two boxes that show the same character."""


def overlaps(one: NDArray[np.float64], many: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the intersection over union of a (4,) box with each of (n, 4): (n,) float64 in [0, 1]."""
    common, total = _shared(one, many)
    return common / np.maximum(total, 1e-12)


def suppressed(
    boxes: NDArray[np.float64], scores: NDArray[np.float64], same: float = SAME, inside: float | None = None
) -> NDArray[np.int64]:
    """Choose boxes so that no two show the same character.

    Parameters
    ----------
    boxes : (n, 4) float64, x0, y0, x1, y1, in any unit.
    scores : (n,) float64; of two boxes that show the same, the one with the higher score is kept, or the earlier one.
    same : smallest intersection over union of boxes that show the same.
    inside : boxes also show the same if this share of the smaller one lies in the other; None: this is not compared.

    Returns
    -------
    (k,) int64 indices of the boxes that are kept, best first.
    """
    waiting = np.argsort(-scores, kind="stable")
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(axis=1)
    kept = []
    while len(waiting):
        best, rest = waiting[0], waiting[1:]
        kept.append(best)
        common, total = _shared(boxes[best], boxes[rest])
        repeated = common >= same * np.maximum(total, 1e-12)
        if inside is not None:
            repeated |= common >= inside * np.maximum(np.minimum(areas[best], areas[rest]), 1e-12)
        waiting = rest[~repeated]
    return np.array(kept, np.int64)


def _shared(one: NDArray[np.float64], many: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the areas of intersection and of union of a (4,) box with each of (n, 4)."""
    low, high = np.maximum(one[:2], many[:, :2]), np.minimum(one[2:], many[:, 2:])
    common = np.clip(high - low, 0, None).prod(axis=1)
    return common, (one[2:] - one[:2]).prod() + (many[:, 2:] - many[:, :2]).prod(axis=1) - common
