"""What `sinonom train` was asked for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import console
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.storage.atomic import sha256_of

HOW = ("data", "output", "device", "precision", "workers", "threads", "cache", "overwrite")
"""Fields that say where and how, not what: another device may give other bytes, but goes on with the same training."""

NETWORK = ("backbone", "head", "lr", "weight_decay")
"""Fields that the discriminant has no use for."""

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
)
"""Fields that are noted where they say something: a loss without a margin has none."""


@dataclass(frozen=True, kw_only=True)
class Config:
    """The options of one training, with the defaults of most losses; `options.complete` adds those of one loss.

    Attributes
    ----------
    data : image sets, each perhaps with `:WEIGHT`; none: every one below ./data.
    output : the model to make.
    loss : "lda", or one of `options.LOSSES`.
    backbone : "directmap", "directmap-large" or a name of timm's.
    stem_stride : of its first convolution; None: its own.
    weights : to begin from: a safetensors file, or "pretrained"; None: fresh ones.
    head : of the classifier that cross-entropy trains: "linear" or "ml-decoder".
    teacher : "pp-ocr", an ONNX file, a model's folder or a name of timm's; None: there is none.
    teacher_weights : of a teacher of timm's, like `weights`.
    distill : weight of the teacher's part of the loss.
    distill_loss : "similarity" or "distance", see `distill.LOSSES`.
    teach : sets, some of `data`, whose pictures the teacher is asked about; none: all.
    embedding : length of an embedding.
    size : side of the input in pixels.
    classes, images : P and K of a batch.
    mining : "none", "batch-hard", "batch-all", "semi-hard" or "distance-weighted".
    margin : of the loss; None: the soft margin, or it has none.
    recall_at, simix : the k of recall@k, and whether it mixes similarities.
    memory : embeddings of earlier batches that a batch is compared with.
    micro_batch : pictures that run through the network at once; None: all.
    frequency : characters are drawn by the number of their pictures to this power.
    hard_classes : share of a batch's characters that are there as neighbours of others.
    steps : batches to learn from.
    lr, weight_decay : of AdamW; lr at the top of its schedule.
    val : share of the pictures held out.
    limit : take only the first so many pictures of each set; None: all.
    cache : where prepared pictures are kept; None: the user's folder for such things.
    """

    data: tuple[Path, ...] = ()
    output: Path = Path("model")
    loss: str = "triplet"
    backbone: str = "directmap"
    stem_stride: int | None = None
    weights: str | None = None
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
    val: float = 0.1
    seed: int = 0
    limit: int | None = None
    device: str = "auto"
    precision: str = "auto"
    workers: int | None = None
    threads: int | None = None
    cache: Path | None = None
    overwrite: bool = False

    def options(self) -> dict[str, Any]:
        """What changes the model, as JSON types: a model made with other options is another model."""
        left = HOW + (NETWORK if self.loss == "lda" else ())
        options = {name: value for name, value in asdict(self).items() if name not in left}
        if self.loss != "cross-entropy":
            options.pop("head", None)
        options["teach"] = self.taught()
        for name in ("teacher", "teacher_weights") + (() if self.teacher else ("distill", "distill_loss")):
            options.pop(name, None)  # which teacher it was, the one who finds it adds
        if self.weights not in (None, "pretrained"):
            # Where the file lay is nobody's business; which weights they were is.
            options["weights"] = f"{Path(self.weights).name} {_identity(Path(self.weights))}"
        if self.loss == "triplet" and self.margin is None:
            options["margin"] = "soft"
        if self.mining == "none" and self.loss not in ("triplet", "contrastive"):
            del options["mining"]
        weights = [weight for _, weight in map(weighed, self.data)]
        if len(set(weights)) > 1:
            options["set_weights"] = weights
        return {name: value for name, value in options.items() if value or name not in IF_ASKED_FOR}

    def taught(self) -> list[int] | None:
        """Numbers of the sets that the teacher is asked about, from 0 in the order of `data`; None: all.

        Raises
        ------
        SinonomError
            With exit code 2, if one is not among them.
        """
        if not self.teach:
            return None
        sets = [path.absolute() for path, _ in map(weighed, find_sets(self.data))]
        for path in self.teach:
            if path.absolute() not in sets:
                raise UsageError(f"--teach {path} is none of the sets that are learnt from", f"--data {path} too")
        return sorted({sets.index(path.absolute()) for path in self.teach})


def _identity(path: Path) -> str:
    if not path.is_file():
        raise SinonomError(f"--weights {path} is no file", "--weights FILE.safetensors, or --weights pretrained")
    return sha256_of(path)[:16]


def weighed(given: Path) -> tuple[Path, float]:
    """A set and its weight: `SET:2` weighs 2, `SET` 1.

    What is there under the whole name is a set without a weight; so `a:2` may be a folder, and `a:2:1` weighs it. A
    drive is no set: `C:2` is a path.

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
        raise UsageError(f"--data {text}: a weight is a positive number", f"--data {name}:1, or leave the set away")
    return Path(name), weight


def find_sets(data: tuple[Path, ...], below: Path = Path("data")) -> list[Path]:
    """The image sets that were given; none given: every complete one below ./data, at any depth.

    Parameters
    ----------
    data : without weights, see `weighed`.

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
            console.warn(f"{folder} is not complete and is left out")
    if not found:
        raise SinonomError(
            f"no image set below ./{below.as_posix()}",
            f"sinonom synth-fonts FONTS {below.as_posix()}/fonts makes one; or give one with --data SET",
        )
    return found
