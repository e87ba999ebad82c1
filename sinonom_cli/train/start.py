"""Make what a training begins with: a network, its weights and proxies, and a teacher if there is one."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError, UsageError, need
from sinonom_cli.networks.backbones import build
from sinonom_cli.networks.directmap import WIDTHS
from sinonom_cli.networks.normalised_head import make_plain, normalise_head
from sinonom_cli.networks.onnx_export import export_onnx
from sinonom_cli.networks.pretrained import PRETRAINED, fetch_pretrained, load_weights
from sinonom_cli.networks.teachers import PP_OCR, Teacher, find_teacher
from sinonom_cli.networks.timm_teacher import export_timm_teacher
from sinonom_cli.train.cache_folder import default_folder
from sinonom_cli.train.config import Config
from sinonom_cli.train.prepared_pictures import Cells
from sinonom_cli.train.split import Pictures

FOR_A_CENTRE = 2
"""Number of pictures of a character; its proxy begins at the mean of their embeddings."""
AT_ONCE = 512
"""Number of pictures that are embedded together for the proxies."""


def fresh_network(config: Config) -> nn.Module:
    """Return the network at its start; weights are loaded unless a checkpoint has them."""
    network = build(config.backbone, config.embedding, config.size, config.stem_stride)
    if config.normalise:
        normalise_head(network)
    begun = begun_already(config.output) or (config.output / "model.safetensors").exists()
    if config.weights and (config.overwrite or not begun):
        load_weights(
            network, fetch_pretrained(config.backbone) if config.weights == PRETRAINED else Path(config.weights)
        )
    return network


def try_export(config: Config, network: nn.Module) -> None:
    """Export a network before it learns anything, so that hours of training are not lost to an export that fails.

    Raises
    ------
    SinonomError
        With exit code 2, if the network cannot be exported to ONNX, or gives other numbers there.
    """
    if config.backbone in WIDTHS:
        return
    trial = copy.deepcopy(network)
    try:
        with torch.random.fork_rng(devices=[]):  # a resumed training draws the same numbers without this export
            make_plain(trial)
            export_onnx(trial, config.size)
    except SinonomError:
        raise
    except Exception as error:  # torch and onnx raise many different exceptions
        reason = " ".join(str(error).split())[:120]
        raise UsageError(
            f"backbone {config.backbone} cannot be exported to ONNX: {reason}", "--backbone efficientnet_b0"
        ) from error


def begun_already(output: Path) -> bool:
    """Return whether a training resumes from a checkpoint."""
    return (output / "resume" / "last.safetensors").exists()


@torch.no_grad()
def centres_of(
    model: nn.Module,
    cells: Cells,
    pictures: Pictures,
    device: torch.device,
    precision: torch.dtype,
    seed: int,
) -> Tensor:
    """Return the mean embedding of some pictures of each character, by a network that has learnt before.

    Returns
    -------
    (C, D) float32 of length 1, on the CPU.
    """
    some = np.random.default_rng(seed).permutation(np.flatnonzero(~pictures.held))
    some = some[np.argsort(pictures.classes[some], kind="stable")]
    classes = pictures.classes[some]
    place = np.arange(len(some)) - np.searchsorted(classes, classes)  # first, second, ... of its character
    some = some[place < FOR_A_CENTRE]
    model.to(device, memory_format=torch.channels_last).eval()
    sums: Tensor | None = None
    with messages.progress(len(some), "pictures for the proxies") as bar:
        for start in range(0, len(some), AT_ONCE):
            part = some[start : start + AT_ONCE]
            ink = torch.from_numpy(cells[pictures.cells[part]]).to(device)[:, None].float() / 255
            with torch.autocast(device.type, precision, enabled=precision != torch.float32):
                rows = model(ink).float().cpu()
            if sums is None:
                sums = torch.zeros(len(pictures.labels), rows.shape[1])
            sums.index_add_(0, torch.from_numpy(pictures.classes[part]), rows)
            bar.advance(len(part))
    assert sums is not None
    return functional.normalize(sums, dim=1)


def teacher_of(config: Config) -> Teacher | None:
    """Return the teacher that the options name; None if there is none."""
    if config.teacher is None:
        return None
    name = config.teacher
    if name != PP_OCR and not Path(name).exists() and need("timm", "train").is_model(name):
        folder = (config.cache or default_folder()) / "teachers"
        name = str(export_timm_teacher(name, config.teacher_weights, config.size, folder))
    return find_teacher(name)
