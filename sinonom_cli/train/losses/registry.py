"""The loss that `--loss` names, with what it learns beside the network and what it remembers."""

from __future__ import annotations

import math
from importlib import import_module

import torch
from torch import Tensor, nn

from sinonom_cli.train.losses.basic import LossValue
from sinonom_cli.train.losses.cross_batch_memory import Memory
from sinonom_cli.train.losses.table import LOSSES, Choice


class Criterion(nn.Module):
    """A loss of (N, D) float32 rows and their (N,) int64 labels.

    The rows are embeddings of length 1 or, for cross-entropy, logits. Its parameters (proxies) are learnt with the
    network's; its buffers (a memory) belong to the state of a training. None of either belongs to the model.

    Parameters
    ----------
    choice : which loss.
    classes : number of characters, C.
    length : of an embedding, D.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.choice, self.entry = choice, LOSSES[choice.loss]
        file, name = self.entry.made_by.split(".")
        module = import_module(f"sinonom_cli.train.losses.{file}")
        self.loss: nn.Module = getattr(module, name)(choice, classes, length)
        self.memory = Memory(choice.memory, length) if choice.memory else None

    @property
    def stuck_at(self) -> float | None:
        """The value of a batch-hard loss while it tells nothing apart; None of other losses."""
        if self.choice.mining != "batch-hard" or self.entry.collapsed is None:
            return None
        return math.log(2) if self.choice.margin is None else self.choice.margin * self.entry.collapsed

    @property
    def rate(self) -> float:
        """Learning rate of proxies, as a multiple of the network's."""
        return self.entry.rate

    @property
    def proxies(self) -> nn.Parameter | None:
        """(C, D) vectors of the characters that the loss learns; None: it learns none, or several of each."""
        return getattr(self.loss, "proxies", None)

    @torch.no_grad()
    def begin_at(self, centres: Tensor) -> None:
        """Put the proxies at (C, D) centres of the characters."""
        if self.proxies is not None:
            self.proxies.copy_(centres)

    @property
    def reads_logits(self) -> bool:
        """Whether the rows are logits, not embeddings."""
        return self.entry.reads_logits

    def forward(self, rows: Tensor, labels: Tensor, remembering: bool = False) -> LossValue:
        """The loss of a batch; if `remembering`, of the batch among what is remembered."""
        references = self.memory.behind(rows, labels) if self.memory is not None and remembering else None
        loss: LossValue = self.loss(rows, labels, references)
        return loss

    def remember(self, rows: Tensor, labels: Tensor) -> None:
        """Take a batch into the memory, if there is one."""
        if self.memory is not None:
            self.memory.add(rows, labels)
