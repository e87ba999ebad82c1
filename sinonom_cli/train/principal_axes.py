"""Rotate an embedding so that its dimensions are sorted by variance, largest first."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sinonom_cli.train.validate import embed

SAMPLE = 8192
"""Number of pictures that the axes are computed from."""


def sort_axes(model: nn.Module, pictures: NDArray[np.uint8]) -> None:
    """Rotate a network's embeddings onto their principal axes, sorted by variance, by rotating its last layer.

    A rotation changes neither lengths nor angles, so all distances stay. But the first k of the D dimensions, scaled to
    length 1, are then a good embedding of length k (Pearson 1901). Kusupati et al. 2022, "Matryoshka representation
    learning", train for the same property.

    Parameters
    ----------
    model : network that ends with the linear layer `head` and scales to length 1; it is changed in place.
    pictures : (N, S, S) uint8 ink, 255 = full ink.
    """
    vectors = embed(model, pictures).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    axes = axes[:, ::-1]
    # The largest component of each axis is made positive, so that the axes are the same on every machine.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    turn = torch.from_numpy(np.ascontiguousarray(axes.T))
    head = model.head
    with torch.no_grad():
        head.weight.copy_((turn @ head.weight.double()).float())
        head.bias.copy_((turn @ head.bias.double()).float())
