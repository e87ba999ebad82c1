"""A network of timm as a teacher: exported once, with its own size and normalisation, to take ink as our models do."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import SinonomError, need
from sinonom_cli.networks.backbones import build
from sinonom_cli.networks.onnx_export import export_onnx
from sinonom_cli.networks.pretrained import PRETRAINED, fetch_pretrained, load_weights
from sinonom_cli.storage.atomic import sha256_of, write_bytes


class TimmTeacher(nn.Module):
    """Pooled features of a backbone that learnt from photographs.

    Maps (N, 1, S, S) float32 ink in [0, 1] to (N, F) float32. The picture is shown as dark ink on white, enlarged to
    the size the backbone learnt at; its colours' mean and deviation are their averages, since all channels are one.
    """

    def __init__(self, backbone: nn.Module) -> None:
        super().__init__()
        known = backbone.pretrained_cfg
        self.backbone, self.side = backbone, int(known["input_size"][-1])
        self.mean, self.deviation = (sum(known[name]) / len(known[name]) for name in ("mean", "std"))

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        light = functional.interpolate(1 - pictures, size=(self.side, self.side), mode="bilinear", align_corners=False)
        return self.backbone((light - self.mean) / self.deviation)


def export_timm_teacher(name: str, weights: str, size: int, folder: Path) -> Path:
    """Export a network of timm, or find it exported, and return its ONNX file in `folder`.

    Parameters
    ----------
    weights : a safetensors file, or "pretrained".
    size : side of the pictures that it will be given.

    Raises
    ------
    SinonomError
        If the weights cannot be had or are another network's.
    """
    path = fetch_pretrained(name, "--teacher-weights") if weights == PRETRAINED else Path(weights)
    if not path.is_file():
        raise SinonomError(f"{path} is no file", "--teacher-weights FILE.safetensors, or pretrained")
    out = folder / f"{name}-{sha256_of(path)[:16]}-{size}.onnx"
    if out.exists():
        return out
    side = int(need("timm", "train").get_pretrained_cfg(name).input_size[-1])
    state = torch.get_rng_state()  # a teacher must not change what the student begins with
    network = build(name, 2, side)
    torch.set_rng_state(state)
    load_weights(network, path)
    write_bytes(out, export_onnx(TimmTeacher(network.backbone), size)[0])
    return out
