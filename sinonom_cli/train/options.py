"""Check which options of `sinonom train` go together, and complete those that were not given."""

from __future__ import annotations

from dataclasses import fields
from enum import StrEnum
from typing import Any

from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.train.config import Config
from sinonom_cli.train.families import settings_of
from sinonom_cli.train.losses.table import HARD, LOSSES, Entry

LossName = StrEnum("Loss", {name: name for name in (*LOSSES, "lda")})  # type: ignore[misc]
"""Name of a loss: the losses of a network, and the discriminant `lda`."""


class Mining(StrEnum):
    """Choice of the pairs or triplets of a batch that count."""

    none = "none"
    semi_hard = "semi-hard"
    batch_hard = "batch-hard"
    batch_all = "batch-all"
    distance_weighted = "distance-weighted"


class Classifying(StrEnum):
    """Head of a classifier."""

    linear = "linear"
    ml_decoder = "ml-decoder"


class Distilling(StrEnum):
    """Relation between pictures that a student learns from a teacher."""

    similarity = "similarity"
    distance = "distance"


class Precision(StrEnum):
    """Number type of the forward pass."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


class Recipe(StrEnum):
    """Several trainings in a row that make one model."""

    report = "report"


DEFAULTS: dict[str, Any] = {field.name: field.default for field in fields(Config)}
NETWORK = (
    "backbone",
    "stem_stride",
    "weights",
    "head",
    "teacher",
    "teacher_weights",
    "distill",
    "distill_loss",
    "teach",
    "lr",
    "weight_decay",
    "warm_up",
    "layer_decay",
    "clip",
    "ema",
    "normalise",
    "recipe",
    "precision",
    "micro_batch",
    "hard_classes",
    "recover",
    "resume_from",
)
"""Options that every network has and the discriminant does not have."""
PER_LOSS = ("mining", "first_mining", "margin", "memory", "recall_at", "simix")
"""Options that only some losses have."""
SHAPES = ("embedding", "size", "classes", "images", "steps", "frequency")
"""Options for which the discriminant may have defaults of its own."""
LDA_SHAPES = {"embedding": 192, "classes": 128, "steps": 500}
"""Defaults of the discriminant; its 500 batches of 128 x 2 views take a few minutes."""
TUNING = {"steps": 400}
"""Defaults of a training that begins with a model (`--resume-from`)."""
TUNING_LOSS = "cosface"
"""Loss of such a training: its proxies begin at the characters' embeddings."""

DISTILLING = {"similarity": 3.0, "distance": 1.0}
"""Weight of the teacher's part of the loss, by `--distill-loss`."""
TAUGHT = ("teacher_weights", "distill", "distill_loss", "teach")
"""Options that have a meaning only with a teacher."""

RECALL_AT = (1, 2, 4, 8, 16)
"""Default values of k of recall@k, as in the paper."""


def complete(loss: str, given: dict[str, Any]) -> dict[str, Any]:
    """Check the options that depend on the loss, and give defaults to those that were not given.

    Parameters
    ----------
    given : values of the options, None if an option was not given.

    Returns
    -------
    Values of the options as fields of `Config`; a margin of None is the soft one.

    Raises
    ------
    SinonomError
        With exit code 2, and a message that names the option.
    """
    given = {name: value for name, value in given.items() if value is not None}
    tuned = "resume_from" in given
    defaults = {name: DEFAULTS[name] for name in (*SHAPES, *NETWORK, *PER_LOSS)}
    if loss != "lda":
        defaults |= settings_of(given.get("backbone", DEFAULTS["backbone"]), given.get("weights"), tuned)
    shapes = _shapes(defaults | (LDA_SHAPES if loss == "lda" else TUNING if tuned else {}), given)
    given = {name: value for name, value in given.items() if name not in shapes and name != "batch_size"}
    if loss == "lda":
        _refuse([name for name in ("resume_from", *NETWORK, *PER_LOSS) if name in given], loss)
        return defaults | shapes
    traits = LOSSES[loss]
    own: dict[str, Any] = {"mining": traits.mining[0], "margin": traits.margin}
    if defaults["normalise"] and given.get("mining", own["mining"]) in HARD:
        own["first_mining"] = traits.mild  # directmap and weights that have learnt need no milder start
    own |= {"recall_at": RECALL_AT} if loss == "recall@k" else {}
    _check_loss(loss, traits, given, own["mining"])
    if "margin" in given:
        given["margin"] = _margin(given["margin"], loss)
    if "recall_at" in given:
        given["recall_at"] = _ks(given["recall_at"])
    given["distill"] = _weight(given)
    chosen: dict[str, Any] = defaults | shapes | own | given
    _check_values(loss, chosen, defaults)
    return chosen


def _check_loss(loss: str, traits: Entry, given: dict[str, Any], mining: str) -> None:
    """Refuse options that do not go with the loss; `mining` is its default one."""
    if loss != "recall@k":
        _refuse([name for name in ("recall_at", "simix") if name in given], loss, "--loss recall@k")
    for name in ("mining", "first_mining"):
        if given.get(name, mining) not in traits.mining:
            option = name.replace("_", "-")
            what = f"--{option} {given[name]} does not go with --loss {loss}: {traits.why}"
            raise UsageError(what, f"--{option} {' or '.join(traits.mining)}, or leave it out")
    if "recipe" in given and not traits.compares:
        what = f"--recipe {given['recipe']} ends with a loss that compares pictures, and --loss {loss} compares none"
        raise UsageError(what, "--loss triplet, or leave out --recipe")
    if "margin" in given and traits.margin is None:
        _refuse(["margin"], loss)
    if given.get("hard_classes") and loss == "cross-entropy":
        raise UsageError(
            "--hard-classes does not go with --loss cross-entropy, which learns no distances", "leave it out"
        )
    if given.get("memory") and not traits.compares:
        raise UsageError(f"--memory does not go with --loss {loss}, which compares no pictures", "leave it out")
    if loss == "cross-entropy":
        _refuse([name for name in ("hard_classes", "teacher") if name in given], loss)
    elif "head" in given and "recipe" not in given:
        _refuse(["head"], loss, "--loss cross-entropy, --recipe report")


def _check_values(loss: str, chosen: dict[str, Any], defaults: dict[str, Any]) -> None:
    """Refuse values that make no sense, alone or together."""
    classifies = loss == "cross-entropy"
    if classifies and chosen["head"] == "ml-decoder" and chosen["embedding"] != DEFAULTS["embedding"]:
        what = "--head ml-decoder embeds by the mean of the backbone's feature map, which has its own length"
        raise UsageError(what, "leave out --embedding, or give --head linear")
    semi_hard = "semi-hard" in (chosen["mining"], chosen["first_mining"])
    if chosen["margin"] is None and loss == "triplet" and semi_hard:
        raise UsageError("--mining semi-hard needs a margin that is a number, and --margin is soft", "--margin 0.2")
    for name in ("lr", "clip", "layer_decay"):
        if not 0 < chosen[name] < float("inf"):
            hint = f"--{name.replace('_', '-')} {defaults[name]}, or another positive number"
            raise UsageError(f"--{name.replace('_', '-')} is {chosen[name]}", hint)
    size = chosen["classes"] * chosen["images"]
    if chosen["micro_batch"] and chosen["micro_batch"] > size:
        raise UsageError(f"--micro-batch {chosen['micro_batch']} is more than the batch of {size}", "--batch-size")
    if chosen["recipe"] and chosen["steps"] < 2:
        raise UsageError("--recipe report has two phases, and --steps is 1", "--steps 4000")


def _shapes(defaults: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of embedding and batch; `--batch-size` determines the number of classes."""
    shapes: dict[str, Any] = {name: given.get(name, defaults[name]) for name in SHAPES}
    if "batch_size" not in given:
        return shapes
    size, images = given["batch_size"], shapes["images"]
    classes, rest = divmod(size, images)
    if rest or classes < 2:
        hint = f"--batch-size {max(2, classes) * images}, or another multiple of --images"
        raise UsageError(f"--batch-size {size} is not two or more characters of {images} pictures", hint)
    if given.get("classes", classes) != classes:
        what = f"--batch-size {size} is {classes} characters of {images} pictures, and --classes is {given['classes']}"
        raise UsageError(what, "give one of the two")
    return shapes | {"classes": classes}


def _weight(given: dict[str, Any]) -> float:
    """Return the weight of the teacher's part of the loss; refuse options that need a teacher if there is none."""
    if "teacher" not in given and (alone := [name for name in TAUGHT if name in given]):
        option = alone[0].replace("_", "-")
        raise UsageError(f"--{option} has no effect without a teacher", "give --teacher pp-ocr, or leave it out")
    weight: float = given.get("distill", DISTILLING[given.get("distill_loss", DEFAULTS["distill_loss"])])
    return weight


def _refuse(names: list[str], loss: str, hint: str = "--loss triplet") -> None:
    if names:
        option = names[0].replace("_", "-")
        raise UsageError(f"--{option} does not go with --loss {loss}", f"{hint}, or leave it out")


def _margin(text: str, loss: str) -> float | None:
    if text == "soft" and loss == "triplet":
        return None
    try:
        margin = float(text)
    except ValueError:
        margin = -1.0
    if not 0 < margin < 100:
        what = "neither a positive number nor soft" if loss == "triplet" else "not a positive number"
        raise UsageError(f"--margin {text} is {what}", f"--margin {LOSSES[loss].margin}")
    return margin


def _ks(text: str) -> tuple[int, ...]:
    def wrong() -> SinonomError:
        return UsageError(f"--recall-at {text} is not a list of ranks from 1 up", "--recall-at 5, or 1,2,4,8,16")

    try:
        ks = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        raise wrong() from None
    if ks[0] < 1:
        raise wrong()
    return ks
