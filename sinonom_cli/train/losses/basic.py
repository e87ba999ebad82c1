"""Define what losses on embeddings have in common, and what they return.

A batch is compared with itself or, if there is a memory of earlier batches, with `references`: (M, D) embeddings and
their (M,) labels, the first N of which are the batch itself.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sinonom_cli.train.losses.table import Choice

References = tuple[Tensor, Tensor]


class LossValue(NamedTuple):
    """Loss of one batch: the value to minimise, and two figures that show whether the network learns.

    value : () float, with gradient.
    active : share of the pairs, triplets or pictures compared that are not in the right order yet, 0 to 1.
    spread : mean distance between different pictures of the batch; near 0 the embedding has collapsed.
    taught : part of the value that comes from a teacher.
    """

    value: Tensor
    active: float
    spread: float
    taught: float = 0.0


class OfBatch(nn.Module):
    """Loss without parameters to learn; `choice` says how a batch is compared."""

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.choice = choice


def pairwise_distances(embeddings: Tensor, references: Tensor | None = None) -> Tensor:
    """Return the Euclidean distances between rows.

    d(i, j) = |x_i - y_j|; the gradient is 0 where two rows are equal, since the square root has no derivative there.

    Parameters
    ----------
    embeddings : (N, D) float.
    references : (M, D) float, the first N of which are `embeddings`; None: `embeddings` alone.

    Returns
    -------
    (N, M) float, 0 on the diagonal.
    """
    references = embeddings if references is None else references
    # Without the mean subtracted, the small squared distances of a collapsing embedding would be lost in rounding.
    middle = references.detach().mean(dim=0)
    own, others = embeddings - middle, references - middle
    squares = own.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None, :]
    squared = squares - 2 * own @ others.T
    # Values up to 1e-12 are rounding errors: such pairs count as equal and get no gradient from the square root.
    equal = squared <= 1e-12
    equal |= torch.eye(len(embeddings), len(references), dtype=torch.bool, device=embeddings.device)
    return squared.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)


def spread(distances: Tensor) -> float:
    """Return the mean of the distances (N, M) between a batch and itself, without the diagonal; M is N or more."""
    count = len(distances)
    return float(distances[:, :count].sum() / max(count * (count - 1), 1))


def with_figures(value: Tensor, rows: Tensor, labels: Tensor) -> LossValue:
    """Return the loss of a batch of (N, D) rows; `active` is the share whose nearest other row has another label."""
    distances = pairwise_distances(rows.detach())
    return LossValue(value, unlike(distances, labels), spread(distances))


def unlike(distances: Tensor, labels: Tensor) -> float:
    """Return the share of pictures whose nearest other in the batch has another label; `distances` is (N, N)."""
    itself = torch.eye(len(distances), dtype=torch.bool, device=distances.device)
    nearest = distances.masked_fill(itself, torch.inf).argmin(dim=1)
    return float((labels[nearest] != labels).float().mean())
