"""Open an index of carvings to look the characters of pages up in it, one by one and block by block."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import BadInput
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.search.carving_places import carving_places
from sinonom_cli.search.naming import embedded
from sinonom_cli.search.opening import model_of, open_index
from sinonom_cli.search.probability import energies_of
from sinonom_cli.search.searcher import Searcher

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEAREST = 20
"""Number of carvings that vote for each character."""
AT_ONCE = 16
"""Number of characters that are compared with a block at once; with 300 carvings they take some megabytes."""
SHARE, PAIRS = 0.034, 1000
"""Temperature of likeness as a share of the median energy between rows of the index, and number of pairs of rows for
the median. The model that ships has the temperature 0.067 for prints (`query --calibrate`) and the median 1.97."""


class Carvings:
    """An index of carvings, its model, and the places of its rows on their blocks.

    Parameters
    ----------
    path : the index.
    model : folder of the model that it was made with; None: found from the index.

    Raises
    ------
    BadInput
        If a set of the index is not where the index has it, or the index is of a kind that holds no single carvings.
    SinonomError
        If the index or its model cannot be opened.
    """

    def __init__(self, path: Path, model: Path | None = None) -> None:
        self.index = open_index(path)
        if self.index.prototypes is not None:
            raise BadInput(f"{path} holds characters, no carvings: it was made with --prototypes", "make it without")
        if self.index.faiss is None:
            raise BadInput(f"{path} lies in Milvus; read needs it in files", "sinonom index SET... OUT.faiss")
        opened = model_of(self.index, model)
        self._embedder = Embedder(opened, 1)
        self._searcher = Searcher(self.index, self.index.distance, False, opened)
        self.places = carving_places(self.index)
        self.temperature = self._temperature()
        if not self.places.blocks:
            messages.warn(
                f"{path} does not know the blocks of its rows, so only the nearest carvings are listed: "
                "blocks need an index of what sinonom cut has cut out and sinonom render has drawn"
            )

    def _temperature(self) -> float:
        """Return the temperature at which differences of energies become likeness; it depends on the model alone."""
        count = len(self.index)
        one = np.arange(PAIRS) * 7919 % count
        other = (one + 1 + np.arange(PAIRS) * 104_729 % max(count - 1, 1)) % count
        away = self._searcher.measure(self.index.vectors_of(one), self.index.vectors_of(other))
        return max(SHARE * float(np.median(self.energies(np.asarray(away, np.float64)))), 1e-9)

    def embed(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return (N, D) float32 embeddings of (H, W) uint8 pictures, dark strokes on a light ground."""
        return embedded(self._embedder, pictures)

    def nearest(self, vectors: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the `NEAREST` rows of each of (N, D) vectors and their distances, (N, k) each, nearest first."""
        return self._searcher.nearest(vectors, NEAREST)

    def distances(self, vectors: NDArray[np.float32], block: int) -> NDArray[np.float64]:
        """Return the distances of (N, D) vectors to all rows of a block, (N, n) float64."""
        rows = self.index.vectors_of(self.places.rows_of(block))[None]
        parts = [vectors[start : start + AT_ONCE, None] for start in range(0, len(vectors), AT_ONCE)]
        return np.concatenate([np.asarray(self._searcher.measure(part, rows), np.float64) for part in parts])

    def energies(self, distances: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return distances as energies; see `search.probability.energies_of`."""
        return energies_of(distances, self.index.distance)


@lru_cache(1)
def opened_carvings(path: Path, model: Path | None = None) -> Carvings:
    """Return an index of carvings; each process opens the same one once."""
    return Carvings(path, model)
