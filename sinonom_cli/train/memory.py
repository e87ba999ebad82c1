"""What a training keeps beside its weights: embeddings of earlier batches, and where those of each character lie."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.train.losses import References


class Memory(nn.Module):
    """The last embeddings, to compare a batch with (Wang et al. 2020, "Cross-batch memory for embedding learning").

    They are as old as they are: a network that changes slowly would embed their pictures nearly the same now.

    Parameters
    ----------
    size : how many.
    length : of an embedding.
    """

    def __init__(self, size: int, length: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(size, length))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("written", torch.zeros((), dtype=torch.int64))

    def behind(self, embeddings: Tensor, labels: Tensor) -> References:
        """The batch, and behind it what is remembered: (N + M, D), (N + M,)."""
        held = min(int(self.written), len(self.rows))
        return torch.cat([embeddings, self.rows[:held]]), torch.cat([labels, self.labels[:held]])

    @torch.no_grad()
    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Remember a batch in place of the oldest."""
        embeddings, labels = embeddings[-len(self.rows) :], labels[-len(self.rows) :]
        places = (int(self.written) + torch.arange(len(labels), device=labels.device)) % len(self.rows)
        self.rows[places] = embeddings.float()
        self.labels[places] = labels
        self.written += len(labels)


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
