"""Which triplets of a batch a loss looks at: pure functions of a distance matrix and labels.

batch-hard and distance-weighted list theirs. batch-all and semi-hard look at every triplet, tens of millions in a large
batch: these are never listed, but gone through in pieces (`triplets.py`).

Anchors are the N pictures of a batch. Positives and negatives are taken from M references, whose first N are the
pictures themselves; what follows them is a memory of earlier batches.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

CUTOFF, FAR = 0.5, 1.4
"""Of distance weighting, as published: nearer negatives count as this near; farther ones cost nothing, and are left."""


class Triplets(NamedTuple):
    """Rows of a batch: three (T,) int64 tensors, one entry for each triplet."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor


def pairs(labels: Tensor, references: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Two (N, M) bool masks: another picture of the same label; a picture of another label.

    Parameters
    ----------
    labels : (N,) int, of the batch.
    references : (M,) int, of the references, the batch first; None: of the batch alone.
    """
    references = labels if references is None else references
    same = labels[:, None] == references[None, :]
    itself = torch.eye(len(labels), len(references), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same


def batch_hard(distances: Tensor, labels: Tensor, references: Tensor | None = None) -> Triplets:
    """For each anchor its farthest positive and its nearest negative.

    Hermans et al. 2017, equation 5: max_p d(a, p) and min_n d(a, n) over the batch, for every anchor a.

    Parameters
    ----------
    distances : (N, M) float, from the pictures of a batch to the references.
    labels : (N,) int.
    references : (M,) int; None: the batch itself.

    Returns
    -------
    Triplets, at most N of them in the order of their anchors; an anchor without a positive or without a negative
    has none.
    """
    positives, negatives = pairs(labels, references)
    farthest = distances.masked_fill(~positives, -torch.inf).argmax(dim=1)
    nearest = distances.masked_fill(~negatives, torch.inf).argmin(dim=1)
    anchors = torch.nonzero(positives.any(dim=1) & negatives.any(dim=1)).squeeze(1)
    return Triplets(anchors, farthest[anchors], nearest[anchors])


def distance_weighted(distances: Tensor, labels: Tensor, length: int, references: Tensor | None = None) -> Triplets:
    """For each pair of an anchor and a positive one negative, drawn so that all distances come up.

    Wu et al. 2017, "Sampling matters in deep embedding learning", section 4: a negative at distance d is drawn with a
    chance in proportion to 1 / q(d), the density of distances on the sphere, cut off for near negatives. Draws from
    torch's random state.

    Parameters
    ----------
    distances : (N, M) float, between embeddings of length 1.
    labels : (N,) int.
    length : of an embedding, D.
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
    # By anchors, not by pairs: with a memory an anchor has many positives, and its weights would be copied for each.
    number = positives.sum(dim=1)
    anchors, most = torch.nonzero(number).squeeze(1), int(number.max())
    weights = distance_weights(distances[anchors], negatives[anchors], length)
    drawn = torch.multinomial(weights, most, replacement=True)
    first = torch.arange(most, device=labels.device) < number[anchors, None]
    return Triplets(anchor, positive, drawn[first])


def semi_hard(near: Tensor, far: Tensor, margin: float) -> Tensor:
    """Which triplets have a negative that is farther than the positive, but by less than the margin.

    Schroff et al. 2015 (FaceNet), equation 4 and the text after it: d(a, p) < d(a, n) < d(a, p) + margin.

    Parameters
    ----------
    near, far : float, of shapes that broadcast: distances of anchors to their positives and to their negatives.
    margin : the loss's, in the distance's unit.

    Returns
    -------
    Bool, of the shape that they broadcast to.
    """
    gap = far - near
    return (gap > 0) & (gap < margin)


def distance_weights(distances: Tensor, negatives: Tensor, length: int) -> Tensor:
    """Chances of negatives, in proportion to 1 / q(d) with q(d) = d^(D - 2) (1 - d^2 / 4)^((D - 3) / 2).

    Parameters
    ----------
    distances, negatives : (N, M) float and bool; what is no negative has no chance.
    length : of an embedding, D.

    Returns
    -------
    (N, M) float, the greatest of a row is 1; a row without a negative is 0.
    """
    near = distances.clamp(min=CUTOFF, max=2 - 1e-4)
    logarithms = (2 - length) * near.log() - (length - 3) / 2 * (1 - near.square() / 4).log()
    allowed = negatives & (distances < FAR)
    logarithms = torch.where(allowed.any(dim=1, keepdim=True), logarithms, torch.zeros_like(logarithms))
    allowed = torch.where(allowed.any(dim=1, keepdim=True), allowed, negatives)
    logarithms = logarithms.masked_fill(~allowed, -torch.inf)
    top = logarithms.amax(dim=1, keepdim=True)
    return (logarithms - top.masked_fill(top.isinf(), 0.0)).exp()
