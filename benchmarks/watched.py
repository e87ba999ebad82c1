"""Run a training that is stopped as soon as its validation is good enough, and count its processor time."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

LOOKS_EVERY = 2.0
"""Seconds between two looks at the metrics of a training."""
INTERRUPTED = 130
"""Exit code of a command that was interrupted; a training then resumes from its last checkpoint."""


@dataclass(frozen=True)
class Watched:
    """How far a training came.

    Attributes
    ----------
    step : last step that was validated.
    score : MRR@5 of that validation.
    stopped : whether the training was stopped there, because the score was good enough.
    seconds : processor seconds of all runs of this training with start, workers and validations; None: a run was
        killed, and its processor time is not known.
    """

    step: int
    score: float
    stopped: bool
    seconds: float | None


def train_until(command: list[str], model: Path, at_least: float | None) -> Watched:
    """Run a training, or resume it, until it ends or a validation reaches `at_least`.

    Parameters
    ----------
    command : the training's command line; it writes the folder `model`.
    at_least : MRR@5 that is good enough; None: the training runs to its end.

    Raises
    ------
    SystemExit
        If the training fails.
    """
    spent = model.with_name(f"{model.name}.seconds.json")
    before: float | None = json.loads(spent.read_text(encoding="utf-8")) if model.exists() and spent.exists() else 0.0
    spent.parent.mkdir(parents=True, exist_ok=True)
    spent.write_text("null", encoding="utf-8")  # stands there until this run's time is known
    used = _children()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as nohup and & leave it; the training would inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(command, start_new_session=True)
    try:
        stopped = _watch(process, model, at_least)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
        code = process.wait()
        seconds = None if before is None else before + _children() - used
        spent.write_text(json.dumps(seconds), encoding="utf-8")
    if code not in ((0, INTERRUPTED) if stopped else (0,)):
        sys.exit(f"{' '.join(command)}: exit code {code}")
    step, score = validations(model)[-1]
    return Watched(step, score, stopped, seconds)


def _watch(process: subprocess.Popen[bytes], model: Path, at_least: float | None) -> bool:
    """Wait until a training ends or is good enough; return whether it is good enough and still runs."""
    while process.poll() is None:
        time.sleep(LOOKS_EVERY)
        seen = validations(model)
        if at_least is not None and seen and seen[-1][1] >= at_least:
            return process.poll() is None
    return False


def validations(model: Path) -> list[tuple[int, float]]:
    """Return the steps at which a training was validated, and their MRR@5."""
    metrics = model / "metrics.csv"
    if not metrics.exists():
        return []
    with metrics.open(encoding="utf-8", newline="") as file:
        return [(int(line["step"]), float(line["val_mrr@5"])) for line in csv.DictReader(file) if line["val_mrr@5"]]


def _children() -> float:
    """Return the processor seconds of this process's children that have ended, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
