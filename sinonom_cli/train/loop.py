"""Run the training loop over batches; after a kill, a training resumes with the same result."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks import training_state
from sinonom_cli.storage.atomic import replacing
from sinonom_cli.train.class_centres import Centres
from sinonom_cli.train.distill import as_tensor, distilled
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.gradient_cache import accumulate, agree
from sinonom_cli.train.health import Watch
from sinonom_cli.train.losses.basic import LossValue
from sinonom_cli.train.losses.registry import Criterion
from sinonom_cli.train.metrics_log import Figures
from sinonom_cli.train.prefetch import Batch, Make, feed
from sinonom_cli.train.sampler import HardClasses

LOG_EVERY = 20
SECONDS_BETWEEN_SAVES = 120.0
CHANCE = 0.005
"""Difference of MRR@5 that is too small for some 500 queries to show. Within it the later weights, learnt at a lower
rate, are taken; thousands of queries showed that these were the better ones."""

Validate = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Plan of a training; for the fields see `Config`. `validations` is the number of validations over all steps."""

    steps: int
    lr: float
    weight_decay: float
    seed: int
    micro_batch: int | None = None
    validations: int = 10

    @property
    def warm_up(self) -> int:
        """Return the number of steps in which the learning rate rises: 5 % of all."""
        return max(1, self.steps // 20)

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


@dataclass(frozen=True)
class Training:
    """State of a training, and the way it learns.

    Attributes
    ----------
    model : maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32; for cross-entropy, its `both` adds logits.
    criterion : the loss.
    precision : number type of the forward pass; weights and loss are float32.
    ranks : number of this process among those that train together.
    hard : puts characters that are confused into one batch; `centres` then shows which they are.
    distill, distill_loss : weight of the teacher's part of the loss, if batches have answers, and the way to compare.
    """

    model: nn.Module
    criterion: Criterion
    plan: Plan
    device: torch.device
    precision: torch.dtype = torch.float32
    ranks: Ranks = field(default_factory=Ranks)
    hard: HardClasses | None = None
    centres: Centres | None = None
    distill: float = 1.0
    distill_loss: str = "similarity"

    @property
    def parts(self) -> dict[str, nn.Module]:
        """Return the modules that a checkpoint holds."""
        parts = {"model": self.model, "loss": self.criterion, "centres": self.centres}
        return {name: part for name, part in parts.items() if part is not None}

    def rows(self, pictures: Tensor) -> Tensor:
        """Return the embeddings, or logits, of (n, S, S) uint8 ink, 255 = full ink."""
        ink = pictures.to(self.device)[:, None].float() / 255
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            if self.criterion.reads_logits:
                logits: Tensor = self.model.both(ink)[1]  # type: ignore[operator]
                return logits
            embeddings: Tensor = self.model(ink)
            return embeddings

    def loss(self, rows: Tensor, labels: Tensor, taught: Tensor | None, remembering: bool) -> LossValue:
        """Return the loss of all processes' rows, including the teacher's part."""
        loss = self.criterion(rows, labels, remembering=remembering)
        if taught is None:
            return loss
        part = self.distill * distilled(self.distill_loss, rows, taught)
        return loss._replace(value=loss.value + part, taught=float(part.detach()))


class Diverged(SinonomError):
    """Error of a training whose loss or gradient is not a number; `step` is the step where it happened."""

    def __init__(self, step: int, loss: float, norm: float) -> None:
        what = f"step {step}: the loss is {loss}, the gradient's norm {norm}; checkpoints before it are kept"
        super().__init__(what, "give a smaller --lr and --overwrite")
        self.step = step


def fit(training: Training, make: Make, folder: Path, *, workers: int, validate: Validate | None) -> None:
    """Train the model in place, from the last checkpoint if there is one, and give it its best weights.

    The best weights are the last ones whose MRR@5 is not more than `CHANCE` below the highest; without validation, the
    last. Of several processes only the first writes, validates, and has the best weights in the end.

    Parameters
    ----------
    make : gives the batch of a step, or this process's share of it; it can be pickled if there are workers.
    folder : folder of the model; it holds `metrics.csv`, `curves.png`, and `resume/` with `last.safetensors` and
        `best.safetensors`.
    workers : number of processes that make batches; 0: this process only.
    validate : maps the model to its scores; None: there is no validation.

    Raises
    ------
    SinonomError
        `Diverged`, if the loss is not a number; another one, if the checkpoint is damaged.
    """
    plan, first = training.plan, training.ranks.first
    last, best = folder / "resume" / "last.safetensors", folder / "resume" / "best.safetensors"
    optimizer = _optimizer(training)
    progress: dict[str, Any] = {"step": 0, "best": 0.0}
    if last.exists():
        progress = training_state.load(last, training.parts, optimizer)
        messages.say(f"resuming after step {progress['step']:,} of {plan.steps:,}")
    begun = progress["step"]
    for part in training.parts.values():
        part.to(training.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _to(optimizer, training.device)
    figures = Figures(folder, begun, plan.steps, Watch(training.criterion.stuck_at, plan.warm_up), first)
    saved = time.monotonic()
    with (
        feed(make, range(begun, plan.steps), workers) as batches,
        messages.progress(plan.steps - begun, "steps") as bar,
    ):
        for step, batch in enumerate(batches, begun + 1):
            loss, count = _one_step(training, optimizer, batch, step)
            figures.add(loss, count)
            bar.advance()
            if not (first and plan.logs_after(step)):
                continue
            figures.close(step, plan.lr_at(step), batches.waited)
            judged = plan.validates_after(step)
            scores = validate(training.model) if judged and validate else {}
            figures.write(scores)
            if judged and scores.get("val_mrr@5", 0.0) >= progress["best"] - CHANCE:
                progress["best"] = max(progress["best"], scores.get("val_mrr@5", 0.0))
                training_state.save(best, {"model": training.model}, None, {"step": step})
            if judged or time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                training_state.save(last, training.parts, optimizer, {**progress, "step": step})
                saved = time.monotonic()
                _forget_tables(training, step)
            figures.restart()
    if first:
        chosen = training_state.load(best, {"model": training.model}, None)
        messages.say(f"taking the weights of step {chosen['step']:,}")


def _one_step(training: Training, optimizer: torch.optim.Optimizer, batch: Batch, step: int) -> tuple[LossValue, int]:
    """Learn from one batch, or this process's share; return the loss and the number of pictures in all shares."""
    plan, criterion, ranks = training.plan, training.criterion, training.ranks
    for group in optimizer.param_groups:
        group["lr"] = plan.lr_at(step) * group.get("rate", 1.0)
    labels = ranks.gather(torch.from_numpy(batch.classes).to(training.device))
    taught = None if batch.taught is None else ranks.gather(as_tensor(batch.taught).to(training.device))
    training.model.train()
    optimizer.zero_grad(set_to_none=True)
    loss, rows = accumulate(
        training.model,
        training.rows,
        torch.from_numpy(batch.pictures),
        lambda every: training.loss(every, labels, taught, remembering=plan.remembers_at(step)),
        micro=plan.micro_batch,
        seed=(plan.seed, step),  # a resumed run draws the same numbers
        ranks=ranks,
    )
    agree(training.model, criterion, ranks)
    norm = nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
    if not (torch.isfinite(loss.value) and torch.isfinite(norm)):
        raise Diverged(step, float(loss.value), float(norm))
    optimizer.step()
    criterion.remember(rows, labels)
    _look_for_neighbours(training, rows, labels, step)
    return loss, len(labels)


def _look_for_neighbours(training: Training, rows: Tensor, labels: Tensor, step: int) -> None:
    """Update the characters' centres, and write the table of neighbours if one is due."""
    centres, hard = training.centres, training.hard
    if centres is None or hard is None:
        return
    centres.add(rows, labels)
    number = hard.written_after(step)
    if number is not None and training.ranks.first:
        with replacing(hard.path(number)) as temporary:
            np.save(temporary, centres.neighbours(hard.width).cpu().numpy())


def _forget_tables(training: Training, step: int) -> None:
    """Delete tables that no batch after the checkpoint of this step needs."""
    if training.hard is None:
        return
    for path in training.hard.folder.glob("neighbours-*.npy"):
        if int(path.stem.split("-")[1]) < step // training.hard.every - 1:
            path.unlink()


def _optimizer(training: Training) -> torch.optim.Optimizer:
    """Return AdamW with no weight decay of biases, scales of normalisation and proxies."""
    plan, learnt = training.plan, [p for p in training.model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learnt if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
    ]
    if proxies := list(training.criterion.parameters()):
        groups.append({"params": proxies, "weight_decay": 0.0, "rate": training.criterion.rate})
    return torch.optim.AdamW(groups, lr=plan.lr)


def _to(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Move a restored state to the device of its parameters; AdamW keeps its step counts on the CPU."""
    for entries in optimizer.state.values():
        for name, value in entries.items():
            if name != "step":
                entries[name] = value.to(device)
