"""Build the loss that `--loss` names, with its proxies and its memory."""

from __future__ import annotations

import math
from dataclasses import replace
from importlib import import_module

import torch
from torch import Tensor, nn

from sinonom_cli.train.losses.basic import LossValue, OfBatch
from sinonom_cli.train.losses.cross_batch_memory import Memory
from sinonom_cli.train.losses.table import LOSSES, Choice


class Criterion(nn.Module):
    """Loss of (N, D) float32 rows and their (N,) int64 labels.

    The rows are embeddings of length 1 or, for cross-entropy, logits. The loss's parameters (proxies) are learnt with
    the network's. Its buffers (a memory) belong to the state of a training. Neither belongs to the model.

    Parameters
    ----------
    choice : loss and its options.
    classes : number of characters, C.
    length : length of an embedding, D.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.choice, self.entry = choice, LOSSES[choice.loss]
        file, name = self.entry.made_by.split(".")
        module = import_module(f"sinonom_cli.train.losses.{file}")
        self.loss: nn.Module = getattr(module, name)(choice, classes, length)
        self.mining = choice.mining
        self.memory = Memory(choice.memory, length) if choice.memory else None

    @property
    def stuck_at(self) -> float | None:
        """Return the value of a batch-hard loss while the network separates nothing; None for other losses."""
        if self.mining != "batch-hard" or self.entry.collapsed is None:
            return None
        return math.log(2) if self.choice.margin is None else self.choice.margin * self.entry.collapsed

    def mine(self, mining: str) -> None:
        """Take another mining than that of `choice` from now on."""
        self.mining = mining
        if isinstance(self.loss, OfBatch):
            self.loss.choice = replace(self.choice, mining=mining)

    @property
    def rate(self) -> float:
        """Return the learning rate of proxies, as a multiple of the network's."""
        return self.entry.rate

    @property
    def proxies(self) -> nn.Parameter | None:
        """Return the proxies of the characters, (C, D); None if the loss has none, or several for each character."""
        return getattr(self.loss, "proxies", None)

    @torch.no_grad()
    def begin_at(self, centres: Tensor) -> None:
        """Set the proxies to (C, D) centres of the characters."""
        if self.proxies is not None:
            self.proxies.copy_(centres)

    @property
    def reads_logits(self) -> bool:
        """Return whether the rows are logits instead of embeddings."""
        return self.entry.reads_logits

    def forward(self, rows: Tensor, labels: Tensor, remembering: bool = False) -> LossValue:
        """Return the loss of a batch, compared also with the memory if `remembering`."""
        references = self.memory.behind(rows, labels) if self.memory is not None and remembering else None
        loss: LossValue = self.loss(rows, labels, references)
        return loss

    def remember(self, rows: Tensor, labels: Tensor) -> None:
        """Store a batch in the memory, if there is one."""
        if self.memory is not None:
            self.memory.add(rows, labels)
