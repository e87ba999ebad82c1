"""Fit a model in minutes: a linear discriminant on gradient-direction features of simulated prints and reliefs.

Fisher's discriminant finds the directions in which the mean features of characters differ most, relative to the
differences among views of one character. One pass over the samples is enough: sums over characters and products over
all samples give both scatter matrices.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sinonom_cli.errors import SinonomError
from sinonom_cli.networks.directmap import DirectionFeatures
from sinonom_cli.train.prefetch import Make, feed

CACHED = 32
"""Number of pictures whose maps fit into a core's cache; their features then take half the time."""


@dataclass(frozen=True)
class LdaConfig:
    """Options of the fit.

    Attributes
    ----------
    size : side of the input in pixels.
    dimensions : length of an embedding.
    batches : number of batches of simulated views to learn from.
    shrinkage : share, 0 to 1, by which each direction's variance within characters is moved to the mean variance.
    """

    size: int = 64
    dimensions: int = 192
    batches: int = 500
    shrinkage: float = 0.1


def check_views(samples: int, seen: int, size: int) -> None:
    """Raise SinonomError if `samples` views of `seen` characters are too few for the number of features."""
    features = DirectionFeatures(size).length
    if samples - seen < features:
        what = f"{samples} views of {seen} characters are too few for {features} features"
        raise SinonomError(what, "give more --steps, and --overwrite if the model was begun")


def fit_lda(
    make: Make,
    classes: int,
    config: LdaConfig,
    *,
    workers: int = 0,
    device: torch.device | str = "cpu",
    advance: Callable[[int], None] = lambda count: None,
) -> tuple[nn.Module, dict[str, Any]]:
    """Fit a discriminant to simulated views.

    Parameters
    ----------
    make : picklable function that gives batch 0, 1, 2, ... Batches with prints and reliefs of as many characters as
        possible are best.
    classes : number of classes in all.
    config : options of the fit.
    workers : number of processes that make batches; 0: this process only. The result does not depend on it.
    device : device that computes the features.
    advance : called with the number of batches done since it was last called.

    Returns
    -------
    The network, on the CPU: (N, 1, S, S) float32 ink -> (N, D) float32 of length 1; and the entries for its record.

    Raises
    ------
    SinonomError
        If there are not more samples than features, or pictures of one character are all the same.
    """
    features = DirectionFeatures(config.size).to(device)
    scatter = Scatter(classes, features.length)
    with feed(make, range(config.batches), workers) as batches, torch.inference_mode():
        for batch in batches:
            pictures = torch.from_numpy(batch.pictures).to(device)[:, None].float() / 255
            parts = [features(part).cpu().numpy() for part in pictures.split(CACHED)]
            scatter.add(np.concatenate(parts), batch.classes)
            advance(1)
    samples, seen = int(scatter.counts.sum()), int((scatter.counts > 0).sum())
    check_views(samples, seen, config.size)
    dimensions = min(config.dimensions, seen - 1, features.length)
    projection, ratios = discriminant(*scatter.within_and_between(), dimensions, config.shrinkage)
    # A weight is the root of the share of a direction's variance that separates characters, as in probabilistic LDA
    # (Ioffe 2006). The last directions separate prints and count less. It helps to find other prints of a character.
    weights = np.sqrt(ratios / (1 + ratios))
    network = DiscriminantNet(features.cpu(), scatter.mean(), projection * weights)
    return network.eval(), {**asdict(config), "dimensions": dimensions, "samples": samples, "classes_seen": seen}


class DiscriminantNet(nn.Module):
    """Network that centres and projects direction features, and scales the embeddings to length 1.

    It maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32.

    Parameters
    ----------
    features : layer that computes the fixed features.
    mean : (F,) mean that is subtracted from the features.
    projection : (F, D) matrix that they are multiplied by.
    """

    def __init__(self, features: DirectionFeatures, mean: NDArray[np.float64], projection: NDArray[np.float64]) -> None:
        super().__init__()
        self.features = features
        self.register_buffer("projection", torch.from_numpy(np.ascontiguousarray(projection.T)).float())
        self.register_buffer("offset", torch.from_numpy(-mean @ projection).float())

    def forward(self, pictures: Tensor) -> Tensor:
        """Embed a batch."""
        return functional.normalize(functional.linear(self.features(pictures), self.projection, self.offset), dim=1)


class Scatter:
    """Sums for a discriminant, collected batch by batch in double precision.

    Parameters
    ----------
    classes : number of classes, C.
    features : number of features, F.
    """

    def __init__(self, classes: int, features: int) -> None:
        self.counts = np.zeros(classes, np.int64)
        self.sums = np.zeros((classes, features))
        self.products = np.zeros((features, features))

    def add(self, features: NDArray[np.floating], classes: NDArray[np.int64]) -> None:
        """Add the features, (N, F), of samples of these classes, (N,)."""
        features = features.astype(np.float64)
        self.counts += np.bincount(classes, minlength=len(self.counts))
        np.add.at(self.sums, classes, features)
        self.products += features.T @ features

    def mean(self) -> NDArray[np.float64]:
        """Return the mean of all samples, (F,)."""
        mean: NDArray[np.float64] = self.sums.sum(axis=0) / self.counts.sum()
        return mean

    def within_and_between(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the covariance within classes and that between their means, weighted by samples; (F, F) each."""
        seen = self.counts > 0
        total, mean = self.counts.sum(), self.mean()
        means = self.sums[seen] / self.counts[seen, None]
        squares = (means * self.counts[seen, None]).T @ means
        within = (self.products - squares) / max(total - int(seen.sum()), 1)
        return within, squares / total - np.outer(mean, mean)


def discriminant(
    within: NDArray[np.float64], between: NDArray[np.float64], dimensions: int, shrinkage: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the directions with the greatest ratio of the variance between classes to the variance within classes.

    Parameters
    ----------
    within, between : (F, F) covariances.
    dimensions : number of directions, D.
    shrinkage : share of the mean variance mixed into `within`, towards a multiple of the identity.

    Returns
    -------
    (F, D) float64 directions, best first; along each, the shrunk variance within classes is 1 and the sign is fixed.
    And (D,) float64, the variance between classes along each.

    Raises
    ------
    SinonomError
        If the features do not vary within classes.
    """
    size = len(within)
    spread = np.trace(within) / size
    if not spread > 0:
        raise SinonomError(
            "all pictures of each character are the same: nothing to learn from", "add another --data SET"
        )
    shrunk = (1 - shrinkage) * within + (shrinkage * spread + 1e-9 * spread) * np.eye(size)
    values, vectors = np.linalg.eigh(shrunk)
    whiten = vectors / np.sqrt(np.maximum(values, 1e-12 * values[-1]))
    ratios, turned = np.linalg.eigh(whiten.T @ between @ whiten)
    best = np.argsort(ratios)[::-1][:dimensions]
    projection = whiten @ turned[:, best]
    strongest = np.abs(projection).argmax(axis=0)
    projection *= np.sign(projection[strongest, np.arange(projection.shape[1])])
    return projection, ratios[best]
