"""Warn of signs that a training learns nothing, once for each sign."""

from __future__ import annotations

from sinonom_cli import messages

COLLAPSED = 0.003
"""Mean distance between embeddings of length 1 below which they are almost one point; unrelated ones are 1.4 apart.
Hard mining first draws them together, to some 0.02, and learns from there."""
IDLE = 0.005
"""Share of pairs, triplets or pictures not yet in order below which almost nothing is learnt from a batch."""
STUCK = 0.02
"""Largest relative difference between the loss and `stuck_at` at which the network separates nothing. A triplet loss
equals its margin when hardest positives are as far as hardest negatives."""
PATIENCE = 10
"""Number of lines of metrics, 200 steps, for which a sign must hold before the warning."""


class Watch:
    """Watcher of the lines of metrics.

    Parameters
    ----------
    stuck_at : value of the loss while hardest positives are as far as hardest negatives; None: it is not known.
    warm_up : number of first steps, which are too early for a judgement.
    """

    def __init__(self, stuck_at: float | None, warm_up: int) -> None:
        self.stuck_at, self.warm_up = stuck_at, warm_up
        self._lines: dict[str, int] = {}
        self._said: set[str] = set()

    def look(self, step: int, value: float, active: float, spread: float) -> None:
        """Warn if the metrics of a step show one of the signs.

        Parameters
        ----------
        value : loss without a teacher's part; active, spread : as in `basic.Loss`.
        """
        later = step > self.warm_up
        stuck = later and self.stuck_at is not None and abs(value / self.stuck_at - 1) < STUCK
        signs = (
            (
                spread < COLLAPSED,
                1,
                f"the embedding has collapsed (mean distance {spread:.3f}, loss {value:.3f})",
                "a smaller --lr or, if the loss takes it, --mining batch-all",
            ),
            (
                later and active < IDLE,
                PATIENCE,
                "almost everything that the loss compares is in order: little more is learnt",
                "a larger --batch-size or, if the loss takes them, a harder --mining or --hard-classes 0.5",
            ),
            (
                stuck,
                PATIENCE,
                f"the loss stays at {value:.3f}, where hardest positives are as far as hardest negatives",
                "a milder --mining, such as semi-hard, or a smaller --lr",
            ),
        )
        for holds, patience, what, hint in signs:
            self._lines[hint] = self._lines.get(hint, 0) + 1 if holds else 0
            if self._lines[hint] >= patience and hint not in self._said:
                self._said.add(hint)
                messages.warn(f"step {step}: {what}; try {hint}")
