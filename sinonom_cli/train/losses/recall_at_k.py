"""Recall@k as a loss: a smooth approximation of the share of relevant pictures among the k nearest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from sinonom_cli.train.losses.basic import LossValue, OfBatch, References, pairwise_distances, spread, unlike
from sinonom_cli.train.losses.chunks import in_pieces
from sinonom_cli.train.losses.mining import pairs

RANK_TEMPERATURE, SIMILARITY_TEMPERATURE = 1.0, 0.01
"""Temperatures of the paper: for the comparison of a rank with k, and for the comparison of two similarities."""


class RecallAtK(OfBatch):
    """Module of the loss `recall_at_k`, for `--loss recall@k`."""

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of a batch; see `recall_at_k`."""
        return recall_at_k(rows, labels, self.choice.recall_at, references, self.choice.simix)


def recall_at_k(
    embeddings: Tensor, labels: Tensor, ks: Sequence[int], references: References | None = None, mixup: bool = False
) -> LossValue:
    """Return the recall@k surrogate loss of one batch, in which each picture is a query to all others.

    Patel, Tolias, Matas 2021, "Recall@k surrogate loss with large batches and similarity mixup", equations 4 to 6: the
    rank of a positive x of a query q is 1 + sum over all other z of sigmoid((s(q, z) - s(q, x)) / 0.01). The recall at
    k is the sum over positives of sigmoid((k - rank) / 1), divided by the most positives that k places can hold. The
    loss is 1 minus the recall, averaged over queries and several k. As in the authors' code, that sum is at most k.

    Parameters
    ----------
    embeddings : (N, D) float, of length 1; s is their dot product.
    labels : (N,) int.
    ks : values of k.
    references : what the batch is compared with, the batch first; None: itself.
    mixup : add a virtual picture for every pair of one label, see `mixed`.

    Returns
    -------
    LossValue; 0 if no picture has a positive. `active` is the share of pictures whose nearest other picture
    has another label.
    """
    distances = pairwise_distances(embeddings.detach())
    rows, names = references or (embeddings, labels)
    real = embeddings
    if mixup:
        virtual, theirs = mixed(embeddings, labels)
        embeddings, labels = torch.cat([embeddings, virtual]), torch.cat([labels, theirs])
        rows, names = torch.cat([embeddings, rows[len(real) :]]), torch.cat([labels, names[len(real) :]])
    similarities = embeddings @ rows.T
    positives, _ = pairs(labels, names)
    costs = _costs(similarities, positives, ks)
    value = costs.mean() if len(costs) else real.sum() * 0.0
    return LossValue(value, unlike(distances, names[: len(real)]), spread(distances))


def mixed(embeddings: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return SiMix's virtual embeddings: one at a random place between every two embeddings of one label.

    Patel et al. 2021, on similarity mixup: a x + (1 - a) z with a uniform in [0, 1]. It is not normalised, so that its
    similarities are those of x and z, mixed. The function draws from torch's random state.

    Returns
    -------
    (V, D) float embeddings and their (V,) labels.
    """
    first, second = torch.nonzero(pairs(labels)[0].triu(), as_tuple=True)
    share = torch.rand(len(first), 1, dtype=embeddings.dtype, device=embeddings.device)
    return share * embeddings[first] + (1 - share) * embeddings[second], labels[first]


def _costs(similarities: Tensor, positives: Tensor, ks: Sequence[int]) -> Tensor:
    """Return 1 - recall of each query that has a positive, (Q,)."""

    def recall(positives: Tensor, similarities: Tensor, numbers: Tensor) -> Tensor:
        return _recall(similarities, positives, numbers, ks)

    return 1 - torch.cat(in_pieces(recall, positives, similarities))


def _recall(similarities: Tensor, positives: Tensor, numbers: Tensor, ks: Sequence[int]) -> Tensor:
    """Return the recall of each query, averaged over the k, (Q,); `numbers` are the queries' own columns.

    `similarities` and `positives` are (Q, M).
    """
    query, positive = torch.nonzero(positives, as_tuple=True)
    above = similarities[query] - similarities[query, positive][:, None]
    nearer = torch.sigmoid(above / SIMILARITY_TEMPERATURE)
    # Neither the positive itself nor the query counts as nearer.
    skipped = torch.zeros_like(nearer, dtype=torch.bool)
    skipped[torch.arange(len(query)), positive] = True
    skipped[torch.arange(len(query)), numbers[query]] = True
    ranks = 1 + nearer.masked_fill(skipped, 0.0).sum(dim=1)
    found = []
    for k in ks:
        among = torch.sigmoid((k - ranks) / RANK_TEMPERATURE)
        sums = similarities.new_zeros(len(similarities)).index_add(0, query, among)
        found.append(sums.clamp(max=k) / positives.sum(dim=1).clamp(max=k))
    return torch.stack(found).mean(dim=0)
