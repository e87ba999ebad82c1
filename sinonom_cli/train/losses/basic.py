"""What losses on embeddings are made of, and what they return.

A batch is compared with itself or, where there is a memory of earlier batches, with `references`: (M, D) embeddings
and their (M,) labels, the first N of which are the batch itself.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from sinonom_cli.train.losses.table import Choice

References = tuple[Tensor, Tensor]


class LossValue(NamedTuple):
    """What one batch says: the value to minimise and two figures that tell whether it is learning.

    value : () float, with gradient.
    active : share of what the loss looks at (pairs, triplets, pictures) that is not in order yet, 0 to 1.
    spread : mean distance between different pictures of the batch; near 0 the embedding has collapsed.
    taught : what of the value is a teacher's.
    """

    value: Tensor
    active: float
    spread: float
    taught: float = 0.0


class OfBatch(nn.Module):
    """A loss that learns nothing itself: `choice` says how a batch is compared."""

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.choice = choice


def pairwise_distances(embeddings: Tensor, references: Tensor | None = None) -> Tensor:
    """Euclidean distances between rows.

    d(i, j) = |x_i - y_j|, with gradient 0 where two rows are equal (the square root has none there).

    Parameters
    ----------
    embeddings : (N, D) float.
    references : (M, D) float, the first N of which are `embeddings`; None: just these.

    Returns
    -------
    (N, M) float, 0 on the diagonal.
    """
    references = embeddings if references is None else references
    # Seen from their middle: of float32 numbers near 1 a collapsing embedding's squared distances would be rounding.
    middle = references.detach().mean(dim=0)
    own, others = embeddings - middle, references - middle
    squares = own.square().sum(dim=1)[:, None] + others.square().sum(dim=1)[None, :]
    squared = squares - 2 * own @ others.T
    # 1e-12 and below is rounding: such pairs count as equal, and stay out of the square root's gradient.
    equal = squared <= 1e-12
    equal |= torch.eye(len(embeddings), len(references), dtype=torch.bool, device=embeddings.device)
    return squared.masked_fill(equal, 1.0).sqrt().masked_fill(equal, 0.0)


def spread(distances: Tensor) -> float:
    """Mean of the distances (N, M) between a batch and itself, without its diagonal; M is N or more."""
    count = len(distances)
    return float(distances[:, :count].sum() / max(count * (count - 1), 1))


def with_figures(value: Tensor, rows: Tensor, labels: Tensor) -> LossValue:
    """Return the loss of a batch of (N, D) rows; `active` is the share of them whose nearest other is unlike them."""
    distances = pairwise_distances(rows.detach())
    return LossValue(value, unlike(distances, labels), spread(distances))


def unlike(distances: Tensor, labels: Tensor) -> float:
    """Share of pictures whose nearest other in the batch is of another label; distances (N, N)."""
    itself = torch.eye(len(distances), dtype=torch.bool, device=distances.device)
    nearest = distances.masked_fill(itself, torch.inf).argmin(dim=1)
    return float((labels[nearest] != labels).float().mean())
