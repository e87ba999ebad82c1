"""The training loop: batches in, weights out; resumes after a kill as if nothing had happened."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sinonom_cli import console
from sinonom_cli.errors import SinonomError
from sinonom_cli.train import checkpoint, losses
from sinonom_cli.train.feed import Batch, Make, feed
from sinonom_cli.train.figures import Figures

LOG_EVERY = 20
SECONDS_BETWEEN_SAVES = 120.0

Validate = Callable[[nn.Module], dict[str, float]]


@dataclass(frozen=True)
class Plan:
    """How to learn: see `Config`, whose fields these are. `validations` of them are spread over the steps."""

    steps: int
    lr: float
    weight_decay: float
    margin: float | None
    mining: str
    seed: int
    validations: int = 10

    def lr_at(self, step: int) -> float:
        """Learning rate of a step, counted from 1: linear warm-up over 5 % of the steps, then half a cosine to 1 %."""
        warm_up = max(1, self.steps // 20)
        if step <= warm_up:
            return self.lr * step / warm_up
        done = (step - warm_up) / max(1, self.steps - warm_up)
        return self.lr * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))

    def logs_after(self, step: int) -> bool:
        """Whether a line of metrics follows this many steps."""
        return step % LOG_EVERY == 0 or step == self.steps

    def validates_after(self, step: int) -> bool:
        """Whether a validation follows this many steps; always where there is a line of metrics, too."""
        every = math.ceil(self.steps / self.validations / LOG_EVERY) * LOG_EVERY
        return step % every == 0 or step == self.steps


def fit(
    model: nn.Module,
    make: Make,
    plan: Plan,
    folder: Path,
    *,
    device: torch.device,
    precision: torch.dtype,
    workers: int,
    validate: Validate | None,
) -> None:
    """Train `model` in place, from the last checkpoint if there is one; leave it with its best weights.

    The best are those of the validation with the highest MRR@5; without validation, the last.

    Parameters
    ----------
    model : maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32.
    make : gives the batch of a step; picklable if there are workers.
    folder : of the model; holds `metrics.csv`, and `resume/` with `last.safetensors` and `best.safetensors`.
    precision : of the forward pass; weights and loss are float32.
    workers : processes that make batches; 0: this one.

    Raises
    ------
    SinonomError
        If the loss is not a number, or the checkpoint is damaged.
    """
    last, best = folder / "resume" / "last.safetensors", folder / "resume" / "best.safetensors"
    optimizer = _optimizer(model, plan)
    progress: dict[str, Any] = {"step": 0, "best": 0.0}
    if last.exists():
        progress = checkpoint.load(last, model, optimizer)
        console.say(f"going on after step {progress['step']:,} of {plan.steps:,}")
    begun = progress["step"]
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _to(optimizer, device)
    figures = Figures(folder / "metrics.csv", begun, plan.steps)
    saved = time.monotonic()
    with (
        feed(make, range(begun, plan.steps), workers) as batches,
        console.progress(plan.steps - begun, "steps") as bar,
    ):
        for step, batch in enumerate(batches, begun + 1):
            figures.add(_one_step(model, optimizer, batch, plan, step, precision), len(batch.classes))
            bar.advance()
            if not plan.logs_after(step):
                continue
            figures.close(step, plan.lr_at(step), batches.waited, plan.margin)
            judged = plan.validates_after(step)
            scores = validate(model) if judged and validate else {}
            figures.write(scores)
            if judged and scores.get("val_mrr@5", 0.0) >= progress["best"]:
                progress["best"] = scores.get("val_mrr@5", 0.0)
                checkpoint.save(best, model, None, {"step": step})
            if judged or time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                checkpoint.save(last, model, optimizer, {**progress, "step": step})
                saved = time.monotonic()
            figures.restart()
    chosen = checkpoint.load(best, model, None)
    console.say(f"taking the weights of step {chosen['step']:,}")


def _one_step(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: Batch,
    plan: Plan,
    step: int,
    precision: torch.dtype,
) -> losses.Loss:
    # Dropout and the like draw from (seed, step), so that a resumed run draws the same.
    torch.manual_seed(plan.seed * 1_000_003 + step)
    for group in optimizer.param_groups:
        group["lr"] = plan.lr_at(step)
    device = next(model.parameters()).device
    pictures = torch.from_numpy(batch.pictures).to(device)[:, None].float() / 255
    classes = torch.from_numpy(batch.classes).to(device)
    model.train()
    with torch.autocast(device.type, precision, enabled=precision != torch.float32):
        embeddings = model(pictures)
    loss = losses.triplet(embeddings.float(), classes, plan.margin, plan.mining)
    optimizer.zero_grad(set_to_none=True)
    loss.value.backward()
    norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    if not (torch.isfinite(loss.value) and torch.isfinite(norm)):
        what = f"the loss is {float(loss.value.detach())}, the gradient's norm {float(norm)}"
        raise SinonomError(f"step {step}: {what}; the last checkpoint is kept", "a smaller --lr and --overwrite")
    optimizer.step()
    return losses.Loss(loss.value.detach(), loss.active, loss.spread)


def _optimizer(model: nn.Module, plan: Plan) -> torch.optim.Optimizer:
    """AdamW; biases and scales of normalisation are not decayed."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": plan.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=plan.lr)


def _to(optimizer: torch.optim.Optimizer, device: torch.device) -> None:
    """Move a restored state to where its parameters went; AdamW keeps its step counts on the CPU."""
    for entries in optimizer.state.values():
        for name, value in entries.items():
            if name != "step":
                entries[name] = value.to(device)
