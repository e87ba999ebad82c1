"""Compute the gradients of a large batch in the memory of a small one.

Gao et al. 2021, "Scaling deep contrastive learning batch size under memory limited setup": the loss needs all
embeddings at once, but the network's gradient is a sum over pictures when the loss's gradient at each embedding is
known. So the network runs twice: first without a graph to get the embeddings, then with a graph, one micro-batch at a
time. The same split serves several processes: each runs the network on its share, and the loss gets all embeddings.

In batch normalisation, every micro-batch and every process normalises by the statistics of its own pictures, in both
runs alike. Dropout draws the same numbers in both runs. The gradient is exactly that of a network that does so. Without
batch normalisation, or with a frozen one, it is the gradient of the whole batch in one.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.losses.basic import LossValue

Forward = Callable[[Tensor], Tensor]


def accumulate(
    network: nn.Module,
    forward: Forward,
    pictures: Tensor,
    loss_of: Callable[[Tensor], LossValue],
    *,
    micro: int | None = None,
    seed: tuple[int, ...] = (0,),
    ranks: Ranks = Ranks(),
) -> tuple[LossValue, Tensor]:
    """Add the gradients of one batch to those of the network and of the parameters of `loss_of`.

    Parameters
    ----------
    network : network whose buffers change when it runs in training mode.
    forward : differentiable function that maps n pictures to (n, D) rows.
    pictures : (n, ...), this process's share of the batch, on any device that `forward` takes.
    loss_of : function that maps all processes' rows, (N, D) float32 in the order of ranks, to the loss.
    micro : number of pictures that run through the network at once, 2 or more; None: all.
    seed : seed of the numbers that network and loss draw.

    Returns
    -------
    The loss, without gradient, and all processes' rows, (N, D) float32.
    """
    parts = pictures.tensor_split(_count(len(pictures), micro))
    if len(parts) == 1:
        _draw_from(seed, ranks.rank, 0)
        rows = forward(parts[0])
        mine = rows.detach()
    else:
        before = [buffer.clone() for buffer in network.buffers()]
        with torch.no_grad():
            mine = torch.cat([_again(forward, part, seed, ranks.rank, k) for k, part in enumerate(parts)])
            for buffer, value in zip(network.buffers(), before, strict=True):
                buffer.copy_(value)  # otherwise running statistics would count every picture twice
    everything = ranks.gather(mine.float()).requires_grad_()
    # The loss draws the same numbers in every process, since all processes must have the same loss.
    _draw_from(seed)
    loss = loss_of(everything)
    loss.value.backward()
    gradient = torch.zeros_like(everything) if everything.grad is None else everything.grad
    gradient = gradient[ranks.share(len(everything))].to(mine.dtype)
    if len(parts) == 1:
        rows.backward(gradient)
    else:
        for k, (part, back) in enumerate(zip(parts, gradient.tensor_split(len(parts)), strict=True)):
            _again(forward, part, seed, ranks.rank, k).backward(back)
    return loss._replace(value=loss.value.detach()), everything.detach()


def agree(network: nn.Module, learnt: nn.Module, ranks: Ranks) -> None:
    """Make the gradients and the running statistics of all processes equal; `learnt` is the loss.

    The network's gradients are summed, since each process has those of its own pictures. The loss's gradients are
    averaged, since each process has all of them, except for rounding.
    """
    if ranks.size == 1:
        return
    for parameter in network.parameters():
        if parameter.requires_grad and parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
    ranks.add_up(p.grad for p in network.parameters() if p.grad is not None)
    same = [p.grad for p in learnt.parameters() if p.grad is not None]
    running = [b for name, b in network.named_buffers() if name.endswith(("running_mean", "running_var"))]
    ranks.add_up([*same, *running], 1 / ranks.size)


def _count(pictures: int, micro: int | None) -> int:
    """Return the number of equal micro-batches; none has a single picture, which could not be normalised."""
    return max(1, min(-(-pictures // (micro or pictures)), pictures // 2))


def _again(forward: Forward, part: Tensor, seed: tuple[int, ...], *more: int) -> Tensor:
    _draw_from(seed, *more)
    return forward(part)


def _draw_from(seed: tuple[int, ...], *more: int) -> None:
    """Set torch's random state, on every device, to one that depends on these numbers alone."""
    torch.manual_seed(int(np.random.SeedSequence([*seed, len(more), *more]).generate_state(1, np.uint64)[0]))
