"""Which triplets of a batch a loss looks at: pure functions of a distance matrix and labels."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Triplets(NamedTuple):
    """Rows of a batch: three (T,) int64 tensors, one entry for each triplet."""

    anchor: Tensor
    positive: Tensor
    negative: Tensor


def batch_hard(distances: Tensor, labels: Tensor) -> Triplets:
    """For each anchor its farthest positive and its nearest negative.

    Hermans et al. 2017, equation 5: max_p d(a, p) and min_n d(a, n) over the batch, for every anchor a.

    Parameters
    ----------
    distances : (N, N) float, between all pictures of a batch.
    labels : (N,) int.

    Returns
    -------
    Triplets, at most N of them in the order of their anchors; an anchor without a positive or without a negative
    has none.
    """
    positives, negatives = _pairs(labels)
    farthest = distances.masked_fill(~positives, -torch.inf).argmax(dim=1)
    nearest = distances.masked_fill(~negatives, torch.inf).argmin(dim=1)
    anchors = torch.nonzero(positives.any(dim=1) & negatives.any(dim=1)).squeeze(1)
    return Triplets(anchors, farthest[anchors], nearest[anchors])


def batch_all(labels: Tensor) -> Triplets:
    """Every valid triplet of a batch.

    Hermans et al. 2017, equation 6: all (a, p, n) with label(a) = label(p) != label(n) and a != p.

    Parameters
    ----------
    labels : (N,) int.

    Returns
    -------
    Triplets, P K (K - 1) (P K - K) of them for P classes of K pictures, sorted by anchor, positive, negative.
    """
    positives, negatives = _pairs(labels)
    return Triplets(*torch.nonzero(positives[:, :, None] & negatives[:, None, :], as_tuple=True))


def semi_hard(distances: Tensor, labels: Tensor, margin: float) -> Triplets:
    """Every valid triplet whose negative is farther than its positive, but by less than the margin.

    Schroff et al. 2015 (FaceNet), equation 4 and the text after it: d(a, p) < d(a, n) < d(a, p) + margin.

    Parameters
    ----------
    distances : (N, N) float, between all pictures of a batch.
    labels : (N,) int.
    margin : the loss's, in the distance's unit.

    Returns
    -------
    Triplets, sorted by anchor, positive, negative; none when no negative lies inside the margin.
    """
    every = batch_all(labels)
    gap = distances[every.anchor, every.negative] - distances[every.anchor, every.positive]
    inside = (gap > 0) & (gap < margin)
    return Triplets(every.anchor[inside], every.positive[inside], every.negative[inside])


def _pairs(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Two (N, N) bool masks: another picture of the same label; a picture of another label."""
    same = labels[:, None] == labels[None, :]
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    return same & ~itself, ~same
