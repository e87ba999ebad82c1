"""Make a model: from image sets, through one of the ways to learn, to the files on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from sinonom_cli import console
from sinonom_cli.artifacts.artifact import Artifact, begin
from sinonom_cli.artifacts.files import sweep
from sinonom_cli.artifacts.imageset import ImageSet, read_imageset
from sinonom_cli.artifacts.journal import write_failures
from sinonom_cli.artifacts.model import write_model
from sinonom_cli.artifacts.workers import cores
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.export import export_onnx
from sinonom_cli.models.preprocess import VERSION
from sinonom_cli.train.augment import views
from sinonom_cli.train.cache import Cells, default_folder, fill_cache
from sinonom_cli.train.config import Config, find_sets
from sinonom_cli.train.data import Pictures, Sampler, gather, listed
from sinonom_cli.train.feed import Batch
from sinonom_cli.train.lda import LdaConfig, fit_lda
from sinonom_cli.train.loop import Plan, fit
from sinonom_cli.train.network import build, pick_device, pick_precision
from sinonom_cli.train.validate import Validation


@dataclass(frozen=True)
class MakeBatch:
    """Batch of a step: prints and reliefs of P characters; picklable, and the same in every process."""

    sampler: Sampler
    seed: int
    positions: NDArray[np.int64]
    classes: NDArray[np.int64]
    cells: Cells

    def __call__(self, step: int) -> Batch:
        rows = self.sampler.batch(step)
        # Pictures of a class come in random order, so every other one is a random half of them.
        relief = np.arange(len(rows)) % 2 == 1
        rng = np.random.default_rng([self.seed, 1, step])
        pictures = self.cells[self.positions[rows]]
        return Batch(views(pictures, relief, rng), self.classes[rows])


def run(config: Config) -> Artifact:
    """Train as asked, or go on with it, or find it done.

    Returns
    -------
    The finished model's artifact.

    Raises
    ------
    SinonomError
        Among others: no sets, sets that cannot train, an output in the way, a loss that is not a number.
    """
    # Whatever --workers is: with another number of threads sums are added in another order.
    torch.set_num_threads(config.threads or max(1, cores() - _makers(None)))
    device = pick_device(config.device)
    whole = [read_imageset(path) for path in find_sets(config.data)]
    sets = [replace(images, pictures=images.pictures[: config.limit]) for images in whole]
    gather(sets, config.seed, config.val)  # refuses what cannot train before anything is written
    torch.manual_seed(config.seed)
    model = build(config.backbone, config.embedding, config.size) if config.loss == "triplet" else None
    artifact = _begin(config, sets)
    if artifact.state == "complete":
        console.say(f"{config.output} is complete: nothing to do")
        return artifact
    folder = (config.cache or default_folder()) / "pictures"
    cells = fill_cache(folder, whole, config.size, config.workers, config.limit, again=artifact.state == "new")
    pictures = gather(sets, config.seed, config.val, frozenset(cells.unreadable))
    _report(sets, pictures, cells, config.output)
    make = _maker(config, pictures, cells)
    validation = Validation.of(pictures, cells, config.seed)
    if validation is None:
        console.warn("too few pictures are held out to judge by")
    if model is None:
        model, notes = _discriminate(config, make, pictures, device)
    else:
        _train(config, model, make, validation, device)
        notes = {}
    model = model.to("cpu")
    if validation:
        notes["validation"] = {name: round(score, 4) for name, score in validation(model).items()}
        console.say(f"validation: MRR@5 {notes['validation']['val_mrr@5']} with other prints than the relief's")
    return _finish(config, artifact, model, sets, pictures, cells, notes)


def _makers(workers: int | None) -> int:
    """Processes that make batches: one keeps up with a small network on three cores."""
    return max(1, cores() // 4) if workers is None else workers


def _begin(config: Config, sets: Sequence[ImageSet]) -> Artifact:
    # Names, not paths: a model is given away, and where its data lay on this machine is nobody's business.
    inputs = {"sets": [{"name": s.path.name, "identity": s.identity, "pictures": len(s.pictures)} for s in sets]}
    artifact = begin(config.output, "model", config.options(), inputs, config.overwrite)
    there = [entry["identity"] for entry in artifact.record["inputs"]["sets"]]
    if there != [s.identity for s in sets]:
        names = ", ".join(entry["name"] for entry in artifact.record["inputs"]["sets"])
        raise SinonomError(
            f"{config.output} was made from other data: {names}, or these have changed since",
            "--overwrite, or another --output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
    if artifact.state == "running":
        sweep(config.output)
    return artifact


def _report(sets: Sequence[ImageSet], pictures: Pictures, cells: Cells, output: Path) -> None:
    """Say what is learnt from; note in `failures.csv` what could not be read."""
    console.say(
        f"{len(pictures.classes):,} pictures of {len(pictures.labels):,} characters in {len(sets)} sets; "
        f"{int(pictures.held.sum()):,} held out"
    )
    counts = np.bincount(pictures.classes[~pictures.held], minlength=len(pictures.labels))
    if alone := int((counts == 1).sum()):
        console.warn(f"{alone:,} characters have one picture to learn from: they are seen as different views of it")
    everything = listed(sets)
    failures = {}
    for cell, reason in sorted(cells.unreadable.items()):
        number, picture = everything[cell]
        failures[(sets[number].path / picture.file_name).as_posix()] = reason
    write_failures(output / "failures.csv", failures)


def _maker(config: Config, pictures: Pictures, cells: Cells) -> MakeBatch:
    sampler = Sampler.of(pictures, config.seed, config.classes, config.images)
    if sampler.classes < config.classes:
        count = sampler.classes * config.images
        console.warn(f"there are {sampler.classes} characters only: a batch has {count} pictures")
    return MakeBatch(sampler, config.seed, pictures.cells, pictures.classes, cells)


def _discriminate(
    config: Config, make: MakeBatch, pictures: Pictures, device: torch.device
) -> tuple[nn.Module, dict[str, Any]]:
    lda = LdaConfig(size=config.size, dimensions=config.embedding, batches=config.steps)
    with console.progress(config.steps, "batches") as bar:
        return fit_lda(
            make, len(pictures.labels), lda, workers=_makers(config.workers), device=device, advance=bar.advance
        )


def _train(
    config: Config, model: nn.Module, make: MakeBatch, validation: Validation | None, device: torch.device
) -> None:
    plan = Plan(config.steps, config.lr, config.weight_decay, config.margin, config.mining, config.seed)
    fit(
        model,
        make,
        plan,
        config.output,
        device=device,
        precision=pick_precision(config.precision, device),
        workers=_makers(config.workers),
        validate=validation,
    )


def _finish(
    config: Config,
    artifact: Artifact,
    model: nn.Module,
    sets: Sequence[ImageSet],
    pictures: Pictures,
    cells: Cells,
    notes: dict[str, Any],
) -> Artifact:
    """Export, check, write."""
    onnx, difference = export_onnx(model, config.size)
    console.detail(f"the ONNX network differs from torch by {difference:.1g}")
    tensors = {name: value.detach().contiguous().numpy() for name, value in model.state_dict().items()}
    embedding = int(model(torch.zeros(1, 1, config.size, config.size)).shape[1])
    used = np.bincount(pictures.sets, minlength=len(sets))
    card = {
        "backbone": config.backbone if config.loss == "triplet" else "directions",
        "head": "linear" if config.loss == "triplet" else "lda",
        "embedding_size": embedding,
        "input": {"size": config.size, "channels": 1, "range": [0, 1], "ink": 1, "preprocessing": VERSION},
        "distance": "euclidean",
        "labels": list(pictures.labels),
        "trained_on": [
            {"name": s.path.name, "identity": s.identity, "pictures": int(n)} for s, n in zip(sets, used, strict=True)
        ],
        "counts": {
            "items": len(cells),
            "failed": len(cells.unreadable),
            "held_out": int(pictures.held.sum()),
        },
        **notes,
    }
    write_model(artifact, tensors, onnx, card)
    return artifact
