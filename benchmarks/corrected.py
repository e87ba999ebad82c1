"""Energies between embeddings, corrected by the characters that they show, as `query` orders its answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.search.common_names import AT_LEAST, CommonNames

BEYOND = 10.0
"""Added to the energies of rows that `query` does not look at; it is greater than any corrected energy."""


def corrected(queries: NDArray[np.float32], gallery: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the energy of each of (N, D) rows for each of (Q, D) queries, (Q, N), all of length 1."""
    names = CommonNames("euclidean")
    energies = 2 - 2 * queries.astype(np.float64) @ gallery.astype(np.float64).T
    found = energies + BEYOND
    nearest = np.argsort(energies, axis=1, kind="stable")[:, :AT_LEAST]
    for number, rows in enumerate(nearest):
        found[number, rows] = names(queries[number], gallery[rows], energies[number, rows])
    return found
