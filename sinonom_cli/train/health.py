"""Warn of signs that a training learns nothing, once for each sign, and say when it has collapsed."""

from __future__ import annotations

from sinonom_cli import messages

COLLAPSED = 0.003
"""Mean distance between embeddings of length 1 below which they are almost one point; unrelated ones are 1.4 apart.
Hard mining first draws them together, to some 0.02, and learns from there."""
VANISHING = 0.1
"""Mean distance below which embeddings may be on their way to one point."""
IDLE = 0.005
"""Share of pairs, triplets or pictures not yet in order below which almost nothing is learnt from a batch."""
STUCK = 0.02
"""Largest relative difference between the loss and `stuck_at` at which the network separates nothing. A triplet loss
equals its margin when hardest positives are as far as hardest negatives."""
CHANCE = 2.0
"""Share of a batch in order, as a multiple of that of random embeddings and a hundredth more, up to which a network
finds nothing."""
PATIENCE = 10
"""Number of lines of metrics, 200 steps, for which a sign must hold before the warning."""
SOON = 6
"""The same of a collapse, 120 steps, so that it is noticed within 200 steps after it began."""


class Watch:
    """Watcher of the lines of metrics.

    Parameters
    ----------
    stuck_at : value of the loss while hardest positives are as far as hardest negatives; None: it is not known. It
        changes with the mining.
    warm_up : number of first steps, which are too early for a judgement.
    recovers : whether the training recovers by itself, so that a collapse needs no advice.
    signs : for how many lines each sign has held, from a checkpoint.
    """

    def __init__(
        self, stuck_at: float | None, warm_up: int, recovers: bool = False, signs: dict[str, int] | None = None
    ) -> None:
        self.stuck_at, self.warm_up, self.recovers = stuck_at, warm_up, recovers
        self.signs: dict[str, int] = signs if signs is not None else {}
        self._said: set[str] = set()

    def look(
        self, step: int, value: float, active: float, spread: float, recall: float = 1.0, chance: float = 0.0
    ) -> bool:
        """Warn if the metrics of a step show one of the signs; return whether the training has collapsed.

        Parameters
        ----------
        value : loss without a teacher's part; active, spread : as in `basic.Loss`.
        recall, chance : share of the batches that is in order, and that of random embeddings, see `training.Step`.
        """
        later = step > self.warm_up
        stuck = self.stuck_at is not None and abs(value / self.stuck_at - 1) < STUCK
        blind = recall < CHANCE * chance + 0.01
        points = f"mean distance {spread:.3f}, loss {value:.3f}, {recall:.0%} of a batch in order"
        milder = "--recover, or a smaller --lr and, if the loss takes it, --mining batch-all"
        collapsed = self._holds("point", spread < COLLAPSED, 1) or self._holds(
            "blind", blind and (stuck or spread < VANISHING), SOON
        )
        if collapsed:
            self._say("collapsed", step, f"the embedding has collapsed ({points})", "" if self.recovers else milder)
        if self._holds("idle", later and active < IDLE, PATIENCE):
            what = "almost everything that the loss compares is in order: little more is learnt"
            hint = "a larger --batch-size or, if the loss takes them, a harder --mining or --hard-classes 0.5"
            self._say("idle", step, what, hint)
        if self._holds("stuck", later and stuck, PATIENCE) and not collapsed:
            what = f"the loss stays at {value:.3f}, where hardest positives are as far as hardest negatives"
            self._say("stuck", step, what, "a milder --mining, such as semi-hard, or a smaller --lr")
        return collapsed

    @property
    def suspects(self) -> bool:
        """Return whether the last line showed a sign of a collapse."""
        return bool(self.signs.get("point") or self.signs.get("blind"))

    def forget(self) -> None:
        """Begin to count anew, after the training has gone back."""
        self.signs.clear()
        self._said.clear()

    def _holds(self, sign: str, now: bool, patience: int) -> bool:
        """Count for how many lines a sign has held; return whether they are enough."""
        self.signs[sign] = self.signs.get(sign, 0) + 1 if now else 0
        return self.signs[sign] >= patience

    def _say(self, sign: str, step: int, what: str, hint: str) -> None:
        if sign not in self._said:
            self._said.add(sign)
            messages.warn(f"step {step}: {what}" + (f"; try {hint}" if hint else ""))
