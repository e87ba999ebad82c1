"""The network to train: a backbone, a linear head, embeddings of length 1; and the device it runs on."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import need, usage_error
from sinonom_cli.models.directions import DirectMapNet, Head


class TimmEmbedding(nn.Module):
    """A backbone of timm, pooled, and a linear head.

    Maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32 of length 1.
    """

    def __init__(self, backbone: nn.Module, features: int, embedding: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = Head(features, embedding)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        # Networks of timm expect their input around zero.
        return functional.normalize(self.head(self.backbone(pictures * 2 - 1)), dim=1)


def build(backbone: str, embedding: int, size: int) -> nn.Module:
    """Make the network with fresh weights from torch's random state.

    Parameters
    ----------
    backbone : "directmap" or a name of timm's.
    embedding : length of an embedding.
    size : side of the input in pixels.

    Raises
    ------
    SinonomError
        With exit code 2 for an unknown name, or for a network that does not take pictures of this size.
    """
    if backbone == "directmap":
        return DirectMapNet(size, embedding)
    timm = need("timm", "train")
    if not timm.is_model(backbone):
        close = difflib.get_close_matches(backbone, ["directmap", *timm.list_models()], 4, 0.5)
        raise usage_error(
            f"there is no backbone {backbone!r}", f"--backbone {' or '.join(close or ['directmap', 'resnet18'])}"
        )
    options: dict[str, Any] = {"pretrained": False, "in_chans": 1, "num_classes": 0}
    try:
        try:
            body = timm.create_model(backbone, img_size=size, **options)
        except TypeError:  # convolutional networks take any size and no such option
            body = timm.create_model(backbone, **options)
        with torch.no_grad():
            features = body.eval()(torch.zeros(1, 1, size, size)).shape[1]
    except (RuntimeError, AssertionError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:120]
        raise usage_error(
            f"backbone {backbone} does not take pictures of {size} x {size}: {reason}", "--size 224, or another"
        ) from error
    return TimmEmbedding(body, int(features), embedding)


def pick_device(name: str) -> torch.device:
    """The device that `--device` names; "auto" is the best there is.

    Raises
    ------
    SinonomError
        With exit code 2, if it is not one or is not there.
    """
    cuda, mps = torch.cuda.is_available(), torch.backends.mps.is_available()
    if name == "auto":
        name = "cuda" if cuda else "mps" if mps else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise usage_error(f"there is no device {name!r}", "--device auto, cpu, cuda, cuda:1 or mps") from error
    there = {"cpu": True, "cuda": cuda and (device.index or 0) < torch.cuda.device_count(), "mps": mps}
    if not there.get(device.type, False):
        raise usage_error(f"device {name} is not there", "--device auto")
    return device


def pick_precision(name: str, device: torch.device) -> torch.dtype:
    """The arithmetic of the forward pass that `--precision` names; "auto" is bfloat16 where the hardware multiplies it.

    Weights, losses and their gradients are float32 either way.
    """
    if name != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
    if device.type == "cuda":
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = device.type == "cpu" and bool(getattr(torch.cpu, "_is_amx_tile_supported", bool)())
    return torch.bfloat16 if fast else torch.float32
