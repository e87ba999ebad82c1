"""`sinonom train`: image sets -> a model."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from sinonom_cli import console, options
from sinonom_cli.errors import ExitCode, SinonomError, need, usage_error


class Loss(StrEnum):
    """Ways to learn."""

    triplet = "triplet"
    lda = "lda"


class Mining(StrEnum):
    """Which triplets of a batch count."""

    batch_hard = "batch-hard"
    batch_all = "batch-all"
    semi_hard = "semi-hard"


class Precision(StrEnum):
    """Arithmetic of the forward pass."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


# What an option is where it is not given; the discriminant's 500 batches of 128 x 2 views take a few minutes.
DEFAULTS: dict[Loss, dict[str, Any]] = {
    Loss.triplet: {"embedding": 128, "classes": 64, "images": 2, "steps": 4000},
    Loss.lda: {"embedding": 192, "classes": 128, "images": 2, "steps": 500},
}
TRIPLET_ONLY: dict[str, Any] = {
    "backbone": "directmap",
    "mining": "batch-hard",
    "margin": 0.2,
    "lr": 2e-3,
    "weight_decay": 1e-2,
    "precision": "auto",
}


def train(
    loss: Annotated[
        Loss,
        typer.Option("--loss", help="triplet: metric learning with online mining. lda: a discriminant, in minutes."),
    ] = Loss.triplet,
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="SET",
            envvar="SINONOM_TRAIN_DATA",  # SINONOM_DATA is the tests' folder of real data
            show_default="every image set below ./data",
            help="An image set; repeatable.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Where to write.")] = Path("model"),
    backbone: Annotated[
        str | None,
        typer.Option("--backbone", metavar="NAME", show_default="directmap", help="directmap or any name of timm's."),
    ] = None,
    embedding: Annotated[
        int | None, typer.Option("--embedding", min=2, show_default="128; lda: 192", help="Length of an embedding.")
    ] = None,
    size: Annotated[int, typer.Option("--size", min=32, max=512, help="Side of the input in pixels.")] = 64,
    classes: Annotated[
        int | None, typer.Option("--classes", min=2, show_default="64; lda: 128", help="Characters in a batch.")
    ] = None,
    images: Annotated[
        int | None,
        typer.Option("--images", min=2, show_default="2", help="Pictures of each character in a batch."),
    ] = None,
    mining: Annotated[
        Mining | None,
        typer.Option("--mining", show_default="batch-hard", help="Which triplets of a batch count."),
    ] = None,
    margin: Annotated[
        str | None, typer.Option("--margin", metavar="M|soft", show_default="0.2", help="Of the triplet loss.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            "--steps", min=1, show_default="4000, some 20 minutes on two cores; lda: 500", help="Batches to learn from."
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option("--lr", show_default="0.002", help="Learning rate at the top of its schedule."),
    ] = None,
    weight_decay: Annotated[
        float | None, typer.Option("--weight-decay", min=0.0, show_default="0.01", help="Of AdamW.")
    ] = None,
    val: Annotated[
        float, typer.Option("--val", min=0.0, max=0.9, help="Share of the pictures held out to judge by.")
    ] = 0.1,
    seed: options.Seed = 0,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, show_default="all", help="Take only the first N pictures of each set."),
    ] = None,
    device: options.Device = "auto",
    precision: Annotated[
        Precision | None,
        typer.Option("--precision", show_default="auto: bfloat16 where it is fast", help="Of the forward pass."),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=0,
            show_default="one a core to read pictures, a quarter of that for batches",
            help="Worker processes; 0: work in this process.",
        ),
    ] = None,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, show_default="the other cores", help="Threads of the network.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            show_default="sinonom in the user's cache folder",
            help="Keeps prepared pictures for other trainings on the same sets; can be deleted.",
        ),
    ] = None,
    overwrite: options.Overwrite = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
) -> None:
    """Train a model that finds a relief by a print.

    The same command after a kill goes on where it stopped.
    """
    given = {
        "backbone": backbone,
        "mining": mining and mining.value,
        "margin": margin,
        "lr": lr,
        "weight_decay": weight_decay,
        "precision": precision and precision.value,
    }
    triplet = _triplet_options(loss, {name: value for name, value in given.items() if value is not None})
    # Threads that wait must not spin: with other work on the machine that makes a step ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for module in ("torch", "safetensors", "onnx", "onnxscript"):
        need(module, "train")
    from sinonom_cli.train.config import Config
    from sinonom_cli.train.run import run

    shape = {"embedding": embedding, "classes": classes, "images": images, "steps": steps}
    config = Config(
        data=tuple(data or ()),
        output=output,
        loss=loss.value,
        size=size,
        val=val,
        seed=seed,
        limit=limit,
        device=device,
        workers=workers,
        threads=threads,
        cache=cache,
        overwrite=overwrite,
        **(DEFAULTS[loss] | {name: value for name, value in shape.items() if value is not None}),
        **triplet,
    )
    artifact = run(config)
    if console.settings.json:
        console.data_json({"path": str(output), **artifact.record})
    else:
        console.data(str(output))
    if failed := artifact.counts["failed"]:
        raise SinonomError(
            f"{failed} of {artifact.counts['items']} pictures could not be read: see {output / 'failures.csv'}",
            "mend them, then the same command with --overwrite",
            ExitCode.SOME_FAILED,
        )


def _triplet_options(loss: Loss, given: dict[str, Any]) -> dict[str, Any]:
    """Check and complete the options that only the triplet loss has; a margin of None is the soft one."""
    if loss is not Loss.triplet and given:
        name = next(iter(given)).replace("_", "-")
        raise usage_error(f"--{name} means nothing to --loss {loss.value}", "--loss triplet, or leave it away")
    chosen = TRIPLET_ONLY | given
    if "margin" in given:
        chosen["margin"] = _margin(given["margin"])
    if chosen["margin"] is None and chosen["mining"] == "semi-hard":
        raise usage_error("--mining semi-hard looks inside a margin, and --margin is soft", "--margin 0.2")
    if not 0 < chosen["lr"] < float("inf"):
        raise usage_error(f"--lr is {chosen['lr']}", "--lr 0.001, or another positive number")
    return chosen


def _margin(text: str) -> float | None:
    if text == "soft":
        return None
    try:
        margin = float(text)
    except ValueError:
        margin = -1.0
    if not 0 < margin < 100:
        raise usage_error(f"--margin {text} is neither a positive number nor soft", "--margin 0.2")
    return margin
