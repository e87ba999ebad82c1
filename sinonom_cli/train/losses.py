"""Losses on embeddings: pure functions, each with its paper's equation."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from sinonom_cli.train import mining


class Loss(NamedTuple):
    """What one batch says: the value to minimise and two figures that tell whether it is learning.

    value : () float, with gradient.
    active : share of the triplets looked at that cost anything, 0 to 1.
    spread : mean distance between different pictures of the batch; near 0 the embedding has collapsed.
    """

    value: Tensor
    active: float
    spread: float


def pairwise_distances(embeddings: Tensor) -> Tensor:
    """Euclidean distances between all rows.

    d(i, j) = |x_i - x_j|, with gradient 0 where two rows are equal (the square root has none there).

    Parameters
    ----------
    embeddings : (N, D) float.

    Returns
    -------
    (N, N) float, symmetric, 0 on the diagonal.
    """
    squared_norms = embeddings.square().sum(dim=1)
    squared = squared_norms[:, None] + squared_norms[None, :] - 2 * embeddings @ embeddings.T
    # 1e-12 and below is rounding: such pairs count as equal, and stay out of the square root's gradient.
    equal = (squared <= 1e-12) | torch.eye(len(embeddings), dtype=torch.bool, device=embeddings.device)
    return squared.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)


def triplet_costs(positive: Tensor, negative: Tensor, margin: float | None) -> Tensor:
    """What each triplet costs.

    Schroff et al. 2015, equation 3, with plain distances as in the L_tri of Hermans et al. 2017:
    max(0, m + d(a, p) - d(a, n)); or the soft margin of Hermans et al., section 2: log(1 + exp(d(a, p) - d(a, n))).

    Parameters
    ----------
    positive, negative : (T,) float, distances of the anchors to their positives and negatives.
    margin : in the distance's unit; None for the soft margin.

    Returns
    -------
    (T,) float, not negative.
    """
    gap = positive - negative
    return functional.softplus(gap) if margin is None else functional.relu(gap + margin)


def triplet(embeddings: Tensor, labels: Tensor, margin: float | None, miner: str = "batch-hard") -> Loss:
    """Triplet loss of one batch with online mining.

    batch-hard is the mean over all anchors (Hermans et al. 2017, equation 5); batch-all and semi-hard are the mean
    over the triplets that cost anything (their L_BA!=0), since the others would drown them.

    Parameters
    ----------
    embeddings : (N, D) float.
    labels : (N,) int.
    margin : in the distance's unit; None for the soft margin, which semi-hard mining cannot use.
    miner : "batch-hard", "batch-all" or "semi-hard".

    Returns
    -------
    Loss; its value is 0, with zero gradient, for a batch without a triplet. `active` counts the anchors (batch-hard) or
    the triplets whose negative is closer than its positive plus the margin; with the soft margin, plus nothing.
    """
    distances = pairwise_distances(embeddings)
    triplets = _mine(distances.detach(), labels, margin, miner)
    positive = distances[triplets.anchor, triplets.positive]
    negative = distances[triplets.anchor, triplets.negative]
    costs = triplet_costs(positive, negative, margin)
    costly = (positive - negative + (margin or 0.0)) > 0
    if miner != "batch-hard" and margin is not None:
        costs = costs[costs > 0]
    value = costs.mean() if len(costs) else embeddings.sum() * 0.0
    active = float(costly.float().mean()) if len(costly) else 0.0
    return Loss(value, active, spread(distances.detach()))


def spread(distances: Tensor) -> float:
    """Mean of an (N, N) distance matrix off its diagonal."""
    count = len(distances)
    return float(distances.sum() / max(count * (count - 1), 1))


def _mine(distances: Tensor, labels: Tensor, margin: float | None, miner: str) -> mining.Triplets:
    if miner == "batch-hard":
        return mining.batch_hard(distances, labels)
    if miner == "batch-all":
        return mining.batch_all(labels)
    if miner == "semi-hard" and margin is not None:
        return mining.semi_hard(distances, labels, margin)
    raise ValueError(f"no mining {miner!r} with margin {margin!r}")
