"""Quadruplet loss (Chen et al. 2017)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from sinonom_cli.train.losses import chunks
from sinonom_cli.train.losses.basic import LossValue, OfBatch, References, pairwise_distances, spread
from sinonom_cli.train.losses.triplets import mean_cost


class Quadruplet(OfBatch):
    """Module of the loss `quadruplet`, for `--loss quadruplet`."""

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of a batch; see `quadruplet`."""
        return quadruplet(rows, labels, self.choice.margin or 0.0, self.choice.mining, references)


def quadruplet(
    embeddings: Tensor, labels: Tensor, margin: float, miner: str = "batch-hard", references: References | None = None
) -> LossValue:
    """Return the quadruplet loss, which pushes a triplet's negative away from the anchor and from other characters.

    Chen et al. 2017, "Beyond triplet loss: a deep quadruplet network for person re-identification", equation 6, with
    plain distances: max(0, d(a, p) - d(a, n) + m) + max(0, d(a, p) - d(n, n') + m / 2), where a, n and n' are of three
    labels. n' is the nearest such picture to n.

    Parameters
    ----------
    embeddings, labels, references : as for `triplet`.
    margin : m, in the distance's unit.
    miner : chooses (a, p, n); see `mean_cost`.

    Returns
    -------
    LossValue; `active` is the share of triplets with a cost above 0 in either part.
    """
    rows, names = references or (embeddings, labels)
    distances = pairwise_distances(embeddings, rows)
    # A table of triplets needs the neighbours of all rows once; a list of triplets only those of its negatives.
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
    return LossValue(value, active, spread(distances.detach()))


class _Others(NamedTuple):
    """Nearest rows of other labels, for each of U rows.

    label : (U,) int, the label of the nearest row that has another label than the row itself.
    nearest : (U,) float with gradient, the distance of that row; infinite where there is none.
    third : (U,) float with gradient, the distance of the nearest row of a third label; infinite where there is none.
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


def _distance(one: Tensor, other: Tensor) -> Tensor:
    squared = (one - other).square().sum(dim=1)
    equal = squared <= 1e-12
    return squared.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)
