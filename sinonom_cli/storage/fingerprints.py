"""Identify input files by fingerprints of their content, not by their sizes and times alone.

A fingerprint is the SHA-256 of a file's bytes. For a file larger than `WHOLE`, the time of its last change and the
SHA-256 of sampled blocks follow it. While these and the size are the same, the file counts as unchanged without being
read completely; otherwise all of its bytes are compared.
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
"""Largest size, in bytes, of a file that is always read completely."""
BLOCKS, BLOCK = 16, 1 << 16
"""Number of blocks sampled from a larger file, the first and the last among them, and bytes in each."""
AT_ONCE = 64
"""Number of files that a thread takes at a time: reading a small file costs less than passing it to a thread."""


def fingerprint(path: Path) -> str:
    """Return the fingerprint of a file.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    status = path.stat()
    return _fingerprint(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=64)
def _fingerprint(path: Path, size: int, changed: int, _file: int) -> str:
    """Return a file's fingerprint; if many items share an unchanged file, a process reads it once."""
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
    """Return whether a file still has this fingerprint; False if it cannot be read."""
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
    """Return the fingerprint of an item's file; "+" and a hash follow if its result depends on anything else.

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
    if look(path)[1]:
        return ""  # the work on the item reports files that cannot be read
    status = path.stat()
    return _sum_of(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=64)
def _sum_of(path: Path, _size: int, _changed: int, _file: int) -> str:
    """Return the SHA-256 of a file that several items depend on; a process reads it once while it is unchanged."""
    return sha256_of(path)


def to_be_made_again(items: Iterable[Item], known: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return the keys of done items with `made_again` for which `about` or `files` have changed; see `changed_items`.

    Marks without anything about these are of an earlier version, and count as unchanged.
    """
    asked = [item for item in items if item.made_again and item.key in known]
    return [item.key for item in asked if known[item.key][1].partition("+")[2] not in ("", _about(item)[1:])]


def changed_items(items: Iterable[Item], known: Mapping[str, tuple[int, str]]) -> list[str]:
    """Return the keys of items whose files, or other data that their results depend on, have changed.

    For items with `made_again`, only their own file counts.

    Parameters
    ----------
    known : size in bytes and mark, by key, of the items to check; if the mark is "", only sizes are compared.
    """
    asked = [item for item in items if item.key in known]

    def differs(item: Item) -> bool:
        size, mark = known[item.key]
        about = mark != "" and not item.made_again and mark.partition("+")[2] != _about(item)[1:]
        return item.size != size or about

    def file_of(item: Item) -> tuple[Path, str]:
        return item.path, known[item.key][1].partition("+")[0]

    different = {item.key for item in asked if differs(item)}
    files = list({file_of(item): None for item in asked if item.key not in different and known[item.key][1]})
    stale = {file for file, same in zip(files, each(lambda file: is_unchanged(*file), files), strict=True) if not same}
    return [item.key for item in asked if item.key in different or file_of(item) in stale]


def digest_of(marks: Iterable[tuple[str, str]]) -> str:
    """Return a SHA-256 of keys and marks without the times in them: equal inputs give equal digests anywhere."""
    digest = hashlib.sha256()
    for key, mark in marks:
        content, plus, about = mark.partition("+")
        line = f"{key}\t{content.partition(' ')[0]}{plus}{about}\n"
        digest.update(line.encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


def identity_of(items: Sequence[Item], marks: Sequence[str]) -> dict[str, Any]:
    """Return a record's entry for its inputs: their number, their bytes, and a SHA-256 of names and contents.

    Parameters
    ----------
    marks : the mark of each item when it was used; "" if it was not used.
    """
    total = sum(item.size for item in items if item.size > 0)
    digest = digest_of((item.key, mark) for item, mark in zip(items, marks, strict=True))
    return {"count": len(items), "bytes": total, "sha256": digest}


def each(work: Callable[[T], R], things: Sequence[T]) -> list[R]:
    """Return the results of `work` on all things, in order; several threads read and hash at the same time."""

    def some(start: int) -> list[R]:
        return [work(thing) for thing in things[start : start + AT_ONCE]]

    if len(things) <= AT_ONCE:
        return some(0)
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1))) as pool:
        return [found for part in pool.map(some, range(0, len(things), AT_ONCE)) for found in part]
