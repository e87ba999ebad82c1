"""What inputs are known by: their content, whatever their size and times.

A fingerprint is the SHA-256 of a file's bytes. Of a file above `WHOLE`, the time of its last change and the SHA-256 of
sampled blocks stand behind it: while these and the size are what they were, the file counts as unchanged without being
read; otherwise all of its bytes decide.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

from sinonom_cli.storage.atomic import sha256_of
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.walk import look

T = TypeVar("T")
R = TypeVar("R")

WHOLE = 16 << 20
"""Bytes up to which a file is always read whole."""
BLOCKS, BLOCK = 16, 1 << 16
"""Blocks of a larger file that are sampled, the first and the last among them, and bytes of each."""
AT_ONCE = 64
"""Files that a thread takes at a time: a small one costs less than handing it over."""


def fingerprint(path: Path) -> str:
    """Return the fingerprint of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    status = path.stat()
    return _fingerprint(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=64)
def _fingerprint(path: Path, size: int, changed: int, _file: int) -> str:
    """Return a fingerprint; many items may be made of one file, which is read once a process as long as it stays."""
    whole = sha256_of(path)
    return whole if size <= WHOLE else f"{whole} {changed} {_sampled(path)}"


def _sampled(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        for place in range(BLOCKS):
            file.seek(place * (size - BLOCK) // (BLOCKS - 1))
            digest.update(file.read(BLOCK))
    return digest.hexdigest()


def is_unchanged(path: Path, known: str) -> bool:
    """Return whether a file is what it was when it had this fingerprint; one that cannot be read is not."""
    try:
        whole, *quick = known.split(" ")
        if quick:
            status = path.stat()
            if status.st_size > WHOLE and quick == [str(status.st_mtime_ns), _sampled(path)]:
                return True
        return sha256_of(path) == whole
    except OSError:
        return False


def mark_of(item: Item) -> str:
    """Return the fingerprint of an item's file, and behind a "+" the hash of what else its result depends on.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    return fingerprint(item.path) + _about(item) if item.size >= 0 else ""


def _about(item: Item) -> str:
    if not item.about and not item.files:
        return ""
    besides = [item.about, *(f"{path.name} {_whole(path)}" for path in item.files)]
    return "+" + hashlib.sha256("\0".join(besides).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _whole(path: Path) -> str:
    return "" if look(path)[1] else sha256_of(path)  # what cannot be read is for the work to complain of


def changed_items(items: Iterable[Item], known: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return the keys of the items whose files, or what else their results depend on, are not what they were.

    Parameters
    ----------
    known : bytes and mark by key, of the items to look at; a mark of "" says nothing, then the size decides alone.
    """
    asked = [item for item in items if item.key in known]

    def differs(item: Item) -> bool:
        size, mark = known[item.key]
        return item.size != size or (mark != "" and mark.partition("+")[2] != _about(item)[1:])

    def file_of(item: Item) -> tuple[Path, str]:
        return item.path, known[item.key][1].partition("+")[0]

    different = {item.key for item in asked if differs(item)}
    files = list({file_of(item): None for item in asked if item.key not in different and known[item.key][1]})
    stale = {file for file, same in zip(files, each(lambda file: is_unchanged(*file), files), strict=True) if not same}
    return [item.key for item in asked if item.key in different or file_of(item) in stale]


def digest_of(marks: Iterable[tuple[str, str]]) -> str:
    """Return a SHA-256 of keys and marks, without the times in them: equal inputs give equal digests anywhere."""
    digest = hashlib.sha256()
    for key, mark in marks:
        content, plus, about = mark.partition("+")
        line = f"{key}\t{content.partition(' ')[0]}{plus}{about}\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def identity_of(items: Sequence[Item], marks: Sequence[str]) -> dict[str, Any]:
    """Return what a record says of inputs: their number, their bytes, and a SHA-256 of names and contents.

    Parameters
    ----------
    marks : one for each item, as of when it was used; "" for what was not.
    """
    total = sum(item.size for item in items if item.size > 0)
    digest = digest_of((item.key, mark) for item, mark in zip(items, marks, strict=True))
    return {"count": len(items), "bytes": total, "sha256": digest}


def each(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Return what `work` gives for each, in order; several threads wait for the disk and hash at once."""

    def some(start: int) -> list[R]:
        return [work(thing) for thing in things[start : start + AT_ONCE]]

    if len(things) <= AT_ONCE:
        return some(0)
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        return [found for part in pool.map(some, range(0, len(things), AT_ONCE)) for found in part]
