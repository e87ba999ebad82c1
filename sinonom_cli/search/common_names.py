"""Compare pictures also by the characters that they probably show.

Two prints of one character from different books, or a worn print and a carving, can be far from each other although
each of them is near to the same character of the index that ships. So the energy between a query q and a row r of an
index (the squared distance of their embeddings) is corrected by the probability that both show the same character:

    e'(q, r) = e(q, r) + WEIGHT log((1 + DOUBT) / (p + DOUBT)),  p = sum over characters c of P(c | q) P(c | r)

P(c | x) is a softmax over characters, each with its nearest row of that index, with the temperature of that index's
calibration. The correction is never negative, and rows that show the same characters equally clearly keep their order:
which carving of a character made a print is still decided by the embeddings.

The labels of the searched index are not used: they may be wrong, or missing. WEIGHT and DOUBT were chosen on crops of
NomNaOCR's `Validate.txt` (`benchmarks/default_model.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.opening import CHARACTERS, open_index
from sinonom_cli.search.probability import Way, calibration_of
from sinonom_cli.storage.record import read_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.index import Index

DISTANCES = ("euclidean", "cosine")
"""Distances whose energies can be corrected."""
WEIGHT, DOUBT = 0.2, 0.01
"""Weight of the correction, as a squared distance of embeddings of length 1, and the probability that is added to p."""
AT_LEAST = 100
"""Number of rows, nearest by embedding, whose energies are corrected, or more if more answers are asked for."""
NEAREST = 500
"""Number of the query's nearest rows in the index of characters; other characters are taken to be impossible."""


class CommonNames:
    """Corrects energies of rows by the characters that the query and each row probably show.

    Parameters
    ----------
    distance : "euclidean" or "cosine", whose energies are corrected.

    Raises
    ------
    SinonomError
        If the index of characters that ships is missing or damaged.
    """

    def __init__(self, distance: str) -> None:
        self._characters = open_index(None)
        calibration = calibration_of(self._characters, Way(self._characters.distance))
        assert calibration
        self._temperature = calibration.temperature
        # The cosine distance of vectors of length 1 is half of their squared distance.
        self._scale = 0.5 if distance == "cosine" else 1.0
        self._points = np.full(len(self._characters), -1)

    def __call__(
        self, query: NDArray[np.float32], rows: NDArray[np.float32], energies: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return corrected energies.

        Parameters
        ----------
        query : (D,) float32 embedding of length 1.
        rows : (N, D) float32 embeddings of length 1.
        energies : (N,) float64, >= 0, between the query and each row.

        Returns
        -------
        (N,) float64, each at least as great as before.
        """
        numbers, centres = (found[0] for found in self._characters.candidates(query[None], NEAREST))
        shares = self._shares(np.concatenate([query[None], rows]), centres, self._code_points(numbers))
        common = (shares[1:] * shares[0]).sum(axis=1)
        if len(set(energies.tolist())) < len(energies):  # BLAS may give equal rows values that differ in the last digit
            _, first, number = np.unique(rows, axis=0, return_index=True, return_inverse=True)
            common = common[first[number.reshape(-1)]]
        return np.asarray(energies + self._scale * WEIGHT * np.log((1 + DOUBT) / (common + DOUBT)))

    def _code_points(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the code point of each row of the index of characters; several threads may ask at once."""
        for row in rows[self._points[rows] < 0].tolist():
            self._points[row] = int(self._characters.rows[row].label.removeprefix("U+"), 16)
        return self._points[rows]

    def _shares(
        self, vectors: NDArray[np.float32], centres: NDArray[np.float32], points: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Return the probability that each vector shows each character, (N, C) float64; each row adds up to 1.

        Parameters
        ----------
        vectors : (N, D) float32.
        centres, points : (K, D) float32 rows of the index of characters, and (K,) int64, their code points.
        """
        order = np.argsort(points, kind="stable")
        starts = np.flatnonzero(np.diff(points[order], prepend=-1))
        alike = np.maximum.reduceat(vectors @ centres[order].T, starts, axis=1).astype(np.float64)
        energies = 2 - 2 * alike
        shares = np.exp((energies.min(axis=1, keepdims=True) - energies) / self._temperature)
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def common_names_of(index: Index, distance: str) -> CommonNames | None:
    """Return what corrects the energies of an index's rows; None if they cannot be compared with characters.

    They can if the rows are pictures, lie in files, and hold whole embeddings by the model that ships.
    """
    if index.prototypes is not None or index.type == "milvus" or not index.unit:
        return None
    if distance not in DISTANCES or not CHARACTERS.exists():
        return None
    shipped = index_record(read_record(CHARACTERS, "index"))
    if (index.model_identity, index.record.dimension) != (shipped.model_identity, shipped.dimension):
        return None
    return CommonNames(distance)
