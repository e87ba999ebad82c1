"""From picture files to embeddings, in batches: what index and query share.

Reading and preparing a picture takes as long as a small network does: worker processes do it while the network works
on the batch before. (Threads would not: most of preparing is numpy on small arrays, one thread at a time.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import load_picture, prepare

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.models.embedder import Embedder


PAYS = 2_000
"""From so many pictures on, workers save more than the second that it takes to start them."""


@dataclass(frozen=True)
class Embedded:
    """A batch: the embeddings of the pictures that could be read, and why the others could not.

    Attributes
    ----------
    vectors : (n, D) float32.
    failures : reason by position in the batch; n is the batch's length less these.
    """

    vectors: NDArray[np.float32]
    failures: dict[int, str]


def embed_pictures(
    embedder: Embedder, batches: Sequence[Sequence[Path]], size: int, workers: int | None
) -> Iterator[Embedded]:
    """Embed pictures, and yield batch by batch, in order.

    Parameters
    ----------
    embedder : the network.
    batches : paths of pictures; a batch is what the network gets at once.
    size : side of its square input in pixels.
    workers : processes that read pictures; 0: this one; None: as many as pay.
    """
    if workers == 0 or (workers is None and sum(map(len, batches)) < PAYS):
        for batch in batches:
            yield _embed(embedder, {position: _read(path, size) for position, path in enumerate(batch)})
        return
    from sinonom_cli.artifacts.workers import work_through

    items = [
        Item(f"{number}/{position}", path, (number, position))
        for number, batch in enumerate(batches)
        for position, path in enumerate(batch)
    ]
    # Workers finish out of order: what is read waits here until its batch is whole.
    read: list[dict[int, NDArray[np.float32] | str]] = [{} for _ in batches]
    due = 0
    for outcome in work_through(items, Prepare(size), workers):
        number, position = outcome.item.data
        prepared: Any = outcome.rows
        read[number][position] = outcome.failure if prepared is None else prepared[0]
        while due < len(batches) and len(read[due]) == len(batches[due]):
            yield _embed(embedder, read[due])
            read[due].clear()
            due += 1


@dataclass(frozen=True)
class Prepare:
    """Reads and prepares a picture in a worker."""

    size: int

    def __call__(self, item: Item) -> list[Any]:
        """Return the (S, S) float32 picture in a list; raises SinonomError for one that cannot be read."""
        return [prepare(load_picture(item.path), self.size)]


def _embed(embedder: Embedder, pictures: Mapping[int, NDArray[np.float32] | str]) -> Embedded:
    failures = {position: picture for position, picture in pictures.items() if isinstance(picture, str)}
    positions = sorted(pictures.keys() - failures.keys())
    if not positions:
        return Embedded(np.zeros((0, 0), np.float32), dict(sorted(failures.items())))
    vectors = embedder.embed(np.stack([pictures[position] for position in positions]))
    finite = np.isfinite(vectors).all(axis=1)
    for position in np.array(positions)[~finite].tolist():
        failures[position] = "the model answers it with something that is no number"
    return Embedded(vectors[finite], dict(sorted(failures.items())))


def _read(path: Path, size: int) -> NDArray[np.float32] | str:
    """Return a picture as the network wants it, or in one line why there is none."""
    try:
        return prepare(load_picture(path), size)
    except SinonomError as error:
        if error.code != ExitCode.BAD_INPUT:
            raise
        return " ".join(error.message.split())
    except Exception as error:  # one picture that a decoder chokes on must not stop a million others
        return " ".join(f"{type(error).__name__}: {error}".split())
