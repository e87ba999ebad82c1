"""Store embeddings of earlier batches, which a loss compares a batch with."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from sinonom_cli.train.losses.basic import References


class Memory(nn.Module):
    """Memory of the last embeddings (Wang et al. 2020, "Cross-batch memory for embedding learning").

    Stored embeddings are stale; features drift slowly enough for that (Wang et al. 2020).

    Parameters
    ----------
    size : number of embeddings that are stored, M.
    length : length of an embedding, D.
    """

    def __init__(self, size: int, length: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(size, length))
        self.register_buffer("labels", torch.zeros(size, dtype=torch.int64))
        self.register_buffer("written", torch.zeros((), dtype=torch.int64))

    def behind(self, embeddings: Tensor, labels: Tensor) -> References:
        """Return the batch followed by the memory: (N + M, D) embeddings and (N + M,) labels."""
        held = min(int(self.written), len(self.rows))
        return torch.cat([embeddings, self.rows[:held]]), torch.cat([labels, self.labels[:held]])

    @torch.no_grad()
    def add(self, embeddings: Tensor, labels: Tensor) -> None:
        """Store a batch in place of the oldest embeddings."""
        embeddings, labels = embeddings[-len(self.rows) :], labels[-len(self.rows) :]
        places = (int(self.written) + torch.arange(len(labels), device=labels.device)) % len(self.rows)
        self.rows[places] = embeddings.float()
        self.labels[places] = labels
        self.written += len(labels)
