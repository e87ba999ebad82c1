"""`--rerank N`: order the first N answers again, by their pictures as well as by their embeddings."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import console
from sinonom_cli.errors import SinonomError
from sinonom_cli.models.loading import load_picture
from sinonom_cli.models.preprocess import prepare
from sinonom_cli.query.local import edge_maps, local_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.artifacts.index import Index

SIZE = 64
WEIGHT = 0.15
"""Of the local distance beside the embeddings', both over their means; chosen on held-out prints and their carvings."""
KEPT = 20_000
"""Candidates whose maps stay in memory, 8 kB each."""


class Reranker:
    """Orders answers of one index again.

    Parameters
    ----------
    index : whose pictures must still be where it says.
    count : how many of the first answers are ordered.
    """

    def __init__(self, index: Index, count: int) -> None:
        self.index, self.count, self.missed = index, count, False
        self._maps = lru_cache(KEPT)(self._maps_of_row)

    def __call__(self, picture: Path, rows: list[int], distances: list[float]) -> tuple[list[int], list[float]]:
        """Return rows and distances the first `count` in a better order; distances stay the embeddings'."""
        numbers = rows[: self.count]
        maps = [self._maps(number) for number in numbers]
        there = [place for place, one in enumerate(maps) if one is not None]
        if len(there) < len(numbers) and not self.missed:
            self.missed = True
            console.warn(
                f"pictures of {self.index.path} are not where it says: --rerank leaves those answers as they are"
            )
        if len(there) < 2:
            return rows, distances
        query = edge_maps(prepare(load_picture(picture), SIZE))
        local = np.full(len(numbers), np.nan)
        local[there] = local_distances(query, np.stack([one for one in maps if one is not None]))
        far = np.array(distances[: self.count])
        # An answer without a picture is neither moved up nor down: it counts as the others do in the mean.
        local = np.where(np.isnan(local), np.nanmean(local), local)
        together = far / max(far.mean(), 1e-12) + WEIGHT * local / max(local.mean(), 1e-12)
        order = np.argsort(together, kind="stable").tolist()
        return (
            [numbers[place] for place in order] + rows[self.count :],
            [distances[place] for place in order] + distances[self.count :],
        )

    def _maps_of_row(self, number: int) -> NDArray[np.float32] | None:
        try:
            return edge_maps(prepare(load_picture(self.index.picture(self.index.rows[number])), SIZE))
        except (SinonomError, OSError):
            return None
