"""All pictures of a training in one file of bytes, prepared once: a restart, and each batch, reads them from memory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import console
from sinonom_cli.artifacts.files import write_json
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.artifacts.journal import Row
from sinonom_cli.artifacts.workers import work_through
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.models.preprocess import VERSION, load_picture, prepare

TODO, READY, UNREADABLE = 0, 1, 2


@dataclass(frozen=True)
class Cells:
    """The prepared pictures: `pictures` (N, S, S) uint8 ink, 255 is full; `unreadable` maps positions to reasons."""

    path: Path
    shape: tuple[int, int, int]
    unreadable: dict[int, str]

    @property
    def pictures(self) -> NDArray[np.uint8]:
        """The file as an array, read-only; opened once a process."""
        return open_cells(self.path, self.shape, "r")


@cache
def open_cells(path: Path, shape: tuple[int, int, int], mode: Any) -> NDArray[np.uint8]:
    """Map the file at `path` into memory."""
    return np.memmap(path, np.uint8, mode, shape=shape)


def fill_cache(folder: Path, paths: Sequence[Path], size: int, identity: Any, workers: int | None) -> Cells:
    """Prepare every picture into `folder`, or find what an earlier run has prepared.

    Parameters
    ----------
    folder : where `pictures.u8` and what belongs to it is kept; made if need be.
    paths : the pictures, in the order of their cells.
    size : side of a prepared picture in pixels.
    identity : JSON; a cache of another identity is made anew.
    workers : as in `work_through`.
    """
    shape = (len(paths), size, size)
    cells, marks = folder / "pictures.u8", folder / "pictures.marks"
    record, reasons = folder / "pictures.json", folder / "unreadable.json"
    wanted = json.loads(json.dumps({"shape": shape, "identity": identity, "preprocessing": VERSION}))
    if not (record.exists() and cells.exists() and marks.exists() and _read(record) == wanted):
        _make_room(folder, len(paths) * size * size)
        for path, each in ((cells, size * size), (marks, 1)):
            with path.open("wb") as file:
                file.truncate(len(paths) * each)
        reasons.unlink(missing_ok=True)
        write_json(record, wanted)
    unreadable = {int(k): str(v) for k, v in (_read(reasons) or {}).items()}
    state = np.memmap(marks, np.uint8, "r+", shape=(len(paths),))
    todo = [Item(paths[i].name, paths[i], i) for i in np.flatnonzero(state == TODO).tolist()]
    with console.progress(len(todo), "pictures read") as progress:
        for outcome in work_through(todo, Prepare(cells, shape), workers):
            if outcome.rows is None:
                unreadable[outcome.item.data] = outcome.failure
                write_json(reasons, {str(k): v for k, v in unreadable.items()})
            state[outcome.item.data] = UNREADABLE if outcome.rows is None else READY
            progress.advance()
    state.flush()
    return Cells(cells, shape, unreadable)


@dataclass(frozen=True)
class Prepare:
    """Reads one picture into its cell."""

    cells: Path
    shape: tuple[int, int, int]

    def __call__(self, item: Item) -> list[Row]:
        prepared = prepare(load_picture(item.path), self.shape[1])
        open_cells(self.cells, self.shape, "r+")[item.data] = np.rint(prepared * 255)
        return []


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _make_room(folder: Path, size: int) -> None:
    """Refuse to begin on a disk that is too small: writing to a mapped file on a full disk would kill the process."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free
    if free < size:
        raise SinonomError(
            f"{folder} needs {size / 2**30:.1f} GiB for the prepared pictures, and the disk has {free / 2**30:.1f}",
            "make room, choose another --output or a smaller --size",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
