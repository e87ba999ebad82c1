"""Embed several slightly changed views of a picture (`--tta`), so that the result depends less on one framing.

The code uses numpy only and works on the result of `preprocess.prepare`. The index holds each picture once, unchanged.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.networks.embedder import Embedder

VIEWS = (
    (0.0, 1.0, 0.0, 0.0),
    (4.0, 1.0, 0.0, 0.0),
    (-4.0, 1.0, 0.0, 0.0),
    (0.0, 1.06, 0.0, 0.0),
    (0.0, 0.94, 0.0, 0.0),
)
"""Rotation in degrees, scale, and shifts right and down in shares of the side; the first view is the picture itself.

On held-out prints, rotations, scales and shifts helped about equally; shifts added to the others helped no more.
"""

TOGETHER = 32
"""Number of pictures whose views are in memory at once."""


def views(pictures: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return each picture and its changed views.

    Parameters
    ----------
    pictures : (N, S, S) float32 in [0, 1], from `prepare`.

    Returns
    -------
    (N, V, S, S) float32 in [0, 1]; `[:, 0]` holds the pictures themselves.
    """
    count, size, _ = pictures.shape
    seen = np.empty((count, len(VIEWS), size, size), np.float32)
    seen[:, 0] = pictures
    for number, view in enumerate(VIEWS[1:], 1):
        seen[:, number] = seen_as(pictures, view)
    return seen


def seen_as(pictures: NDArray[np.float32], view: tuple[float, float, float, float]) -> NDArray[np.float32]:
    """Return (N, S, S) float32 in [0, 1]: pictures, of the same kind, as a view of `VIEWS` shows them."""
    count, size, _ = pictures.shape
    padded = np.zeros((count, (size + 2) * (size + 2)), np.float32)
    padded.reshape(count, size + 2, size + 2)[:, 1:-1, 1:-1] = pictures
    corners, weights = _bilinear(view, size)
    seen = sum(padded[:, corner] * weight for corner, weight in zip(corners, weights, strict=True))
    return np.minimum(seen, 1).reshape(count, size, size)


def embed_views(embedder: Embedder, pictures: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Embed pictures by the mean over their views.

    Parameters
    ----------
    pictures : (N, S, S) float32, from `prepare`.

    Returns
    -------
    (N, D) float32 embeddings, and (N,) float64, how much the views of each picture differ, see `spread_of_views`.
    """
    embeddings = np.empty((len(pictures), len(VIEWS), embedder.model.embedding_size), np.float32)
    for start in range(0, len(pictures), TOGETHER):
        part = views(pictures[start : start + TOGETHER])
        found = embedder.embed(part.reshape(-1, *part.shape[2:]))
        embeddings[start : start + TOGETHER] = found.reshape(*part.shape[:2], -1)
    return mean_of_views(embeddings), spread_of_views(embeddings)


def mean_of_views(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return one embedding for each picture: the mean over its views, of length 1 if the views' embeddings are.

    Parameters
    ----------
    embeddings : (N, V, D) float32.

    Returns
    -------
    (N, D) float32.
    """
    mean = embeddings.mean(axis=1, dtype=np.float64)
    unit = (np.abs(np.linalg.norm(embeddings, axis=2) - 1) < 1e-4).all(axis=1, keepdims=True)
    length = np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    return np.where(unit, mean / length, mean).astype(np.float32)


def spread_of_views(embeddings: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the mean squared distance of a picture's views, (N, V, D) float32, from their mean, (N,) float64, >= 0."""
    away = embeddings - embeddings.mean(axis=1, keepdims=True, dtype=np.float64)
    return np.asarray(np.einsum("nvd,nvd->n", away, away) / embeddings.shape[1])


@cache
def _bilinear(view: tuple[float, float, float, float], size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the four pixels, of a picture padded with one blank pixel, that make each pixel of a view; and weights.

    Returns
    -------
    (4, S * S) int64 and (4, S * S) float32.
    """
    degrees, scale, right, down = view
    turn = np.deg2rad(degrees)
    place = (np.arange(size) + 0.5) / size - 0.5
    y, x = np.meshgrid(place - down, place - right, indexing="ij")
    rows = (np.cos(turn) * y - np.sin(turn) * x) / scale
    columns = (np.sin(turn) * y + np.cos(turn) * x) / scale
    # The unit is the padded picture's pixel; the first one has its centre at 0, and all beyond it is blank.
    rows, columns = (np.clip((part.ravel() + 0.5) * size + 0.5, 0, size + 1) for part in (rows, columns))
    top, left = (np.minimum(part.astype(np.int64), size) for part in (rows, columns))
    low, late = (rows - top).astype(np.float32), (columns - left).astype(np.float32)
    first = top * (size + 2) + left
    corners = np.stack([first, first + 1, first + size + 2, first + size + 3])
    return corners, np.stack([(1 - low) * (1 - late), (1 - low) * late, low * (1 - late), low * late])
