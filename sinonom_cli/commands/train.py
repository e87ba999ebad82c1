"""`sinonom train`: image sets -> a model."""

import math
import os
from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli import console, options
from sinonom_cli.errors import ExitCode, SinonomError, need
from sinonom_cli.train.options import Classifying, Distilling, Loss, Mining, Precision, complete


def _finite(value: float | None) -> float | None:
    """Refuse what the ranges of options let through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is no number that can be reckoned with.")
    return value


def train(
    loss: Annotated[
        Loss,
        typer.Option("--loss", help="lda: a linear discriminant, in minutes. All others train a network."),
    ] = Loss("triplet"),
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="SET[:WEIGHT]",
            show_default="every image set below ./data",
            help="An image set; repeatable. SET:2 gives twice as many pictures of a character as SET:1.",
        ),
    ] = None,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="MODEL", help="Where to write.")] = Path("model"),
    backbone: Annotated[
        str | None,
        typer.Option(
            "--backbone",
            metavar="NAME",
            show_default="directmap",
            help="directmap, directmap-large or any name of timm's.",
        ),
    ] = None,
    stem_stride: Annotated[
        int | None,
        typer.Option(
            "--stem-stride",
            min=1,
            max=32,
            show_default="the backbone's",
            help="Of the first convolution: 1 keeps detail of small pictures. Of a transformer: side of a patch.",
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="FILE|pretrained",
            show_default="fresh ones",
            help="Weights to begin from, in safetensors format; pretrained downloads timm's.",
        ),
    ] = None,
    head: Annotated[
        Classifying | None,
        typer.Option("--head", show_default="linear", help="Of --loss cross-entropy."),
    ] = None,
    teacher: Annotated[
        str | None,
        typer.Option(
            "--teacher",
            metavar="pp-ocr|FILE.onnx|MODEL|NAME",
            show_default="none",
            help="Learn what this network sees between clean pictures; NAME is one of timm's.",
        ),
    ] = None,
    teacher_weights: Annotated[
        str | None,
        typer.Option(
            "--teacher-weights", metavar="FILE|pretrained", show_default="pretrained", help="Of a teacher of timm's."
        ),
    ] = None,
    distill: Annotated[
        float | None,
        typer.Option(
            "--distill",
            min=0.0,
            callback=_finite,
            show_default="3; distance: 1",
            help="Weight of the teacher's part of the loss.",
        ),
    ] = None,
    distill_loss: Annotated[
        Distilling | None,
        typer.Option(
            "--distill-loss",
            show_default="similarity",
            help="similarity: who is like whom, as the teacher sees it; distance: how far each is from each.",
        ),
    ] = None,
    teach: Annotated[
        list[Path] | None,
        typer.Option(
            "--teach",
            metavar="SET",
            show_default="all sets",
            help="A set whose pictures the teacher is asked about, which takes it some 10 ms each; repeatable.",
        ),
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
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", min=4, help="Pictures in a batch, in place of --classes.")
    ] = None,
    micro_batch: Annotated[
        int | None,
        typer.Option(
            "--micro-batch",
            min=2,
            show_default="all",
            help="Pictures that run through the network at once: large batches in little memory, for 4/3 of the time.",
        ),
    ] = None,
    mining: Annotated[
        Mining | None,
        typer.Option(
            "--mining", show_default="batch-hard where a loss has one", help="Which pairs or triplets of a batch count."
        ),
    ] = None,
    margin: Annotated[
        str | None,
        typer.Option("--margin", metavar="M|soft", show_default="0.2 for triplets", help="Of the loss, if it has one."),
    ] = None,
    recall_at: Annotated[
        str | None,
        typer.Option("--recall-at", metavar="K[,K...]", show_default="1,2,4,8,16", help="Places that recall@k counts."),
    ] = None,
    simix: Annotated[
        bool, typer.Option("--simix", help="Recall@k also looks for mixtures of pictures of one character.")
    ] = False,
    memory: Annotated[
        int | None,
        typer.Option(
            "--memory", min=1, show_default="none", help="Earlier pictures that a batch is compared with too."
        ),
    ] = None,
    frequency: Annotated[
        float | None,
        typer.Option(
            "--frequency",
            min=0.0,
            max=1.0,
            callback=_finite,
            show_default="0",
            help="How much oftener characters with many pictures are drawn: 0 all as often, 1 by their number.",
        ),
    ] = None,
    hard_classes: Annotated[
        float | None,
        typer.Option(
            "--hard-classes",
            min=0.0,
            max=0.9,
            callback=_finite,
            show_default="0",
            help="Share of a batch's characters chosen because the network confuses them with the others.",
        ),
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
        float | None, typer.Option("--weight-decay", min=0.0, callback=_finite, show_default="0.01", help="Of AdamW.")
    ] = None,
    val: Annotated[
        float,
        typer.Option("--val", min=0.0, max=0.9, callback=_finite, help="Share of the pictures held out to judge by."),
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
    show_batch: Annotated[
        Path | None,
        typer.Option("--show-batch", metavar="OUT.png", help="Draw the first batch, beside its files, and stop."),
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
        "stem_stride": stem_stride,
        "weights": weights,
        "head": head and head.value,
        "teacher": teacher,
        "teacher_weights": teacher_weights,
        "distill": distill,
        "distill_loss": distill_loss and distill_loss.value,
        "teach": tuple(teach) if teach else None,
        "mining": mining and mining.value,
        "margin": margin,
        "recall_at": recall_at,
        "simix": simix or None,
        "memory": memory,
        "micro_batch": micro_batch,
        "frequency": frequency,
        "hard_classes": hard_classes,
        "lr": lr,
        "weight_decay": weight_decay,
        "precision": precision and precision.value,
        "batch_size": batch_size,
        "embedding": embedding,
        "classes": classes,
        "images": images,
        "steps": steps,
    }
    chosen = complete(loss.value, given)
    # Threads that wait must not spin: with other work on the machine that makes a step ten times slower.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for module in ("torch", "safetensors", "onnx", "onnxscript"):
        need(module, "train")
    from sinonom_cli.train.config import Config
    from sinonom_cli.train.run import run

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
        **chosen,
    )
    if show_batch is not None:
        from sinonom_cli.train.show import show_batch as show

        show(config, show_batch)
        console.data(str(show_batch))
        return
    artifact = run(config)
    if not artifact.record:
        return  # not the first of several processes, which alone has something to say
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
