"""Compute gradient-direction features in a fixed first layer, which helps where training data or time are short.

The gradient at each pixel is decomposed onto the two nearest of eight directions (Liu, Nakashima, Sako, Fujisawa 2004,
"Handwritten digit recognition: investigation of normalization and feature extraction techniques"). The map of each
direction is blurred and sampled on a grid. A 9 x 9 grid gives 648 features for a linear discriminant. A 24 x 24 grid
is the input of a small convolutional network ("directMap", Zhang, Bengio, Liu 2017, "Online and offline handwritten
Chinese character recognition: a comprehensive study and new benchmark").
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
"""Channels of the convolutions before each of the three poolings, by the name of the network."""


def sampling(size: int, grid: int) -> NDArray[np.float64]:
    """Return the Gaussian weights that sample one side of a picture at `grid` evenly spaced places.

    The standard deviation is sqrt(2) t / pi for places t pixels apart (Liu et al. 2004, after the sampling theorem).

    Returns
    -------
    (grid, size) float64; a row sums to 1, or to less where its Gaussian reaches beyond the edges.
    """
    step = size / grid
    deviation = math.sqrt(2) * step / math.pi
    away = (np.arange(size) + 0.5)[None, :] - (np.arange(grid)[:, None] + 0.5) * step
    weights = np.exp(-0.5 * (away / deviation) ** 2) / (deviation * math.sqrt(2 * math.pi))
    return np.where(weights < 1e-7, 0, weights)  # products of numbers close to 0 are many times slower


class DirectionMaps(nn.Module):
    """Layer that computes eight maps of gradient strength, one for each direction.

    It maps (N, 1, S, S) float32 ink to (N, 8, G, G) float32, at least 0. Channel k holds gradients that point 45 k
    degrees from +x (right) towards +y (down); a gradient points into the ink. The layer has no weights to learn.

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
        """Decompose the gradients and sample the maps."""
        gradient = functional.conv2d(pictures, self.sobel, padding=1)
        x, y = gradient[:, :1], gradient[:, 1:]
        # A gradient's part along the axis is its longer component minus its shorter one; the rest is diagonal.
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
    """Layer that computes gradient-direction features: square roots of the maps, scaled to length 1.

    It maps (N, 1, S, S) float32 ink to (N, 8 G G) float32; the features of a blank picture are nearly 0.
    """

    def __init__(self, size: int, grid: int = 9) -> None:
        super().__init__()
        self.maps = DirectionMaps(size, grid)
        self.length = DIRECTIONS * grid * grid

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the features."""
        maps = self.maps(pictures).flatten(1)
        # Square roots make the values nearly normally distributed; their squared length is the sum of the maps.
        return (maps / (maps.sum(dim=1, keepdim=True) + TINY)).sqrt()


class DirectMapNet(nn.Module):
    """Convolutional network on direction maps.

    It maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32 embeddings of length 1.

    Parameters
    ----------
    size : side of the input in pixels, at least `grid`.
    embedding : length of an embedding, D.
    grid : side of the direction maps.
    widths : channels of the convolutions before each of the three poolings.
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
        """Return the last feature map of a batch, flattened to (N, F)."""
        return self.body(self._maps(pictures))

    def tokens(self, pictures: Tensor) -> Tensor:
        """Return the last feature map of a batch as (N, T, channels)."""
        return self.body[:-1](self._maps(pictures)).flatten(2).mT

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        return functional.normalize(self.head(self.features(pictures)), dim=1)

    def _maps(self, pictures: Tensor) -> Tensor:
        # No gradient may flow through the maps, since the derivative of the square root is infinite at 0.
        with torch.no_grad():
            maps = self.maps(pictures).sqrt()
            return maps / (maps.mean(dim=(1, 2, 3), keepdim=True) + TINY)


class Head(nn.Linear):
    """Linear layer that stays float32 in mixed precision, since bfloat16 would round small distances away."""

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
