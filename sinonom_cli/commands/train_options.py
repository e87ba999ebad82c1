"""The options of `sinonom train`, grouped in the panels that `--help` shows."""

import math
from pathlib import Path
from typing import Annotated

import typer

from sinonom_cli.train.options import Classifying, Distilling, LossName, Mining, Precision

DATA, MODEL, LOSS, TEACHER = "Data", "Model", "Loss", "Teacher"
BATCHES, SCHEDULE, RESOURCES = "Batches", "Schedule", "Resources"


def _finite(value: float | None) -> float | None:
    """Return the value of an option; refuse NaN and infinity, which the range of the option lets through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


Data = Annotated[
    list[Path] | None,
    typer.Option(
        "--data",
        metavar="SET[:WEIGHT]",
        show_default="every image set below ./data",
        help="An image set; repeatable. SET:2 gives twice as many pictures of a character as SET:1.",
        rich_help_panel=DATA,
    ),
]
Val = Annotated[
    float,
    typer.Option(
        "--val",
        min=0.0,
        max=0.9,
        callback=_finite,
        help="Share of the pictures held out for validation.",
        rich_help_panel=DATA,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit",
        min=1,
        show_default="all",
        help="Take only the first N pictures of each set.",
        rich_help_panel=DATA,
    ),
]
Cache = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="DIR",
        show_default="sinonom in the user's cache folder",
        help="Keep prepared pictures here for other trainings on the same sets. The folder can be deleted.",
        rich_help_panel=DATA,
    ),
]
ShowBatch = Annotated[
    Path | None,
    typer.Option(
        "--show-batch",
        metavar="OUT.png",
        help="Draw the first batch, each view beside its file, and stop.",
        rich_help_panel=DATA,
    ),
]
ModelFolder = Annotated[
    Path, typer.Option("--output", "-o", metavar="MODEL", help="Output folder of the model.", rich_help_panel=MODEL)
]
Backbone = Annotated[
    str | None,
    typer.Option(
        "--backbone",
        metavar="NAME",
        show_default="directmap",
        help="Network: directmap, directmap-large or any name that timm knows.",
        rich_help_panel=MODEL,
    ),
]
StemStride = Annotated[
    int | None,
    typer.Option(
        "--stem-stride",
        min=1,
        max=32,
        show_default="the backbone's",
        help="Stride of the first convolution (1 keeps the detail of small pictures), or a transformer's patch side.",
        rich_help_panel=MODEL,
    ),
]
Weights = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="FILE|pretrained",
        show_default="random",
        help="Initial weights: a safetensors file, or pretrained, which downloads timm's weights.",
        rich_help_panel=MODEL,
    ),
]
Head = Annotated[
    Classifying | None,
    typer.Option(
        "--head",
        show_default="linear",
        help="Classification head (only with --loss cross-entropy).",
        rich_help_panel=MODEL,
    ),
]
Embedding = Annotated[
    int | None,
    typer.Option(
        "--embedding", min=2, show_default="128; lda: 192", help="Dimension of the embedding.", rich_help_panel=MODEL
    ),
]
Size = Annotated[
    int, typer.Option("--size", min=32, max=512, help="Side of the network's input in pixels.", rich_help_panel=MODEL)
]
WhichLoss = Annotated[
    LossName,
    typer.Option(
        "--loss",
        help="Loss function. lda is a linear discriminant and takes minutes; all others train a network.",
        rich_help_panel=LOSS,
    ),
]
Mine = Annotated[
    Mining | None,
    typer.Option(
        "--mining",
        show_default="batch-hard where the loss mines",
        help="Pairs or triplets of a batch that the loss uses.",
        rich_help_panel=LOSS,
    ),
]
Margin = Annotated[
    str | None,
    typer.Option(
        "--margin",
        metavar="M|soft",
        show_default="the loss's own; 0.2 for triplets",
        help="Margin of the loss, if the loss has one.",
        rich_help_panel=LOSS,
    ),
]
RecallAt = Annotated[
    str | None,
    typer.Option(
        "--recall-at",
        metavar="K[,K...]",
        show_default="1,2,4,8,16",
        help="Values of k (only with --loss recall@k).",
        rich_help_panel=LOSS,
    ),
]
Simix = Annotated[
    bool,
    typer.Option(
        "--simix",
        help="Also retrieve mixtures of two pictures of one character (only with --loss recall@k).",
        rich_help_panel=LOSS,
    ),
]
Memory = Annotated[
    int | None,
    typer.Option(
        "--memory",
        min=1,
        show_default="none",
        help="Also compare a batch with this many embeddings of earlier batches.",
        rich_help_panel=LOSS,
    ),
]
Teacher = Annotated[
    str | None,
    typer.Option(
        "--teacher",
        metavar="pp-ocr|FILE.onnx|MODEL|NAME",
        show_default="none",
        help="Also learn the similarities that this network finds between clean pictures; NAME is a network of timm.",
        rich_help_panel=TEACHER,
    ),
]
TeacherWeights = Annotated[
    str | None,
    typer.Option(
        "--teacher-weights",
        metavar="FILE|pretrained",
        show_default="pretrained",
        help="Weights of a teacher from timm.",
        rich_help_panel=TEACHER,
    ),
]
Distill = Annotated[
    float | None,
    typer.Option(
        "--distill",
        min=0.0,
        callback=_finite,
        show_default="3; distance: 1",
        help="Weight of the teacher's part of the loss.",
        rich_help_panel=TEACHER,
    ),
]
DistillLoss = Annotated[
    Distilling | None,
    typer.Option(
        "--distill-loss",
        show_default="similarity",
        help="Match the teacher's distribution of similarities in a batch, or the teacher's distances.",
        rich_help_panel=TEACHER,
    ),
]
Teach = Annotated[
    list[Path] | None,
    typer.Option(
        "--teach",
        metavar="SET",
        show_default="all sets",
        help="Use the teacher only for pictures of this set, at about 10 ms each; repeatable.",
        rich_help_panel=TEACHER,
    ),
]
Classes = Annotated[
    int | None,
    typer.Option(
        "--classes", min=2, show_default="64; lda: 128", help="Characters in a batch.", rich_help_panel=BATCHES
    ),
]
Images = Annotated[
    int | None,
    typer.Option(
        "--images", min=2, show_default="2", help="Pictures of each character in a batch.", rich_help_panel=BATCHES
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option("--batch-size", min=4, help="Pictures in a batch, instead of --classes.", rich_help_panel=BATCHES),
]
MicroBatch = Annotated[
    int | None,
    typer.Option(
        "--micro-batch",
        min=2,
        show_default="all",
        help="Pictures in the network at once: large batches need little memory, and 4/3 of the time.",
        rich_help_panel=BATCHES,
    ),
]
Frequency = Annotated[
    float | None,
    typer.Option(
        "--frequency",
        min=0.0,
        max=1.0,
        callback=_finite,
        show_default="0",
        help="Draw characters in proportion to this power of their number of pictures: 0 draws all equally often.",
        rich_help_panel=BATCHES,
    ),
]
HardClasses = Annotated[
    float | None,
    typer.Option(
        "--hard-classes",
        min=0.0,
        max=0.9,
        callback=_finite,
        show_default="0",
        help="Share of a batch's characters that are chosen because the network confuses them with the others.",
        rich_help_panel=BATCHES,
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(
        "--steps",
        min=1,
        show_default="4000, about 20 minutes on two cores; lda: 500",
        help="Number of training batches.",
        rich_help_panel=SCHEDULE,
    ),
]
Lr = Annotated[
    float | None,
    typer.Option("--lr", show_default="0.002", help="Highest learning rate.", rich_help_panel=SCHEDULE),
]
WeightDecay = Annotated[
    float | None,
    typer.Option(
        "--weight-decay",
        min=0.0,
        callback=_finite,
        show_default="0.01",
        help="Weight decay of AdamW.",
        rich_help_panel=SCHEDULE,
    ),
]
Arithmetic = Annotated[
    Precision | None,
    typer.Option(
        "--precision",
        show_default="auto: bfloat16 where it is fast",
        help="Precision of the forward pass.",
        rich_help_panel=RESOURCES,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=0,
        show_default="one per core to read pictures, a quarter of that for batches",
        help="Worker processes; 0: work in this process.",
        rich_help_panel=RESOURCES,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        "--threads",
        min=1,
        show_default="the other cores",
        help="Threads that the network uses.",
        rich_help_panel=RESOURCES,
    ),
]
