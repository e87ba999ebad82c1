"""Keep a moving average of a network's weights, which scores better and more evenly than the last weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


def averaged(model: nn.Module) -> nn.Module:
    """Return a copy of a network for its moving average."""
    average = copy.deepcopy(model)
    for parameter in average.parameters():
        parameter.requires_grad_(False)
    return average


@torch.no_grad()
def update(average: nn.Module, model: nn.Module, decay: float, step: int, first: int = 9) -> None:
    """Move the average towards the weights and running statistics of a network.

    Polyak, Juditsky 1992, "Acceleration of stochastic approximation by averaging". The decay of step t, counted from 1,
    is min(decay, t / (t + `first`)), so that the first weights are soon forgotten.
    """
    decay = min(decay, step / (step + first))
    for mean, value in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
