"""Losses on embeddings: pure functions, each with its paper's equation.

A batch is compared with itself or, where there is a memory of earlier batches, with `references`: (M, D) embeddings
and their (M,) labels, the first N of which are the batch itself.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from sinonom_cli.train.losses import chunks, mining
from sinonom_cli.train.losses.triplets import mean_cost

References = tuple[Tensor, Tensor]


class Loss(NamedTuple):
    """What one batch says: the value to minimise and two figures that tell whether it is learning.

    value : () float, with gradient.
    active : share of what the loss looks at (pairs, triplets, pictures) that is not in order yet, 0 to 1.
    spread : mean distance between different pictures of the batch; near 0 the embedding has collapsed.
    taught : what of the value is a teacher's.
    """

    value: Tensor
    active: float
    spread: float
    taught: float = 0.0


def pairwise_distances(embeddings: Tensor, references: Tensor | None = None) -> Tensor:
    """Euclidean distances between rows.

    d(i, j) = |x_i - y_j|, with gradient 0 where two rows are equal (the square root has none there).

    Parameters
    ----------
    embeddings : (N, D) float.
    references : (M, D) float, the first N of which are `embeddings`; None: just these.

    Returns
    -------
    (N, M) float, 0 on the diagonal.
    """
    references = embeddings if references is None else references
    # Seen from their middle: of float32 numbers near 1 a collapsing embedding's squared distances would be rounding.
    middle = references.detach().mean(dim=0)
    own, others = embeddings - middle, references - middle
    squares = own.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None, :]
    squared = squares - 2 * own @ others.T
    # 1e-12 and below is rounding: such pairs count as equal, and stay out of the square root's gradient.
    equal = squared <= 1e-12
    equal |= torch.eye(len(embeddings), len(references), dtype=torch.bool, device=embeddings.device)
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


def triplet(
    embeddings: Tensor,
    labels: Tensor,
    margin: float | None,
    miner: str = "batch-hard",
    references: References | None = None,
) -> Loss:
    """Triplet loss of one batch with online mining.

    batch-hard is the mean over all anchors (Hermans et al. 2017, equation 5); none and distance-weighted are the mean
    over all triplets; batch-all and semi-hard over those that cost anything (L_BA!=0 of Hermans et al.), since the
    others would drown them.

    Parameters
    ----------
    embeddings : (N, D) float.
    labels : (N,) int.
    margin : in the distance's unit; None for the soft margin, which semi-hard mining cannot use.
    miner : see `mean_cost`.
    references : what the batch is compared with; None: itself.

    Returns
    -------
    Loss; its value is 0, with zero gradient, for a batch without a triplet. `active` counts the triplets whose
    negative is closer than its positive plus the margin; with the soft margin, plus nothing.
    """
    rows, names = references or (embeddings, labels)
    distances = pairwise_distances(embeddings, rows)

    def cost(near: Tensor, far: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        return triplet_costs(near, far, margin), (near - far + (margin or 0.0)) > 0

    costly_only = miner in ("batch-all", "semi-hard") and margin is not None
    value, active = mean_cost(distances, labels, names, miner, margin, embeddings.shape[1], cost, costly_only)
    return Loss(value, active, spread(distances.detach()))


def contrastive(
    embeddings: Tensor, labels: Tensor, margin: float, miner: str = "none", references: References | None = None
) -> Loss:
    """Contrastive loss: pictures of one character together, those of two at least the margin apart.

    Hadsell, Chopra, LeCun 2006, equation 4: d^2 / 2 for a pair of one label, max(0, m - d)^2 / 2 for a pair of two. The
    mean over pairs of one label and the mean over pairs of two are added, since the latter are so many more.

    Parameters
    ----------
    embeddings, labels, references : as for `triplet`.
    margin : in the distance's unit.
    miner : none: every pair. batch-all: every pair that costs anything. Otherwise the pairs of the triplets that
        `mean_cost` takes.

    Returns
    -------
    Loss; `active` counts the pairs of two labels closer than the margin among those looked at.
    """
    rows, names = references or (embeddings, labels)
    distances = pairwise_distances(embeddings, rows)

    def attraction(near: Tensor) -> Tensor:
        return near.square() / 2

    def repulsion(far: Tensor) -> Tensor:
        return functional.relu(margin - far).square() / 2

    def cost(near: Tensor, far: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        return attraction(near) + repulsion(far), far < margin

    if miner not in ("none", "batch-all"):
        value, active = mean_cost(distances, labels, names, miner, margin, embeddings.shape[1], cost)
        return Loss(value, active, spread(distances.detach()))
    positives, negatives = mining.pairs(labels, names)
    far = distances[negatives]
    attracted, repelled = attraction(distances[positives]), repulsion(far)
    active = _share(far < margin)
    if miner == "batch-all":
        attracted, repelled = attracted[attracted > 0], repelled[repelled > 0]
    return Loss(_mean(attracted, embeddings) + _mean(repelled, embeddings), active, spread(distances.detach()))


def quadruplet(
    embeddings: Tensor, labels: Tensor, margin: float, miner: str = "batch-hard", references: References | None = None
) -> Loss:
    """Quadruplet loss: a triplet's negative is pushed away from the anchor, and from other characters as well.

    Chen et al. 2017, "Beyond triplet loss: a deep quadruplet network for person re-identification", equation 6, with
    plain distances: max(0, d(a, p) - d(a, n) + m) + max(0, d(a, p) - d(n, n') + m / 2), where a, n and n' are of three
    labels. n' is the nearest to n that there is.

    Parameters
    ----------
    embeddings, labels, references : as for `triplet`.
    margin : m, in the distance's unit.
    miner : chooses (a, p, n); see `mean_cost`.

    Returns
    -------
    Loss; `active` counts the triplets of which either part costs anything.
    """
    rows, names = references or (embeddings, labels)
    distances = pairwise_distances(embeddings, rows)
    # What a whole table of triplets shares is looked for once; of triplets in a list, only what they name.
    everyone = _others(rows, names, torch.arange(len(rows), device=rows.device)) if miner == "semi-hard" else None

    def cost(near: Tensor, far: Tensor, anchor: Tensor, negative: Tensor) -> tuple[Tensor, Tensor]:
        others = everyone
        if others is None:
            few, negative = negative.unique(return_inverse=True)
            others = _others(rows, names, few)
        usual = others.label[negative] != labels[anchor]
        away = torch.where(usual, others.nearest[negative], others.third[negative])
        first, second = functional.relu(near - far + margin), functional.relu(near - away + margin / 2)
        costs = first + second  # away is infinite, and costs nothing, where there is no third label
        return costs, costs > 0

    value, active = mean_cost(distances, labels, names, miner, margin, embeddings.shape[1], cost)
    return Loss(value, active, spread(distances.detach()))


class _Others(NamedTuple):
    """Of some rows the label of the nearest row of another label, its distance and that of the nearest of a third.

    label : (U,) int; nearest, third : (U,) float with gradient, infinite where there is none.
    """

    label: Tensor
    nearest: Tensor
    third: Tensor


def _others(rows: Tensor, names: Tensor, wanted: Tensor) -> _Others:
    nearest, third = [], []
    with torch.no_grad():
        for some in wanted.split(max(1, chunks.AT_ONCE // len(rows))):
            away = torch.cdist(rows[some], rows).masked_fill(names[some][:, None] == names[None, :], torch.inf)
            nearest.append(away.argmin(dim=1))
            third.append(away.masked_fill(names[nearest[-1]][:, None] == names[None, :], torch.inf).argmin(dim=1))
    found = [torch.cat(part) if part else wanted for part in (nearest, third)]
    labels, first, second = names[wanted], *(names[other] for other in found)
    missing = first == labels, (second == labels) | (second == first)
    distances = (
        _distance(rows[wanted], rows[other]).masked_fill(none, torch.inf)
        for other, none in zip(found, missing, strict=True)
    )
    return _Others(first, *distances)


def spread(distances: Tensor) -> float:
    """Mean of the distances (N, M) between a batch and itself, without its diagonal; M is N or more."""
    count = len(distances)
    return float(distances[:, :count].sum() / max(count * (count - 1), 1))


def _distance(one: Tensor, other: Tensor) -> Tensor:
    squared = (one - other).square().sum(dim=1)
    equal = squared <= 1e-12
    return squared.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)


def _mean(costs: Tensor, embeddings: Tensor) -> Tensor:
    return costs.mean() if len(costs) else embeddings.sum() * 0.0


def _share(active: Tensor) -> float:
    return float(active.float().mean()) if len(active) else 0.0
