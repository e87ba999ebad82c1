"""Reorder the first N answers (`--rerank N`) by registering their pictures with the query's picture."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.preprocess import prepare, prepare_all
from sinonom_cli.networks.turning import turned
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search.same_carving import SIZE, Views, compared, scores, views_of, views_of_all
from sinonom_cli.storage.image_set import set_record

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinonom_cli.search.index import Index

MESHES = 20
"""Default number of answers to reorder for an index of rendered meshes."""
KEPT = 10_000
"""Number of rows whose views stay in memory; each takes 5 kB."""


def count_of(typed: int | None, index: Index) -> int:
    """Return how many answers to reorder: `typed`, or by default MESHES for an index of meshes and 0 for others."""
    if typed is not None or index.prototypes is not None:
        return typed or 0
    sets = index.record.sets
    return MESHES if sets and all(_is_rendered(index.path.parent / name) for name in sets) else 0


def _is_rendered(folder: Path) -> bool:
    try:
        return set_record(folder).reliefs
    except (SinonomError, OSError):
        return False


@dataclass
class _Kept:
    """Views of the picture of a row; None if it was not read yet, or cannot be read."""

    number: int
    views: Views | None = None


class RowViews:
    """Views of the pictures of an index's rows; KEPT of them stay in memory. Several threads may ask at once."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self._kept = lru_cache(KEPT)(_Kept)

    def __call__(self, numbers: Sequence[int]) -> list[Views | None]:
        """Return the views of rows, None for those that cannot be read; new ones are made together."""
        kept = [self._kept(number) for number in numbers]
        new = [one for one in kept if one.views is None]
        for one, views in zip(new, views_of_rows(self.index, [one.number for one in new]), strict=True):
            one.views = views
        return [one.views for one in kept]


class Reranker:
    """Reorders answers of one index.

    Parameters
    ----------
    index : the index; its pictures must still be at the paths in its rows.
    count : number of first answers to reorder.
    views : views of the index's rows, if other rerankers share them.
    """

    def __init__(self, index: Index, count: int, views: RowViews | None = None) -> None:
        self.index, self.count, self.missed = index, count, False
        self._views = views or RowViews(index)

    def __call__(self, picture: Path, rows: list[int], energies: NDArray[np.float64], turn: int = 0) -> list[int]:
        """Return a better order of the answers: the place of each, where the first `count` are reordered.

        Answers without a picture keep their places.

        Parameters
        ----------
        rows, energies : rows of the answers, and (N,) float64, >= 0, their energies, see `finder.Found`.
        turn : by how many degrees the picture was set upright, see `upright`.
        """
        numbers = rows[: self.count]
        views = {place: found for place, found in enumerate(self._views(numbers)) if found is not None}
        if len(views) < len(numbers) and not self.missed:
            self.missed = True
            messages.warn(f"some pictures of {self.index.path} cannot be read: --rerank leaves their answers in place")
        if len(views) < 2:
            return list(range(len(rows)))
        places = np.array(list(views))
        ink = prepare(load_picture(picture), SIZE)
        query = views_of(turned(ink[None], turn)[0] if turn else ink)
        better = np.argsort(-scores(energies[places], compared(query, list(views.values()))), kind="stable")
        order = np.arange(len(rows))
        order[places] = places[better]
        return order.tolist()


def views_of_rows(index: Index, numbers: Sequence[int]) -> list[Views | None]:
    """Return the views of the pictures of an index's rows; None for those that cannot be read."""
    pictures: dict[int, NDArray[np.uint8]] = {}
    for place, number in enumerate(numbers):
        with suppress(SinonomError, OSError):
            pictures[place] = load_picture(index.picture(index.rows[number]))
    views = dict(zip(pictures, views_of_all(prepare_all(pictures.values(), SIZE)), strict=True))
    return [views.get(place) for place in range(len(numbers))]
