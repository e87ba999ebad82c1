"""Set a query upright whose character was photographed askew, before it is searched.

A picture of a character far from all known characters is turned to either side by the angles `ANGLES`. The angle counts
at which it is nearest to some character of the index that ships, with a penalty that grows with the angle:

    argmin over a of d(a)^2 + PENALTY (a / 12)^2

where d(a) is the distance of the embedding after a turn of a degrees, and a = 0 is one of the candidates. No angle is
measured in the picture, because the strokes of a hand-carved character slope anyway.

The constants were chosen on crops of NomNaOCR's `Validate.txt`: 9,000 upright ones must be named and found as well as
before, and of 400 that were spoilt under the conditions of `benchmarks/photos.py`, as many as possible must be named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.networks.turning import turned
from sinonom_cli.search.opening import is_shipped, shipped_characters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.storage.model_folder import Model

ANGLES = (-12, -8, -4, 4, 8, 12)
"""Turns that are tried, in degrees; positive: clockwise."""
FAR = 0.5
"""Squared distance to the nearest known character above which other angles are tried: for a tenth of good prints."""
PENALTY = 0.2
"""Squared distance by which a turn of 12 degrees must bring a picture nearer; for smaller turns as their square."""


@dataclass(frozen=True)
class Upright:
    """Function object that embeds pictures, those that are askew after they have been set upright.

    It holds nothing, so that workers can be given it; each process opens the index of characters once.
    """

    def __call__(
        self, embedder: Embedder, pictures: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
        """Return the pictures, set upright, their embeddings, and by how many degrees each was turned.

        Parameters
        ----------
        pictures : (N, S, S) float32 in [0, 1], from `prepare`.

        Returns
        -------
        (N, S, S) float32, (N, D) float32 and (N,) int64; pictures that were not turned are as they were.
        """
        vectors, turns = embedder.embed(pictures), np.zeros(len(pictures), np.int64)
        least = _distances(vectors)
        askew = np.flatnonzero(least > FAR)
        if not len(askew):
            return pictures, vectors, turns
        tried = np.concatenate([turned(pictures[askew], angle) for angle in ANGLES])
        embedded = embedder.embed(tried)
        costs = _distances(embedded).reshape(len(ANGLES), -1) + PENALTY * (np.array(ANGLES)[:, None] / 12) ** 2
        best, nearer = costs.argmin(axis=0), costs.min(axis=0) < least[askew]
        chosen, places = (best * len(askew) + np.arange(len(askew)))[nearer], askew[nearer]
        pictures, vectors = pictures.copy(), vectors.copy()
        pictures[places], vectors[places] = tried[chosen], embedded[chosen]
        turns[places] = np.array(ANGLES)[best[nearer]]
        return pictures, vectors, turns


def _distances(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the squared distance of each embedding, (N, D) float32, to the nearest known character, (N,) float64."""
    finite = np.isfinite(vectors).all(axis=1)
    found = np.zeros(len(vectors))
    _, centres = shipped_characters().candidates(vectors[finite], 1)
    found[finite] = ((vectors[finite, None] - centres[:, :1]) ** 2).sum(axis=(1, 2))
    return found


def upright_for(model: Model) -> Upright | None:
    """Return what sets a model's queries upright; None if the characters that ship are not of this model."""
    return Upright() if is_shipped(model) else None
