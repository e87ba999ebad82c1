"""Name characters that are in memory, with the model and the index of characters that ship."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.search.opening import model_of, open_index
from sinonom_cli.search.probability import Way, energies_of, judge_of, wanted_rows
from sinonom_cli.search.searcher import Searcher

if TYPE_CHECKING:
    from numpy.typing import NDArray

AT_ONCE = 256
"""Number of pictures that are embedded together."""


@dataclass(frozen=True, kw_only=True)
class Name:
    """A character that a picture may show.

    Attributes
    ----------
    label, char : the character, as `U+5B57` and as itself.
    distance : of the picture's embedding to the nearest row of the character.
    probability : that the picture shows it, in [0, 1].
    """

    label: str
    char: str
    distance: float
    probability: float


NAMES, CANDIDATES = 5, 20
"""Largest number of names of a character that are kept, and of those that its neighbours choose from."""


class Namer:
    """Names pictures of characters.

    Raises
    ------
    SinonomError
        If the model or the index that ship are missing or damaged.
    """

    def __init__(self) -> None:
        self._index = open_index(None)
        model = model_of(self._index, None)
        self._embedder = Embedder(model, 1)
        self._searcher = Searcher(self._index, self._index.distance, True, model)
        self._judge = judge_of(self._index, Way(self._index.distance), False)

    def embed(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return (N, D) float32 embeddings of (H, W) uint8 pictures, dark strokes on a light ground."""
        return embedded(self._embedder, pictures)

    def distances(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64]:
        """Return the distance of each picture to the nearest known character, (N,) float64."""
        return self._searcher.nearest(self.embed(pictures), 1)[1][:, 0]

    @property
    def farthest(self) -> float:
        """Return the distance of a picture to the nearest known character beyond which it shows none of them."""
        return self._judge.calibration.threshold if self._judge else np.inf

    def __call__(self, pictures: Sequence[NDArray[np.uint8]], top: int = NAMES) -> list[list[Name]]:
        """Return the most probable characters of each picture, nearest first.

        Parameters
        ----------
        pictures : (H, W) uint8 each, dark strokes on a light ground.
        top : largest number of names of a picture.
        """
        return self.names(self.embed(pictures), top)

    def names(self, embeddings: NDArray[np.float32], top: int = NAMES) -> list[list[Name]]:
        """Return the most probable characters of each of (N, D) float32 embeddings, nearest first, at most `top`."""
        looked_at = max(top, wanted_rows(self._searcher)) if self._judge else top
        named = []
        for numbers, distances in self._searcher.answers(embeddings, looked_at):
            rows = [self._index.rows[number] for number in numbers]
            likely = (
                self._judge(rows, energies_of(distances, self._index.distance))[0] if self._judge else [0.0] * len(rows)
            )
            named.append(
                [
                    Name(label=row.label, char=row.char, distance=float(distance), probability=float(probability))
                    for row, distance, probability in zip(rows[:top], distances, likely, strict=False)
                ]
            )
        return named


def embedded(embedder: Embedder, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """Return (N, D) float32 embeddings of (H, W) uint8 pictures, dark strokes on a light ground."""
    parts = [
        embedder.embed(prepare_all(pictures[start : start + AT_ONCE], embedder.model.size))
        for start in range(0, len(pictures), AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, embedder.model.embedding_size), np.float32)


@lru_cache(1)
def shipped_namer() -> Namer:
    """Return the namer; each process opens model and index once."""
    return Namer()
