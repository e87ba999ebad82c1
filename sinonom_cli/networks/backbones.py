"""Build the network to train: a backbone and a linear head that gives embeddings of length 1."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import SinonomError, UsageError, need
from sinonom_cli.networks.directmap import WIDTHS, DirectMapNet, Head


class TimmNet(nn.Module):
    """Network of a timm backbone with its own pooling, and a linear head.

    It maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32 embeddings of length 1.

    Parameters
    ----------
    backbone : timm model made with `num_classes=0`.
    pooled : length of its pooled features, F.
    channels : number of channels of its feature map.
    embedding : length of an embedding, D.
    """

    def __init__(self, backbone: nn.Module, pooled: int, channels: int, embedding: int) -> None:
        super().__init__()
        self.backbone, self.channels = backbone, channels
        self.head = Head(pooled, embedding)

    def features(self, pictures: Tensor) -> Tensor:
        """Return the pooled features of a batch, (N, F)."""
        return self.backbone(_around_zero(pictures))

    def tokens(self, pictures: Tensor) -> Tensor:
        """Return the feature map of a batch before pooling, (N, T, channels)."""
        return _tokens(self.backbone.forward_features(_around_zero(pictures)), self.channels)

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        return functional.normalize(self.head(self.features(pictures)), dim=1)


def _around_zero(pictures: Tensor) -> Tensor:
    """Rescale ink from [0, 1] to [-1, 1], the range that timm's networks expect."""
    return pictures * 2 - 1


def _tokens(maps: Tensor, channels: int) -> Tensor:
    """Return a feature map as (N, T, C) tokens; a backbone gives (N, C, h, w), (N, h, w, C) or (N, T, C)."""
    if maps.ndim == 3:
        return maps
    return maps.flatten(2).mT if maps.shape[1] == channels else maps.flatten(1, 2)


def build(backbone: str, embedding: int, size: int, stem_stride: int | None = None) -> nn.Module:
    """Make the network with fresh weights from torch's random state.

    Parameters
    ----------
    backbone : one of `WIDTHS` or the name of a timm model.
    embedding : length of an embedding.
    size : side of the input in pixels.
    stem_stride : stride of the first convolution, or side of a patch, in pixels; None: the backbone's own, which is
        made for pictures of 224 pixels.

    Raises
    ------
    SinonomError
        With exit code 2, if the name is unknown or the network does not take this size or stride.
    """
    if backbone in WIDTHS:
        if stem_stride is not None:
            raise UsageError(f"backbone {backbone} has no stem with a stride to change", "leave out --stem-stride")
        return DirectMapNet(size, embedding, widths=WIDTHS[backbone])
    timm = need("timm", "train")
    if not timm.is_model(backbone):
        close = difflib.get_close_matches(backbone, [*WIDTHS, *timm.list_models()], 4, 0.5)
        raise UsageError(
            f"there is no backbone {backbone!r}", f"--backbone {' or '.join(close or ['directmap', 'resnet18'])}"
        )
    try:
        body = _body(backbone, size, stem_stride)
        begin_as_identity(body)
        with torch.no_grad():
            example = torch.zeros(1, 1, size, size)
            pooled = body.eval()(example)
    except SinonomError:
        raise
    except Exception as error:  # timm's networks raise many different exceptions when a size does not fit
        reason = " ".join(str(error).split())[:120]
        stride = "" if stem_stride is None else f" with --stem-stride {stem_stride}"
        hint = "--size 64, 96, 128 or 224" if stem_stride is None else "give another --stem-stride, or leave it out"
        raise UsageError(
            f"backbone {backbone} does not take pictures of {size} x {size}{stride}: {reason}", hint
        ) from error
    return TimmNet(body, int(pooled.shape[1]), int(body.num_features), embedding)


def begin_as_identity(body: nn.Module) -> None:
    """Let each residual block of a fresh network begin as the identity.

    The scale of the last batch normalisation of each block with a shortcut becomes 0 (Goyal et al. 2017, "Accurate,
    large minibatch SGD", section 5.1); timm does this for ResNets only. At the start of EfficientNet, each stage of
    random convolutions otherwise loses a part of what distinguishes two characters, until nothing is left.

    Parameters
    ----------
    body : timm model. Its blocks with a true `has_skip` are changed, which are those of EfficientNet and its relatives.
    """
    for block in body.modules():
        norms = [part for part in block.modules() if isinstance(part, nn.BatchNorm2d)]
        if getattr(block, "has_skip", False) and norms:
            nn.init.zeros_(norms[-1].weight)


def _body(name: str, size: int, stride: int | None) -> nn.Module:
    timm = need("timm", "train")
    options: dict[str, Any] = {"pretrained": False, "in_chans": 1, "num_classes": 0}
    try:
        body = timm.create_model(name, img_size=size, **options)
        options["img_size"] = size
    except TypeError:  # convolutional networks take any size and have no option `img_size`
        body = timm.create_model(name, **options)
    if stride is None:
        return body
    if isinstance(getattr(body, "patch_embed", None), timm.layers.PatchEmbed):
        return timm.create_model(name, patch_size=stride, **options)
    first = (body.default_cfg or {}).get("first_conv")
    first = first if isinstance(first, str) else (first or ["none"])[0]
    try:
        stem = body.get_submodule(first)
    except AttributeError:
        stem = None
    if not isinstance(stem, nn.Conv2d):
        raise UsageError(f"backbone {name} has no first convolution to stride", "leave out --stem-stride")
    # With an odd kernel, this padding makes the map's side the input's side divided by the stride, rounded up.
    kernel = stem.kernel_size[0]
    pad = (kernel - 1) // 2 if kernel % 2 else max(0, (kernel - stride) // 2)
    stem.stride, stem.padding = (stride, stride), (pad, pad)
    return body
