"""Contrastive loss (Hadsell et al. 2006)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from sinonom_cli.train.losses import mining
from sinonom_cli.train.losses.basic import LossValue, OfBatch, References, pairwise_distances, spread
from sinonom_cli.train.losses.triplets import mean_cost


class Contrastive(OfBatch):
    """Module of the loss `contrastive`, for `--loss contrastive`."""

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of a batch; see `contrastive`."""
        return contrastive(rows, labels, self.choice.margin or 0.0, self.choice.mining, references)


def contrastive(
    embeddings: Tensor, labels: Tensor, margin: float, miner: str = "none", references: References | None = None
) -> LossValue:
    """Return the contrastive loss, which pulls positives together and pushes negatives at least the margin apart.

    Hadsell, Chopra, LeCun 2006, equation 4: d^2 / 2 for a pair of one label, max(0, m - d)^2 / 2 for a pair of two. The
    mean over pairs of one label and the mean over pairs of two are added, since there are many more of the latter.

    Parameters
    ----------
    embeddings, labels, references : as for `triplet`.
    margin : m, in the distance's unit.
    miner : none: every pair. batch-all: every pair with a cost above 0. Otherwise the pairs of the triplets that
        `mean_cost` takes.

    Returns
    -------
    LossValue; `active` is the share of the compared pairs of two labels that are closer than the margin.
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
        return LossValue(value, active, spread(distances.detach()))
    positives, negatives = mining.pairs(labels, names)
    far = distances[negatives]
    attracted, repelled = attraction(distances[positives]), repulsion(far)
    active = _share(far < margin)
    if miner == "batch-all":
        attracted, repelled = attracted[attracted > 0], repelled[repelled > 0]
    return LossValue(_mean(attracted, embeddings) + _mean(repelled, embeddings), active, spread(distances.detach()))


def _mean(costs: Tensor, embeddings: Tensor) -> Tensor:
    return costs.mean() if len(costs) else embeddings.sum() * 0.0


def _share(active: Tensor) -> float:
    return float(active.float().mean()) if len(active) else 0.0
