"""Train a network, in one phase or, by a recipe, in two: a classifier, then metric learning from its features."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.classifier import Classifier
from sinonom_cli.networks.normalised_head import make_plain
from sinonom_cli.parallel.work import cores
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.train.announce import described
from sinonom_cli.train.batches import MakeBatch
from sinonom_cli.train.class_centres import Centres
from sinonom_cli.train.config import Config
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.hardware import pick_precision
from sinonom_cli.train.loop import fit
from sinonom_cli.train.losses.registry import Criterion
from sinonom_cli.train.losses.table import Choice
from sinonom_cli.train.plan import Plan
from sinonom_cli.train.show import show_step
from sinonom_cli.train.split import Pictures
from sinonom_cli.train.start import begun_already, centres_of
from sinonom_cli.train.training import Diverged, Training
from sinonom_cli.train.validate import Validation

SECOND_RATE = 0.3
"""Learning rate of the second phase of a recipe, as a multiple of that of the first: its features have learnt."""


@dataclass(frozen=True)
class Shared:
    """What the phases of a training have in common.

    Attributes
    ----------
    make : gives the batch of a step, or this process's share of it.
    validation : None: there is none, or another process validates.
    """

    make: MakeBatch
    validation: Validation | None
    device: torch.device
    ranks: Ranks
    pictures: Pictures


def batch_makers(workers: int | None, ranks: Ranks) -> int:
    """Return the number of processes that make batches: one is fast enough for a small network on three cores."""
    return max(1, cores() // ranks.beside // 4) if workers is None else workers


def teach(config: Config, network: nn.Module, shared: Shared) -> tuple[nn.Module, dict[str, Any]]:
    """Train a network, or resume its training.

    Returns
    -------
    The network, or a classifier of it for cross-entropy, with a plain linear head; and notes for the model's record.
    """
    notes: dict[str, Any] = {}
    model: nn.Module = network
    if config.recipe:
        notes["phases"] = [_classifier_first(config, network, shared)]
        second = replace(config, steps=config.steps - config.steps // 2, lr=config.lr * SECOND_RATE)
        _one_phase(second, network, shared, config.output, "second phase: ")
        notes["phases"].append(_note(second, network, shared.validation))
    else:
        if config.loss == "cross-entropy":
            model = Classifier(network, len(shared.pictures.labels), config.head)
        _one_phase(config, model, shared, config.output)
    make_plain(model)
    return model, notes


def _classifier_first(config: Config, network: nn.Module, shared: Shared) -> dict[str, Any]:
    """Train the network as a classifier in the first half of the steps; return its note for the record."""
    folder = config.output / "resume" / "classifier"
    done = folder / "phase.json"
    if begun_already(config.output) and done.exists():  # the second phase has begun, and its checkpoint is loaded
        noted: dict[str, Any] = json.loads(done.read_text(encoding="utf-8"))
        return noted
    steps = config.steps // 2
    first = replace(
        config,
        loss="cross-entropy",
        mining="none",
        first_mining=None,
        margin=None,
        steps=steps,
        hard_classes=0.0,
        memory=0,
        recall_at=(),
        simix=False,
    )
    head = network.head
    classifier = Classifier(network, len(shared.pictures.labels), config.head)
    _one_phase(first, classifier, shared, folder, "first phase: ")
    note = _note(first, classifier, shared.validation)
    network.head = head  # ml-decoder has removed it
    if shared.ranks.first:
        write_json(done, note)
    return note


def _note(config: Config, model: nn.Module, validation: Validation | None) -> dict[str, Any]:
    """Return what the record says of a phase."""
    note: dict[str, Any] = {"loss": config.loss, "steps": config.steps, "lr": config.lr}
    if config.loss == "cross-entropy":
        note["head"] = config.head
    if validation is not None:
        note["validation"] = {name: round(score, 4) for name, score in validation(model).items()}
    return note


def _one_phase(config: Config, model: nn.Module, shared: Shared, folder: Path, phase: str = "") -> None:
    messages.say(phase + described(config))
    make, pictures, device, ranks = shared.make, shared.pictures, shared.device, shared.ranks
    classes = len(pictures.labels)
    choice = Choice(config.loss, config.mining, config.margin, config.recall_at, config.simix, config.memory)
    hard = make.sampler.hard if config.hard_classes else None
    training = Training(
        model,
        Criterion(choice, classes, config.embedding),
        plan_of(config),
        device,
        pick_precision(config.precision, device),
        ranks,
        hard,
        Centres(classes, config.embedding) if hard else None,
        config.distill,
        config.distill_loss,
        config.first_mining,
    )
    if config.weights and training.criterion.proxies is not None and not begun_already(folder):
        training.criterion.begin_at(centres_of(model, make.cells, pictures, device, training.precision, config.seed))
    workers = batch_makers(config.workers, ranks)
    validate = shared.validation.scores if shared.validation is not None else None
    # Tables of neighbours are written a hundred steps before they are needed, so batches must not be made earlier.
    try:
        fit(training, make, folder, workers=min(workers, 32) if hard else workers, validate=validate)
    except Diverged as error:
        shown = show_step(make, error.step, pictures, folder / "resume")
        raise SinonomError(f"{error.message}; its batch is in {shown}", error.hint) from error


def plan_of(config: Config) -> Plan:
    """Return the plan of a training with these options."""
    return Plan(
        steps=config.steps,
        lr=config.lr,
        weight_decay=config.weight_decay,
        seed=config.seed,
        micro_batch=config.micro_batch,
        rise=config.warm_up,
        layer_decay=config.layer_decay,
        clip=config.clip,
        ema=config.ema,
        from_start=config.resume_from is not None,
        recovers=config.recover,
    )
