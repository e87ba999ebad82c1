"""Export a timm network as a teacher, with its own size and normalisation, so that it takes ink as our models do."""

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
    """Network that gives the pooled features of a backbone trained on photographs.

    It maps (N, 1, S, S) float32 ink in [0, 1] to (N, F) float32. The backbone gets dark ink on white, enlarged to the
    size that it was trained at. The mean and deviation of its colours are averaged, since the input has one channel.
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
    """Export a timm network, unless that is done already, and return its ONNX file in `folder`.

    Parameters
    ----------
    weights : safetensors file, or "pretrained".
    size : side, in pixels, of the pictures that it will be given.

    Raises
    ------
    SinonomError
        If the weights cannot be read or downloaded, or belong to another network.
    """
    path = fetch_pretrained(name, "--teacher-weights") if weights == PRETRAINED else Path(weights)
    if not path.is_file():
        raise SinonomError(f"{path} is not a file", "--teacher-weights FILE.safetensors, or pretrained")
    out = folder / f"{name}-{sha256_of(path)[:16]}-{size}.onnx"
    if out.exists():
        return out
    side = int(need("timm", "train").get_pretrained_cfg(name).input_size[-1])
    state = torch.get_rng_state()  # a teacher must not change the student's initial weights
    network = build(name, 2, side)
    torch.set_rng_state(state)
    load_weights(network, path)
    write_bytes(out, export_onnx(TimmTeacher(network.backbone), size)[0])
    return out
