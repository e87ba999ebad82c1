"""Measure how well a network in training finds held-out reliefs by held-out prints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sinonom_cli.search.metrics import mrr_at, ranks_by_distance, reciprocal_at
from sinonom_cli.train.augment import views
from sinonom_cli.train.best import Scores
from sinonom_cli.train.prepared_pictures import Cells
from sinonom_cli.train.split import Pictures, Trial, trial

BATCH = 256
DIGITS = 6
"""Number of significant decimal places of a dot product of float32 vectors of length 1."""


@dataclass(frozen=True)
class Validation:
    """Trial with its pictures: a gallery (M, S, S) of reliefs and queries (Q, S, S) of prints, uint8 ink."""

    trial: Trial
    gallery: NDArray[np.uint8]
    queries: NDArray[np.uint8]

    @staticmethod
    def of(pictures: Pictures, cells: Cells, seed: int) -> Validation | None:
        """Make reliefs and prints of held-out pictures, the same each time; return None if there are too few."""
        task = trial(pictures)
        if len(task.gallery) < 2:
            return None
        gallery, queries = (cells[pictures.cells[rows]] for rows in (task.gallery, task.queries))
        rng = np.random.default_rng([seed, 0x76616C])  # no step's generator has this second word
        reliefs = views(gallery, np.ones(len(gallery), bool), rng)
        return Validation(task, reliefs, views(queries, np.zeros(len(queries), bool), rng))

    def __call__(self, model: nn.Module) -> dict[str, float]:
        """Return the scores of a network.

        Returns
        -------
        `val_mrr@5`: MRR@5 of queries that show another picture than the relief was made from, or of all queries if
        there are none such. `val_mrr@5_same_print`: MRR@5 of the other queries.
        """
        return self.scores(model).values

    def scores(self, model: nn.Module) -> Scores:
        """Return the scores of a network, and the reciprocal ranks of the queries of `val_mrr@5`."""
        gallery, queries = embed(model, self.gallery), embed(model, self.queries)
        # Embeddings have length 1, so the nearest have the greatest dot product. Products that differ only by rounding
        # count as equal, and ties get the worst rank: a network with the same embedding for all pictures finds nothing.
        likeness = np.round(queries.astype(np.float64) @ gallery.T.astype(np.float64), DIGITS)
        ranks = ranks_by_distance(-likeness, self.trial.answers[:, None] == np.arange(len(gallery)))
        same = self.trial.same
        other = ~same if not same.all() else same
        values = {"val_mrr@5": mrr_at(ranks[other], 5), "val_mrr@5_same_print": mrr_at(ranks[same], 5)}
        return Scores(values, reciprocal_at(ranks[other], 5))


@torch.no_grad()
def embed(model: nn.Module, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Embed (N, S, S) uint8 ink, 255 = full ink, in evaluation mode; return (N, D) float32 of length 1."""
    model.eval()
    device = next(iter(model.state_dict().values())).device  # a discriminant has no parameters
    parts = [
        model(torch.from_numpy(pictures[i : i + BATCH]).to(device)[:, None].float() / 255).cpu().numpy()
        for i in range(0, len(pictures), BATCH)
    ]
    embeddings = np.concatenate(parts)
    return embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-12)
