"""Compute the mean cost of triplets, whether they are listed or too many for a list.

Triplets without a list are tables of an anchor's positives by the references, summed some anchors at a time
(`chunks.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from sinonom_cli.train.losses import mining
from sinonom_cli.train.losses.chunks import in_pieces

Cost = Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Function of d(a, p), d(a, n), a and n, which have shapes that broadcast. It returns the costs of triplets, float, and
which are not in order yet, bool. The arguments may contain triplets that the miner did not choose."""


class Block(NamedTuple):
    """Triplets of some anchors: each pair of an anchor and a positive, with all references.

    anchor, positive : (P,) int64 row numbers; those of anchors count within these anchors.
    chosen : (P, M) bool, the references that are taken as negatives.
    """

    anchor: Tensor
    positive: Tensor
    chosen: Tensor


def mean_cost(
    distances: Tensor,
    labels: Tensor,
    references: Tensor,
    miner: str,
    margin: float | None,
    length: int,
    cost: Cost,
    costly_only: bool = False,
) -> tuple[Tensor, float]:
    """Return the mean cost of the triplets that a miner chooses.

    Parameters
    ----------
    distances : (N, M) float, from the pictures of a batch to the references, the first N of which are the batch.
    labels, references : (N,) and (M,) int.
    miner : "batch-hard", "distance-weighted" or "semi-hard"; "batch-all" and "none" choose every triplet.
    margin : margin of semi-hard mining, in the distance's unit.
    length : length of an embedding, for distance-weighted mining.
    cost : function that gives the costs of triplets.
    costly_only : take the mean over the triplets with a cost above 0.

    Returns
    -------
    () float with gradient, 0 if there is no triplet, and the share of triplets that are not in order yet, 0 to 1.

    Raises
    ------
    ValueError : if there is no such miner, or semi-hard has no margin.
    """
    if miner in ("batch-hard", "distance-weighted"):
        fixed = distances.detach()
        if miner == "batch-hard":
            triplets = mining.batch_hard(fixed, labels, references)
        else:
            triplets = mining.distance_weighted(fixed, labels, length, references)
        anchor, positive, negative = triplets
        costs, active = cost(distances[anchor, positive], distances[anchor, negative], anchor, negative)
        sums = [_sums(costs, active, torch.ones_like(active), costly_only)]
    elif miner in ("batch-all", "none") or (miner == "semi-hard" and margin is not None):
        inside = margin if miner == "semi-hard" else None
        everyone = torch.arange(len(references), device=references.device)[None]

        def of_some(positives: Tensor, negatives: Tensor, distances: Tensor, anchors: Tensor) -> tuple[Tensor, ...]:
            anchor, positive, chosen = block_of(distances.detach(), positives, negatives, inside)
            near, far = distances[anchor, positive][:, None], distances[anchor]
            costs, active = cost(near, far, anchors[anchor][:, None], everyone)
            return _sums(costs, active, chosen, costly_only)

        sums = in_pieces(of_some, *mining.pairs(labels, references), distances)
    else:
        raise ValueError(f"no mining {miner!r} with margin {margin!r}")
    total, counted, active_count, looked_at = (torch.stack(part).sum() for part in zip(*sums, strict=True))
    return total / counted.clamp(min=1), float(active_count / looked_at.clamp(min=1))


def block_of(distances: Tensor, positives: Tensor, negatives: Tensor, inside: float | None) -> Block:
    """Return all triplets of some anchors, or the semi-hard ones.

    Hermans et al. 2017, equation 6: all (a, p, n) with label(a) = label(p) != label(n) and a != p.

    Parameters
    ----------
    distances : (A, M) float, from the anchors to the references.
    positives, negatives : (A, M) bool.
    inside : margin of semi-hard mining; None: all triplets.
    """
    anchor, positive = torch.nonzero(positives, as_tuple=True)
    chosen = negatives[anchor]
    if inside is not None:
        chosen &= mining.semi_hard(distances[anchor, positive][:, None], distances[anchor], inside)
    return Block(anchor, positive, chosen)


def _sums(costs: Tensor, active: Tensor, chosen: Tensor, costly_only: bool) -> tuple[Tensor, ...]:
    """Return of the chosen triplets: the sum of costs, and the numbers to average over, not in order, and in all."""
    counted = chosen & (costs > 0) if costly_only else chosen
    return torch.where(counted, costs, 0.0).sum(), counted.sum(), (active & chosen).sum(), chosen.sum()
