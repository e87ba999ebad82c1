"""Manage the cache folder of prepared pictures: its place, its locks, and what is deleted when it grows too large."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.storage.user_cache import user_cache

MOST = 32 * 2**30
"""Bytes that all entries may take; above it the longest unused are deleted, except those of the last 24 hours."""
A_DAY = 24 * 3600.0
_ENTRY = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"pictures\.\w+|unreadable\.json|teacher-[0-9a-f]+\.bin")


def default_folder() -> Path:
    """Return the folder of this system for files that programs can make again."""
    return user_cache("train")


@contextmanager
def turn(folder: Path, name: str) -> Iterator[None]:
    """Lock an entry for this process alone; the system releases the lock when the process dies."""
    lock = FileLock(folder / f"{name}.lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            messages.say("another training prepares the same pictures: waiting for it")
            lock.acquire()
    except OSError as error:
        raise elsewhere(cannot_write(folder, error).message) from error
    try:
        yield
    finally:
        lock.release()


def prune(folder: Path, used: set[str]) -> None:
    """Delete the longest unused entries while all together take more than `MOST`."""
    entries = []
    for record in folder.glob("*/pictures.json"):
        if not _ENTRY.fullmatch(record.parent.name):
            continue
        try:
            entries.append((record.stat().st_mtime, taken(record.parent), record.parent))
        except OSError:  # another run has just deleted it
            continue
    total = sum(size for _, size, _ in entries)
    for when, size, entry in sorted(entries, key=lambda e: e[0]):
        if total <= MOST:
            return
        if entry.name in used or time.time() - when < A_DAY:
            continue
        try:
            with FileLock(folder / f"{entry.name}.lock", timeout=0):
                _remove(entry)
        except Timeout:
            continue
        messages.detail(f"{entry} was deleted: it was unused for the longest time")
        total -= size


def _remove(entry: Path) -> None:
    """Delete the files of an entry, and its folder if it is empty then."""
    for path in entry.iterdir():
        if _FILE.fullmatch(path.name):
            path.unlink(missing_ok=True)
    with suppress(OSError):
        entry.rmdir()


def taken(entry: Path) -> int:
    """Return the bytes that an entry takes on the disk; parts that are not filled yet take none."""
    status = (entry / "pictures.u8").stat()
    return 512 * status.st_blocks if hasattr(status, "st_blocks") else status.st_size


def room(folder: Path, size: int) -> None:
    """Raise if the disk is too small: writing to a mapped file on a full disk would kill the process."""
    free = shutil.disk_usage(folder).free
    if free < size:
        has = f"{size / 2**30:.1f} GiB for the prepared pictures, and the disk has {free / 2**30:.1f}"
        raise elsewhere(f"{folder} needs {has}")


def elsewhere(message: str) -> SinonomError:
    """Return the user's error for a folder that cannot hold prepared pictures."""
    return SinonomError(
        message, "give --cache DIR on a disk with free space, or free some space", ExitCode.OUTPUT_IN_THE_WAY
    )
