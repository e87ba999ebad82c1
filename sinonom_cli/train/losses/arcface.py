"""ArcFace (Deng et al. 2019) and sub-center ArcFace (Deng et al. 2020)."""

from __future__ import annotations

import math
from typing import ClassVar

from torch import Tensor, nn

from sinonom_cli.errors import need
from sinonom_cli.train.losses.basic import LossValue, References, with_figures
from sinonom_cli.train.losses.table import Choice

SCALE = 64
"""Factor that cosines are multiplied by, as in the papers."""


class ArcFace(nn.Module):
    """ArcFace loss with a margin in radians.

    Deng et al. 2019, "ArcFace: additive angular margin loss for deep face recognition", equation 3.
    """

    named = "ArcFaceLoss"
    more: ClassVar[dict[str, int]] = {}

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.library: nn.Module = getattr(need("pytorch_metric_learning.losses", "train"), self.named)(
            num_classes=classes,
            embedding_size=length,
            margin=math.degrees(choice.margin or 0.0),
            scale=SCALE,
            **self.more,
        )

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, D) rows of length 1 and their (N,) labels."""
        return with_figures(self.library(rows, labels), rows, labels)


class SubcenterArcFace(ArcFace):
    """Sub-center ArcFace loss with 3 centres for each character.

    Deng et al. 2020, "Sub-center ArcFace: boosting face recognition by large-scale noisy web faces".
    """

    named = "SubCenterArcFaceLoss"
    more: ClassVar[dict[str, int]] = {"sub_centers": 3}
