"""Hold the options of one `sinonom train`, and find the image sets that they name."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.storage.atomic import sha256_of

HOW = ("data", "output", "device", "precision", "workers", "threads", "cache", "overwrite", "recover", "resume_from")
"""Fields that only say where and how to train; a training may go on with other values, if perhaps with other bytes."""

PLAIN = {"warm_up": 0.05, "layer_decay": 1.0, "clip": 1.0, "ema": 0.0, "normalise": False}
"""Values of fields that are noted only if they differ: earlier versions trained with these values and noted none."""

NETWORK = ("backbone", "head", "lr", "weight_decay")
"""Fields that the discriminant does not use."""

IF_ASKED_FOR = (
    "stem_stride",
    "weights",
    "margin",
    "mining",
    "recall_at",
    "simix",
    "memory",
    "micro_batch",
    "frequency",
    "hard_classes",
    "teach",
    "first_mining",
    "recipe",
)
"""Fields that are noted only if they have a value; a loss without a margin notes none, for example."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """Options of one training, with the defaults of most losses; `options.complete` adds those of one loss.

    Attributes
    ----------
    data : image sets, each with an optional `:WEIGHT`; none: every one below ./data.
    output : folder of the model to make.
    loss : "lda", or one of `options.LOSSES`.
    backbone : "directmap", "directmap-large" or the name of a timm model.
    stem_stride : stride of the backbone's first convolution; None: its own.
    weights : weights to begin from: a safetensors file, or "pretrained"; None: fresh ones.
    resume_from : model whose weights these are; its backbone, size and embedding are those of the fields here.
    recipe : "report": half of the steps train a classifier, the others train with `loss` from its features; None: all
        steps train with `loss`.
    head : head of the classifier that cross-entropy trains: "linear" or "ml-decoder".
    teacher : "pp-ocr", an ONNX file, a model's folder or the name of a timm model; None: there is none.
    teacher_weights : weights of a timm teacher, given as in `weights`.
    distill : weight of the teacher's part of the loss.
    distill_loss : "similarity" or "distance", see `distill.LOSSES`.
    teach : sets, some of `data`, whose pictures the teacher answers; none: all.
    embedding : length of an embedding.
    size : side of the input in pixels.
    classes, images : P characters and K pictures of each in a batch.
    mining : "none", "batch-hard", "batch-all", "semi-hard" or "distance-weighted".
    first_mining : mining with which the training begins, until batches are in order (`hardening`); None: `mining`.
    margin : margin of the loss; None: the soft margin, or the loss has none.
    recall_at, simix : values of k of recall@k, and whether it mixes similarities.
    memory : number of embeddings of earlier batches that a batch is compared with.
    micro_batch : number of pictures that run through the network at once; None: all.
    frequency : power; characters are drawn by the number of their pictures to this power.
    hard_classes : share of a batch's characters that are neighbours of the others.
    steps : number of batches to learn from.
    lr, weight_decay : options of AdamW; lr is the maximum of its schedule.
    warm_up : share of the steps in which the learning rate rises.
    layer_decay : factor of the learning rate from each layer of the network to the one before it.
    clip : greatest norm of a gradient; a longer one is scaled to it.
    ema : decay of the moving average of the weights, which the model gets; 0: it gets the weights themselves.
    normalise : whether each dimension of the embedding is normalised over the batch while the network learns.
    recover : whether a training that collapses goes back to its last good weights, and goes on milder.
    val : share of the pictures held out.
    limit : number of pictures to take from the start of each set; None: all.
    cache : folder of prepared pictures; None: the user's cache folder.
    """

    data: tuple[Path, ...] = ()
    output: Path = Path("model")
    loss: str = "triplet"
    backbone: str = "directmap"
    stem_stride: int | None = None
    weights: str | None = None
    resume_from: Path | None = None
    recipe: str | None = None
    head: str = "linear"
    teacher: str | None = None
    teacher_weights: str = "pretrained"
    distill: float = 0.0
    distill_loss: str = "similarity"
    teach: tuple[Path, ...] = ()
    embedding: int = 128
    size: int = 64
    classes: int = 64
    images: int = 2
    mining: str = "none"
    first_mining: str | None = None
    margin: float | None = None
    recall_at: tuple[int, ...] = ()
    simix: bool = False
    memory: int = 0
    micro_batch: int | None = None
    frequency: float = 0.0
    hard_classes: float = 0.0
    steps: int = 4000
    lr: float = 2e-3
    weight_decay: float = 1e-2
    warm_up: float = 0.05
    layer_decay: float = 1.0
    clip: float = 1.0
    ema: float = 0.0
    normalise: bool = False
    val: float = 0.1
    seed: int = 0
    limit: int | None = None
    device: str = "auto"
    precision: str = "auto"
    workers: int | None = None
    threads: int | None = None
    cache: Path | None = None
    overwrite: bool = False
    recover: bool = False

    def options(self) -> dict[str, Any]:
        """Return the options that change the model, as JSON types; other values of them make another model."""
        left = HOW + (NETWORK if self.loss == "lda" else ())
        options = {name: value for name, value in asdict(self).items() if name not in left}
        if self.loss != "cross-entropy" and not self.recipe:
            options.pop("head", None)
        options["teach"] = self.taught()
        for name in ("teacher", "teacher_weights") + (() if self.teacher else ("distill", "distill_loss")):
            options.pop(name, None)  # the caller adds the teacher's identity
        if self.weights not in (None, "pretrained"):
            # The path of the file is private; only its name and the identity of the weights are noted.
            options["weights"] = f"{Path(self.weights).name} {_identity(Path(self.weights))}"
        if self.loss == "triplet" and self.margin is None:
            options["margin"] = "soft"
        for name, value in PLAIN.items():
            if options.get(name, value) == value or self.loss == "lda":
                options.pop(name, None)
        if self.mining == "none" and self.loss not in ("triplet", "contrastive"):
            del options["mining"]
        weights = [weight for _, weight in map(weighed, self.data)]
        if len(set(weights)) > 1:
            options["set_weights"] = weights
        return {name: value for name, value in options.items() if value or name not in IF_ASKED_FOR}

    def taught(self) -> list[int] | None:
        """Return the numbers of the sets whose pictures the teacher answers, from 0 in the order of `data`; None: all.

        Raises
        ------
        SinonomError
            With exit code 2, if a set of `teach` is not one of `data`.
        """
        if not self.teach:
            return None
        sets = [path.absolute() for path, _ in map(weighed, find_sets(self.data))]
        for path in self.teach:
            if path.absolute() not in sets:
                raise UsageError(f"--teach {path} is none of the sets that are learnt from", f"give --data {path} too")
        return sorted({sets.index(path.absolute()) for path in self.teach})


def _identity(path: Path) -> str:
    if not path.is_file():
        raise SinonomError(f"--weights {path} is not a file", "--weights FILE.safetensors, or --weights pretrained")
    return sha256_of(path)[:16]


def weighed(given: Path) -> tuple[Path, float]:
    """Return a set and its weight: `SET:2` has weight 2, and `SET` has weight 1.

    If a folder with the whole name exists, it is a set without a weight. So `a:2` may be a folder, and `a:2:1` gives it
    a weight. A drive is never a set: `C:2` is a path.

    Raises
    ------
    SinonomError
        With exit code 2, if the weight is not positive.
    """
    text = str(given)
    name, colon, tail = text.rpartition(":")
    try:
        weight = float(tail)
    except ValueError:
        return given, 1.0
    if not colon or given.exists() or (len(name) == 1 and os.name == "nt"):
        return given, 1.0
    if not 0 < weight < float("inf"):
        raise UsageError(f"--data {text}: a weight is a positive number", f"--data {name}:1, or leave out the set")
    return Path(name), weight


def find_sets(data: tuple[Path, ...], below: Path = Path("data")) -> list[Path]:
    """Return the image sets that were given, or every complete one below ./data, at any depth.

    Parameters
    ----------
    data : sets without weights, see `weighed`; none: those below ./data.

    Raises
    ------
    SinonomError
        If there is none.
    """
    if data:
        return list(data)
    found = []
    for folder, inner, names in os.walk(below):
        inner.sort()
        if "artifact.json" not in names:
            continue
        inner.clear()  # what belongs to an artifact is not an artifact of its own
        try:
            record = json.loads((Path(folder) / "artifact.json").read_text(encoding="utf-8", errors="surrogateescape"))
        except (OSError, ValueError):
            continue
        if not isinstance(record, dict) or record.get("kind") != "imageset":
            continue
        if record.get("status") == "complete":
            found.append(Path(folder))
        else:
            messages.warn(f"{folder} is not complete and is left out")
    if not found:
        raise SinonomError(
            f"no image set below ./{below.as_posix()}",
            f"make one with sinonom synth-fonts FONTS {below.as_posix()}/fonts, or give one with --data SET",
        )
    return found
