"""Make the optimiser of a training: AdamW, with learning rates by layer."""

from __future__ import annotations

from itertools import takewhile
from typing import Any

import torch
from torch import nn

BLOCKS = ("blocks", "stages", "layer")
"""Words that begin the names of timm's blocks and of the stages that hold them."""


def optimizer_of(
    model: nn.Module, proxies: list[nn.Parameter], lr: float, weight_decay: float, layer_decay: float, proxy_rate: float
) -> torch.optim.Optimizer:
    """Return AdamW with no weight decay of biases, scales of normalisation and proxies.

    A group's "rate" is its learning rate as a multiple of `lr`. With a layer decay d, that of the layer k before the
    last one is d^k (Clark et al. 2020, "ELECTRA", appendix A).

    Parameters
    ----------
    proxies : parameters of the loss; their rate is `proxy_rate`.
    """
    learnt = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    rates = {} if layer_decay == 1.0 else layer_rates(model, layer_decay)
    groups: list[dict[str, Any]] = []
    for rate in sorted({rates.get(name, 1.0) for name, _ in learnt}, reverse=True):
        mine = [p for name, p in learnt if rates.get(name, 1.0) == rate]
        for matrices, decay in ((True, weight_decay), (False, 0.0)):
            some = [p for p in mine if (p.ndim >= 2) == matrices]
            groups.append({"params": some, "weight_decay": decay, "rate": rate})
    if proxies:
        groups.append({"params": proxies, "weight_decay": 0.0, "rate": proxy_rate})
    return torch.optim.AdamW(groups, lr=lr)


def layer_rates(model: nn.Module, decay: float) -> dict[str, float]:
    """Return the rate of each parameter: decay^k for the block k before the last one of the backbone.

    Parameters that are not listed, such as those of the head, have rate 1.

    Parameters
    ----------
    model : network of `backbones.build`, or a classifier of one.
    """
    network = getattr(model, "network", model)
    prefix = "network." if network is not model else ""
    body = [name for name, _ in network.named_parameters() if name.startswith(("backbone.", "body."))]
    blocks: dict[str, int] = {}
    layers = {}
    for name in body:
        block = _block(name)
        layers[name] = blocks.setdefault(block or ("start" if len(blocks) < 2 else "end"), len(blocks))
    return {prefix + name: decay ** (len(blocks) - 1 - layer) for name, layer in layers.items()}


def _block(name: str) -> str | None:
    """Return the block of layers that a parameter belongs to, such as `stages.1.blocks.2`; None outside of blocks."""
    if name.startswith("body."):  # in `DirectMapNet`, a convolution and its normalisation
        return ".".join(name.split(".")[:2])
    parts = name.split(".")[1:]
    return ".".join(takewhile(lambda part: part.isdigit() or part.startswith(BLOCKS), parts)) or None


def move(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Move a restored state to the device of its parameters; AdamW keeps its step counts on the CPU."""
    for entries in optimizer.state.values():
        for name, value in entries.items():
            if name != "step":
                entries[name] = value.to(device)
