"""Cross-entropy of a classifier."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.train.losses.basic import Loss, References, pairwise_distances, spread
from sinonom_cli.train.losses.table import Choice


class CrossEntropy(nn.Module):
    """The mean over pictures of -log of the probability that the softmax of their logits gives their character."""

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> Loss:
        """The loss of (N, C) logits and (N,) labels; `active` is the share of pictures that are named wrongly."""
        wrong = float((rows.argmax(dim=1) != labels).float().mean())
        apart = pairwise_distances(functional.normalize(rows.detach(), dim=1))
        return Loss(functional.cross_entropy(rows, labels), wrong, spread(apart))
