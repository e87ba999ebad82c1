"""Distances between embeddings, in plain numpy: exact, and the reference for what FAISS finds.

FAISS computes batches of L2 distances as |a|² + |b|² - 2ab, which loses most digits where a and b are close, and
loses other ones where a query comes alone. Answers are therefore measured again with these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def euclidean(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Euclidean distance.

    Parameters
    ----------
    a, b : (..., D) float, broadcast against each other: `euclidean(queries[:, None], gallery)` is (Q, N).

    Returns
    -------
    (...) float64, >= 0.
    """
    difference = np.asarray(a, np.float64) - np.asarray(b, np.float64)
    return np.sqrt(np.einsum("...d,...d->...", difference, difference))


def cosine(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Cosine distance, 1 - cos(a, b).

    Parameters
    ----------
    a, b : (..., D) float, broadcast against each other.

    Returns
    -------
    (...) float64 in [0, 2]; 1 where one of the vectors is zero. Computed as half the squared distance of the unit
    vectors, which keeps its digits where the angle is small.
    """
    a, b = unit(a), unit(b)
    zero = ~(a.any(axis=-1) & b.any(axis=-1))
    return np.where(zero, 1.0, np.minimum(0.5 * euclidean(a, b) ** 2, 2.0))


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float64]:
    """Scale vectors to unit length, (..., D) float -> (..., D) float64; zero vectors stay zero."""
    wide = np.asarray(vectors, np.float64)
    length = np.linalg.norm(wide, axis=-1, keepdims=True)
    return wide / np.where(length > 0, length, 1.0)


DISTANCES = {"euclidean": euclidean, "cosine": cosine}
