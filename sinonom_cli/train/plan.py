"""Plan a training: its steps, its learning rate, and when it validates."""

from __future__ import annotations

import math
from dataclasses import dataclass

LOG_EVERY = 20
"""Number of steps of a line of metrics."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan of a training; for the fields see `Config`.

    Attributes
    ----------
    rise : share of the steps in which the learning rate rises, `Config.warm_up`.
    validations : number of validations over all steps.
    from_start : whether the weights are also validated before the first step, because they have learnt before.
    recovers : whether good weights are kept, and a training that collapses goes back to them.
    """

    steps: int
    lr: float
    weight_decay: float
    seed: int
    micro_batch: int | None = None
    rise: float = 0.05
    layer_decay: float = 1.0
    clip: float = 1.0
    ema: float = 0.0
    validations: int = 10
    from_start: bool = False
    recovers: bool = False

    @property
    def warm_up(self) -> int:
        """Return the number of steps in which the learning rate rises."""
        return max(1, math.floor(self.steps * self.rise + 1e-9))

    def remembers_at(self, step: int) -> bool:
        """Return whether a memory is used: in the first quarter it is not, since embeddings change too fast there."""
        return step > self.steps // 4

    def lr_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 1: linear warm-up, then half a cosine to 1 %."""
        if step <= self.warm_up:
            return self.lr * step / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def logs_after(self, step: int) -> bool:
        """Return whether a line of metrics follows after `step` steps."""
        return step % LOG_EVERY == 0 or step == self.steps

    def validates_after(self, step: int) -> bool:
        """Return whether a validation follows after `step` steps; a line of metrics follows there, too."""
        every = math.ceil(self.steps / self.validations / LOG_EVERY) * LOG_EVERY
        return step % every == 0 or step == self.steps

    def keeps_after(self, step: int) -> bool:
        """Return whether good weights are kept after `step` steps, for a recovery; a line of metrics follows there."""
        return self.recovers and step % (5 * LOG_EVERY) == 0
