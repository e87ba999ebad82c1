"""What a training shows of itself: `metrics.csv`, the time it will take, a warning when it learns nothing."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from sinonom_cli import console
from sinonom_cli.artifacts.files import write_text
from sinonom_cli.train.losses import Loss

COLUMNS = (
    "step",
    "loss",
    "active",
    "spread",
    "teacher",
    "lr",
    "images/s",
    "waiting",
    "val_mrr@5",
    "val_mrr@5_same_print",
)
COLLAPSED = 0.003
"""Mean distance between unit embeddings below which they are all but one point; unrelated ones are 1.4 apart. Hard
mining begins by drawing them together, to some 0.02, and learns from there."""


class Figures:
    """Means of the steps since the last line of `metrics.csv`.

    Parameters
    ----------
    path : the file; lines after the step that a run resumes from are cut off, and made again.
    begun : the step after which this run begins.
    steps : the last step.
    """

    def __init__(self, path: Path, begun: int, steps: int) -> None:
        self.path, self.begun, self.steps = path, begun, steps
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= begun]
        self._estimated = self._warned = False
        self._waited = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin a new mean, and a new measure of time."""
        self._losses: list[Loss] = []
        self._images = 0
        self._started = time.perf_counter()

    def add(self, loss: Loss, images: int) -> None:
        """Count one step."""
        self._losses.append(loss)
        self._images += images

    def close(self, step: int, lr: float, waited: float, margin: float | None) -> None:
        """Take the means: of the loss, of the speed, of the share of time spent waiting for batches.

        Parameters
        ----------
        waited : seconds since the run began.
        """
        seconds, count = time.perf_counter() - self._started, len(self._losses)
        value, active, spread, taught = (sum(float(loss[k]) for loss in self._losses) / count for k in range(4))
        self.rows.append(
            {
                "step": str(step),
                "loss": f"{value:.6g}",
                "active": f"{active:.4f}",
                "spread": f"{spread:.4f}",
                "teacher": f"{taught:.4g}" if taught else "",
                "lr": f"{lr:.4g}",
                "images/s": f"{self._images / seconds:.1f}",
                "waiting": f"{(waited - self._waited) / seconds:.3f}",
            }
        )
        self._waited = waited
        self._estimate(step, seconds / count)
        if spread < COLLAPSED and not self._warned:
            self._warned = True
            console.warn(
                f"step {step}: the embedding has collapsed (mean distance {spread:.3f}, loss {value:.3f} at margin "
                f"{margin or 'soft'}): try a smaller --lr or --mining batch-all"
            )

    def write(self, scores: dict[str, float]) -> None:
        """Add the scores of a validation, if there was one, to the last line, and write the file."""
        self.rows[-1] |= {name: f"{score:.4f}" for name, score in scores.items()}
        lines = [",".join(COLUMNS), *(",".join(row.get(name, "") for name in COLUMNS) for row in self.rows)]
        write_text(self.path, "\n".join(lines) + "\n")
        row = self.rows[-1]
        text = f"step {row['step']}: loss {row['loss']}, {float(row['active']):.0%} active, {row['images/s']} images/s"
        if scores:
            console.say(f"{text}, validation MRR@5 {row['val_mrr@5']}")
        else:
            console.detail(text)

    def _estimate(self, step: int, seconds: float) -> None:
        # The first line holds the start of the workers and the network's first, slow steps.
        if not self._estimated and len(self._losses) + self.begun < step:
            self._estimated = True
            console.say(f"{self.steps - step:,} steps to go, about {(self.steps - step) * seconds / 60:.0f} minutes")
