"""Take the network, the sizes and the weights of a training from a model (`--resume-from`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.storage.model_folder import DEFAULT, read_model

SHIPPED = "default"
TAKEN = ("backbone", "stem_stride", "weights", "embedding", "size")
"""Options that the model decides."""


def inherited(model: Path, typed: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a training that begins with a model.

    Parameters
    ----------
    model : folder of a model; "default", if there is no such folder, is the model that ships.
    typed : options as they were typed, None if an option was not.

    Raises
    ------
    SinonomError
        With exit code 2, if an option contradicts the model; with exit code 4, if the model has no network to train.
    """
    for name in TAKEN:
        if typed.get(name) is not None:
            option = name.replace("_", "-")
            raise UsageError(f"--{option} is decided by the model of --resume-from", f"leave out --{option}")
    path = DEFAULT if str(model) == SHIPPED and not model.exists() else model
    found = read_model(path)
    head = found.record.head
    if head not in ("linear", "ml-decoder"):
        what = f"{path} is no network that goes on learning: its head is {head}"
        raise SinonomError(what, "--resume-from a model of another --loss, or --resume-from default")
    embedding = found.embedding_size if head == "linear" else None  # that of ml-decoder is the backbone's features
    return typed | {
        "resume_from": path,
        "backbone": found.record.backbone,
        "stem_stride": found.record.stem_stride,
        "weights": str(path / "model.safetensors"),
        "embedding": embedding,
        "size": found.size,
    }
