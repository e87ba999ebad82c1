"""A few rows for each label instead of one for each picture: the centres of its embeddings.

They are found by spherical k-means (Dhillon and Modha 2001, "Concept decompositions for large sparse text data using
clustering", Machine Learning 42), begun as k-means++ does (Arthur and Vassilvitskii 2007).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import console
from sinonom_cli.errors import SinonomError
from sinonom_cli.parallel.batch import item_rng
from sinonom_cli.search.rows import Row

if TYPE_CHECKING:
    from numpy.typing import NDArray

PICTURES = 8
"""Pictures of a label that a centre takes: of fewer than twice as many, there is one centre."""
LEAST = 3
"""A centre that fewer pictures are nearest to is none: what was cut or labelled wrongly is not to name a character."""
ROUNDS = 100


def refuse_unlabelled(rows: Sequence[Row]) -> None:
    """Raise SinonomError if a row has no label."""
    bare = [row for row in rows if not row.label]
    if bare:
        raise SinonomError(
            f"{len(bare)} of {len(rows)} pictures have no label, the first is {bare[0].set}/{bare[0].item}: "
            "--prototypes needs to know what each shows",
            "sets that say it (crop-nomnaocr, synth-fonts), or folders named by code points: U+5B57/a.png",
        )


def prototypes(
    most: int, shape: tuple[int, int], blocks: Iterable[NDArray[np.float32]], rows: Sequence[Row]
) -> tuple[NDArray[np.float32], list[Row], bool]:
    """Return the rows that stand for the labels, and their vectors.

    In memory are the embeddings, once, and besides them what one label takes.

    Parameters
    ----------
    most : centres of a label, at most.
    shape : (N, D).
    blocks : the embeddings, (n, D) float32 each.
    rows : what each shows.

    Returns
    -------
    (P, D) float32 of length 1, by label in the order of code points, the centre of most pictures first; their P rows,
    which name no set and no source; and whether the embeddings had unit length.
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
    with console.progress(len(labels), "labels") as progress:
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
    most : how many centres there may be; one for each `PICTURES` at most.
    rng : draws where to begin.

    Returns
    -------
    (k, D) float32 of length 1: each is the direction of the mean of the vectors that are nearest to it, at least
    `LEAST` of them where k > 1. The centre of most vectors comes first.
    """
    centres = _begun(vectors, min(most, max(1, len(vectors) // PICTURES)), rng)
    while True:
        centres, sizes = _settled(vectors, centres)
        if len(centres) == 1 or sizes.min() >= LEAST:
            return centres[np.argsort(-sizes, kind="stable")].astype(np.float32)
        centres = np.delete(centres, sizes.argmin(), axis=0)


def _begun(vectors: NDArray[np.float32], number: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw vectors to begin with, each with the probability of its squared distance from those drawn before."""
    drawn = [int(rng.integers(len(vectors)))]
    far = np.full(len(vectors), np.inf)
    while len(drawn) < number:
        far = np.minimum(far, 1.0 - np.einsum("nd,d->n", vectors, vectors[drawn[-1]])).clip(min=0)
        far[far < 1e-6] = 0  # the same picture again
        if not far.any():
            break
        drawn.append(int(rng.choice(len(vectors), p=far / far.sum())))
    return vectors[drawn].astype(np.float64)


def _settled(
    vectors: NDArray[np.float32], centres: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Move centres to the means of what is nearest to them until nothing changes; return them and what each holds."""
    before = np.zeros(0, np.int64)
    for _ in range(ROUNDS):
        # einsum: a product of BLAS rounds otherwise with other threads or on another processor, and decides ties so.
        nearest = np.einsum("nd,kd->nk", vectors, centres).argmax(axis=1)
        there, nearest = np.unique(nearest, return_inverse=True)  # a centre that nothing is nearest to goes
        if len(there) == len(centres) and np.array_equal(nearest, before):
            break
        sums = np.stack([vectors[nearest == k].sum(axis=0, dtype=np.float64) for k in range(len(there))])
        lengths = np.linalg.norm(sums, axis=1)
        for k in np.flatnonzero(lengths < 1e-9):  # opposite vectors have no mean direction: one of them stands for both
            sums[k] = vectors[nearest == k][0]
            lengths[k] = np.linalg.norm(sums[k : k + 1], axis=1)[0] or 1.0
        centres, before = sums / lengths[:, None], nearest
    return centres, np.bincount(nearest, minlength=len(centres))
