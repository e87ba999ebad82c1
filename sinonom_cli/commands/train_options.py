"""The options of `sinonom train`, grouped in the panels that `--help` shows."""

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from sinonom_cli.train.options import (
    DEFAULTS,
    DISTILLING,
    LDA_SHAPES,
    RECALL_AT,
    Classifying,
    Distilling,
    LossName,
    Mining,
    Precision,
)

DATA, MODEL, LOSS, TEACHER = "Data", "Model", "Loss", "Teacher"
BATCHES, SCHEDULE, RESOURCES = "Batches", "Schedule", "Resources"


def _option(panel: str, *names: str, **details: Any) -> Any:
    """Return an option in one of the panels of `--help`; `names` and `details` are Typer's."""
    return typer.Option(*names, rich_help_panel=panel, **details)


def _with_lda(name: str, more: str = "") -> str:
    """Return the default of an option that the discriminant has its own default for."""
    return f"{DEFAULTS[name]}{more}; lda: {LDA_SHAPES[name]}"


def _finite(value: float | None) -> float | None:
    """Return the value of an option; refuse NaN and infinity, which the range of the option lets through."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number.")
    return value


Data = Annotated[
    list[Path] | None,
    _option(
        DATA,
        "--data",
        metavar="SET[:WEIGHT]",
        show_default="every image set below ./data",
        help="An image set; repeatable. SET:2 gives twice as many pictures of a character as SET:1.",
    ),
]
Val = Annotated[
    float,
    _option(DATA, "--val", min=0.0, max=0.9, callback=_finite, help="Share of the pictures held out for validation."),
]
Limit = Annotated[
    int | None,
    _option(DATA, "--limit", min=1, show_default="all", help="Take only the first N pictures of each set."),
]
Cache = Annotated[
    Path | None,
    _option(
        DATA,
        "--cache",
        metavar="DIR",
        show_default="sinonom in the user's cache folder",
        help="Keep prepared pictures here for other trainings on the same sets. The folder can be deleted.",
    ),
]
ShowBatch = Annotated[
    Path | None,
    _option(DATA, "--show-batch", metavar="OUT.png", help="Draw the first batch, each view beside its file, and stop."),
]
ModelFolder = Annotated[Path, _option(MODEL, "--output", "-o", metavar="MODEL", help="Output folder of the model.")]
Backbone = Annotated[
    str | None,
    _option(
        MODEL,
        "--backbone",
        metavar="NAME",
        show_default=DEFAULTS["backbone"],
        help="Network: directmap, directmap-large or any name that timm knows.",
    ),
]
StemStride = Annotated[
    int | None,
    _option(
        MODEL,
        "--stem-stride",
        min=1,
        max=32,
        show_default="the backbone's",
        help="Stride of the first convolution (1 keeps the detail of small pictures), or a transformer's patch side.",
    ),
]
Weights = Annotated[
    str | None,
    _option(
        MODEL,
        "--weights",
        metavar="FILE|pretrained",
        show_default="random",
        help="Initial weights: a safetensors file, or pretrained, which downloads timm's weights.",
    ),
]
Head = Annotated[
    Classifying | None,
    _option(
        MODEL, "--head", show_default=DEFAULTS["head"], help="Classification head (only with --loss cross-entropy)."
    ),
]
Embedding = Annotated[
    int | None,
    _option(MODEL, "--embedding", min=2, show_default=_with_lda("embedding"), help="Dimension of the embedding."),
]
Size = Annotated[int, _option(MODEL, "--size", min=32, max=512, help="Side of the network's input in pixels.")]
WhichLoss = Annotated[
    LossName,
    _option(
        LOSS,
        "--loss",
        help="Loss function. lda is a linear discriminant and takes minutes; all others train a network.",
    ),
]
Mine = Annotated[
    Mining | None,
    _option(
        LOSS,
        "--mining",
        show_default="batch-hard where the loss mines",
        help="Pairs or triplets of a batch that the loss uses.",
    ),
]
Margin = Annotated[
    str | None,
    _option(
        LOSS,
        "--margin",
        metavar="M|soft",
        show_default="the loss's own; 0.2 for triplets",
        help="Margin of the loss, if the loss has one.",
    ),
]
RecallAt = Annotated[
    str | None,
    _option(
        LOSS,
        "--recall-at",
        metavar="K[,K...]",
        show_default=",".join(map(str, RECALL_AT)),
        help="Values of k (only with --loss recall@k).",
    ),
]
Simix = Annotated[
    bool,
    _option(
        LOSS, "--simix", help="Also retrieve mixtures of two pictures of one character (only with --loss recall@k)."
    ),
]
Memory = Annotated[
    int | None,
    _option(
        LOSS,
        "--memory",
        min=1,
        show_default="none",
        help="Also compare a batch with this many embeddings of earlier batches.",
    ),
]
Teacher = Annotated[
    str | None,
    _option(
        TEACHER,
        "--teacher",
        metavar="pp-ocr|FILE.onnx|MODEL|NAME",
        show_default="none",
        help="Also learn the similarities that this network finds between clean pictures; NAME is a network of timm.",
    ),
]
TeacherWeights = Annotated[
    str | None,
    _option(
        TEACHER,
        "--teacher-weights",
        metavar="FILE|pretrained",
        show_default=DEFAULTS["teacher_weights"],
        help="Weights of a teacher from timm.",
    ),
]
Distill = Annotated[
    float | None,
    _option(
        TEACHER,
        "--distill",
        min=0.0,
        callback=_finite,
        show_default=f"{DISTILLING['similarity']:g}; distance: {DISTILLING['distance']:g}",
        help="Weight of the teacher's part of the loss.",
    ),
]
DistillLoss = Annotated[
    Distilling | None,
    _option(
        TEACHER,
        "--distill-loss",
        show_default=DEFAULTS["distill_loss"],
        help="Match the teacher's distribution of similarities in a batch, or the teacher's distances.",
    ),
]
Teach = Annotated[
    list[Path] | None,
    _option(
        TEACHER,
        "--teach",
        metavar="SET",
        show_default="all sets",
        help="Use the teacher only for pictures of this set, at about 10 ms each; repeatable.",
    ),
]
Classes = Annotated[
    int | None,
    _option(BATCHES, "--classes", min=2, show_default=_with_lda("classes"), help="Characters in a batch."),
]
Images = Annotated[
    int | None,
    _option(
        BATCHES, "--images", min=2, show_default=str(DEFAULTS["images"]), help="Pictures of each character in a batch."
    ),
]
BatchSize = Annotated[
    int | None,
    _option(BATCHES, "--batch-size", min=4, help="Pictures in a batch, instead of --classes."),
]
MicroBatch = Annotated[
    int | None,
    _option(
        BATCHES,
        "--micro-batch",
        min=2,
        show_default="all",
        help="Pictures in the network at once: large batches need little memory, and 4/3 of the time.",
    ),
]
Frequency = Annotated[
    float | None,
    _option(
        BATCHES,
        "--frequency",
        min=0.0,
        max=1.0,
        callback=_finite,
        show_default="0",
        help="Draw characters in proportion to this power of their number of pictures: 0 draws all equally often.",
    ),
]
HardClasses = Annotated[
    float | None,
    _option(
        BATCHES,
        "--hard-classes",
        min=0.0,
        max=0.9,
        callback=_finite,
        show_default="0",
        help="Share of a batch's characters that are chosen because the network confuses them with the others.",
    ),
]
Steps = Annotated[
    int | None,
    _option(
        SCHEDULE,
        "--steps",
        min=1,
        show_default=_with_lda("steps", ", about 20 minutes on two cores"),
        help="Number of training batches.",
    ),
]
Lr = Annotated[
    float | None,
    _option(SCHEDULE, "--lr", show_default=str(DEFAULTS["lr"]), help="Highest learning rate."),
]
WeightDecay = Annotated[
    float | None,
    _option(
        SCHEDULE,
        "--weight-decay",
        min=0.0,
        callback=_finite,
        show_default=str(DEFAULTS["weight_decay"]),
        help="Weight decay of AdamW.",
    ),
]
Arithmetic = Annotated[
    Precision | None,
    _option(
        RESOURCES, "--precision", show_default="auto: bfloat16 where it is fast", help="Precision of the forward pass."
    ),
]
Workers = Annotated[
    int | None,
    _option(
        RESOURCES,
        "--workers",
        min=0,
        show_default="one per core to read pictures, a quarter of that for batches",
        help="Worker processes; 0: work in this process.",
    ),
]
Threads = Annotated[
    int | None,
    _option(RESOURCES, "--threads", min=1, show_default="the other cores", help="Threads that the network uses."),
]
