"""The answers to one picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sinonom_cli.artifacts.index import Row
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.models.metrics import first_relevant_rank


@dataclass(frozen=True)
class Answer:
    """The answers to one picture, nearest first, at least as many as the metrics need.

    `relevant` is None where the truth does not speak of the picture.
    """

    item: Item
    rows: list[Row]
    distances: list[float]
    relevant: list[bool] | None

    @property
    def rank(self) -> int:
        """Rank of the first relevant answer, from 1; 0: none."""
        return 0 if self.relevant is None else int(first_relevant_rank(np.array([self.relevant], bool))[0])
