"""A model in minutes: a linear discriminant on fixed gradient-direction features of simulated prints and reliefs.

Fisher's discriminant: the directions in which the mean features of characters differ most, measured by how much views
of one character differ among themselves. One pass over the samples suffices: sums over characters and products over
all give both scatter matrices.
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
"""Pictures whose maps fit into a core's cache: features of so many at once take half the time."""


@dataclass(frozen=True)
class LdaConfig:
    """How to fit.

    Attributes
    ----------
    size : side of the input in pixels.
    dimensions : length of an embedding.
    batches : of simulated views to learn from.
    shrinkage : 0 to 1, how far each direction's variance within characters is drawn towards their mean.
    """

    size: int = 64
    dimensions: int = 192
    batches: int = 500
    shrinkage: float = 0.1


def check_views(samples: int, seen: int, size: int) -> None:
    """Raise SinonomError if so many views of so many characters are too few for the features of pictures."""
    features = DirectionFeatures(size).length
    if samples - seen < features:
        what = f"{samples} views of {seen} characters are too few for {features} features"
        raise SinonomError(what, "more --steps, and --overwrite if the model was begun")


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
    make : gives batch 0, 1, 2, ...; picklable. Best are batches of as many characters as possible, prints and reliefs.
    classes : number of classes in all.
    config : how to fit.
    workers : processes that make batches; 0: this one. They change nothing in the result.
    device : that features are computed on.
    advance : called with the number of batches done since it was last called.

    Returns
    -------
    The network, on the CPU: (N, 1, S, S) float32 ink -> (N, D) float32 of length 1; and what to note in its card.

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
    # How much of what is seen along a direction tells characters apart, as in probabilistic LDA (Ioffe 2006): the last
    # directions, which tell prints apart, count less. Other prints of a character are found better by it.
    weights = np.sqrt(ratios / (1 + ratios))
    network = DiscriminantNet(features.cpu(), scatter.mean(), projection * weights)
    return network.eval(), {**asdict(config), "dimensions": dimensions, "samples": samples, "classes_seen": seen}


class DiscriminantNet(nn.Module):
    """Direction features, centred and projected; embeddings of length 1.

    Maps (N, 1, S, S) float32 ink in [0, 1] to (N, D) float32.

    Parameters
    ----------
    features : the fixed features.
    mean : (F,) that is subtracted from them.
    projection : (F, D) that they are multiplied by.
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
    """Sums that a discriminant needs, collected batch by batch in double precision.

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
        """Add (N, F) features of samples of the classes (N,)."""
        features = features.astype(np.float64)
        self.counts += np.bincount(classes, minlength=len(self.counts))
        np.add.at(self.sums, classes, features)
        self.products += features.T @ features

    def mean(self) -> NDArray[np.float64]:
        """Mean of all samples, (F,)."""
        mean: NDArray[np.float64] = self.sums.sum(axis=0) / self.counts.sum()
        return mean

    def within_and_between(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Covariance within classes and between their means, weighted by samples; (F, F) each."""
        seen = self.counts > 0
        total, mean = self.counts.sum(), self.mean()
        means = self.sums[seen] / self.counts[seen, None]
        squares = (means * self.counts[seen, None]).T @ means
        within = (self.products - squares) / max(total - int(seen.sum()), 1)
        return within, squares / total - np.outer(mean, mean)


def discriminant(
    within: NDArray[np.float64], between: NDArray[np.float64], dimensions: int, shrinkage: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Find the directions of the greatest ratio of variance between classes to variance within.

    Parameters
    ----------
    within, between : (F, F) covariances.
    dimensions : number of directions, D.
    shrinkage : share of the mean variance mixed into `within`, towards a multiple of the identity.

    Returns
    -------
    (F, D) float64, best first; the shrunk variance within classes is 1 along each, their signs are fixed. And (D,), the
    variance between classes along each.

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
