"""Keep the prepared pictures of each set as bytes, once for all trainings on it; batches read them from memory.

An entry of the cache is a folder for one set at one size; its name is a hash of both. All trainings share it. Each
picture is prepared once, and again when its file has changed. Runs at the same time take turns. The whole cache can be
deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.preprocess import VERSION, Mended, framed_pictures, mended
from sinonom_cli.parallel.processes import work_through
from sinonom_cli.pictures.blank import inked_picture
from sinonom_cli.storage.atomic import cannot_write, write_json
from sinonom_cli.storage.inputs import Item
from sinonom_cli.train.cache_folder import elsewhere, prune, room, turn
from sinonom_cli.train.contents import Contents, digest_of, rows_of, sums_of

if TYPE_CHECKING:
    from sinonom_cli.storage.image_set import ImageSet

TODO, READY, UNREADABLE = 0, 1, 2
TOGETHER = 32
"""Number of pictures that a worker prepares at once."""


@dataclass(frozen=True)
class Cells:
    """Prepared pictures of several sets; `cells[positions]` gives (N, S, S) uint8 ink, 255 = full ink.

    Attributes
    ----------
    files : for each set the file of its pictures, and their number.
    size : side of a picture in pixels, S.
    owners, rows : (N,) int64, for each position its set and the row in that set's file.
    unreadable : reasons by position, for pictures that cannot be read.
    contents : for each set a SHA-256 of the pictures taken: names, labels and bytes.
    """

    files: tuple[tuple[Path, int], ...]
    size: int
    owners: NDArray[np.int64]
    rows: NDArray[np.int64]
    unreadable: dict[int, str]
    contents: tuple[str, ...] = ()

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
    """Map the file at `path` into memory, once in each process."""
    return np.memmap(path, np.uint8, mode, shape=shape)


def fill_cache(
    folder: Path, sets: Sequence[ImageSet], size: int, workers: int | None, limit: int | None = None, again: bool = True
) -> Cells:
    """Prepare every labelled picture of the sets that other runs have not prepared.

    Parameters
    ----------
    folder : folder of the entries; it is made if it does not exist.
    sets : complete sets; the positions of the result are those of `listed` on the sets cut off after `limit`.
    size : side of a prepared picture in pixels.
    workers : as in `work_through`.
    limit : number of pictures to take from the start of each set; None: all.
    again : try again to read pictures that could not be read before.

    Raises
    ------
    SinonomError
        With exit code 5, if the disk is full or the folder cannot be written.
    """
    files: list[tuple[Path, int]] = []
    owners: list[NDArray[np.int64]] = []
    rows: list[NDArray[np.int64]] = []
    unreadable: dict[int, str] = {}
    digests: list[str] = []
    for number, images in enumerate(sets):
        mine = rows_of(images, limit)
        entry = folder / _key(images, size)
        with turn(folder, entry.name):
            contents = _looked_at(entry, images, mine, size)
            failed = _fill(entry, images, mine, size, workers, again, contents)
        begins = sum(len(each) for each in rows)
        unreadable |= {begins + k: failed[row] for k, row in enumerate(mine.tolist()) if row in failed}
        files.append((entry / "pictures.u8", len(images.pictures)))
        owners.append(np.full(len(mine), number, dtype=np.int64))
        rows.append(mine)
        digests.append(digest_of(images, mine, contents.sums[mine]))
    prune(folder, {path.parent.name for path, _ in files})
    return Cells(tuple(files), size, np.concatenate(owners), np.concatenate(rows), unreadable, tuple(digests))


def contents_of(folder: Path, sets: Sequence[ImageSet], size: int, limit: int | None) -> list[str]:
    """Return the `contents` that `fill_cache` would give, without preparing any picture."""
    found = []
    for images in sets:
        rows = rows_of(images, limit)
        entry = folder / _key(images, size)
        try:
            with turn(folder, entry.name):
                sums = _looked_at(entry, images, rows, size).sums[rows]
        except SinonomError:  # without a cache all files are read
            sums = sums_of(images, rows)
        found.append(digest_of(images, rows, sums))
    return found


def _looked_at(entry: Path, images: ImageSet, rows: NDArray[np.int64], size: int) -> Contents:
    """Open an entry, or make it, and look for changes in the files of these rows."""
    count = len(images.pictures)
    record = entry / "pictures.json"
    wanted = {entry / "pictures.u8": count * size * size, entry / "pictures.marks": count}
    wanted |= Contents.files(entry, count)
    if not (record.exists() and all(path.exists() for path in wanted)):
        try:
            entry.mkdir(parents=True, exist_ok=True)
            for path, length in wanted.items():
                with path.open("wb") as file:
                    file.truncate(length)
        except OSError as error:
            raise elsewhere(cannot_write(entry, error).message) from error
        open_cells.cache_clear()  # the mapped file may have been deleted since
        (entry / "unreadable.json").unlink(missing_ok=True)
        write_json(record, {"set": images.path.name, "pictures": count, "size": size, "preprocessing": VERSION})
    os.utime(record)
    room(entry, len(rows) * Contents.BYTES)
    contents = Contents.of(entry, count)
    contents.look(images, rows)
    return contents


def _fill(
    entry: Path,
    images: ImageSet,
    rows: NDArray[np.int64],
    size: int,
    workers: int | None,
    again: bool,
    contents: Contents,
) -> dict[int, str]:
    """Prepare these rows of one set; return reasons, by row, for pictures that could not be read."""
    count = len(images.pictures)
    cells, reasons = entry / "pictures.u8", entry / "unreadable.json"
    failed = {int(k): str(v) for k, v in (_read(reasons) or {}).items()}
    state = np.memmap(entry / "pictures.marks", np.uint8, "r+", shape=(count,))
    stale = contents.stale(rows)
    wanted = (state[rows] == TODO) | stale
    if again:
        wanted |= state[rows] == UNREADABLE
    _forget_answers(entry, count, rows[stale & (state[rows] != TODO)])
    state[rows[wanted]] = TODO
    paths = {int(i): images.path / images.pictures[i].file_name for i in rows[wanted]}
    room(entry, len(paths) * size * size)
    with messages.progress(len(paths), f"pictures of {images.path.name} read") as progress:
        for row, reason in _prepared(list(paths.items()), Prepare(cells, (count, size, size)), workers):
            failed.pop(row, None)
            if reason:
                failed[row] = reason
                write_json(reasons, {str(k): v for k, v in failed.items()})
            contents.prepared[row] = contents.sums[row]
            state[row] = UNREADABLE if reason else READY
            progress.advance()
    state.flush()
    if reasons.exists():
        write_json(reasons, {str(k): v for k, v in failed.items()})
    return failed


def _forget_answers(entry: Path, count: int, rows: NDArray[np.int64]) -> None:
    """Delete teachers' answers to pictures that have changed; a row of zeros counts as not computed."""
    for path in entry.glob("teacher-*.bin") if len(rows) else ():
        answers = np.memmap(path, np.uint8, "r+")
        if len(answers) and len(answers) % count == 0:
            answers.reshape(count, -1)[rows] = 0


def _prepared(todo: list[tuple[int, Path]], work: Prepare, workers: int | None) -> Iterator[tuple[int, str]]:
    """Prepare pictures, `TOGETHER` at a time; yield each one's row in its set, and "" or why it could not be read."""
    parts = [todo[start : start + TOGETHER] for start in range(0, len(todo), TOGETHER)]
    items = [Item(str(number), part[0][1], part) for number, part in enumerate(parts)]
    for outcome in work_through(items, work, workers):
        done: Any = outcome.rows
        if done is not None:
            yield from done
            continue
        # A picture that ends its worker makes its whole part fail, so the part's pictures are tried one by one.
        alone = [Item(path.name, path, [(row, path)]) for row, path in outcome.item.data]
        for one in work_through(alone, work, 1):
            found: Any = one.rows or [(one.item.data[0][0], one.failure)]
            yield from found


@dataclass(frozen=True)
class Prepare:
    """Function object that reads pictures into their cells."""

    cells: Path
    shape: tuple[int, int, int]

    def __call__(self, item: Item) -> list[Any]:
        """Return for each picture its row, and "" or why it cannot be read."""
        done: list[tuple[int, str]] = []
        there: list[tuple[int, Mended]] = []
        for row, path in item.data:
            try:
                there.append((row, mended(inked_picture(path), self.shape[1])))
                done.append((row, ""))
            except SinonomError as error:
                if error.code != ExitCode.BAD_INPUT:
                    raise
                done.append((row, " ".join(error.message.split())))
        if there:
            rows, pictures = zip(*there, strict=True)
            prepared = framed_pictures(pictures, self.shape[1])
            open_cells(self.cells, self.shape, "r+")[list(rows)] = np.rint(prepared * 255)
        return done


def _key(images: ImageSet, size: int) -> str:
    """Return the name of an entry: a hash of the set's place, its rows, and how its pictures are prepared."""
    what = [os.path.realpath(images.path), images.identity, len(images.pictures), size, VERSION]
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
