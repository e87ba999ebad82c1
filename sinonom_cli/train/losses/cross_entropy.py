"""Cross-entropy of a classifier."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from sinonom_cli.train.losses.basic import LossValue, OfBatch, References, pairwise_distances, spread


class CrossEntropy(OfBatch):
    """Cross-entropy loss: the mean over pictures of -log of the softmax probability of their character."""

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, C) logits and (N,) labels; `active` is the share of pictures classified wrongly."""
        wrong = float((rows.argmax(dim=1) != labels).float().mean())
        apart = pairwise_distances(functional.normalize(rows.detach(), dim=1))
        return LossValue(functional.cross_entropy(rows, labels), wrong, spread(apart))
