"""Follow the columns of a page: number its characters anew, and name them in the context of their columns."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.order import Placed
from sinonom_cli.pages.column import Seen, in_context
from sinonom_cli.pages.context import shipped_context
from sinonom_cli.pages.look_alikes import with_look_alikes
from sinonom_cli.search.naming import Name


def runs_of(places: Sequence[Placed]) -> NDArray[np.int64]:
    """Return the number of the run of each character: a column, or a half column of a note, (N,) int64."""
    keys = [(place.column, place.part) for place in places]
    return np.cumsum([0, *(one != other for one, other in pairwise(keys))]).astype(np.int64)


def numbered(places: Sequence[Placed], seen: Seen) -> list[Placed]:
    """Return the places of the characters that were seen, columns and places counted anew."""
    found: list[Placed] = []
    for at, box in zip(seen.places, seen.boxes, strict=True):
        old, before = places[at], found[-1] if found else None
        same = before is not None and places[before.index].column == old.column
        column = 1 if before is None else before.column + (not same)
        place = before.place + 1 if before is not None and same else 1
        x0, y0, x1, y1 = map(float, box)
        found.append(Placed(index=at, column=column, place=place, part=old.part, box=(x0, y0, x1, y1)))
    return found


def names_in_context(
    places: Sequence[Placed], names: Sequence[list[Name]], embeddings: NDArray[np.floating]
) -> list[list[Name]]:
    """Return the names of each character with their probabilities in context, the most probable first.

    The look-alikes of a character on the page vote on its name first. Then the characters of a column are each other's
    context, the two halves of a note as one text apart from the column.

    Parameters
    ----------
    places : of the characters, in reading order.
    names : by sight, or the one certain name.
    embeddings : (N, D) float of length 1, what the names by sight were found by; 0 for a character that has none.
    """
    names = with_look_alikes(names, embeddings)
    found: list[list[Name]] = []
    for _, run in groupby(range(len(places)), key=lambda k: (places[k].column, places[k].part.startswith("note"))):
        found += in_context([names[k] for k in run], shipped_context())
    return found
