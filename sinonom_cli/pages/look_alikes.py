"""Let the look-alikes of a character on its page vote on its name.

One carver cut all characters of a page, so that a character that stands there several times looks more like itself than
like any font or other book. Each occurrence is damaged in its own way, and what one shows clearly helps the others.

The probability of a name c of character i is multiplied by the share of votes for it, and a share of all names alike:

    p'(c | i) ~ p(c | i) (b + sum over j of w(i, j) p(c | j)) / (b + sum over j of w(i, j))
    w(i, j) = exp(-e(i, j) / TEMPERATURE),  b = exp(-APART / TEMPERATURE)

where e is the squared distance of embeddings of length 1. A character without look-alikes keeps its probabilities.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.pages.context import SURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sinonom_cli.search.naming import Name

TEMPERATURE, APART = 0.15, 0.6
"""Temperature of the weights, and the squared distance at which one look-alike weighs as much as none. Both were chosen
on whole pages with columns of NomNaOCR's `Train.txt`; from 0.1 to 0.2 and from 0.5 to 0.7, errors differ little."""
FARTHEST = 1.2
"""Squared distance beyond which characters are no look-alikes: they weigh less than 0.02 of one at `APART`."""


def with_look_alikes(names: Sequence[list[Name]], embeddings: NDArray[np.floating]) -> list[list[Name]]:
    """Return the names of the characters of a page with probabilities after their look-alikes have voted.

    Names that are surer than `SURE` vote, and keep their own probabilities. The probabilities of a character keep their
    sum.

    Parameters
    ----------
    names : names by sight of each of N characters, the most probable first; in any order of the characters.
    embeddings : (N, D) float of length 1, what the names were found by; 0 for a character that has none.

    Returns
    -------
    For each character, the same names, the most probable first.
    """
    vectors = np.asarray(embeddings, np.float64)
    most = max(map(len, names), default=0)
    points, chances = np.full((len(names), most), -1), np.zeros((len(names), most))
    for place, several in enumerate(names):
        points[place, : len(several)] = [ord(name.char) for name in several]
        chances[place, : len(several)] = [name.probability for name in several]
    found = []
    for place, several in enumerate(names):
        # Without BLAS, whose last digits depend on the number of threads.
        energies = 2 - 2 * np.einsum("nd,d->n", vectors, vectors[place])
        energies[place] = np.inf
        near = np.flatnonzero(energies < FARTHEST)
        if not len(near) or chances[place].max(initial=0) > SURE:
            found.append(list(several))
            continue
        weights = np.exp(-energies[near] / TEMPERATURE)
        same = points[near][:, None, :] == points[place, : len(several), None]
        votes = (same * (weights[:, None] * chances[near])[:, None, :]).sum(axis=(0, 2))
        after = chances[place, : len(several)] * (np.exp(-APART / TEMPERATURE) + votes)
        after *= chances[place].sum() / max(after.sum(), 1e-300)
        voted = (replace(name, probability=float(chance)) for name, chance in zip(several, after, strict=True))
        found.append(sorted(voted, key=lambda name: -name.probability))
    return found
