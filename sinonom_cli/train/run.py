"""Make a model from image sets, by one of the losses, and write its files."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from sinonom_cli import console, messages
from sinonom_cli.errors import UsageError
from sinonom_cli.networks.classifier import Classifier, Distributions
from sinonom_cli.networks.onnx_export import export_onnx
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.parallel.processes import keep_freed_memory
from sinonom_cli.parallel.work import cores
from sinonom_cli.storage.image_set import ImageSet
from sinonom_cli.storage.journal import write_failures
from sinonom_cli.storage.model_folder import write_model
from sinonom_cli.storage.record import Artifact, writing
from sinonom_cli.train.batches import MakeBatch
from sinonom_cli.train.config import Config
from sinonom_cli.train.datasets import Given, Material, prepare_material, read_sets
from sinonom_cli.train.distributed import Ranks, join, leave
from sinonom_cli.train.hardware import pick_device
from sinonom_cli.train.lda import LdaConfig, check_views, fit_lda
from sinonom_cli.train.output import begun, files_named, look
from sinonom_cli.train.phases import Shared, batch_makers, teach
from sinonom_cli.train.prepared_pictures import Cells
from sinonom_cli.train.principal_axes import SAMPLE, sort_axes
from sinonom_cli.train.sampler import HardClasses
from sinonom_cli.train.split import Pictures, listed
from sinonom_cli.train.start import fresh_network, teacher_of, try_export
from sinonom_cli.train.validate import Validation


def run(config: Config) -> Artifact:
    """Train a model with these options, or resume its training, unless it is complete.

    Returns
    -------
    The finished model's artifact; of several processes only the first finishes it.

    Raises
    ------
    SinonomError
        If there are no sets, if no model can be trained on them, if another output is in the way, or if the loss is not
        a number, among other reasons.
    """
    ranks = join()
    if not ranks.first:
        console.settings.quiet = True
    try:
        return _run(config, ranks)
    finally:
        leave()


def _run(config: Config, ranks: Ranks) -> Artifact:
    check_shares(config, ranks)
    keep_freed_memory(2048, 1024)
    # The number does not depend on --workers: with another number of threads sums are added in another order.
    torch.set_num_threads(config.threads or max(1, cores() // ranks.beside - batch_makers(None, ranks)))
    device = pick_device(config.device, ranks.local)
    given = read_sets(config)  # refuses unfit sets before anything is written
    inputs = [*(images.path for images in given.sets), *files_named(config)]
    with writing(config.output, "model", inputs) if ranks.first else nullcontext():
        return _made(config, given, ranks, device)


def _made(config: Config, given: Given, ranks: Ranks, device: torch.device) -> Artifact:
    sets = given.sets
    torch.manual_seed(config.seed)
    model = fresh_network(config) if config.loss != "lda" else None
    teacher = teacher_of(config)
    artifact = look(config, given, ranks, teacher)
    if artifact.state == "complete":
        messages.say(f"{config.output} is complete: nothing to do")
        return artifact
    if artifact.state == "new" and model is not None and ranks.first:
        try_export(config, model)
    hard = HardClasses(config.output / "resume", config.hard_classes) if config.hard_classes else None
    material = prepare_material(config, given, ranks, teacher, hard, again=artifact.state == "new")
    if model is None:  # one batch shows most of this already, while the old model still exists
        classes = material.make.sampler.classes
        check_views(config.steps * classes * config.images, classes, config.size)
    if ranks.first:
        artifact = begun(config, sets, ranks, teacher, material.cells.contents)
    cells, pictures, make = material.cells, material.pictures, material.make
    if ranks.first:
        _report(sets, pictures, cells, config.output)
    validation = Validation.of(pictures, cells, config.seed) if ranks.first else None
    if validation is None and ranks.first:
        messages.warn("too few pictures are held out for a validation")
    if model is None:
        model, notes = _discriminate(config, make, pictures, device)
    else:
        model, notes = teach(config, model, Shared(make, validation, device, ranks, pictures))
    if not ranks.first:
        return artifact
    model = model.to("cpu")
    if config.loss not in ("lda", "cross-entropy"):
        learnt = np.flatnonzero(~pictures.held)
        some = np.random.default_rng(config.seed).permutation(learnt)[:SAMPLE]
        sort_axes(model, cells[pictures.cells[some]])
        notes["axes"] = "principal"
    if validation:
        notes["validation"] = {name: round(score, 4) for name, score in validation(model).items()}
        asked = "the relief's own prints" if validation.trial.same.all() else "other prints than the relief's"
        messages.say(f"validation: MRR@5 {notes['validation']['val_mrr@5']} with {asked}")
    return _finish(config, artifact, model, sets, material, notes)


def check_shares(config: Config, ranks: Ranks) -> None:
    """Raise a usage error for options that several processes cannot share."""
    if ranks.size == 1:
        return
    if config.loss == "lda":
        raise UsageError("--loss lda trains in one process only", "run the same command without torchrun")
    if config.recover:
        raise UsageError("--recover works in one process only", "run the same command without torchrun")
    if config.classes % ranks.size:
        what = f"{config.classes} characters of a batch cannot be shared by {ranks.size} processes"
        raise UsageError(what, f"--classes {ranks.size * max(1, config.classes // ranks.size)}")


def _report(sets: Sequence[ImageSet], pictures: Pictures, cells: Cells, output: Path) -> None:
    """Say what is learnt from, and write pictures that could not be read to `failures.csv`."""
    messages.say(
        f"{len(pictures.classes):,} pictures of {len(pictures.labels):,} characters in {len(sets)} sets; "
        f"{int(pictures.held.sum()):,} held out"
    )
    counts = np.bincount(pictures.classes[~pictures.held], minlength=len(pictures.labels))
    if alone := int((counts == 1).sum()):
        messages.warn(f"characters with one picture to learn from: {alone:,}; different views of it are used")
    everything = listed(sets)
    failures = {}
    for cell, reason in sorted(cells.unreadable.items()):
        number, picture = everything[cell]
        failures[(sets[number].path / picture.file_name).as_posix()] = reason
    write_failures(output / "failures.csv", failures)


def _discriminate(
    config: Config, make: MakeBatch, pictures: Pictures, device: torch.device
) -> tuple[nn.Module, dict[str, Any]]:
    lda = LdaConfig(size=config.size, dimensions=config.embedding, batches=config.steps)
    with messages.progress(config.steps, "batches") as bar:
        return fit_lda(
            make,
            len(pictures.labels),
            lda,
            workers=batch_makers(config.workers, Ranks()),
            device=device,
            advance=bar.advance,
        )


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _finish(
    config: Config,
    artifact: Artifact,
    model: nn.Module,
    sets: Sequence[ImageSet],
    material: Material,
    notes: dict[str, Any],
) -> Artifact:
    """Export the model to ONNX, check it, and write its files."""
    pictures, cells = material.pictures, material.cells
    classifier = isinstance(model, Classifier)
    if isinstance(model, Classifier):
        onnx, difference = export_onnx(Distributions(model), config.size, ("embedding", "classes"))
    else:
        onnx, difference = export_onnx(model, config.size)
    messages.detail(f"the ONNX network differs from torch by {difference:.1g}")
    tensors = {name: value.detach().contiguous().numpy() for name, value in model.state_dict().items()}
    embedding = int(model(torch.zeros(1, 1, config.size, config.size)).shape[1])
    used = np.bincount(pictures.sets, minlength=len(sets))
    card = {
        "backbone": config.backbone if config.loss != "lda" else "directions",
        "head": "lda" if config.loss == "lda" else config.head if classifier else "linear",
        "embedding_size": embedding,
        "input": {"size": config.size, "channels": 1, "range": [0, 1], "ink": 1, "preprocessing": VERSION},
        # A classifier's features have any length; only their direction separates characters.
        "distance": "cosine" if classifier else "euclidean",
        "labels": list(pictures.labels),
        "trained_on": [
            {"name": s.path.name, "identity": s.identity, "pictures": int(n)}
            | ({"passed_over": s.passed_over} if s.passed_over else {})
            for s, n in zip(sets, used, strict=True)
        ],
        "counts": {
            "items": len(cells),
            "failed": len(cells.unreadable),
            "held_out": int(pictures.held.sum()),
            "batch": material.make.sampler.classes * config.images,
        },
        "versions": {name: _version(name) for name in ("torch", "timm", "onnx", "numpy", "pillow")},
        **notes,
    }
    write_model(artifact, tensors, onnx, card)
    return artifact
