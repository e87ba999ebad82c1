"""From picture files to embeddings, in batches: what index and query share.

The next pictures are read and prepared in threads while the network works on these: Pillow's decoders and most of
numpy let other threads run, and nothing has to be copied between processes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import load_picture, prepare

if TYPE_CHECKING:
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from sinonom_cli.models.embedder import Embedder

AHEAD = 2
"""Batches that are read in advance."""


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
    embedder: Embedder, batches: Iterable[Sequence[Path]], size: int, threads: int
) -> Iterator[Embedded]:
    """Embed pictures batch by batch.

    Parameters
    ----------
    embedder : the network.
    batches : paths of pictures; a batch is what the network gets at once.
    size : side of its square input in pixels.
    threads : that read pictures; 0: read them in this one.
    """
    if threads == 0:
        for batch in batches:
            yield _embed(embedder, [_read(path, size) for path in batch])
        return
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(threads, thread_name_prefix="read")
    waiting: deque[list[Future[NDArray[np.float32] | str]]] = deque()
    try:
        for batch in batches:
            waiting.append([pool.submit(_read, path, size) for path in batch])
            if len(waiting) > AHEAD:
                yield _embed(embedder, [future.result() for future in waiting.popleft()])
        while waiting:
            yield _embed(embedder, [future.result() for future in waiting.popleft()])
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _embed(embedder: Embedder, pictures: Sequence[NDArray[np.float32] | str]) -> Embedded:
    failures = {position: picture for position, picture in enumerate(pictures) if isinstance(picture, str)}
    positions = [position for position, picture in enumerate(pictures) if not isinstance(picture, str)]
    if not positions:
        return Embedded(np.zeros((0, 0), np.float32), failures)
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
    except OSError as error:
        return f"{path}: {error.strerror or error}"
    except Exception as error:  # one picture that a decoder chokes on must not stop a million others
        return " ".join(f"{path}: {type(error).__name__}: {error}".split())
