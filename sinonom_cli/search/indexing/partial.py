"""Keep the finished batches of an index that is being made.

A finished batch stays in `OUT.faiss.partial/` until the index is complete, so that after a killed run only the batches
in progress are repeated. Batches are cut by position alone, so the result is the same after any number of killed runs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import BadZipFile

import numpy as np

from sinonom_cli.networks.embed_pictures import Embedded
from sinonom_cli.search.indexing.entries import Entry
from sinonom_cli.storage.atomic import TEMPORARY, write_bytes

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BATCH_NAME = re.compile(r"\d{8}\.npz\Z")


class Partial:
    """Batches, on disk, of an index that is being made.

    Parameters
    ----------
    output : path of the index; the batches are in `<output>.partial/`.
    entries : all pictures.
    batch_size : number of pictures in a batch.
    """

    def __init__(self, output: Path, entries: Sequence[Entry], batch_size: int) -> None:
        self.folder = output.with_name(output.name + ".partial")
        self.batches = [entries[start : start + batch_size] for start in range(0, len(entries), batch_size)]

    def done(self, number: int) -> bool:
        """Return whether a batch exists and is complete; one with failures counts as not done and is tried again."""
        if not self._path(number).exists():
            return False
        try:
            embedded = self.load(number)
        except (OSError, ValueError, KeyError, BadZipFile):
            return False
        return not embedded.failures and len(embedded.vectors) == len(self.batches[number])

    def save(self, number: int, embedded: Embedded) -> None:
        """Write a finished batch."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            vectors=embedded.vectors,
            positions=np.array(list(embedded.failures), np.int64),
            reasons=np.array(list(embedded.failures.values()), np.str_),
        )
        write_bytes(self._path(number), buffer.getvalue())

    def load(self, number: int) -> Embedded:
        """Read a finished batch."""
        with np.load(self._path(number), allow_pickle=False) as stored:
            failures = dict(zip(stored["positions"].tolist(), stored["reasons"].tolist(), strict=True))
            return Embedded(stored["vectors"], failures)

    def restore(self, vectors: NDArray[np.floating], failed: set[str]) -> None:
        """Make the batches of a complete index again, except those in which pictures failed."""
        start = 0
        for number, batch in enumerate(self.batches):
            lost = sum(entry.key in failed for entry in batch)
            stop = start + len(batch) - lost
            if not lost:
                self.save(number, Embedded(np.asarray(vectors[start:stop], np.float32), {}))
            start = stop

    def delete(self) -> None:
        """Remove the batches, and their folder unless something else is in it."""
        if not self.folder.is_dir():
            return
        for path in self.folder.iterdir():
            if _BATCH_NAME.match(path.name) or path.name.startswith(TEMPORARY):
                path.unlink(missing_ok=True)
        if not any(self.folder.iterdir()):
            self.folder.rmdir()

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:08d}.npz"
