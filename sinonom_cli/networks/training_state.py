"""Save and load the state of a training: tensors and some JSON in one safetensors file, which is complete or absent."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from sinonom_cli.errors import SinonomError, need
from sinonom_cli.storage.atomic import write_bytes


def save(
    path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer | None, progress: dict[str, Any]
) -> None:
    """Write parameters, buffers, the optimizer's state and `progress` (JSON types) to `path`, completely or not at all.

    Parameters
    ----------
    modules : modules by the name that their tensors get in the file, which must not be "optimizer".

    Raises
    ------
    SinonomError
        With exit code 5, if it cannot be written.
    """
    tensors = {f"{name}.{key}": value for name, each in modules.items() for key, value in each.state_dict().items()}
    if optimizer is not None:
        for number, entries in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{number}.{name}": value for name, value in entries.items()}
    # Tensors are cloned, because safetensors refuses tensors that share memory.
    plain = {name: value.detach().cpu().clone().contiguous() for name, value in tensors.items()}
    # The progress is in the file's own header: after a kill, a second file could belong to another step.
    header = {"progress": json.dumps(progress, sort_keys=True)}
    # The library's save_file makes files that only their owner may read, and has its own errors for a full disk.
    write_bytes(path, need("safetensors.torch", "train").save(plain, metadata=header))


def load(path: Path, modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer | None) -> dict[str, Any]:
    """Restore in place what `save` wrote, and return its `progress`.

    Raises
    ------
    SinonomError
        If the file is damaged, does not exist, or belongs to another network.
    """
    progress = progress_of(path)
    safetensors = need("safetensors", "train")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
        for name, module in modules.items():
            module.load_state_dict(_below(name, tensors))
        if optimizer is not None:
            state: dict[int, dict[str, Tensor]] = {}
            for name, value in _below("optimizer", tensors).items():
                number, entry = name.split(".", 1)
                state.setdefault(int(number), {})[entry] = value
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": state, "param_groups": groups})
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
        raise cannot_resume(path, error) from error
    return progress


def progress_of(path: Path) -> dict[str, Any]:
    """Return the `progress` that `save` wrote, without reading the tensors.

    Raises
    ------
    SinonomError
        If the file is damaged or does not exist.
    """
    safetensors = need("safetensors", "train")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            progress: dict[str, Any] = json.loads(file.metadata()["progress"])
    except (safetensors.SafetensorError, OSError, KeyError, ValueError, TypeError) as error:
        raise cannot_resume(path, error) from error
    return progress


def cannot_resume(path: Path, error: Exception) -> SinonomError:
    """Return the error for a state that is damaged, missing or of another network."""
    reason = " ".join(str(error).split())[:120]
    return SinonomError(f"{path} cannot be resumed from: {reason}", "--overwrite begins again")


def _below(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{prefix}."): value for name, value in tensors.items() if name.startswith(f"{prefix}.")}
