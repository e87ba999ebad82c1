"""Signs that a training learns nothing, each said once."""

from __future__ import annotations

from sinonom_cli import messages

COLLAPSED = 0.003
"""Mean distance between unit embeddings below which they are all but one point; unrelated ones are 1.4 apart. Hard
mining begins by drawing them together, to some 0.02, and learns from there."""
IDLE = 0.005
"""Share of pairs, triplets or pictures not yet in order below which next to nothing is learnt from a batch."""
STUCK = 0.02
"""Hardest positives as far as hardest negatives make a triplet loss of the margin: this near to it, as a share,
nothing is told apart."""
PATIENCE = 10
"""Lines of metrics, 200 steps, for which that must hold."""


class Watch:
    """Looks at every line of metrics.

    Parameters
    ----------
    stuck_at : what the loss is while hardest positives are as far as hardest negatives; None: nothing to tell by.
    warm_up : steps that are too early to judge by.
    """

    def __init__(self, stuck_at: float | None, warm_up: int) -> None:
        self.stuck_at, self.warm_up = stuck_at, warm_up
        self._lines: dict[str, int] = {}
        self._said: set[str] = set()

    def look(self, step: int, value: float, active: float, spread: float) -> None:
        """Warn, if there is reason to.

        Parameters
        ----------
        value : the loss, without a teacher's part; active, spread : as in `losses.Loss`.
        """
        later = step > self.warm_up
        stuck = later and self.stuck_at is not None and abs(value / self.stuck_at - 1) < STUCK
        signs = (
            (
                spread < COLLAPSED,
                1,
                f"the embedding has collapsed (mean distance {spread:.3f}, loss {value:.3f})",
                "a smaller --lr or, where the loss takes it, --mining batch-all",
            ),
            (
                later and active < IDLE,
                PATIENCE,
                "next to everything that the loss looks at is in order: little more is learnt",
                "a larger --batch-size or, where the loss takes them, a harder --mining or --hard-classes 0.5",
            ),
            (
                stuck,
                PATIENCE,
                f"the loss stays at {value:.3f}, where hardest pictures of a character are as far as others'",
                "a milder --mining, such as semi-hard, or a smaller --lr",
            ),
        )
        for holds, patience, what, hint in signs:
            self._lines[hint] = self._lines.get(hint, 0) + 1 if holds else 0
            if self._lines[hint] >= patience and hint not in self._said:
                self._said.add(hint)
                messages.warn(f"step {step}: {what}; try {hint}")
