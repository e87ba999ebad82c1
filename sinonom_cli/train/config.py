"""What `sinonom train` was asked for."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sinonom_cli import console
from sinonom_cli.errors import SinonomError

HOW = ("data", "output", "device", "precision", "workers", "threads", "cache", "overwrite")
"""Fields that say where and how, not what: another device may give other bytes, but goes on with the same training."""

TRIPLET = ("backbone", "mining", "margin", "lr", "weight_decay")
"""Fields that the discriminant has no use for."""


@dataclass(frozen=True)
class Config:
    """The options of one training.

    Attributes
    ----------
    data : image sets; none: every one below ./data.
    output : the model to make.
    loss : "triplet" or "lda".
    backbone : "directmap" or a name of timm's.
    embedding : length of an embedding.
    size : side of the input in pixels.
    classes, images : P and K of a batch.
    mining : "batch-hard", "batch-all" or "semi-hard".
    margin : of the triplet loss; None: the soft margin.
    steps : batches to learn from.
    lr, weight_decay : of AdamW; lr at the top of its schedule.
    val : share of the pictures held out.
    limit : take only the first so many pictures of each set; None: all.
    cache : where prepared pictures are kept; None: the user's folder for such things.
    """

    data: tuple[Path, ...]
    output: Path
    loss: str
    backbone: str
    embedding: int
    size: int
    classes: int
    images: int
    mining: str
    margin: float | None
    steps: int
    lr: float
    weight_decay: float
    val: float
    seed: int
    limit: int | None
    device: str
    precision: str
    workers: int | None
    threads: int | None
    cache: Path | None
    overwrite: bool

    def options(self) -> dict[str, Any]:
        """What changes the model, as JSON types: a model made with other options is another model."""
        options = {name: value for name, value in asdict(self).items() if name not in HOW}
        if self.margin is None:
            options["margin"] = "soft"
        if self.loss == "lda":
            options = {name: value for name, value in options.items() if name not in TRIPLET}
        return options


def find_sets(data: tuple[Path, ...], below: Path = Path("data")) -> list[Path]:
    """The image sets that were given; none given: every complete one below ./data, at any depth.

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
            record = json.loads((Path(folder) / "artifact.json").read_text(encoding="utf-8"))
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
