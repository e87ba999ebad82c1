"""The answers to one picture."""

from __future__ import annotations

from dataclasses import dataclass

from sinonom_cli.artifacts.index import Row
from sinonom_cli.artifacts.inputs import Item


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
        return self.relevant.index(True) + 1 if self.relevant and any(self.relevant) else 0
