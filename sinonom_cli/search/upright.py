"""Set a query upright whose character was photographed askew, before it is searched.

A picture of a character far from all known characters is turned to either side by the angles `ANGLES`. The angle counts
at which it is nearest to some character of the index that ships, with a penalty that grows with the angle:

    argmin over a of d(a)^2 + PENALTY (a / 12)^2

where d(a) is the distance of the embedding after a turn of a degrees, and a = 0 is one of the candidates. No angle is
measured in the picture, because the strokes of a hand-carved character slope anyway.

Half a character can be turned until it looks like some whole one. So the probabilities of all answers are reduced where
other angles show other characters (`_agreement`).

The constants were chosen on crops of NomNaOCR's `Validate.txt`: 9,000 upright ones must be named and found as well as
before; of 400 that were spoilt under the conditions of `benchmarks/photos.py`, as many as possible must be named; and
few halves of characters may be named with a probability above 0.8.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.networks.turning import Turns, turned
from sinonom_cli.search.opening import is_shipped, shipped_characters

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.networks.embedder import Embedder
    from sinonom_cli.storage.model_folder import Model

ANGLES = (-12, -8, -4, 4, 8, 12)
"""Turns that are tried, in degrees; positive: clockwise."""
FAR = 0.5
"""Squared distance to the nearest known character above which other angles are tried: for a tenth of good prints."""
TEMPERATURE = 0.25
"""Squared distance by which the weights of angles fall to 1/e, for their agreement on a character."""
PENALTY = 0.2
"""Squared distance by which a turn of 12 degrees must bring a picture nearer; for smaller turns as their square."""


@dataclass(frozen=True)
class Upright:
    """Function object that embeds pictures, those that are askew after they have been set upright.

    It holds nothing, so that workers can be given it; each process opens the index of characters once.
    """

    def __call__(
        self, embedder: Embedder, pictures: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Turns]:
        """Return the pictures, set upright, their embeddings, and how each was turned.

        Parameters
        ----------
        pictures : (N, S, S) float32 in [0, 1], from `prepare`.

        Returns
        -------
        (N, S, S) float32, (N, D) float32, and the turns; pictures that were not turned are as they were.
        """
        vectors, turns = embedder.embed(pictures), Turns(np.zeros(len(pictures), np.int64), np.ones(len(pictures)))
        least, names = _nearest(vectors)
        askew = np.flatnonzero(least > FAR)
        if not len(askew):
            return pictures, vectors, turns
        tried = np.concatenate([turned(pictures[askew], angle) for angle in ANGLES])
        embedded = embedder.embed(tried)
        angles = np.array([0, *ANGLES])
        far, named = _nearest(embedded)
        costs = np.vstack([least[askew], far.reshape(len(ANGLES), -1)]) + PENALTY * (angles[:, None] / 12) ** 2
        best = costs.argmin(axis=0)
        turns.degrees[askew] = angles[best]
        turns.sure[askew] = _agreement(costs, np.vstack([names[askew], named.reshape(len(ANGLES), -1)]))
        moved = np.flatnonzero(best)
        chosen, places = (best - 1)[moved] * len(askew) + moved, askew[moved]
        pictures, vectors = pictures.copy(), vectors.copy()
        pictures[places], vectors[places] = tried[chosen], embedded[chosen]
        return pictures, vectors, turns


def _agreement(costs: NDArray[np.float64], names: NDArray[np.str_]) -> NDArray[np.float64]:
    """Return the share, (N,) float64 in (0, 1], of the angles' weights whose nearest character is that of the best one.

    Parameters
    ----------
    costs, names : (A, N) penalised squared distances, and the label of the nearest character, for each angle.
    """
    weights = np.exp((costs.min(axis=0) - costs) / TEMPERATURE)
    same = names == names[costs.argmin(axis=0), np.arange(names.shape[1])]
    return np.asarray((weights * same).sum(axis=0) / weights.sum(axis=0))


def _nearest(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.str_]]:
    """Return the squared distance of embeddings, (N, D) float32, to the nearest known character, and its label."""
    finite = np.isfinite(vectors).all(axis=1)
    found, names = np.zeros(len(vectors)), np.full(len(vectors), "", dtype="U9")
    characters = shipped_characters()
    numbers, centres = characters.candidates(vectors[finite], 1)
    found[finite] = ((vectors[finite, None] - centres[:, :1]) ** 2).sum(axis=(1, 2))
    names[finite] = [characters.rows[number].label for number in numbers[:, 0].tolist()]
    return found, names


def upright_for(model: Model) -> Upright | None:
    """Return what sets a model's queries upright; None if the characters that ship are not of this model."""
    return Upright() if is_shipped(model) else None
