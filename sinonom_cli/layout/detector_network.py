"""The network of the detector of characters, its targets and its loss, in PyTorch.

It is a small U-shaped network (Ronneberger et al. 2015) with residual blocks. Each cell of 4 x 4 pixels gets the
probability that a character's middle lies there, and the distances to the sides of that character's box.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from sinonom_cli.layout.detect import CELL, SIZE

WIDTHS = (16, 24, 40, 64, 96)
"""Channels at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture's resolution."""
SPREAD = 0.13
"""Deviation of a target's Gaussian, as a share of the side of the box."""
NEAR = 0.35
"""Height of the Gaussian from which a cell learns the distances to the sides."""
BOXES = 2.0
"""Weight of the boxes in the loss."""


def _conv(inward: int, outward: int, stride: int = 1, side: int = 3) -> nn.Sequential:
    layer = nn.Conv2d(inward, outward, side, stride, side // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outward), nn.ReLU(inplace=True))


class _Residual(nn.Module):
    """Two convolutions, added to their input (He et al. 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _conv(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.second(self.first(x)))


class DetectorNetwork(nn.Module):
    """Network that maps (N, 1, H, W) ink in [0, 1], H and W multiples of 32, to (N, 5, H / 4, W / 4).

    The first channel is the logit of the probability, the others are the logarithms of the distances to the left,
    upper, right and lower side, in units of half an ordinary character.
    """

    def __init__(self) -> None:
        super().__init__()
        half, quarter, eighth, sixteenth, last = WIDTHS
        self.stem = nn.Sequential(_conv(1, half, 2), _conv(half, quarter, 2), _Residual(quarter))
        self.down = nn.ModuleList(
            nn.Sequential(_conv(above, below, 2), _Residual(below))
            for above, below in ((quarter, eighth), (eighth, sixteenth), (sixteenth, last))
        )
        self.up = nn.ModuleList(
            nn.Sequential(_conv(below + above, above, side=1), _Residual(above))
            for below, above in ((last, sixteenth), (sixteenth, eighth), (eighth, quarter))
        )
        self.heat, self.box = nn.Conv2d(quarter, 1, 1), nn.Conv2d(quarter, 4, 1)
        nn.init.constant_(self.heat.bias, -3.0)  # type: ignore[arg-type]  # few cells are middles
        nn.init.zeros_(self.box.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits and logarithms of distances."""
        levels = [self.stem(x)]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up in self.up:
            x = up(torch.cat([F.interpolate(x, scale_factor=2.0, mode="nearest"), levels.pop()], dim=1))
        return torch.cat([self.heat(x), self.box(x)], dim=1)


class Decoded(nn.Module):
    """Network whose output is the probability and the distances in pixels: the form that `detect.Detector` reads."""

    def __init__(self, network: DetectorNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """Return probabilities and distances in pixels, (N, 5, H / 4, W / 4)."""
        output = self.network(x)
        return torch.cat([torch.sigmoid(output[:, :1]), distances(output)], dim=1)


def distances(output: Tensor) -> Tensor:
    """Return the distances to the left, upper, right and lower side, pixels."""
    return torch.exp(output[:, 1:].clamp(-4.0, 3.0)) * (SIZE / 2)


def targets(boxes: NDArray[np.float64], side: int) -> NDArray[np.float32]:
    """Return what the network should give for a picture.

    Parameters
    ----------
    boxes : (N, 4) float64, x0, y0, x1, y1 in pixels.
    side : side of the picture, pixels, S.

    Returns
    -------
    (6, S / 4, S / 4) float32: a Gaussian about each middle, exactly 1 in its cell (Law and Deng 2018, "CornerNet");
    the distances to the left, upper, right and lower side, pixels; and the weight of these distances.
    """
    cells = side // CELL
    made = np.zeros((6, cells, cells), np.float32)
    places = (np.arange(cells) + 0.5) * CELL
    for box in boxes:
        x0, y0, x1, y1 = box
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
        across = np.exp(-0.5 * ((places - x) / max(SPREAD * (x1 - x0), CELL / 2)) ** 2)
        down = np.exp(-0.5 * ((places - y) / max(SPREAD * (y1 - y0), CELL / 2)) ** 2)
        row, column = int(y // CELL), int(x // CELL)
        if not (0 <= row < cells and 0 <= column < cells):
            continue
        height = (down[:, None] * across).astype(np.float32)
        height[row, column] = 1
        away = np.stack(np.broadcast_arrays(places - x0, (places - y0)[:, None], x1 - places, (y1 - places)[:, None]))
        learns = (height > made[0]) & (height > NEAR) & (away.min(axis=0) > 1)
        learns[row, column] = True
        made[1:5, learns] = np.maximum(away[:, learns], 1)
        made[5, learns] = height[learns]
        np.maximum(made[0], height, out=made[0])
    return made


def loss_of(output: Tensor, wanted: Tensor) -> tuple[Tensor, Tensor]:
    """Return the loss of the middles and that of the boxes.

    Middles: the focal loss of Law and Deng 2018, equation 1, with alpha = 2 and beta = 4. Boxes: 1 - GIoU
    (Rezatofighi et al. 2019, algorithm 1), weighted.

    Parameters
    ----------
    output : (N, 5, h, w) of the network.
    wanted : (N, 6, h, w) from `targets`.
    """
    share = torch.sigmoid(output[:, 0].float()).clamp(1e-4, 1 - 1e-4)
    near, right, weight = wanted[:, 0], wanted[:, 1:5], wanted[:, 5]
    middle = (near == 1).float()
    parts = middle * (1 - share) ** 2 * share.log() + (1 - middle) * (1 - near) ** 4 * share**2 * (1 - share).log()
    found = distances(output.float())
    overlap = _area(torch.minimum(found, right))
    union = _area(found) + _area(right) - overlap
    hull = _area(torch.maximum(found, right)).clamp(min=1e-3)
    giou = overlap / union.clamp(min=1e-3) - (hull - union) / hull
    boxes = ((1 - giou) * weight).sum() / weight.sum().clamp(min=1)
    return -parts.sum() / middle.sum().clamp(min=1), BOXES * boxes


def _area(away: Tensor) -> Tensor:
    """Return the area of boxes that are given by (N, 4, h, w) distances from a place inside."""
    return (away[:, 0] + away[:, 2]) * (away[:, 1] + away[:, 3])
