"""Choose the device that a network trains on, and its arithmetic."""

from __future__ import annotations

import torch

from sinonom_cli.errors import UsageError


def pick_device(name: str, number: int = 0) -> torch.device:
    """Return the device that `--device` names; "auto" is the best one that exists.

    Parameters
    ----------
    number : number of this process on this machine; each process takes a GPU of its own.

    Raises
    ------
    SinonomError
        With exit code 2, if the name is not a device or the device does not exist.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    if name == "cuda" and cuda:
        name = f"cuda:{number % torch.cuda.device_count()}"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise UsageError(f"there is no device {name!r}", "--device auto, cpu, cuda, cuda:1 or mps") from error
    there = {"cpu": True, "cuda": cuda and (device.index or 0) < torch.cuda.device_count(), "mps": mps}
    if not there.get(device.type, False):
        raise UsageError(f"device {name} does not exist here", "--device auto")
    return device


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """Return the number type of the forward pass that `--precision` names.

    "auto" is bfloat16 where the hardware multiplies it, otherwise float32. Weights, losses and their gradients are
    float32 in both cases.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)())
    return torch.bfloat16 if fast else torch.float32
