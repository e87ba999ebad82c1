"""The options of `sinonom train` for losses and teachers."""

from pathlib import Path
from typing import Annotated

from sinonom_cli.commands.train_panels import BY_NETWORK, LOSS, TEACHER, finite, option
from sinonom_cli.train.options import (
    DEFAULTS,
    DISTILLING,
    RECALL_AT,
    TUNING_LOSS,
    Distilling,
    LossName,
    Mining,
    Recipe,
)

WhichLoss = Annotated[
    LossName | None,
    option(
        LOSS,
        "--loss",
        show_default=f"{DEFAULTS['loss']}; {TUNING_LOSS} with --resume-from",
        help="Loss function. lda is a linear discriminant and takes minutes; all others train a network.",
    ),
]
WhichRecipe = Annotated[
    Recipe | None,
    option(
        LOSS,
        "--recipe",
        show_default="none",
        help="report: the first half of the steps trains a classifier, the second half trains the loss from its "
        "features.",
    ),
]
Mine = Annotated[
    Mining | None,
    option(
        LOSS,
        "--mining",
        show_default="batch-hard where the loss mines",
        help="Pairs or triplets of a batch that the loss uses.",
    ),
]
FirstMining = Annotated[
    Mining | None,
    option(
        LOSS,
        "--first-mining",
        show_default=BY_NETWORK,
        help="Mining at the start, until most pictures of a batch are nearest to one of their own character.",
    ),
]
Margin = Annotated[
    str | None,
    option(
        LOSS,
        "--margin",
        metavar="M|soft",
        show_default="the loss's own; 0.2 for triplets",
        help="Margin of the loss, if the loss has one.",
    ),
]
RecallAt = Annotated[
    str | None,
    option(
        LOSS,
        "--recall-at",
        metavar="K[,K...]",
        show_default=",".join(map(str, RECALL_AT)),
        help="Values of k (only with --loss recall@k).",
    ),
]
Simix = Annotated[
    bool,
    option(
        LOSS, "--simix", help="Also retrieve mixtures of two pictures of one character (only with --loss recall@k)."
    ),
]
Memory = Annotated[
    int | None,
    option(
        LOSS,
        "--memory",
        min=1,
        show_default="none",
        help="Also compare a batch with this many embeddings of earlier batches.",
    ),
]
Teacher = Annotated[
    str | None,
    option(
        TEACHER,
        "--teacher",
        metavar="pp-ocr|FILE.onnx|MODEL|NAME",
        show_default="none",
        help="Also learn the similarities that this network finds between clean pictures; NAME is a network of timm.",
    ),
]
TeacherWeights = Annotated[
    str | None,
    option(
        TEACHER,
        "--teacher-weights",
        metavar="FILE|pretrained",
        show_default=DEFAULTS["teacher_weights"],
        help="Weights of a teacher from timm.",
    ),
]
Distill = Annotated[
    float | None,
    option(
        TEACHER,
        "--distill",
        min=0.0,
        callback=finite,
        show_default=f"{DISTILLING['similarity']:g}; distance: {DISTILLING['distance']:g}",
        help="Weight of the teacher's part of the loss.",
    ),
]
DistillLoss = Annotated[
    Distilling | None,
    option(
        TEACHER,
        "--distill-loss",
        show_default=DEFAULTS["distill_loss"],
        help="Match the teacher's distribution of similarities in a batch, or the teacher's distances.",
    ),
]
Teach = Annotated[
    list[Path] | None,
    option(
        TEACHER,
        "--teach",
        metavar="SET",
        show_default="all sets",
        help="Use the teacher only for pictures of this set, at about 10 ms each; repeatable.",
    ),
]
