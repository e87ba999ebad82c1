"""Report the progress of a training: `metrics.csv`, `curves.png`, TensorBoard events, and the remaining time."""

from __future__ import annotations

import csv
import time
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.storage.atomic import write_text
from sinonom_cli.train.curves import draw_curves, events
from sinonom_cli.train.health import Watch
from sinonom_cli.train.training import Step

METRICS_COLUMNS = (
    "step",
    "loss",
    "active",
    "spread",
    "in_order",
    "teacher",
    "lr",
    "images/s",
    "waiting",
    "val_mrr@5",
    "val_mrr@5_same_print",
)


class Figures:
    """Means of the figures of all steps since the last line of `metrics.csv`.

    Parameters
    ----------
    folder : folder of the model. Lines of its `metrics.csv` after the step that a run resumes from are removed and
        made again. Events for TensorBoard, if it is installed, go to `resume/tensorboard`.
    begun : step after which this run begins.
    steps : last step of the training.
    watch : watcher that warns when nothing is learnt.
    writes : whether this process writes TensorBoard events; of several processes only the first does.
    """

    def __init__(self, folder: Path, begun: int, steps: int, watch: Watch, writes: bool = True) -> None:
        path = folder / "metrics.csv"
        self.path, self.begun, self.steps, self.watch = path, begun, steps, watch
        self.events = events(folder / "resume" / "tensorboard", begun) if writes else None
        self.rows: list[dict[str, str]] = []
        if path.exists():
            with path.open(encoding="utf-8", newline="") as file:
                self.rows = [row for row in csv.DictReader(file) if int(row["step"]) <= begun]
        self._estimated = False
        self._waited = 0.0
        self.restart()

    def restart(self) -> None:
        """Begin a new mean and a new measurement of time."""
        self._done: list[Step] = []
        self._started = time.perf_counter()

    def add(self, step: Step) -> None:
        """Add one step to the means."""
        self._done.append(step)

    def go_back(self, step: int) -> None:
        """Remove the lines after a step from which the training goes on again."""
        self.rows = [row for row in self.rows if int(row["step"]) <= step]

    def close(self, step: int, lr: float, waited: float) -> bool:
        """Compute the means of the loss, of the speed, and of the share of time spent waiting for batches.

        Parameters
        ----------
        waited : seconds spent waiting for batches since the run began.

        Returns
        -------
        Whether the training has collapsed.
        """
        seconds, count = time.perf_counter() - self._started, len(self._done)
        value, active, spread, taught = (sum(float(done.loss[k]) for done in self._done) / count for k in range(4))
        recall = sum(done.recall for done in self._done) / count
        self.rows.append(
            {
                "step": str(step),
                "loss": f"{value:.6g}",
                "active": f"{active:.4f}",
                "spread": f"{spread:.4f}",
                "in_order": f"{recall:.4f}",
                "teacher": f"{taught:.4g}" if taught else "",
                "lr": f"{lr:.4g}",
                "images/s": f"{sum(done.pictures for done in self._done) / seconds:.1f}",
                "waiting": f"{(waited - self._waited) / seconds:.3f}",
            }
        )
        self._waited = waited
        self._estimate(step, seconds / count)
        return self.watch.look(step, value - taught, active, spread, recall, self._done[-1].chance)

    def write(self, scores: dict[str, float]) -> None:
        """Add the scores of a validation, if there was one, to the last line, and write the file."""
        self.rows[-1] |= {name: f"{score:.4f}" for name, score in scores.items()}
        lines = [
            ",".join(METRICS_COLUMNS),
            *(",".join(row.get(name, "") for name in METRICS_COLUMNS) for row in self.rows),
        ]
        write_text(self.path, "\n".join(lines) + "\n")
        row = self.rows[-1]
        if self.events is not None:
            for name, value in row.items():
                if name != "step" and value:
                    self.events.add_scalar(name.replace("@", "_at_"), float(value), int(row["step"]))
            self.events.flush()
        if scores or int(row["step"]) == self.steps:
            draw_curves(self.path.with_name("curves.png"), self.rows)
        shares = f"{float(row['active']):.0%} active, {float(row['in_order']):.0%} in order"
        text = f"step {row['step']}: loss {row['loss']}, {shares}, {row['images/s']} images/s"
        if scores:
            messages.say(f"{text}, validation MRR@5 {row['val_mrr@5']}")
        else:
            messages.detail(text)

    def _estimate(self, step: int, seconds: float) -> None:
        # The first line includes the start of the workers and the network's first, slow steps.
        if not self._estimated and len(self._done) + self.begun < step:
            self._estimated = True
            messages.say(f"{self.steps - step:,} steps to go, about {(self.steps - step) * seconds / 60:.0f} minutes")
