"""Check whether a crop looks like the character that its transcript names, or like another one."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.characters import label_of, repair
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.parallel.products import product
from sinonom_cli.search.index import Index
from sinonom_cli.search.index_files import FAISS
from sinonom_cli.search.opening import model_of, open_index

LIKER, LIKER_SLOPE = 0.25, 20.0
"""Difference of cosine similarities at which another character makes the label as likely wrong as right, and the slope
there."""


@dataclass(frozen=True)
class Likeness:
    """Similarity of a crop to the character of its label and to others.

    Attributes
    ----------
    factor : factor in (0, 1) by which the confidence is multiplied.
    other : most similar character, other than that of the label.
    """

    factor: float
    other: str


class Reader:
    """Model and index of characters with which crops are compared; both are part of the package.

    Parameters
    ----------
    index : index whose rows stand for characters; its embeddings have unit length.
    embedder : embedder with the model that the index was made with.

    Attributes
    ----------
    identity : SHA-256 of the index, in hexadecimal.
    """

    def __init__(self, index: Index, embedder: Embedder) -> None:
        self._embedder = embedder
        self.identity = str(index.record.files[FAISS].sha256)
        self._columns = np.ascontiguousarray(index.vectors.T)
        rows = [index.rows[number] for number in range(len(index))]
        self._chars = [row.char for row in rows]
        labels, self._owners = np.unique([row.label for row in rows], return_inverse=True)
        self._number = {str(label): number for number, label in enumerate(labels)}

    def __call__(self, pictures: Sequence[NDArray[np.uint8]], chars: Sequence[str]) -> list[Likeness | None]:
        """Compare crops with their characters.

        Parameters
        ----------
        pictures : n crops, (S, S) uint8, dark ink on white.
        chars : n characters.

        Returns
        -------
        n likenesses; None for a character that the index does not hold.
        """
        size = self._embedder.model.size
        cosines = product(self._embedder.embed(prepare_all(pictures, size)), self._columns)
        return [self._compared(row, char) for row, char in zip(cosines, chars, strict=True)]

    def _compared(self, cosines: NDArray[np.float32], char: str) -> Likeness | None:
        number = self._number.get(label_of(repair(char)))
        if number is None:
            return None
        mine = self._owners == number
        others = np.where(mine, -np.inf, cosines)
        best = int(others.argmax())
        return Likeness(doubt(float(others[best] - cosines[mine].max())), self._chars[best])


def doubt(liker: float) -> float:
    """Return the factor, in (0, 1), of a crop's confidence, if another character's cosine is higher by `liker`."""
    return float(1 / (1 + np.exp(np.clip(LIKER_SLOPE * (liker - LIKER), -50, 50))))


@lru_cache(maxsize=1)
def read_reader() -> Reader:
    """Return the reader with the package's own model and index; each process opens it once.

    Raises
    ------
    SinonomError
        If the model or the index of characters is missing, damaged, or made for another version of the package.
    """
    index = open_index(None)
    return Reader(index, Embedder(model_of(index, None)))
