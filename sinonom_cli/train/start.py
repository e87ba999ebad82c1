"""What a training begins from: a network, perhaps with weights, and perhaps a teacher."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from sinonom_cli.errors import need
from sinonom_cli.models.networks import build
from sinonom_cli.models.teachers import PP_OCR, Teacher, find_teacher
from sinonom_cli.models.timm_teacher import export_timm_teacher
from sinonom_cli.models.weights import PRETRAINED, fetch_pretrained, load_weights
from sinonom_cli.train.cache_folder import default_folder
from sinonom_cli.train.config import Config


def fresh_network(config: Config) -> nn.Module:
    """The network as it begins; weights are loaded unless a checkpoint will bring its own."""
    network = build(config.backbone, config.embedding, config.size, config.stem_stride)
    begun = any((config.output / name).exists() for name in ("resume/last.safetensors", "model.safetensors"))
    if config.weights and (config.overwrite or not begun):
        load_weights(
            network, fetch_pretrained(config.backbone) if config.weights == PRETRAINED else Path(config.weights)
        )
    return network


def teacher_of(config: Config) -> Teacher | None:
    """The teacher that was asked for."""
    if config.teacher is None:
        return None
    name = config.teacher
    if name != PP_OCR and not Path(name).exists() and need("timm", "train").is_model(name):
        folder = (config.cache or default_folder()) / "teachers"
        name = str(export_timm_teacher(name, config.teacher_weights, config.size, folder))
    return find_teacher(name)
