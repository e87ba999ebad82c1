"""The axes of an embedding, turned so that its first numbers say most."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sinonom_cli.train.validate import embed

SAMPLE = 8192
"""Pictures that the axes are found by."""


def sort_axes(model: nn.Module, pictures: NDArray[np.uint8]) -> None:
    """Turn a network's embeddings onto their principal axes, the most telling first, by turning its last layer.

    A rotation changes neither lengths nor angles: all distances stay. But the first k of the D numbers, scaled to
    length 1, are then a good embedding of length k (Pearson 1901; what Kusupati et al. 2022, "Matryoshka representation
    learning", train for).

    Parameters
    ----------
    model : ends with the linear layer `head` and scales to length 1.
    pictures : (N, S, S) uint8 ink, 255 is full.
    """
    vectors = embed(model, pictures).astype(np.float64)
    vectors -= vectors.mean(axis=0)
    _, axes = np.linalg.eigh(vectors.T @ vectors)
    axes = axes[:, ::-1]
    # Of the two directions of an axis the one in which its largest part is positive: the same on every machine.
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])])
    turn = torch.from_numpy(np.ascontiguousarray(axes.T))
    head = model.head
    with torch.no_grad():
        head.weight.copy_((turn @ head.weight.double()).float())
        head.bias.copy_((turn @ head.bias.double()).float())
