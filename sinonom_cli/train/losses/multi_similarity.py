"""Multi-similarity loss (Wang et al. 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sinonom_cli.errors import need
from sinonom_cli.train.losses.basic import LossValue, References, with_figures
from sinonom_cli.train.losses.mining import pairs
from sinonom_cli.train.losses.table import Choice

EPSILON = 0.1
"""Margin of the mining, in cosine similarity (Wang et al. 2019, equations 7 and 8)."""


class MultiSimilarity(nn.Module):
    """Multi-similarity loss, equation 11 of the paper.

    Wang et al. 2019, "Multi-similarity loss with general pair weighting for deep metric learning". The constants are
    those of the paper, except for the base: it is 1 there, and 0.5 in the authors' code and here.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.library = need("pytorch_metric_learning.losses", "train").MultiSimilarityLoss(alpha=2, beta=50, base=0.5)

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, D) rows of length 1 and their (N,) labels."""
        others, names = references or (rows, labels)
        positives, negatives = multi_similarity_pairs(rows.detach() @ others.detach().T, *pairs(labels, names))
        chosen = (*torch.nonzero(positives, as_tuple=True), *torch.nonzero(negatives, as_tuple=True))
        return with_figures(self.library(rows, labels, chosen, others, names), rows, labels)


def multi_similarity_pairs(similarities: Tensor, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """Return the pairs that the multi-similarity loss compares.

    Wang et al. 2019, "Multi-similarity loss with general pair weighting for deep metric learning", equations 7 and 8:
    negatives more similar than the least similar positive minus 0.1, and positives less similar than the most similar
    negative plus 0.1.

    Parameters
    ----------
    similarities, positives, negatives : (N, M) float, bool, bool.

    Returns
    -------
    Two (N, M) bool masks.
    """
    least = similarities.masked_fill(~positives, torch.inf).amin(dim=1, keepdim=True)
    most = similarities.masked_fill(~negatives, -torch.inf).amax(dim=1, keepdim=True)
    # The paper assumes that both exist; an anchor without a positive has no limit to mine its negatives by.
    both = positives.any(dim=1, keepdim=True) & negatives.any(dim=1, keepdim=True)
    return positives & both & (similarities < most + EPSILON), negatives & both & (similarities > least - EPSILON)
