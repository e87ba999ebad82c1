"""Represent each label by a few rows, the centres of its embeddings, instead of one row for each picture.

The centres are found by spherical k-means (Dhillon and Modha 2001, "Concept decompositions for large sparse text data
using clustering", Machine Learning 42), which starts as k-means++ does (Arthur and Vassilvitskii 2007).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.parallel.batch import item_rng
from sinonom_cli.search.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES = 8
"""Number of a label's pictures per centre; a label with fewer than twice as many pictures has one centre."""
LEAST = 3
"""Smallest number of pictures of a centre; smaller ones may come from wrong cuts or labels and are dropped."""
ROUNDS = 100


def refuse_unlabelled(rows: Sequence[Row]) -> None:
    """Raise SinonomError if a row has no label."""
    bare = [row for row in rows if not row.label]
    if bare:
        raise SinonomError(
            f"{len(bare)} of {len(rows)} pictures have no label, the first is {bare[0].set}/{bare[0].item}: "
            "--prototypes needs the label of each picture",
            "use sets with labels (crop-nomnaocr, synth-fonts), or folders named by code points: U+5B57/a.png",
        )


def prototypes(
    most: int, shape: tuple[int, int], blocks: Iterable[NDArray[np.float32]], rows: Sequence[Row]
) -> tuple[NDArray[np.float32], list[Row], bool]:
    """Return the rows that represent the labels, and their vectors.

    Memory holds one copy of the embeddings, and the temporary arrays of one label.

    Parameters
    ----------
    most : largest number of centres of a label.
    shape : (N, D).
    blocks : the embeddings, (n, D) float32 each.
    rows : the row of each embedding.

    Returns
    -------
    (P, D) float32 of length 1, with labels in the order of code points and the centre of most pictures first in each;
    their P rows, which name no set and no source; and whether the embeddings had unit length.
    """
    labels = sorted({row.label for row in rows}, key=lambda label: (len(label), label))
    number = {label: place for place, label in enumerate(labels)}
    of_row = np.fromiter((number[row.label] for row in rows), np.int64, len(rows))
    chars = {row.label: row.char for row in reversed(rows)}
    place = np.empty(len(rows), np.int64)
    place[np.argsort(of_row, kind="stable")] = np.arange(len(rows))
    grouped, start, unit = np.empty(shape, np.float32), 0, True
    for block in blocks:
        lengths = np.linalg.norm(block, axis=1, keepdims=True)
        unit = unit and bool(np.allclose(lengths, 1.0, atol=1e-4))
        grouped[place[start : start + len(block)]] = block / np.where(lengths > 0, lengths, 1.0)
        start += len(block)
    centres, standing = [], []
    with messages.progress(len(labels), "labels") as progress:
        for label, own in zip(labels, np.split(grouped, np.cumsum(np.bincount(of_row))[:-1]), strict=True):
            found = centres_of(own, most, item_rng(0, label))
            centres.append(found)
            names = [label] if len(found) == 1 else [f"{label}#{k}" for k in range(len(found))]
            standing += [Row(name, "", label, chars[label], "") for name in names]
            progress.advance()
    return np.concatenate(centres), standing, unit


def centres_of(vectors: NDArray[np.float32], most: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Return the centres of the pictures of one label.

    Parameters
    ----------
    vectors : (n, D) float32 of length 1.
    most : largest number of centres; there is at most one for each `PICTURES` vectors.
    rng : random generator for the vectors that k-means starts from.

    Returns
    -------
    (k, D) float32 of length 1: each is the direction of the mean of its nearest vectors, of which there are at least
    `LEAST` if k > 1. The centre of most vectors comes first.
    """
    centres = _begun(vectors, min(most, max(1, len(vectors) // PICTURES)), rng)
    while True:
        centres, sizes = _settled(vectors, centres)
        if len(centres) == 1 or sizes.min() >= LEAST:
            return centres[np.argsort(-sizes, kind="stable")].astype(np.float32)
        centres = np.delete(centres, sizes.argmin(), axis=0)


def _begun(vectors: NDArray[np.float32], number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw start vectors, each with a probability proportional to its squared distance from those drawn before."""
    drawn = [int(rng.integers(len(vectors)))]
    far = np.full(len(vectors), np.inf)
    while len(drawn) < number:
        far = np.minimum(far, 1.0 - np.einsum("nd,d->n", vectors, vectors[drawn[-1]])).clip(min=0)
        far[far < 1e-6] = 0  # the picture is the same as one drawn before
        if not far.any():
            break
        drawn.append(int(rng.choice(len(vectors), p=far / far.sum())))
    return vectors[drawn].astype(np.float64)


def _settled(
    vectors: NDArray[np.float32], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Move centres to the means of their nearest vectors until nothing changes; return them and their vector counts."""
    before = np.zeros(0, np.int64)
    for _ in range(ROUNDS):
        # einsum is used because rounding in BLAS depends on threads and processor, and would decide ties.
        nearest = np.einsum("nd,kd->nk", vectors, centres).argmax(axis=1)
        there, nearest = np.unique(nearest, return_inverse=True)  # centres without vectors are removed
        if len(there) == len(centres) and np.array_equal(nearest, before):
            break
        sums = np.stack([vectors[nearest == k].sum(axis=0, dtype=np.float64) for k in range(len(there))])
        lengths = np.linalg.norm(sums, axis=1)
        for k in np.flatnonzero(lengths < 1e-9):  # opposite vectors have no mean direction, so one of them is used
            sums[k] = vectors[nearest == k][0]
            lengths[k] = np.linalg.norm(sums[k : k + 1], axis=1)[0] or 1.0
        centres, before = sums / lengths[:, None], nearest
    return centres, np.bincount(nearest, minlength=len(centres))
