"""Compute exact distances between embeddings in plain numpy, as the reference for the rows that FAISS finds.

FAISS computes batches of L2 distances as |a|² + |b|² - 2ab, which loses most digits where a and b are close. A single
query is rounded in another way. The distances of answers are therefore computed again with these functions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.storage.model_folder import Model


def euclidean(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the Euclidean distance.

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
    """Return the cosine distance, 1 - cos(a, b).

    Parameters
    ----------
    a, b : (..., D) float, broadcast against each other.

    Returns
    -------
    (...) float64 in [0, 2]; 1 where one of the vectors is zero. It is computed as half the squared distance of the unit
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


@dataclass(frozen=True)
class ClassDistance:
    """Distance between the class distributions that a classifier predicts for two pictures.

    The logits of the classifier are linear in its embeddings, so its distributions are computed exactly from the
    embeddings that an index already holds.

    Attributes
    ----------
    weight, bias : (C, D) and (C,) float32; logits are `embedding @ weight.T + bias`.
    relative : subtract the query's entropy, which gives the Kullback-Leibler divergence D(p || q), >= 0. Otherwise the
        distance is the cross entropy H(p, q) = D(p || q) + H(p). p is the query's distribution, q the answer's. Both
        distances give the same order of answers.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    relative: bool

    def __call__(self, a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
        """Return the distances in nats, (Q, K) float64, of queries (Q, 1, D) to their candidates (Q, K, D)."""
        return np.stack([self._one(query[0], found) for query, found in zip(a, b, strict=True)])

    def as_products(self, queries: NDArray[np.floating]) -> NDArray[np.float32]:
        """Turn queries (Q, D) into (Q, D + 1) float32 whose inner products with `of_gallery` order answers likewise.

        H(p, q) = -sum p_c (w_c e + b_c - log Z(e)) = -(p W) e - p b + log Z(e) is linear in an answer's embedding e
        and the logarithm of its distribution's normaliser, Z(e) = sum exp(w_c e + b_c). The greatest product belongs to
        the nearest answer.
        """
        shares = np.exp(self._log_shares(queries))
        return np.hstack([shares @ self.weight, np.full((len(queries), 1), -1.0)]).astype(np.float32)

    def of_gallery(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return embeddings (N, D) with the logarithm of each one's normaliser appended, (N, D + 1) float32."""
        vectors = np.asarray(vectors, np.float32)
        _, highest, rest = self._logits(vectors)
        return np.hstack([vectors, highest + rest])

    def _one(self, query: NDArray[np.floating], found: NDArray[np.floating]) -> NDArray[np.float64]:
        own, others = self._log_shares(query[None])[0], self._log_shares(found)
        share = np.exp(own)
        entropy = -float(share @ own) if self.relative else 0.0
        return np.maximum(-(others @ share) - entropy, 0.0)

    def _logits(self, embeddings: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Return logits (N, C) minus their row maximum, this maximum (N, 1), and log sum exp of the former (N, 1)."""
        logits = embeddings @ self.weight.T.astype(embeddings.dtype, copy=False) + self.bias
        highest = logits.max(axis=1, keepdims=True)
        logits -= highest
        return logits, highest, np.log(np.exp(logits).sum(axis=1, keepdims=True))

    def _log_shares(self, embeddings: NDArray[np.floating]) -> NDArray[np.float64]:
        logits, _, rest = self._logits(np.asarray(embeddings, np.float64))
        return logits - rest


DISTANCES = {"euclidean": euclidean, "cosine": cosine}
OF_CLASSES = ("kl", "cross-entropy")


def distance_of(name: str, model: Model) -> Callable[..., NDArray[np.float64]]:
    """Return the distance function that has a name.

    Raises
    ------
    SinonomError
        If it compares class distributions and the model is not a classifier whose logits are linear in its embeddings.
    """
    if name not in OF_CLASSES:
        return DISTANCES[name]
    weight, bias = model.tensor("classify.weight"), model.tensor("classify.bias")
    if weight is None or bias is None or weight.shape != (len(bias), model.embedding_size):
        raise SinonomError(
            f"{model.path} has no linear classification head over characters: "
            f"--distance {name} needs a model made with --loss cross-entropy --head linear",
            "use --distance euclidean or cosine",
        )
    return ClassDistance(weight, bias, name == "kl")
