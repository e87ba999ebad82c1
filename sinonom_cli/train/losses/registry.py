"""The loss that `--loss` names, with what it learns beside the network and what it remembers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import need
from sinonom_cli.train.losses import basic
from sinonom_cli.train.losses.basic import Loss, References, pairwise_distances, spread
from sinonom_cli.train.losses.cosface import CosFace
from sinonom_cli.train.losses.cross_batch_memory import Memory
from sinonom_cli.train.losses.mining import pairs
from sinonom_cli.train.losses.recall_at_k import recall_at_k, unlike

EPSILON = 0.1
"""Of multi-similarity mining (Wang et al. 2019): how much closer than the hardest of the other kind a pair must be."""


@dataclass(frozen=True)
class Choice:
    """Which loss, and how: the fields of `Config` that say so."""

    loss: str = "triplet"
    mining: str = "batch-hard"
    margin: float | None = 0.2
    recall_at: tuple[int, ...] = ()
    simix: bool = False
    memory: int = 0


class Criterion(nn.Module):
    """A loss of (N, D) float32 rows and their (N,) int64 labels.

    The rows are embeddings of length 1 or, for cross-entropy, logits. Its parameters (proxies) are learnt with the
    network's; its buffers (a memory) belong to the state of a training. None of either belongs to the model.

    Parameters
    ----------
    choice : which loss.
    classes : number of characters, C.
    length : of an embedding, D.
    """

    def __init__(self, choice: Choice, classes: int, length: int) -> None:
        super().__init__()
        self.choice = choice
        self.library = _from_library(choice, classes, length)
        self.memory = Memory(choice.memory, length) if choice.memory else None

    @property
    def stuck_at(self) -> float | None:
        """What a loss of batch-hard triplets or quadruplets is while it tells nothing apart; None of other losses."""
        if self.choice.mining != "batch-hard" or self.choice.loss not in ("triplet", "quadruplet"):
            return None
        if self.choice.margin is None:
            return math.log(2)
        return self.choice.margin * (1.5 if self.choice.loss == "quadruplet" else 1)

    @property
    def rate(self) -> float:
        """Learning rate of proxies against the network's.

        Those of ArcFace begin with deviation 1, those of proxy-anchor with that over the root of half their number,
        those of CosFace with length 1: the same step turns these far more.
        """
        return 1.0 if self.choice.loss in ("proxy-anchor", "cosface") else 5.0

    @property
    def proxies(self) -> nn.Parameter | None:
        """(C, D) vectors of the characters that the loss learns; None: it learns none, or several of each."""
        return getattr(self.library, "proxies", None)

    @torch.no_grad()
    def begin_at(self, centres: Tensor) -> None:
        """Put the proxies at (C, D) centres of the characters."""
        if self.proxies is not None:
            self.proxies.copy_(centres)

    @property
    def reads_logits(self) -> bool:
        """Whether the rows are logits, not embeddings."""
        return self.choice.loss == "cross-entropy"

    def forward(self, rows: Tensor, labels: Tensor, remembering: bool = False) -> Loss:
        """The loss of a batch; if `remembering`, of the batch among what is remembered."""
        choice = self.choice
        references = self.memory.behind(rows, labels) if self.memory is not None and remembering else None
        margin = choice.margin or 0.0
        if choice.loss == "triplet":
            return basic.triplet(rows, labels, choice.margin, choice.mining, references)
        if choice.loss == "contrastive":
            return basic.contrastive(rows, labels, margin, choice.mining, references)
        if choice.loss == "quadruplet":
            return basic.quadruplet(rows, labels, margin, choice.mining, references)
        if choice.loss == "recall@k":
            return recall_at_k(rows, labels, choice.recall_at, references, choice.simix)
        if choice.loss == "cross-entropy":
            wrong = float((rows.argmax(dim=1) != labels).float().mean())
            apart = pairwise_distances(functional.normalize(rows.detach(), dim=1))
            return Loss(functional.cross_entropy(rows, labels), wrong, spread(apart))
        return self._library_loss(rows, labels, references)

    def remember(self, rows: Tensor, labels: Tensor) -> None:
        """Take a batch into the memory, if there is one."""
        if self.memory is not None:
            self.memory.add(rows, labels)

    def _library_loss(self, rows: Tensor, labels: Tensor, references: References | None) -> Loss:
        if self.choice.loss in ("supcon", "multi-similarity"):
            others, names = references or (rows, labels)
            positives, negatives = pairs(labels, names)
            if self.choice.loss == "multi-similarity":
                positives, negatives = multi_similarity_pairs(rows.detach() @ others.detach().T, positives, negatives)
            chosen = (*torch.nonzero(positives, as_tuple=True), *torch.nonzero(negatives, as_tuple=True))
            value = self.library(rows, labels, chosen, others, names)
        else:
            value = self.library(rows, labels)
        distances = pairwise_distances(rows.detach())
        return Loss(value, unlike(distances, labels), spread(distances))


def multi_similarity_pairs(similarities: Tensor, positives: Tensor, negatives: Tensor) -> tuple[Tensor, Tensor]:
    """The pairs that multi-similarity loss looks at.

    Wang et al. 2019, "Multi-similarity loss with general pair weighting for deep metric learning", equations 7 and 8:
    negatives more similar than the least similar positive less 0.1, positives less similar than the most similar
    negative plus 0.1.

    Parameters
    ----------
    similarities, positives, negatives : (N, M) float, bool, bool.

    Returns
    -------
    Two (N, M) bool masks.
    """
    least = similarities.masked_fill(~positives, torch.inf).amin(dim=1, keepdim=True)
    most = similarities.masked_fill(~negatives, -torch.inf).amax(dim=1, keepdim=True)
    # As the paper has it both exist; an anchor without a positive has nothing to mine its negatives by.
    both = positives.any(dim=1, keepdim=True) & negatives.any(dim=1, keepdim=True)
    return positives & both & (similarities < most + EPSILON), negatives & both & (similarities > least - EPSILON)


def _from_library(choice: Choice, classes: int, length: int) -> nn.Module:
    """The loss of pytorch-metric-learning; an empty module for our pure functions.

    Constants are those of the papers, but for the base of multi-similarity: 1 there, 0.5 in the authors' code and here.
    """
    if choice.loss == "cosface":
        return CosFace(classes, length, choice.margin or 0.0)
    names = ("multi-similarity", "supcon", "proxy-anchor", "arcface", "subcenter-arcface")
    if choice.loss not in names:
        return nn.Module()
    library = need("pytorch_metric_learning.losses", "train")
    proxies: dict[str, Any] = {"num_classes": classes, "embedding_size": length}
    margin = choice.margin or 0.0
    if choice.loss == "multi-similarity":
        return library.MultiSimilarityLoss(alpha=2, beta=50, base=0.5)
    if choice.loss == "supcon":
        return library.SupConLoss(temperature=0.1)
    if choice.loss == "proxy-anchor":
        return library.ProxyAnchorLoss(**proxies, margin=margin, alpha=32)
    if choice.loss == "arcface":
        return library.ArcFaceLoss(**proxies, margin=math.degrees(margin), scale=64)
    return library.SubCenterArcFaceLoss(**proxies, margin=math.degrees(margin), scale=64, sub_centers=3)
