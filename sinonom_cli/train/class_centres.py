"""Where the embeddings of each character lie, as a training keeps it beside its weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Centres(nn.Module):
    """For each character a running mean of its embeddings, from which its nearest others are found.

    Parameters
    ----------
    classes : how many characters.
    length : of an embedding.
    """

    KEPT = 0.5
    """Share of a centre that stays when new embeddings come: a character comes up once in a hundred batches."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(classes, length))

    @torch.no_grad()
    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Move the centres of the characters in a batch."""
        classes, place = labels.unique(return_inverse=True)
        sums = embeddings.new_zeros(len(classes), embeddings.shape[1]).index_add(0, place, embeddings)
        means = functional.normalize(sums.float(), dim=1)
        self.rows[classes] = functional.normalize(self.KEPT * self.rows[classes] + (1 - self.KEPT) * means, dim=1)

    @torch.no_grad()
    def neighbours(self, count: int) -> Tensor:
        """The nearest other characters of each, nearest first: (C, count) int64; -1 where too few have come up yet."""
        seen = self.rows.any(dim=1)
        found = torch.full((len(self.rows), count), -1, device=self.rows.device)
        count = min(count, int(seen.sum()) - 1)
        if count < 1:
            return found
        for some in torch.nonzero(seen).squeeze(1).split(1024):
            near = self.rows[some] @ self.rows.T
            near[:, ~seen] = -torch.inf
            near[torch.arange(len(some)), some] = -torch.inf
            found[some, :count] = near.topk(count, dim=1).indices
        return found
