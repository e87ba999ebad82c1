"""CosFace loss: a softmax over characters, each of which has one proxy that is learnt."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.train.losses.basic import LossValue, References, with_figures
from sinonom_cli.train.losses.table import Choice

SCALE = 24.0
"""Factor that cosines are multiplied by. The papers' 64 is for faces. With characters, some of which have wrong labels,
it would make the network learn mainly from the few that it cannot get right."""
AT_ONCE = 8192
"""Number of characters that a batch is compared with, its own included. Comparing with 30,000 took half as long again
as the network itself."""


class CosFace(nn.Module):
    """Large margin cosine loss.

    Wang et al. 2018, "CosFace: large margin cosine loss for deep face recognition", equation 4: the cross-entropy of
    s (cos(x, w_j) - m [j is the label]). If there are more than `AT_ONCE` characters, each batch is compared with its
    own and with random others, `AT_ONCE` in all (An et al. 2022, "Killing two birds with one stone: efficient and
    robust training of face recognition CNNs by Partial FC", section 3.2).

    Parameters
    ----------
    choice : its margin is m, a cosine.
    classes, length : number and length of the proxies, C and D.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.margin = choice.margin or 0.0
        self.proxies = nn.Parameter(functional.normalize(torch.randn(classes, length), dim=1))

    def forward(self, rows: Tensor, labels: Tensor, references: References | None = None) -> LossValue:
        """Return the loss of (N, D) rows of length 1 and their (N,) labels; draw from torch's random state."""
        chosen, target = self.compared(labels)
        proxies = functional.normalize(self.proxies[chosen], dim=1)
        margins = self.margin * functional.one_hot(target, len(chosen))
        value = functional.cross_entropy(SCALE * (rows @ proxies.T - margins), target)
        return with_figures(value, rows, labels)

    def compared(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return the characters to compare with, (M,) int64, and the positions of the batch's own in it, (N,) int64."""
        count = len(self.proxies)
        if count <= AT_ONCE:
            return torch.arange(count, device=labels.device), labels
        own, target = labels.unique(return_inverse=True)
        # They are drawn on the CPU, so that they are the same on every device.
        order = torch.randperm(count).to(labels.device)
        others = order[~torch.isin(order, own)][: max(0, AT_ONCE - len(own))]
        return torch.cat([own, others]), target
