"""How much a picture looks like a character that is known, by the model and the index of characters that ship."""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.search.index import Index
from sinonom_cli.search.opening import model_of, open_index


class Familiar:
    """Judges pictures; the model is opened when the first is asked for, once in a process."""

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64] | None:
        """Return the distance of each picture to the nearest character that is known, (N,); None: none is known.

        Parameters
        ----------
        pictures : (H, W) uint8 each, dark strokes on light ground; at most a few.
        """
        opened = _opened()
        if opened is None:
            return None
        index, embedder = opened
        embeddings = embedder.embed(prepare_all(pictures, embedder.model.size))
        _, vectors = index.candidates(embeddings, 1)
        return np.sqrt(((vectors[:, 0].astype(np.float64) - embeddings) ** 2).sum(axis=1))


@functools.lru_cache(1)
def _opened() -> tuple[Index, Embedder] | None:
    try:
        index = open_index(None)
        return index, Embedder(model_of(index, None), 1)
    except SinonomError:
        return None
