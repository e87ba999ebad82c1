"""The pictures of each set as bytes, prepared once for all trainings on it: every batch reads them from memory.

An entry, a folder named by what is in it, belongs to one set at one size. Whatever the trainings, each picture is
prepared once; runs at the same time take turns. All of it can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import console
from sinonom_cli.artifacts.files import cannot_write, write_json
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.artifacts.journal import Row
from sinonom_cli.artifacts.workers import work_through
from sinonom_cli.errors import ExitCode, SinonomError, need
from sinonom_cli.models.blank import inked_picture
from sinonom_cli.models.prepare_fast import prepare
from sinonom_cli.models.preprocess import VERSION

if TYPE_CHECKING:
    from sinonom_cli.artifacts.imageset import ImageSet

TODO, READY, UNREADABLE = 0, 1, 2
MOST = 32 * 2**30
"""Bytes that all entries together may take; beyond it the longest unused go, but none that was used today."""
A_DAY = 24 * 3600.0


@dataclass(frozen=True)
class Cells:
    """The prepared pictures of several sets; `cells[positions]` gives (N, S, S) uint8 ink, 255 is full.

    Attributes
    ----------
    files : for each set the file that holds its pictures, and how many are in it.
    size : side of a picture, S.
    owners, rows : (N,) int64, for each position its set and the row in that set's file.
    unreadable : reasons by position.
    """

    files: tuple[tuple[Path, int], ...]
    size: int
    owners: NDArray[np.int64]
    rows: NDArray[np.int64]
    unreadable: dict[int, str]

    def __len__(self) -> int:
        return len(self.owners)

    def __getitem__(self, positions: NDArray[np.int64]) -> NDArray[np.uint8]:
        found = np.empty((len(positions), self.size, self.size), np.uint8)
        owners = self.owners[positions]
        for number, (path, count) in enumerate(self.files):
            mine = owners == number
            if mine.any():
                found[mine] = open_cells(path, (count, self.size, self.size), "r")[self.rows[positions[mine]]]
        return found


@cache
def open_cells(path: Path, shape: tuple[int, int, int], mode: Any) -> NDArray[np.uint8]:
    """Map the file at `path` into memory; once a process."""
    return np.memmap(path, np.uint8, mode, shape=shape)


def default_folder() -> Path:
    """Where this system keeps what programs can make again."""
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "sinonom" / "cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "sinonom"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "sinonom"


def fill_cache(
    folder: Path, sets: Sequence[ImageSet], size: int, workers: int | None, limit: int | None = None, again: bool = True
) -> Cells:
    """Prepare every labelled picture of the sets, or find what other runs have prepared.

    Parameters
    ----------
    folder : where entries are kept; made if need be.
    sets : whole; the positions of the result are those of `listed` on the sets cut off after `limit`.
    size : side of a prepared picture in pixels.
    workers : as in `work_through`.
    limit : take the first so many pictures of each set; None: all.
    again : try once more what could not be read before.

    Raises
    ------
    SinonomError
        With exit code 5, if the disk has no room or the folder cannot be written.
    """
    files: list[tuple[Path, int]] = []
    owners: list[NDArray[np.int64]] = []
    rows: list[NDArray[np.int64]] = []
    unreadable: dict[int, str] = {}
    for number, images in enumerate(sets):
        mine = np.array([i for i, p in enumerate(images.pictures[:limit]) if p.label], dtype=np.int64)
        entry = folder / _key(images, size)
        with _turn(folder, entry.name):
            failed = _fill(entry, images, mine, size, workers, again)
        begins = sum(len(each) for each in rows)
        unreadable |= {begins + k: failed[row] for k, row in enumerate(mine.tolist()) if row in failed}
        files.append((entry / "pictures.u8", len(images.pictures)))
        owners.append(np.full(len(mine), number, dtype=np.int64))
        rows.append(mine)
    _prune(folder, {path.parent.name for path, _ in files})
    return Cells(tuple(files), size, np.concatenate(owners), np.concatenate(rows), unreadable)


def _fill(
    entry: Path, images: ImageSet, rows: NDArray[np.int64], size: int, workers: int | None, again: bool
) -> dict[int, str]:
    """Prepare these rows of one set; return what could not be read, by row."""
    count = len(images.pictures)
    cells, marks = entry / "pictures.u8", entry / "pictures.marks"
    record, reasons = entry / "pictures.json", entry / "unreadable.json"
    if not (record.exists() and cells.exists() and marks.exists()):
        entry.mkdir(parents=True, exist_ok=True)
        for path, each in ((cells, size * size), (marks, 1)):
            try:
                with path.open("wb") as file:
                    file.truncate(count * each)
            except OSError as error:
                raise _elsewhere(cannot_write(path, error).message) from error
        reasons.unlink(missing_ok=True)
        write_json(record, {"set": images.path.name, "pictures": count, "size": size, "preprocessing": VERSION})
    os.utime(record)
    failed = {int(k): str(v) for k, v in (_read(reasons) or {}).items()}
    state = np.memmap(marks, np.uint8, "r+", shape=(count,))
    wanted = state[rows] == TODO
    if again:
        wanted |= state[rows] == UNREADABLE
    paths = {int(i): images.path / images.pictures[i].file_name for i in rows[wanted]}
    _room(entry, len(paths) * size * size)
    todo = [Item(path.name, path, i) for i, path in paths.items()]
    with console.progress(len(todo), f"pictures of {images.path.name} read") as progress:
        for outcome in work_through(todo, Prepare(cells, (count, size, size)), workers):
            failed.pop(outcome.item.data, None)
            if outcome.rows is None:
                failed[outcome.item.data] = outcome.failure
                write_json(reasons, {str(k): v for k, v in failed.items()})
            state[outcome.item.data] = UNREADABLE if outcome.rows is None else READY
            progress.advance()
    state.flush()
    if reasons.exists():
        write_json(reasons, {str(k): v for k, v in failed.items()})
    return failed


@dataclass(frozen=True)
class Prepare:
    """Reads one picture into its cell."""

    cells: Path
    shape: tuple[int, int, int]

    def __call__(self, item: Item) -> list[Row]:
        prepared = prepare(inked_picture(item.path), self.shape[1])
        open_cells(self.cells, self.shape, "r+")[item.data] = np.rint(prepared * 255)
        return []


def _key(images: ImageSet, size: int) -> str:
    """Name of an entry: what a set is, and what is made of its pictures.

    Rows say nothing about pixels, so the record and when it was written count as well.
    """
    record = images.path / "artifact.json"
    written = record.stat().st_mtime_ns if record.exists() else 0
    what = [images.identity, images.record, written, len(images.pictures), size, VERSION]
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:32]


@contextmanager
def _turn(folder: Path, name: str) -> Iterator[None]:
    """Hold an entry for this process alone; the system lets go of it when a process dies."""
    filelock = need("filelock", "train")
    lock = filelock.FileLock(folder / f"{name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            console.say("another training prepares the same pictures: waiting for it")
            lock.acquire()
    except OSError as error:
        raise _elsewhere(cannot_write(folder, error).message) from error
    try:
        yield
    finally:
        lock.release()


def _prune(folder: Path, used: set[str]) -> None:
    """Delete the longest unused entries while all together take more than `MOST`."""
    entries = []
    for record in folder.glob("*/pictures.json"):
        try:
            entries.append((record.stat().st_mtime, _taken(record.parent), record.parent))
        except OSError:  # another run has just deleted it
            continue
    total = sum(size for _, size, _ in entries)
    filelock = need("filelock", "train")
    for when, size, entry in sorted(entries, key=lambda e: e[0]):
        if total <= MOST:
            return
        if entry.name in used or time.time() - when < A_DAY:
            continue
        try:
            with filelock.FileLock(folder / f"{entry.name}.lock", timeout=0):
                shutil.rmtree(entry, ignore_errors=True)
        except filelock.Timeout:
            continue
        console.detail(f"{entry} was deleted: nothing has used it for longest")
        total -= size


def _taken(entry: Path) -> int:
    """Bytes an entry takes on the disk; what is not filled yet takes none."""
    status = (entry / "pictures.u8").stat()
    return 512 * status.st_blocks if hasattr(status, "st_blocks") else status.st_size


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _room(folder: Path, size: int) -> None:
    """Refuse to begin on a disk that is too small: writing to a mapped file on a full disk would kill the process."""
    free = shutil.disk_usage(folder).free
    if free < size:
        has = f"{size / 2**30:.1f} GiB for the prepared pictures, and the disk has {free / 2**30:.1f}"
        raise _elsewhere(f"{folder} needs {has}")


def _elsewhere(message: str) -> SinonomError:
    return SinonomError(message, "--cache DIR on a disk that has room, or make room", ExitCode.OUTPUT_IN_THE_WAY)
