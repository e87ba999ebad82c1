"""Proxy-anchor loss (Kim et al. 2020)."""

from __future__ import annotations

from torch import Tensor, nn

from sinonom_cli.errors import need
from sinonom_cli.train.losses.basic import LossValue, References, with_figures
from sinonom_cli.train.losses.table import Choice


class ProxyAnchor(nn.Module):
    """Proxy-anchor loss with the paper's alpha of 32.

    Kim et al. 2020, "Proxy anchor loss for deep metric learning", equation 4.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        library = need("pytorch_metric_learning.losses", "train")
        self.library = library.ProxyAnchorLoss(
            num_classes=classes, embedding_size=length, margin=choice.margin or 0.0, alpha=32
        )

    @property
    def proxies(self) -> nn.Parameter:
        """Return the proxies of the characters, (C, D)."""
        proxies: nn.Parameter = self.library.proxies
        return proxies

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, D) rows of length 1 and their (N,) labels."""
        return with_figures(self.library(rows, labels), rows, labels)
