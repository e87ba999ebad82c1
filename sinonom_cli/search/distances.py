"""Distances between embeddings, in plain numpy: exact, and the reference for what FAISS finds.

FAISS computes batches of L2 distances as |a|² + |b|² - 2ab, which loses most digits where a and b are close, and
loses other ones where a query comes alone. Answers are therefore measured again with these.
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


@dataclass(frozen=True)
class ClassDistance:
    """Distance between the distributions over classes that a classifier gives two pictures.

    A classifier whose logits are linear in its embeddings needs nothing but these: its distributions are made again
    from them, exactly, and an index holds them already.

    Attributes
    ----------
    weight, bias : (C, D) and (C,) float32: logits are `embedding @ weight.T + bias`.
    relative : take the query's entropy away: Kullback-Leibler divergence D(p || q), >= 0. Otherwise cross entropy
        H(p, q) = D(p || q) + H(p). p is the query's distribution, q the answer's. Both order answers alike.
    """

    weight: NDArray[np.float32]
    bias: NDArray[np.float32]
    relative: bool

    def __call__(self, a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.float64]:
        """Compare queries (Q, 1, D) with their candidates (Q, K, D), in nats; (Q, K) float64."""
        return np.stack([self._one(query[0], found) for query, found in zip(a, b, strict=True)])

    def as_products(self, queries: NDArray[np.floating]) -> NDArray[np.float32]:
        """Queries (Q, D) as (Q, D + 1) float32, whose inner products with `of_gallery` order answers as this does.

        H(p, q) = -sum p_c (w_c e + b_c - log Z(e)) = -(p W) e - p b + log Z(e) is linear in an answer's embedding e
        and the logarithm of its distribution's normaliser, Z(e) = sum exp(w_c e + b_c): the greatest is nearest.
        """
        shares = np.exp(self._log_shares(queries))
        return np.hstack([shares @ self.weight, np.full((len(queries), 1), -1.0)]).astype(np.float32)

    def of_gallery(self, vectors: NDArray[np.floating]) -> NDArray[np.float32]:
        """Embeddings (N, D), each with the logarithm of its normaliser behind it; (N, D + 1) float32."""
        vectors = np.asarray(vectors, np.float32)
        _, highest, rest = self._logits(vectors)
        return np.hstack([vectors, highest + rest])

    def _one(self, query: NDArray[np.floating], found: NDArray[np.floating]) -> NDArray[np.float64]:
        own, others = self._log_shares(query[None])[0], self._log_shares(found)
        share = np.exp(own)
        entropy = -float(share @ own) if self.relative else 0.0
        return np.maximum(-(others @ share) - entropy, 0.0)

    def _logits(self, embeddings: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Logits (N, C) less their row's highest, that one (N, 1), and log sum exp of the first (N, 1), all float."""
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
    """Return a distance by its name.

    Raises
    ------
    SinonomError
        If it compares distributions over classes and the model is no classifier that is linear in its embeddings.
    """
    if name not in OF_CLASSES:
        return DISTANCES[name]
    weight, bias = model.tensor("classify.weight"), model.tensor("classify.bias")
    if weight is None or bias is None or weight.shape != (len(bias), model.embedding_size):
        raise SinonomError(
            f"{model.path} gives no distribution over characters that follows from its embeddings: "
            f"--distance {name} is for models made with --loss cross-entropy --head linear",
            "--distance euclidean or cosine",
        )
    return ClassDistance(weight, bias, name == "kl")
