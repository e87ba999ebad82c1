"""Choose the pictures that a model learns from, and those that it is validated on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from sinonom_cli.storage.image_set import ImageSet, Picture

VALIDATION_CLASSES = 500
"""Number of characters in a gallery that is hard enough to compare two models; they are embedded in a second or two."""


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures of all sets, in the order of the sets and of their rows.

    Attributes
    ----------
    labels : the distinct labels, sorted; a class is a position in them.
    paths : file of each of the N pictures.
    cells : (N,) int64, position of each picture in `listed(sets)`, which is its place in the cache.
    classes : (N,) int64, class of each picture.
    sets : (N,) int64, number of the set of each picture.
    depths : (N,) bool, True for depth pictures of reliefs, False for ink.
    held : (N,) bool, True if held out for validation.
    twins : (N,) int64, rank of the hash; it is the same for pictures made from one source of one label, such as a glyph
        at several stroke levels.
    """

    labels: tuple[str, ...]
    paths: tuple[Path, ...]
    cells: NDArray[np.int64]
    classes: NDArray[np.int64]
    sets: NDArray[np.int64]
    depths: NDArray[np.bool_]
    held: NDArray[np.bool_]
    twins: NDArray[np.int64]


def listed(sets: Sequence[ImageSet]) -> list[tuple[int, Picture]]:
    """Return all pictures that have a label, each with the number of its set."""
    return [(k, p) for k, images in enumerate(sets) for p in images.pictures if p.label]


def gather(sets: Sequence[ImageSet], seed: int, share: float, unreadable: frozenset[int] = frozenset()) -> Pictures:
    """Join the pictures of several image sets and hold some out.

    A hash of (seed, label, source) decides whether a picture is held out. So the order of the sets, other pictures and
    their number do not matter, and pictures made from one source stay together. A class that would lose all its
    pictures keeps them.

    Parameters
    ----------
    sets : image sets, whose pictures without a label are left out.
    share : share of the pictures to hold out, 0 to below 1.
    unreadable : positions in `listed(sets)` to leave out.

    Raises
    ------
    SinonomError
        If there are no pictures with labels, only one class, or no class with two pictures.
    """
    names = " and ".join(str(s.path) for s in sets)
    found = [(cell, k, p) for cell, (k, p) in enumerate(listed(sets)) if cell not in unreadable]
    if not found:
        raise SinonomError(f"no labelled pictures in {names}", "make some with sinonom synth-fonts FONTS data/fonts")
    labels, classes = np.unique(np.array([p.label for _, _, p in found]), return_inverse=True)
    if len(labels) < 2:
        raise SinonomError(f"only one character in {names}; training needs several", "add another --data SET")
    digests = [_digest(seed, p.label, p.source) for _, _, p in found]
    held = np.array([d < int(share * 2**64) for d in digests])
    kept = np.bincount(classes[~held], minlength=len(labels))
    held &= kept[classes] > 0
    if np.bincount(classes[~held]).max() < 2:
        raise SinonomError(
            f"{names} has no character with two pictures to learn from",
            "add another --data SET with the same characters in another style",
        )
    twins = np.unique(np.array(digests, dtype=np.uint64), return_inverse=True)[1]
    owners = np.array([k for _, k, _ in found], dtype=np.int64)
    return Pictures(
        tuple(labels.tolist()),
        tuple(sets[k].path / p.file_name for _, k, p in found),
        np.array([cell for cell, _, _ in found], dtype=np.int64),
        classes.astype(np.int64),
        owners,
        np.array([images.record.reliefs for images in sets])[owners],
        held,
        twins.astype(np.int64),
    )


def _digest(seed: int, label: str, source: str) -> int:
    text = f"{seed}\t{label}\t{source}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


@dataclass(frozen=True)
class Trial:
    """Retrieval task made of held-out pictures: prints are queries for reliefs of the same character.

    Attributes
    ----------
    gallery : (M,) int64, rows of pictures to be shown as reliefs, one of each character.
    queries : (Q,) int64, rows of pictures to be shown as prints.
    answers : (Q,) int64, position in `gallery` of the character of each query.
    same : (Q,) bool, True if the query is the gallery's own picture, False if it is another one of the character.
    """

    gallery: NDArray[np.int64]
    queries: NDArray[np.int64]
    answers: NDArray[np.int64]
    same: NDArray[np.bool_]


def trial(pictures: Pictures) -> Trial:
    """Make the validation task from held-out pictures, with up to `VALIDATION_CLASSES` characters.

    Characters with two held-out sources come first: they give a query that shows another print than the relief's.
    Depth pictures are left out, since the task's reliefs are simulated from ink.

    Returns
    -------
    Trial, empty if nothing is held out.
    """
    held = np.flatnonzero(pictures.held & ~pictures.depths)
    held = held[np.argsort(pictures.twins[held], kind="stable")]  # by hash, for a random order that is fixed
    of_class: dict[int, list[int]] = {}
    for row in held.tolist():
        mine = of_class.setdefault(int(pictures.classes[row]), [])
        if len(mine) == 0 or (len(mine) == 1 and pictures.twins[row] != pictures.twins[mine[0]]):
            mine.append(row)
    some = sorted(of_class.values(), key=len, reverse=True)[:VALIDATION_CLASSES]
    queries = [(row, k, j == 0) for k, mine in enumerate(some) for j, row in enumerate(mine)]
    return Trial(
        np.array([mine[0] for mine in some], dtype=np.int64),
        np.array([q[0] for q in queries], dtype=np.int64),
        np.array([q[1] for q in queries], dtype=np.int64),
        np.array([q[2] for q in queries], dtype=bool),
    )
