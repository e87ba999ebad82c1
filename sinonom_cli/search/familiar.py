"""Measure how much a picture looks like a known character, with the model and the index of characters that ship."""

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
    """Measures the distance of pictures to known characters; the model is opened at the first call of a process."""

    def __call__(self, pictures: Sequence[NDArray[np.uint8]]) -> NDArray[np.float64] | None:
        """Return the distance of each picture to the nearest known character, (N,) float64.

        The result is None if the model or the index of characters cannot be opened.

        Parameters
        ----------
        pictures : (H, W) uint8 each, dark strokes on a light background; at most a few.
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
