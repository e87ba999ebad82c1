"""Tell a block that printed a page from one with the same text, such as a block that was carved anew.

Embeddings tell characters apart, and less well the carvings of one character. The registration of their pictures does
(`search.same_carving`): a print differs from its own carving by a smooth map, from another carving by a rough one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pages.placing import Placing
from sinonom_cli.search.rerank import views_of_rows
from sinonom_cli.search.same_carving import SIZE, compared, views_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.pages.carvings import Carvings

COMPARED = 24
"""Number of characters of a page that are compared, those that are most like the carvings at their places."""
FEWEST = 4
"""Smallest number of characters from which anything is concluded."""
MOST = 1.0
"""Largest logarithm of a ratio of roughnesses that counts, either way."""


def fit_of(
    placing: Placing,
    pictures: Sequence[NDArray[np.uint8]],
    others: Mapping[int, Sequence[int]],
    carvings: Carvings,
) -> float:
    """Return by how much the carvings at their places fit the print better than other carvings of the same characters.

    Parameters
    ----------
    placing : the page on a block.
    pictures : (H, W) uint8 of the page's characters.
    others : rows of the index, the nearest first, that look like a character, by its number.
    carvings : the index.

    Returns
    -------
    The mean logarithm of the ratio of the roughness of another carving to that of the carving at its place, in
    [-MOST, MOST]; above 0: this block. 0 if fewer than `FEWEST` characters have other carvings.
    """
    own = carvings.places.rows_of(placing.block)
    ratios: list[float] = []
    for k in np.argsort(-placing.likely, kind="stable").tolist():
        i, j = placing.pairs[k].tolist()
        other = next((row for row in others.get(i, ()) if row != own[j]), None)
        if other is None or len(ratios) == COMPARED:
            continue
        here, there = views_of_rows(carvings.index, [int(own[j]), other])
        if here is None or there is None:
            continue
        placed, away = compared(views_of(prepare(pictures[i], SIZE)), [here, there]).roughness
        if math.isfinite(placed) or math.isfinite(away):
            ratios.append(min(max(math.log(away / placed) if math.isfinite(placed) else -MOST, -MOST), MOST))
    return float(np.mean(ratios)) if len(ratios) >= FEWEST else 0.0
