"""The training loop: batches in, weights out; resumes after a kill as if nothing had happened."""

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
from sinonom_cli.storage.atomic import replacing
from sinonom_cli.train import checkpoint
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
"""Of MRR@5, a difference that some 500 queries cannot tell from none: then the later weights, learnt at a lower rate,
are taken. Judged by thousands, they were the better ones."""

Validate = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How to learn: see `Config`, whose fields these are. `validations` of them are spread over the steps."""

    steps: int
    lr: float
    weight_decay: float
    seed: int
    micro_batch: int | None = None
    validations: int = 10

    @property
    def warm_up(self) -> int:
        """Steps in which the learning rate rises: 5 % of them."""
        return max(1, self.steps // 20)

    def remembers_at(self, step: int) -> bool:
        """Whether a memory is looked at: not in the first quarter, when embeddings age too fast."""
        return step > self.steps // 4

    def lr_at(self, step: int) -> float:
        """Learning rate of a step, counted from 1: linear warm-up, then half a cosine to 1 %."""
        if step <= self.warm_up:
            return self.lr * step / self.warm_up
        done = (step - self.warm_up) / max(1, self.steps - self.warm_up)
        return self.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def logs_after(self, step: int) -> bool:
        """Whether a line of metrics follows this many steps."""
        return step % LOG_EVERY == 0 or step == self.steps

    def validates_after(self, step: int) -> bool:
        """Whether a validation follows this many steps; always where there is a line of metrics, too."""
        every = math.ceil(self.steps / self.validations / LOG_EVERY) * LOG_EVERY
        return step % every == 0 or step == self.steps


@dataclass(frozen=True)
class Training:
    """What changes as it learns, and how it learns.

    Attributes
    ----------
    model : maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32; for cross-entropy, `both` gives logits beside.
    criterion : the loss.
    precision : of the forward pass; weights and loss are float32.
    ranks : this process among those that train together.
    hard : put characters that are confused into one batch; then `centres` says which they are.
    distill, distill_loss : weight of what a teacher says, if batches bring it, and how it is compared.
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
        """What a checkpoint holds."""
        parts = {"model": self.model, "loss": self.criterion, "centres": self.centres}
        return {name: part for name, part in parts.items() if part is not None}

    def rows(self, pictures: Tensor) -> Tensor:
        """Embeddings, or logits, of (n, S, S) uint8 ink, 255 is full."""
        ink = pictures.to(self.device)[:, None].float() / 255
        with torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32):
            if self.criterion.reads_logits:
                logits: Tensor = self.model.both(ink)[1]  # type: ignore[operator]
                return logits
            embeddings: Tensor = self.model(ink)
            return embeddings

    def loss(self, rows: Tensor, labels: Tensor, taught: Tensor | None, remembering: bool) -> LossValue:
        """The loss of all processes' rows, the teacher's part included."""
        loss = self.criterion(rows, labels, remembering=remembering)
        if taught is None:
            return loss
        part = self.distill * distilled(self.distill_loss, rows, taught)
        return loss._replace(value=loss.value + part, taught=float(part.detach()))


class Diverged(SinonomError):
    """The loss or its gradient is not a number; `step` says at which step."""

    def __init__(self, step: int, loss: float, norm: float) -> None:
        what = f"step {step}: the loss is {loss}, the gradient's norm {norm}; checkpoints before it are kept"
        super().__init__(what, "a smaller --lr and --overwrite")
        self.step = step


def fit(training: Training, make: Make, folder: Path, *, workers: int, validate: Validate | None) -> None:
    """Train the model in place, from the last checkpoint if there is one; leave it with its best weights.

    The best are the last whose MRR@5 is not below the highest by more than `CHANCE`; without validation, the last. Of
    several processes only the first writes, judges, and has the best weights in the end.

    Parameters
    ----------
    make : gives the batch of a step, or this process's share of it; picklable if there are workers.
    folder : of the model; holds `metrics.csv`, `curves.png`, and `resume/` with `last.safetensors` and
        `best.safetensors`.
    workers : processes that make batches; 0: this one.

    Raises
    ------
    SinonomError
        `Diverged`, if the loss is not a number; or if the checkpoint is damaged.
    """
    plan, first = training.plan, training.ranks.first
    last, best = folder / "resume" / "last.safetensors", folder / "resume" / "best.safetensors"
    optimizer = _optimizer(training)
    progress: dict[str, Any] = {"step": 0, "best": 0.0}
    if last.exists():
        progress = checkpoint.load(last, training.parts, optimizer)
        messages.say(f"going on after step {progress['step']:,} of {plan.steps:,}")
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
                checkpoint.save(best, {"model": training.model}, None, {"step": step})
            if judged or time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                checkpoint.save(last, training.parts, optimizer, {**progress, "step": step})
                saved = time.monotonic()
                _forget_tables(training, step)
            figures.restart()
    if first:
        chosen = checkpoint.load(best, {"model": training.model}, None)
        messages.say(f"taking the weights of step {chosen['step']:,}")


def _one_step(training: Training, optimizer: torch.optim.Optimizer, batch: Batch, step: int) -> tuple[LossValue, int]:
    """Learn from one batch, or this process's share of it; return its loss and how many pictures all shares have."""
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
        seed=(plan.seed, step),  # so that a resumed run draws the same
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
    """Move the characters' centres; write the table of neighbours that is due."""
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
    """AdamW; biases, scales of normalisation and proxies are not decayed."""
    plan, learnt = training.plan, [p for p in training.model.parameters() if p.requires_grad]
    groups: list[dict[str, Any]] = [
        {"params": [p for p in learnt if p.ndim >= 2], "weight_decay": plan.weight_decay},
        {"params": [p for p in learnt if p.ndim < 2], "weight_decay": 0.0},
    ]
    if proxies := list(training.criterion.parameters()):
        groups.append({"params": proxies, "weight_decay": 0.0, "rate": training.criterion.rate})
    return torch.optim.AdamW(groups, lr=plan.lr)


def _to(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Move a restored state to where its parameters went; AdamW keeps its step counts on the CPU."""
    for entries in optimizer.state.values():
        for name, value in entries.items():
            if name != "step":
                entries[name] = value.to(device)
