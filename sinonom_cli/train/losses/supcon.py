"""Supervised contrastive loss (Khosla et al. 2020)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sinonom_cli.errors import need
from sinonom_cli.train.losses.basic import LossValue, References, with_figures
from sinonom_cli.train.losses.mining import pairs
from sinonom_cli.train.losses.table import Choice


class SupCon(nn.Module):
    """Supervised contrastive loss with the paper's temperature of 0.1.

    Khosla et al. 2020, "Supervised contrastive learning", equation 2.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.library = need("pytorch_metric_learning.losses", "train").SupConLoss(temperature=0.1)

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, D) rows of length 1 and their (N,) labels."""
        others, names = references or (rows, labels)
        positives, negatives = pairs(labels, names)
        chosen = (*torch.nonzero(positives, as_tuple=True), *torch.nonzero(negatives, as_tuple=True))
        return with_figures(self.library(rows, labels, chosen, others, names), rows, labels)
