"""The options of `sinonom train`, except for those of losses and teachers, by the panels of `--help`."""

from pathlib import Path
from typing import Annotated

from sinonom_cli.commands.train_panels import (
    BATCHES,
    BY_NETWORK,
    DATA,
    MODEL,
    RESOURCES,
    SCHEDULE,
    finite,
    option,
    with_lda,
)
from sinonom_cli.train.options import (
    DEFAULTS,
    TUNING,
    Classifying,
    Precision,
)

Data = Annotated[
    list[Path] | None,
    option(
        DATA,
        "--data",
        metavar="SET[:WEIGHT]",
        show_default="every image set below ./data",
        help="An image set; repeatable. SET:2 gives twice as many pictures of a character as SET:1.",
    ),
]
Val = Annotated[
    float,
    option(DATA, "--val", min=0.0, max=0.9, callback=finite, help="Share of the pictures held out for validation."),
]
Limit = Annotated[
    int | None,
    option(DATA, "--limit", min=1, show_default="all", help="Take only the first N pictures of each set."),
]
Cache = Annotated[
    Path | None,
    option(
        DATA,
        "--cache",
        metavar="DIR",
        show_default="sinonom in the user's cache folder",
        help="Keep prepared pictures here for other trainings on the same sets. The folder can be deleted.",
    ),
]
ShowBatch = Annotated[
    Path | None,
    option(DATA, "--show-batch", metavar="OUT.png", help="Draw the first batch, each view beside its file, and stop."),
]
ModelFolder = Annotated[Path, option(MODEL, "--output", "-o", metavar="MODEL", help="Output folder of the model.")]
Backbone = Annotated[
    str | None,
    option(
        MODEL,
        "--backbone",
        metavar="NAME",
        show_default=DEFAULTS["backbone"],
        help="Network: directmap, directmap-large or any name that timm knows.",
    ),
]
StemStride = Annotated[
    int | None,
    option(
        MODEL,
        "--stem-stride",
        min=1,
        max=32,
        show_default=BY_NETWORK,
        help="Stride of the first convolution (1 keeps the detail of small pictures), or a transformer's patch side.",
    ),
]
Weights = Annotated[
    str | None,
    option(
        MODEL,
        "--weights",
        metavar="FILE|pretrained",
        show_default="random",
        help="Initial weights: a safetensors file, or pretrained, which downloads timm's weights.",
    ),
]
Head = Annotated[
    Classifying | None,
    option(
        MODEL,
        "--head",
        show_default=DEFAULTS["head"],
        help="Classification head (with --loss cross-entropy or --recipe).",
    ),
]
Embedding = Annotated[
    int | None,
    option(MODEL, "--embedding", min=2, show_default=with_lda("embedding"), help="Dimension of the embedding."),
]
Size = Annotated[
    int | None,
    option(
        MODEL,
        "--size",
        min=32,
        max=512,
        show_default=str(DEFAULTS["size"]),
        help="Side of the network's input in pixels.",
    ),
]
ResumeFrom = Annotated[
    Path | None,
    option(
        MODEL,
        "--resume-from",
        metavar="MODEL|default",
        show_default="none",
        help="Fine-tune this model; its network and sizes are taken. default is the model that ships.",
    ),
]
Classes = Annotated[
    int | None,
    option(BATCHES, "--classes", min=2, show_default=with_lda("classes"), help="Characters in a batch."),
]
Images = Annotated[
    int | None,
    option(
        BATCHES, "--images", min=2, show_default=str(DEFAULTS["images"]), help="Pictures of each character in a batch."
    ),
]
BatchSize = Annotated[
    int | None,
    option(BATCHES, "--batch-size", min=4, help="Pictures in a batch, instead of --classes."),
]
MicroBatch = Annotated[
    int | None,
    option(
        BATCHES,
        "--micro-batch",
        min=2,
        show_default="all",
        help="Pictures in the network at once: large batches need little memory, and 4/3 of the time.",
    ),
]
Frequency = Annotated[
    float | None,
    option(
        BATCHES,
        "--frequency",
        min=0.0,
        max=1.0,
        callback=finite,
        show_default="0",
        help="Draw characters in proportion to this power of their number of pictures: 0 draws all equally often.",
    ),
]
HardClasses = Annotated[
    float | None,
    option(
        BATCHES,
        "--hard-classes",
        min=0.0,
        max=0.9,
        callback=finite,
        show_default="0",
        help="Share of a batch's characters that are chosen because the network confuses them with the others.",
    ),
]
Steps = Annotated[
    int | None,
    option(
        SCHEDULE,
        "--steps",
        min=1,
        show_default=with_lda("steps", ", 20 minutes on two cores with directmap")
        + f"; --resume-from: {TUNING['steps']}",
        help="Number of training batches.",
    ),
]
Lr = Annotated[float | None, option(SCHEDULE, "--lr", show_default=BY_NETWORK, help="Highest learning rate.")]
WarmUp = Annotated[
    float | None,
    option(
        SCHEDULE,
        "--warm-up",
        min=0.0,
        max=1.0,
        callback=finite,
        show_default=BY_NETWORK,
        help="Share of the steps in which the learning rate rises.",
    ),
]
WeightDecay = Annotated[
    float | None,
    option(
        SCHEDULE,
        "--weight-decay",
        min=0.0,
        callback=finite,
        show_default=BY_NETWORK,
        help="Weight decay of AdamW.",
    ),
]
LayerDecay = Annotated[
    float | None,
    option(
        SCHEDULE,
        "--layer-decay",
        max=1.0,
        callback=finite,
        show_default=f"{BY_NETWORK}; 1 from random weights",
        help="Factor of the learning rate from each layer to the one before it.",
    ),
]
Clip = Annotated[
    float | None,
    option(SCHEDULE, "--clip", callback=finite, show_default=BY_NETWORK, help="Greatest norm of the gradient."),
]
Ema = Annotated[
    float | None,
    option(
        SCHEDULE,
        "--ema",
        min=0.0,
        max=0.9999,
        callback=finite,
        show_default=BY_NETWORK,
        help="Decay of the moving average of the weights, which the model gets; 0: the last weights.",
    ),
]
Recover = Annotated[
    bool,
    option(
        SCHEDULE,
        "--recover",
        help="If the training collapses, go back to the last good weights and go on with half the learning rate and a "
        "milder mining.",
    ),
]
Arithmetic = Annotated[
    Precision | None,
    option(
        RESOURCES, "--precision", show_default="auto: bfloat16 where it is fast", help="Precision of the forward pass."
    ),
]
Workers = Annotated[
    int | None,
    option(
        RESOURCES,
        "--workers",
        min=0,
        show_default="one per core to read pictures, a quarter of that for batches",
        help="Worker processes; 0: work in this process.",
    ),
]
Threads = Annotated[
    int | None,
    option(RESOURCES, "--threads", min=1, show_default="the other cores", help="Threads that the network uses."),
]
