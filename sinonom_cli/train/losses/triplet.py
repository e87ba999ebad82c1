"""Triplet loss (Schroff et al. 2015; Hermans et al. 2017)."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from sinonom_cli.train.losses.basic import LossValue, OfBatch, References, pairwise_distances, spread
from sinonom_cli.train.losses.triplets import mean_cost


class Triplet(OfBatch):
    """Module of the loss `triplet`, for `--loss triplet`."""

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of a batch; see `triplet`."""
        return triplet(rows, labels, self.choice.margin, self.choice.mining, references)


def triplet_costs(positive: Tensor, negative: Tensor, margin: float | None) -> Tensor:
    """Return the cost of each triplet.

    Schroff et al. 2015, equation 3, with plain distances as in the L_tri of Hermans et al. 2017:
    max(0, m + d(a, p) - d(a, n)); or the soft margin of Hermans et al., section 2: log(1 + exp(d(a, p) - d(a, n))).

    Parameters
    ----------
    positive, negative : (T,) float, distances of the anchors to their positives and negatives.
    margin : in the distance's unit; None for the soft margin.

    Returns
    -------
    (T,) float, at least 0.
    """
    gap = positive - negative
    return functional.softplus(gap) if margin is None else functional.relu(gap + margin)


def triplet(
    embeddings: Tensor,
    labels: Tensor,
    margin: float | None,
    miner: str = "batch-hard",
    references: References | None = None,
) -> LossValue:
    """Return the triplet loss of one batch with online mining.

    batch-hard is the mean over all anchors (Hermans et al. 2017, equation 5). none and distance-weighted are the mean
    over all triplets. batch-all and semi-hard are the mean over those with a cost above 0 (L_BA!=0 of Hermans et al.),
    since there are many more of the others.

    Parameters
    ----------
    embeddings : (N, D) float.
    labels : (N,) int.
    margin : in the distance's unit; None for the soft margin, which semi-hard mining cannot use.
    miner : see `mean_cost`.
    references : what the batch is compared with; None: itself.

    Returns
    -------
    LossValue; 0, with zero gradient, for a batch without a triplet. `active` is the share of triplets whose
    negative is closer than the positive plus the margin; the soft margin counts as 0.
    """
    rows, names = references or (embeddings, labels)
    distances = pairwise_distances(embeddings, rows)

    def cost(near: Tensor, far: Tensor, *_: Tensor) -> tuple[Tensor, Tensor]:
        return triplet_costs(near, far, margin), (near - far + (margin or 0.0)) > 0

    costly_only = miner in ("batch-all", "semi-hard") and margin is not None
    value, active = mean_cost(distances, labels, names, miner, margin, embeddings.shape[1], cost, costly_only)
    return LossValue(value, active, spread(distances.detach()))
