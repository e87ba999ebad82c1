"""Choose the blocks that may have printed a page: each character votes for the blocks of its nearest carvings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.search.carving_places import NOWHERE

if TYPE_CHECKING:
    from numpy.typing import NDArray


def likeness(energies: NDArray[np.float64], nearest: NDArray[np.float64], temperature: float) -> NDArray[np.float64]:
    """Return how probable carvings are, as a share of the probability of the character's nearest one, in [0, 1].

    Parameters
    ----------
    energies : (N, n) float64, of N characters and n carvings.
    nearest : (N,) float64, energy of each character's nearest carving in the whole index.
    temperature : in the unit of energies, > 0.
    """
    return np.exp(np.minimum(0.0, (nearest[:, None] - energies) / temperature))


def votes(likely: NDArray[np.float64], owners: NDArray[np.int32], blocks: int) -> NDArray[np.float64]:
    """Return the votes for each block, (B,) float64: each character has one, shared among its carvings by probability.

    Parameters
    ----------
    likely : (N, k) float64 likeness of each character's nearest carvings.
    owners : (N, k) int32, their blocks; `NOWHERE` for a carving of an unknown block, whose share is lost.
    blocks : number of blocks B.
    """
    shares = likely / likely.sum(axis=1, keepdims=True)
    known = owners != NOWHERE
    return np.bincount(owners[known], shares[known], blocks).astype(np.float64)


def candidates(counted: NDArray[np.float64], most: int) -> list[int]:
    """Return the blocks with most votes, at most `most`, without those that have none; ties in the blocks' order."""
    order = np.argsort(-counted, kind="stable")[:most]
    return [int(block) for block in order if counted[block] > 0]
