"""Hold the parts of a training, and learn from one batch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.atomic import replacing
from sinonom_cli.train.class_centres import Centres
from sinonom_cli.train.distill import as_tensor, distilled
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.gradient_cache import accumulate, agree
from sinonom_cli.train.losses.basic import LossValue, pairwise_distances, unlike
from sinonom_cli.train.losses.registry import Criterion
from sinonom_cli.train.plan import Plan
from sinonom_cli.train.prefetch import Batch
from sinonom_cli.train.sampler import HardClasses

SOME = 512
"""Number of pictures of a batch whose nearest neighbours are looked for; more would cost time and show no more."""


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
    first_mining : mining with which the training begins; None: that of the criterion.
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
    first_mining: str | None = None

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


@dataclass(frozen=True)
class Step:
    """Result of one step: its loss, the number of pictures in all shares, and how well the batch was in order.

    `recall` is the share of the batch's pictures, 0 to 1, whose nearest other one shows the same character; of a
    classifier, the share that it names right. `chance` is the same of random embeddings.
    """

    loss: LossValue
    pictures: int
    recall: float
    chance: float


class Diverged(SinonomError):
    """Error of a training whose loss or gradient is not a number; `step` is the step where it happened."""

    def __init__(self, step: int, loss: float, norm: float) -> None:
        what = f"step {step}: the loss is {loss}, the gradient's norm {norm}; checkpoints before it are kept"
        super().__init__(what, "give a smaller --lr and --overwrite")
        self.step = step


def one_step(training: Training, optimizer: torch.optim.Optimizer, batch: Batch, step: int, ease: float = 1.0) -> Step:
    """Learn from one batch, or this process's share.

    Parameters
    ----------
    step : number of the step, counted from 1.
    ease : factor of the learning rate.

    Raises
    ------
    Diverged
        If the loss or the gradient is not a number.
    """
    plan, criterion, ranks = training.plan, training.criterion, training.ranks
    for group in optimizer.param_groups:
        group["lr"] = plan.lr_at(step) * group.get("rate", 1.0) * ease
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
    norm = nn.utils.clip_grad_norm_(training.model.parameters(), plan.clip)
    if not (torch.isfinite(loss.value) and torch.isfinite(norm)):
        raise Diverged(step, float(loss.value), float(norm))
    optimizer.step()
    criterion.remember(rows, labels)
    _look_for_neighbours(training, rows, labels, step)
    return Step(loss, len(labels), *_order(training, loss, rows, labels))


def _order(training: Training, loss: LossValue, rows: Tensor, labels: Tensor) -> tuple[float, float]:
    """Return the share of a batch that is in order, and that of random embeddings."""
    if training.criterion.reads_logits:
        return 1 - loss.active, 1 / rows.shape[1]
    some, names = functional.normalize(rows[:SOME], dim=1), labels[:SOME]
    positives = float((names[:, None] == names[None, :]).float().mean()) * len(names) - 1
    return 1 - unlike(pairwise_distances(some), names), positives / max(1, len(names) - 1)


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


def forget_tables(training: Training, step: int) -> None:
    """Delete tables of neighbours that no batch after the checkpoint of this step needs."""
    if training.hard is None:
        return
    for path in training.hard.folder.glob("neighbours-*.npy"):
        if int(path.stem.split("-")[1]) < step // training.hard.every - 1:
            path.unlink()
