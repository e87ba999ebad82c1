"""Normalise each dimension of an embedding while a network learns, so that it cannot collapse to one point."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.networks.directmap import Head


class NormalisedHead(Head):
    """Linear layer whose outputs have mean 0 and variance 1 in each batch, as in the BNNeck of Luo et al. 2019.

    Luo, Gu, Liao, Lai, Jiang 2019, "Bag of tricks and a strong baseline for deep person re-identification", section
    3.5. A fresh network gives all pictures nearly the same features. Without this layer their embeddings begin as
    almost one point, and a triplet loss with hard mining keeps them there.

    It maps (N, F) features to (N, D) float32. In evaluation mode the running statistics are used, so that the layer is
    linear and `plain` can replace it.
    """

    running_mean: Tensor
    running_var: Tensor

    MOMENTUM = 0.1
    TINY = 1e-5

    def __init__(self, features: int, embedding: int) -> None:
        super().__init__(features, embedding)
        self.register_buffer("running_mean", torch.zeros(embedding))
        self.register_buffer("running_var", torch.ones(embedding))

    def forward(self, features: Tensor) -> Tensor:
        """Project features and normalise each dimension."""
        rows = super().forward(features).float()
        return functional.batch_norm(
            rows, self.running_mean, self.running_var, training=self.training, momentum=self.MOMENTUM, eps=self.TINY
        )

    @torch.no_grad()
    def plain(self) -> Head:
        """Return the linear layer that gives the same as this one in evaluation mode."""
        head = Head(self.in_features, self.out_features).to(self.weight.device)
        scale = (self.running_var.double() + self.TINY).rsqrt()
        head.weight.copy_((self.weight.double() * scale[:, None]).float())
        head.bias.copy_(((self.bias.double() - self.running_mean.double()) * scale).float())
        return head


def normalise_head(network: nn.Module) -> None:
    """Replace the linear layer `head` of a network of `backbones.build` by a fresh normalised one."""
    network.head = NormalisedHead(network.head.in_features, network.head.out_features)


def make_plain(model: nn.Module) -> None:
    """Replace a normalised head by the linear layer that embeds alike; `model` may be a network or a classifier."""
    network = getattr(model, "network", model)
    if isinstance(network.head, NormalisedHead):
        network.head = network.head.plain()
