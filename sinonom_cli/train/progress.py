"""Hold how far a training is: what a checkpoint notes beside the weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from sinonom_cli.train.training import Training

IN_ORDER = 0.25
"""Share of a batch that must be nearest to its own character before hard mining begins; see docs/training.md."""
FORGET = 0.9
"""Decay of the mean of that share over the steps."""
MILDER = {"batch-hard": "semi-hard", "distance-weighted": "semi-hard", "semi-hard": "batch-all"}


@dataclass
class Progress:
    """Progress of a training; all fields are JSON types.

    Attributes
    ----------
    step : number of steps done.
    best, reciprocal : highest MRR@5 of the validations, and the reciprocal rank of each of its queries.
    recall : moving mean of the share of a batch that is in order.
    hardened : whether the mining is the hard one that was asked for.
    eased : number of times that the training has gone back after a collapse.
    signs : how long each sign of `health.Watch` has held.
    """

    step: int = 0
    best: float = 0.0
    reciprocal: list[float] = field(default_factory=list)
    recall: float = 0.0
    hardened: bool = False
    eased: int = 0
    signs: dict[str, int] = field(default_factory=dict)

    @staticmethod
    def of(noted: Mapping[str, Any]) -> Progress:
        """Return the progress that a checkpoint notes; checkpoints of earlier versions note less."""
        known = {each.name for each in fields(Progress)}
        return Progress(**{name: value for name, value in noted.items() if name in known})

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON types."""
        return asdict(self)

    @property
    def ease(self) -> float:
        """Return the factor of the learning rate."""
        return 0.5**self.eased

    def learnt(self, training: Training, step: int, recall: float) -> None:
        """Note a step, and begin the hard mining if batches are in order or half of the steps are done."""
        self.step = step
        self.recall = FORGET * self.recall + (1 - FORGET) * recall
        if not self.hardened and (self.recall >= IN_ORDER or 2 * step >= training.plan.steps):
            self.hardened = True

    def mining(self, training: Training) -> str:
        """Return the mining of the next step."""
        choice = training.criterion.choice
        if training.first_mining and not self.hardened:
            return training.first_mining
        mining = choice.mining
        for _ in range(self.eased):
            mining = milder(mining, training)
        return mining


def milder(mining: str, training: Training) -> str:
    """Return the next milder mining that the loss takes, or the same one if there is none."""
    takes, soft = training.criterion.entry.mining, training.criterion.choice.margin is None
    after = MILDER.get(mining, mining)
    if after == "semi-hard" and (soft or after not in takes):
        after = MILDER[after]
    return after if after in takes else mining
