"""Train one model in several processes: their numbers, and the data that they exchange.

`torchrun --nproc-per-node N -m sinonom_cli train ...` starts them. Each process makes its share of every batch.
Embeddings are gathered, so that the loss sees the whole batch. Gradients are summed, so that all processes keep the
same weights. Only the first one writes. All of them need access to the same sets and the same output folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

import torch
from torch import Tensor
from torch import distributed as dist

PATIENCE = timedelta(hours=6)
"""Longest time that processes wait for another one; it is enough to prepare half a million pictures on a slow disk."""


@dataclass(frozen=True)
class Ranks:
    """Number of this process: `rank` of all `size` processes, and `local` of the `beside` ones on this machine."""

    rank: int = 0
    size: int = 1
    local: int = 0
    beside: int = 1

    @property
    def first(self) -> bool:
        """Return whether this is the process that writes."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Return this process's part of `count` items; `count` must be a multiple of `size`."""
        each = count // self.size
        return slice(self.rank * each, (self.rank + 1) * each)

    def gather(self, mine: Tensor) -> Tensor:
        """Return all processes' tensors, of equal shapes, concatenated in the order of ranks, without gradient."""
        if self.size == 1:
            return mine
        parts = [torch.empty_like(mine) for _ in range(self.size)]
        dist.all_gather(parts, mine.contiguous())
        return torch.cat(parts)

    def add_up(self, tensors: Iterable[Tensor], share: float = 1.0) -> None:
        """Replace each tensor by the sum over all processes, times `share`; all are sent as one tensor."""
        if self.size == 1:
            return
        tensors = list(tensors)
        if not tensors:
            return
        flat = torch.cat([t.detach().reshape(-1).float() for t in tensors])
        dist.all_reduce(flat)
        flat *= share
        for tensor, value in zip(tensors, flat.split([t.numel() for t in tensors]), strict=True):
            tensor.copy_(value.view_as(tensor))

    def wait(self) -> None:
        """Wait until all processes have called this."""
        if self.size > 1:
            dist.barrier()

    def told(self, text: str) -> str:
        """Return the text that the first process passes here."""
        if self.size == 1:
            return text
        said = [text]
        dist.broadcast_object_list(said, src=0)
        return str(said[0])


def join() -> Ranks:
    """Connect to the other processes that torchrun has started; without torchrun there are none."""
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1 or "RANK" not in os.environ:
        return Ranks()
    local = int(os.environ.get("LOCAL_RANK", "0"))
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(local % torch.cuda.device_count())
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=PATIENCE)
    return Ranks(dist.get_rank(), size, local, int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def leave() -> None:
    """Disconnect from the other processes."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()
