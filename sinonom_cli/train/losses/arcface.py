"""ArcFace (Deng et al. 2019) and sub-center ArcFace (Deng et al. 2020)."""

from __future__ import annotations

import math

from torch import Tensor, nn

from sinonom_cli.errors import need
from sinonom_cli.train.losses.basic import Loss, References, pairwise_distances, spread, unlike
from sinonom_cli.train.losses.table import Choice

SCALE = 64
"""Factor of the cosines, as in the papers."""


class ArcFace(nn.Module):
    """Deng et al. 2019, "ArcFace: additive angular margin loss for deep face recognition", equation 3.

    The margin is in radians.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.library = self.made(classes, length, math.degrees(choice.margin or 0.0))

    def made(self, classes: int, length: int, degrees: float) -> nn.Module:
        """Return the library's loss."""
        loss: nn.Module = need("pytorch_metric_learning.losses", "train").ArcFaceLoss(
            num_classes=classes, embedding_size=length, margin=degrees, scale=SCALE
        )
        return loss

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> Loss:
        """The loss of (N, D) rows of length 1 and their (N,) labels."""
        distances = pairwise_distances(rows.detach())
        return Loss(self.library(rows, labels), unlike(distances, labels), spread(distances))


class SubcenterArcFace(ArcFace):
    """Deng et al. 2020, "Sub-center ArcFace: boosting face recognition by large-scale noisy web faces", 3 centres."""

    def made(self, classes: int, length: int, degrees: float) -> nn.Module:
        """Return the library's loss."""
        loss: nn.Module = need("pytorch_metric_learning.losses", "train").SubCenterArcFaceLoss(
            num_classes=classes, embedding_size=length, margin=degrees, scale=SCALE, sub_centers=3
        )
        return loss
