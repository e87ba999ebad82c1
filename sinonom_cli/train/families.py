"""List the families of backbones and the settings with which each learns from fresh weights.

`options.complete` takes the settings that were not given from this table, and `docs/training.md` shows it. Importing
this file does not load torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Family:
    """Settings of a family of backbones; the fields from `lr` on are fields of `Config`.

    Attributes
    ----------
    names : prefixes of the names of its backbones.
    lr : highest learning rate from fresh weights.
    lr_learnt : learning rate whose share `PRETRAINED` or `TUNED` weights that have learnt get.
    warm_up : share of the steps in which the learning rate rises.
    stem_stride : stride of the first convolution, or side of a patch; None: the backbone's own.
    size : side of the input in pixels.
    weight_decay : weight decay of AdamW.
    layer_decay : factor of the learning rate from each layer to the one before it, with weights that have learnt.
    ema : decay of the moving average of the weights, which is validated and kept; 0: the weights themselves.
    clip : greatest norm of the gradient.
    normalise : whether the embedding is normalised over the batch while the network learns, if its head is fresh, and
        whether a loss with hard mining then begins with a milder one.
    """

    names: tuple[str, ...]
    lr: float = 3e-4
    lr_learnt: float = 3e-4
    warm_up: float = 0.05
    stem_stride: int | None = None
    size: int = 64
    weight_decay: float = 0.05
    layer_decay: float = 0.9
    ema: float = 0.99
    clip: float = 1.0
    normalise: bool = True


DIRECTMAP = Family(
    names=("directmap",),
    lr=2e-3,
    lr_learnt=2e-3,
    weight_decay=1e-2,
    layer_decay=1.0,
    ema=0.0,
    normalise=False,
)
TUNED = 0.1
"""Learning rate with weights that have learnt characters before, as a multiple of `Family.lr_learnt`."""
PRETRAINED = 0.3
"""The same with weights that have learnt photographs."""

# Rates and strides were compared on 200 characters, in short trainings of equal processor time; docs/training.md has
# the figures.
FAMILIES: dict[str, Family] = {
    "directmap": DIRECTMAP,
    "EfficientNet": Family(
        names=("efficientnet", "tf_efficientnet", "mnasnet", "fbnet", "mobilenetv2"), lr=3e-3, stem_stride=2
    ),
    "MobileNetV3": Family(names=("mobilenetv3", "tf_mobilenetv3", "lcnet", "mobilenetv4"), lr=3e-3, stem_stride=1),
    "ConvNeXt": Family(names=("convnext",), stem_stride=2),
    "MetaFormer": Family(names=("caformer", "convformer", "poolformer", "efficientformer")),
    "ViT": Family(names=("vit", "deit", "beit", "eva"), stem_stride=8, warm_up=0.1),
    "other": Family(names=("",)),
}
"""Families by the name that the documentation has; the first one with a fitting prefix counts."""


def family_of(backbone: str) -> Family:
    """Return the family of a backbone, given by its name."""
    bare = backbone.rpartition("/")[2]  # timm allows hf-hub:owner/name
    return next(family for family in FAMILIES.values() if bare.startswith(family.names))


def settings_of(backbone: str, weights: str | None, tuned: bool = False) -> dict[str, Any]:
    """Return the settings of a training that were not given, as fields of `Config`.

    Parameters
    ----------
    weights : as in `Config`.
    tuned : whether the weights come from a model of sinonom.
    """
    family = family_of(backbone)
    learnt = tuned or (weights is not None and weights != "pretrained")
    fresh = weights is None or (family is DIRECTMAP and not tuned)
    return {
        "lr": family.lr if fresh else family.lr_learnt * (TUNED if learnt else PRETRAINED),
        "warm_up": family.warm_up,
        "stem_stride": None if tuned else family.stem_stride,  # a model has its own, which may be that of the backbone
        "size": family.size,
        "weight_decay": family.weight_decay,
        "layer_decay": family.layer_decay if weights is not None else 1.0,
        "ema": family.ema,
        "clip": family.clip,
        "normalise": family.normalise and not learnt,
    }


def documentation() -> str:
    """Return the table of families for the documentation, in Markdown."""
    lines = [
        "| family | names begin with | `--lr` | `--warm-up` | `--stem-stride` | `--size` | `--weight-decay` "
        "| `--layer-decay`, with `--weights` | `--ema` | `--clip` | normalised, and mild mining first |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for title, family in FAMILIES.items():
        names = ", ".join(f"`{name}`" for name in family.names if name) or "anything else"
        stride = "the network's" if family.stem_stride is None else str(family.stem_stride)
        numbers = (family.lr, family.warm_up, stride, family.size, family.weight_decay, family.layer_decay)
        more = (family.ema or "none", family.clip, "yes" if family.normalise else "no")
        lines.append(" | ".join([f"| {title}", names, *map(str, (*numbers, *more))]) + " |")
    return "\n".join(lines)
