"""Embed picture files in batches, for both index and query.

Reading and preparing a picture takes a fifth of the time that a small network needs to embed it. Each worker therefore
takes whole batches from file to embedding, with its own network on one thread. No picture is sent between processes,
and no core waits for another.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.page_like import looks_like_page
from sinonom_cli.networks.preprocess import Mended, framed_pictures, mended
from sinonom_cli.networks.test_time_augmentation import embed_views
from sinonom_cli.networks.turning import Turns
from sinonom_cli.pictures.blank import inked_picture
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.inputs import Item

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.storage.model_folder import Model

PAGE = "looks like a page, a column or a line of several characters, not like one character"
"""Reason that is given when a query is refused."""
PAYS = 2_000
"""Smallest number of pictures for which workers save more than the second that it takes to start them."""


@dataclass(frozen=True)
class Embedded:
    """Result of one batch: the embeddings of the pictures that could be read, and the reasons for the others.

    Attributes
    ----------
    vectors : (n, D) float32, in the order of the batch.
    failures : reason by position in the batch; n is the batch's length minus the number of failures.
    spreads : (n,) float64, how much the views of each picture differ, see `spread_of_views`; None without `tta`.
    turns : how each picture was set upright; None without `upright`.
    """

    vectors: NDArray[np.float32]
    failures: dict[int, str]
    spreads: NDArray[np.float64] | None = None
    turns: Turns | None = None


class SetsUpright(Protocol):
    """Function that embeds pictures, those that are askew after they have been set upright (`search.upright`)."""

    def __call__(
        self, embedder: Embedder, pictures: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], Turns]:
        """Return the pictures, set upright, their embeddings, and how each was turned."""


def embed_pictures(
    embedder: Embedder,
    batches: Sequence[Sequence[Path]],
    size: int,
    workers: int | None,
    engine: str = "processes",
    tta: bool = False,
    one_character: bool = False,
    upright: SetsUpright | None = None,
) -> Iterator[Embedded]:
    """Embed pictures and yield the batches in order.

    Parameters
    ----------
    embedder : the network.
    batches : paths of pictures; a worker takes one batch at a time.
    size : side of the network's square input in pixels.
    workers : number of processes that read and embed; 0: this process only; None: workers where they save time.
    engine : as in `work_through`.
    tta : take the mean over a few views of each picture, for queries only; see `test_time_augmentation`.
    one_character : count pictures that look like a page or a column as failures, for queries only.
    upright : sets pictures upright first, for queries only; workers are given a copy.
    """
    one = OneBatch(embedder, size, tta, one_character, upright)
    if engine == "processes" and (workers == 0 or (workers is None and sum(map(len, batches)) < PAYS)):
        for batch in batches:
            yield one(batch)
        return
    from sinonom_cli.parallel.processes import work_through
    from sinonom_cli.parallel.work import cores

    items = [Item(str(number), Path(), (number, tuple(batch))) for number, batch in enumerate(batches)]
    done: dict[int, Embedded] = {}
    due = 0
    if engine == "processes":
        workers = workers or cores()
    for outcome in work_through(
        items, EmbedBatch(embedder.model, tta, one_character, upright), workers, engine, at_once=1
    ):
        number, batch = outcome.item.data
        embedded: Any = outcome.rows and outcome.rows[0]
        done[number] = embedded or _without_what_crashes(one, batch, outcome.failure)
        while due in done:  # workers finish out of order
            yield done.pop(due)
            due += 1


@dataclass(frozen=True)
class EmbedBatch:
    """Function object that takes the pictures of an item's batch from file to embedding, in a worker."""

    model: Model
    tta: bool = False
    one_character: bool = False
    upright: SetsUpright | None = None

    def __call__(self, item: Item) -> list[Any]:
        """Return a list of one `Embedded`."""
        _, batch = item.data
        embedder = _embedder(self.model.path, self.model.identity)
        return [OneBatch(embedder, self.model.size, self.tta, self.one_character, self.upright)(batch)]


@dataclass(frozen=True)
class Read:
    """Function object that reads and prepares one picture in a worker, to see whether the worker survives."""

    size: int

    def __call__(self, item: Item) -> list[Any]:
        """Return an empty list; raise SinonomError for a picture that cannot be read."""
        mended(load_picture(item.path), self.size)
        return []


@lru_cache(1)
def _embedder(path: Path, identity: str) -> Embedder:
    from sinonom_cli.storage.model_folder import read_model

    model = read_model(path)
    if model.identity != identity:
        raise SinonomError(f"{path} has changed since the run began", "the same command again", ExitCode.BUG)
    return Embedder(model, 1)


def _without_what_crashes(one: OneBatch, batch: Sequence[Path], reason: str) -> Embedded:
    """Embed a batch that ended its worker; try its pictures one by one and leave out those that end a worker."""
    from sinonom_cli.parallel.processes import work_through

    items = [Item(str(position), path, position) for position, path in enumerate(batch)]
    tried = sorted(work_through(items, Read(one.size), 1), key=lambda outcome: outcome.item.data)
    bad = {outcome.item.data: outcome.failure for outcome in tried if outcome.rows is None}
    if not bad:
        raise SinonomError(f"a worker ended while it embedded {batch[0]} and the next ones: {reason}", "--workers 0")
    good = [position for position in range(len(batch)) if position not in bad]
    embedded = one([batch[position] for position in good])
    failures = bad | {good[position]: why for position, why in embedded.failures.items()}
    return replace(embedded, failures=dict(sorted(failures.items())))


@dataclass(frozen=True)
class OneBatch:
    """Function object that takes a batch from file to embedding; the attributes are as in `embed_pictures`."""

    embedder: Embedder
    size: int
    tta: bool
    one_character: bool
    upright: SetsUpright | None

    def __call__(self, batch: Sequence[Path]) -> Embedded:
        """Return the batch's embeddings, and the reasons for pictures that have none."""
        pictures: list[Mended] = []
        positions: list[int] = []
        failures: dict[int, str] = {}
        for position, path in enumerate(batch):
            read = self._read(path)
            if isinstance(read, str):
                failures[position] = read
            else:
                pictures.append(read)
                positions.append(position)
        turns, spreads = None, None
        there = framed_pictures(pictures, self.size)
        if self.upright:
            there, vectors, turns = self.upright(self.embedder, there)
        if self.tta:
            vectors, spreads = embed_views(self.embedder, there)
        elif not self.upright:
            vectors = self.embedder.embed(there)
        finite = np.isfinite(vectors).all(axis=1)
        for position in np.array(positions, np.int64)[~finite].tolist():
            failures[position] = "the model gives it an embedding with a value that is not a finite number"
        spreads = None if spreads is None else spreads[finite]
        turns = None if turns is None else Turns(turns.degrees[finite], turns.sure[finite])
        return Embedded(vectors[finite], dict(sorted(failures.items())), spreads, turns)

    def _read(self, path: Path) -> Mended | str:
        """Return a picture that is ready to be framed, or one line that says why there is none."""
        try:
            picture = inked_picture(path)
            return PAGE if self.one_character and looks_like_page(picture) else mended(picture, self.size)
        except SinonomError as error:
            if error.code != ExitCode.BAD_INPUT:
                raise
            return " ".join(error.message.split())
        except Exception as error:  # one picture that a decoder cannot read must not stop a million others
            return " ".join(f"{type(error).__name__}: {error}".split())
