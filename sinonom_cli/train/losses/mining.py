"""Choose the triplets of a batch that a loss compares, by pure functions of a distance matrix and labels.

batch-hard and distance-weighted mining list their triplets. batch-all and semi-hard mining examine every triplet, tens
of millions in a large batch; these are never listed, but processed in pieces (`triplets.py`).

Anchors are the N pictures of a batch. Positives and negatives are taken from M references. The first N references are
the pictures themselves; the others are a memory of earlier batches.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CUTOFF, FAR = 0.5, 1.4
"""Limits of distance weighting, as published: the first is the least distance that is used, the second the greatest
distance at which a negative still has a cost."""


class Triplets(NamedTuple):
    """Triplets of a batch as row numbers: three (T,) int64 tensors with one entry for each triplet."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor


def pairs(labels: Tensor, references: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return two (N, M) bool masks: other pictures of the same label, and pictures of another label.

    Parameters
    ----------
    labels : (N,) int, labels of the batch.
    references : (M,) int, labels of the references, the batch first; None: of the batch alone.
    """
    references = labels if references is None else references
    same = labels[:, None] == references[None, :]
    itself = torch.eye(len(labels), len(references), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same


def batch_hard(distances: Tensor, labels: Tensor, references: Tensor | None = None) -> Triplets:
    """Choose for each anchor its farthest positive and its nearest negative.

    Hermans et al. 2017, equation 5: max_p d(a, p) and min_n d(a, n) over the batch, for every anchor a.

    Parameters
    ----------
    distances : (N, M) float, from the pictures of a batch to the references.
    labels : (N,) int.
    references : (M,) int; None: the batch itself.

    Returns
    -------
    Triplets in the order of their anchors, at most N of them; an anchor without a positive or without a negative has
    none.
    """
    positives, negatives = pairs(labels, references)
    farthest = distances.masked_fill(~positives, -torch.inf).argmax(dim=1)
    nearest = distances.masked_fill(~negatives, torch.inf).argmin(dim=1)
    anchors = torch.nonzero(positives.any(dim=1) & negatives.any(dim=1)).squeeze(1)
    return Triplets(anchors, farthest[anchors], nearest[anchors])


def distance_weighted(distances: Tensor, labels: Tensor, length: int, references: Tensor | None = None) -> Triplets:
    """Draw one negative for each pair of an anchor and a positive, so that all distances occur.

    Wu et al. 2017, "Sampling matters in deep embedding learning", section 4: a negative at distance d is drawn with a
    probability proportional to 1 / q(d), cut off for near negatives; q is the density of distances on the sphere. The
    function draws from torch's random state.

    Parameters
    ----------
    distances : (N, M) float, between embeddings of length 1.
    labels : (N,) int.
    length : length of an embedding, D.
    references : (M,) int; None: the batch itself.

    Returns
    -------
    Triplets, sorted by anchor and positive; an anchor whose negatives are all beyond `FAR` takes any of them.
    """
    positives, negatives = pairs(labels, references)
    positives &= negatives.any(dim=1, keepdim=True)
    anchor, positive = torch.nonzero(positives, as_tuple=True)
    if not len(anchor):
        return Triplets(anchor, positive, positive)
    # Weights are made for anchors: with a memory an anchor has many positives, and each pair would copy its weights.
    number = positives.sum(dim=1)
    anchors, most = torch.nonzero(number).squeeze(1), int(number.max())
    weights = distance_weights(distances[anchors], negatives[anchors], length)
    drawn = torch.multinomial(weights, most, replacement=True)
    first = torch.arange(most, device=labels.device) < number[anchors, None]
    return Triplets(anchor, positive, drawn[first])


def semi_hard(near: Tensor, far: Tensor, margin: float) -> Tensor:
    """Return which triplets have a negative that is farther than the positive, but by less than the margin.

    Schroff et al. 2015 (FaceNet), equation 4 and the text after it: d(a, p) < d(a, n) < d(a, p) + margin.

    Parameters
    ----------
    near, far : float, of shapes that broadcast: distances of anchors to their positives and to their negatives.
    margin : margin of the loss, in the distance's unit.

    Returns
    -------
    Bool, of the shape that `near` and `far` broadcast to.
    """
    gap = far - near
    return (gap > 0) & (gap < margin)


def distance_weights(distances: Tensor, negatives: Tensor, length: int) -> Tensor:
    """Return weights of negatives proportional to 1 / q(d) with q(d) = d^(D - 2) (1 - d^2 / 4)^((D - 3) / 2).

    Parameters
    ----------
    distances, negatives : (N, M) float and bool; entries that are not negatives get weight 0.
    length : length of an embedding, D.

    Returns
    -------
    (N, M) float; the greatest of a row is 1, and a row without a negative is 0.
    """
    near = distances.clamp(min=CUTOFF, max=2 - 1e-4)
    logarithms = (2 - length) * near.log() - (length - 3) / 2 * (1 - near.square() / 4).log()
    allowed = negatives & (distances < FAR)
    logarithms = torch.where(allowed.any(dim=1, keepdim=True), logarithms, torch.zeros_like(logarithms))
    allowed = torch.where(allowed.any(dim=1, keepdim=True), allowed, negatives)
    logarithms = logarithms.masked_fill(~allowed, -torch.inf)
    top = logarithms.amax(dim=1, keepdim=True)
    return (logarithms - top.masked_fill(top.isinf(), 0.0)).exp()
