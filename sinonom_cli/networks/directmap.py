"""Gradient-direction features: a fixed first layer that buys what little data and little time lack.

The gradient at each pixel is decomposed onto the two neighbouring ones of eight directions (Liu, Nakashima, Sako,
Fujisawa 2004, "Handwritten digit recognition: investigation of normalization and feature extraction techniques"),
each direction's map is blurred and sampled on a grid. On a 9 x 9 grid that makes 648 features for a linear
discriminant; on a 24 x 24 grid it is the input of a small convolutional network ("directMap", Zhang, Bengio, Liu
2017, "Online and offline handwritten Chinese character recognition: a comprehensive study and new benchmark").
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

DIRECTIONS = 8
TINY = 1e-6

Widths = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]
WIDTHS: dict[str, Widths] = {
    "directmap": ((48,), (96, 96), (160, 160)),
    "directmap-large": ((48,), (96, 128), (256, 256, 256)),
}
"""Of the networks on direction maps, by their names: channels of each convolution, before each of three poolings."""


def sampling(size: int, grid: int) -> NDArray[np.float64]:
    """Gaussian weights that sample one side of a picture at `grid` even places.

    The deviation is sqrt(2) t / pi for places t pixels apart (Liu et al. 2004, after the sampling theorem).

    Returns
    -------
    (grid, size) float64, rows sum to 1 but for what lies beyond the edges.
    """
    step = size / grid
    deviation = math.sqrt(2) * step / math.pi
    away = (np.arange(size) + 0.5)[None, :] - (np.arange(grid)[:, None] + 0.5) * step
    weights = np.exp(-0.5 * (away / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    return np.where(weights < 1e-7, 0, weights)  # numbers next to zero make products many times slower


class DirectionMaps(nn.Module):
    """Eight maps of gradient strength, one a direction.

    Maps (N, 1, S, S) float32 ink to (N, 8, G, G) float32, at least 0. Channel k holds gradients that point 45 k
    degrees from +x (right) towards +y (down), into the ink. It has no weights to learn.

    Parameters
    ----------
    size : side of the input in pixels, S.
    grid : side of the maps, G.
    """

    def __init__(self, size: int, grid: int) -> None:
        super().__init__()
        smooth, slope = torch.tensor([1.0, 2.0, 1.0]) / 4, torch.tensor([-1.0, 0.0, 1.0]) / 2
        kernels = torch.stack([torch.outer(smooth, slope), torch.outer(slope, smooth)])[:, None]
        self.register_buffer("sobel", kernels)
        self.register_buffer("sample", torch.from_numpy(sampling(size, grid)).float())

    def forward(self, pictures: Tensor) -> Tensor:
        """Decompose and sample."""
        gradient = functional.conv2d(pictures, self.sobel, padding=1)
        x, y = gradient[:, :1], gradient[:, 1:]
        # In its sector a vector is (its longer part less its shorter) along the axis, the shorter along the diagonal.
        right, left, down, up = x.relu(), (-x).relu(), y.relu(), (-y).relu()
        across, along = right + left, down + up
        maps = torch.cat(
            [
                (right - along).relu(),
                math.sqrt(2) * torch.minimum(right, down),
                (down - across).relu(),
                math.sqrt(2) * torch.minimum(left, down),
                (left - along).relu(),
                math.sqrt(2) * torch.minimum(left, up),
                (up - across).relu(),
                math.sqrt(2) * torch.minimum(right, up),
            ],
            dim=1,
        )
        return self.sample @ maps @ self.sample.T


class DirectionFeatures(nn.Module):
    """Gradient-direction features: maps on a grid, square roots, length 1.

    Maps (N, 1, S, S) float32 ink to (N, 8 G G) float32; a blank picture to (nearly) zeros.
    """

    def __init__(self, size: int, grid: int = 9) -> None:
        super().__init__()
        self.maps = DirectionMaps(size, grid)
        self.length = DIRECTIONS * grid * grid

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the features."""
        maps = self.maps(pictures).flatten(1)
        # The square root makes counts nearly normal; its length is then the sum of the maps, known beforehand.
        return (maps / (maps.sum(dim=1, keepdim=True) + TINY)).sqrt()


class DirectMapNet(nn.Module):
    """A convolutional network on direction maps.

    Maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32 of length 1.

    Parameters
    ----------
    size : side of the input in pixels, at least `grid`.
    embedding : length of an embedding, D.
    grid : side of the direction maps.
    widths : channels of the convolutions.
    """

    def __init__(
        self, size: int = 64, embedding: int = 128, grid: int = 24, widths: Widths = WIDTHS["directmap"]
    ) -> None:
        super().__init__()
        self.maps = DirectionMaps(size, grid)
        layers: list[nn.Module] = []
        self.channels = DIRECTIONS
        for stage in widths:
            for width in stage:
                layers.append(_block(self.channels, width))
                self.channels = width
            layers.append(nn.MaxPool2d(2))
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.head = Head(self.channels * (grid // 8) ** 2, embedding)

    def features(self, pictures: Tensor) -> Tensor:
        """The last feature map of a batch, flat: (N, F)."""
        return self.body(self._maps(pictures))

    def tokens(self, pictures: Tensor) -> Tensor:
        """The last feature map of a batch as (N, T, channels)."""
        return self.body[:-1](self._maps(pictures)).flatten(2).mT

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        return functional.normalize(self.head(self.features(pictures)), dim=1)

    def _maps(self, pictures: Tensor) -> Tensor:
        # The root's slope is unbounded at 0: the maps are constants to training, and must stay so.
        with torch.no_grad():
            maps = self.maps(pictures).sqrt()
            return maps / (maps.mean(dim=(1, 2, 3), keepdim=True) + TINY)


class Head(nn.Linear):
    """A linear layer that stays float32 in mixed precision: bfloat16 would round small distances away."""

    def forward(self, features: Tensor) -> Tensor:
        """Project features."""
        if not torch.is_autocast_enabled(features.device.type):
            return functional.linear(features, self.weight, self.bias)
        with torch.autocast(features.device.type, enabled=False):
            return functional.linear(features.float(), self.weight, self.bias)


def _block(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)
    )
