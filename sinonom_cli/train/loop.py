"""Run the training loop over batches; after a kill, a training resumes with the same result."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks import training_state
from sinonom_cli.networks.moving_average import averaged, update
from sinonom_cli.train.best import Scores, Validate, worse
from sinonom_cli.train.health import Watch
from sinonom_cli.train.metrics_log import Figures
from sinonom_cli.train.optimizer import move, optimizer_of
from sinonom_cli.train.prefetch import Batch, Make, feed
from sinonom_cli.train.progress import Progress
from sinonom_cli.train.training import Training, forget_tables, one_step

SECONDS_BETWEEN_SAVES = 120.0
MOST_RETURNS = 4
"""Number of times that a training goes back after a collapse; its learning rate is then a sixteenth."""


def fit(training: Training, make: Make, folder: Path, *, workers: int, validate: Validate | None) -> None:
    """Train the model in place, from the last checkpoint if there is one, and give it its best weights.

    The best weights are the last ones that are not worse than those with the highest MRR@5 by more than chance
    (`best.worse`); without validation, the last. With a moving average (`Plan.ema`), they are those of the average. Of
    several processes only the first writes, validates, and has the best weights in the end.

    Parameters
    ----------
    make : gives the batch of a step, or this process's share of it; it can be pickled if there are workers.
    folder : folder of the model; it holds `metrics.csv`, `curves.png`, and `resume/` with `last.safetensors`,
        `best.safetensors` and, if the plan recovers, `good.safetensors`.
    workers : number of processes that make batches; 0: this process only.
    validate : maps the model to its scores; None: there is no validation.

    Raises
    ------
    SinonomError
        `Diverged`, if the loss is not a number; another one, if the checkpoint is damaged, or if the training collapses
        again and again.
    """
    run, plan = _Run.begun(training, folder, validate), training.plan
    while run.progress.step < plan.steps:
        begun = run.progress.step
        with (
            feed(make, range(begun, plan.steps), workers) as batches,
            messages.progress(plan.steps - begun, "steps") as bar,
        ):
            for step, batch in enumerate(batches, begun + 1):
                run.learn(batch, step)
                bar.advance()
                if not (training.ranks.first and plan.logs_after(step)):
                    continue
                collapsed = run.report(step, batches.waited)
                if collapsed and plan.recovers:
                    run.go_back(step)
                    break
    if training.ranks.first:
        chosen = training_state.load(run.best, {"model": training.model}, None)
        messages.say(f"taking the weights of step {chosen['step']:,}")


@dataclass
class _Run:
    """Parts of one run of `fit`; `parts` are the modules that a checkpoint holds."""

    training: Training
    folder: Path
    optimizer: torch.optim.Optimizer
    parts: dict[str, nn.Module]
    progress: Progress
    figures: Figures
    average: nn.Module | None
    validate: Validate | None
    saved: float

    @staticmethod
    def begun(training: Training, folder: Path, validate: Validate | None) -> _Run:
        """Resume from the last checkpoint if there is one, else begin."""
        plan, criterion = training.plan, training.criterion
        optimizer = optimizer_of(
            training.model,
            list(criterion.parameters()),
            plan.lr,
            plan.weight_decay,
            plan.layer_decay,
            criterion.rate,
        )
        average = averaged(training.model) if plan.ema else None
        parts = training.parts | ({"average": average} if average is not None else {})
        progress, last = Progress(), folder / "resume" / "last.safetensors"
        if last.exists():
            progress = Progress.of(training_state.load(last, parts, optimizer))
            messages.say(f"resuming after step {progress.step:,} of {plan.steps:,}")
        for part in parts.values():
            part.to(training.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        move(optimizer, training.device)
        watch = Watch(criterion.stuck_at, plan.warm_up, plan.recovers, progress.signs)
        figures = Figures(folder, progress.step, plan.steps, watch, training.ranks.first)
        run = _Run(training, folder, optimizer, parts, progress, figures, average, validate, time.monotonic())
        if progress.step == 0 and training.ranks.first:
            run.keep_start()
        return run

    @property
    def kept(self) -> nn.Module:
        """Return the network that is validated and kept."""
        return self.training.model if self.average is None else self.average

    @property
    def best(self) -> Path:
        """Return the file of the best weights."""
        return self.folder / "resume" / "best.safetensors"

    @property
    def good(self) -> Path:
        """Return the file of the last state without a sign of a collapse."""
        return self.folder / "resume" / "good.safetensors"

    def keep_start(self) -> None:
        """Validate and keep what there is before the first step, if the plan asks for it."""
        if self.training.plan.from_start and self.validate:
            scores = self.validate(self.kept)
            messages.say(f"before the first step: validation MRR@5 {scores.mrr:.4f}")
            self._judge(scores, 0)
        if self.training.plan.recovers:
            self._save(self.good)

    def learn(self, batch: Batch, step: int) -> None:
        """Learn from the batch of a step."""
        criterion, progress = self.training.criterion, self.progress
        mining = progress.mining(self.training)
        if mining != criterion.mining:
            criterion.mine(mining)
            messages.say(f"step {step:,}: the mining is {mining}")
            self.figures.watch.stuck_at = criterion.stuck_at
        done = one_step(self.training, self.optimizer, batch, step, progress.ease)
        if self.average is not None:
            update(self.average, self.training.model, self.training.plan.ema, step)
        progress.learnt(self.training, step, done.recall)
        self.figures.add(done)

    def report(self, step: int, waited: float) -> bool:
        """Write a line of metrics, and validate and save if it is time; return whether the training has collapsed."""
        plan = self.training.plan
        collapsed = self.figures.close(step, plan.lr_at(step) * self.progress.ease, waited)
        judged = plan.validates_after(step)
        scores = self.validate(self.kept) if judged and self.validate else Scores({})
        self.figures.write(scores.values)
        if judged:
            self._judge(scores, step)
        if plan.keeps_after(step) and not self.figures.watch.suspects:
            self._save(self.good)
        if judged or time.monotonic() - self.saved > SECONDS_BETWEEN_SAVES:
            self._save(self.folder / "resume" / "last.safetensors")
            self.saved = time.monotonic()
            if not plan.recovers:  # a training that goes back needs old tables again
                forget_tables(self.training, step)
        self.figures.restart()
        return collapsed

    def go_back(self, step: int) -> None:
        """Return to the last good state, from where the training goes on milder.

        Raises
        ------
        SinonomError
            If it has gone back too often.
        """
        eased = self.progress.eased + 1
        if eased > MOST_RETURNS:
            raise SinonomError(
                f"step {step}: the training has collapsed {eased} times, each time with half the learning rate",
                "another --loss such as cosface, or --weights; then --overwrite",
            )
        noted = training_state.load(self.good, self.parts, self.optimizer)
        move(self.optimizer, self.training.device)
        best, reciprocal = self.progress.best, self.progress.reciprocal
        watch = self.figures.watch
        watch.forget()
        self.progress = replace(
            Progress.of(noted), best=best, reciprocal=reciprocal, eased=eased, signs=watch.signs, recall=0.0
        )
        mining = self.progress.mining(self.training)
        messages.say(
            f"going back to step {self.progress.step:,}; the learning rate is halved"
            + (f", the mining is {mining}" if mining != "none" else "")
        )
        self.figures.go_back(self.progress.step)
        self._save(self.good)
        self._save(self.folder / "resume" / "last.safetensors")

    def _judge(self, scores: Scores, step: int) -> None:
        """Keep the weights unless they are worse than the best."""
        progress = self.progress
        if worse(scores.reciprocal, np.array(progress.reciprocal)):
            return
        if scores.mrr >= progress.best:
            progress.best, progress.reciprocal = scores.mrr, scores.reciprocal.tolist()
        training_state.save(self.best, {"model": self.kept}, None, {"step": step})

    def _save(self, path: Path) -> None:
        training_state.save(path, self.parts, self.optimizer, self.progress.as_json())
