"""Keep the centre of each character's embeddings, as a part of the state of a training."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Centres(nn.Module):
    """Running means of each character's embeddings, from which its nearest other characters are found.

    Parameters
    ----------
    classes : number of characters, C.
    length : length of an embedding.
    """

    KEPT = 0.5
    """Share of a centre that stays when new embeddings come; a character occurs once in a hundred batches."""

    def __init__(self, classes: int, length: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(classes, length))

    @torch.no_grad()
    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Update the centres of the characters in a batch."""
        classes, place = labels.unique(return_inverse=True)
        sums = embeddings.new_zeros(len(classes), embeddings.shape[1]).index_add(0, place, embeddings)
        means = functional.normalize(sums.float(), dim=1)
        self.rows[classes] = functional.normalize(self.KEPT * self.rows[classes] + (1 - self.KEPT) * means, dim=1)

    @torch.no_grad()
    def neighbours(self, count: int) -> Tensor:
        """Return the nearest other characters of each, nearest first, (C, count) int64; -1 where too few are known."""
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
