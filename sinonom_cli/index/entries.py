"""The pictures to index, and what the row of each will say."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.artifacts.imageset import Picture, read_imageset
from sinonom_cli.artifacts.rows import Row
from sinonom_cli.errors import SinonomError


@dataclass(frozen=True, slots=True)
class Entry:
    """A picture to index: its file, and what its row will say."""

    path: Path
    row: Row

    @property
    def key(self) -> str:
        """Its unique name: what failures.csv calls it."""
        return f"{self.row.set}/{self.row.item}"


def identity(entries: Sequence[Entry]) -> str:
    """Return a SHA-256 of what is to be indexed: rows and sizes of files."""
    digest = hashlib.sha256()
    for entry in entries:
        try:
            size = entry.path.stat().st_size
        except OSError:
            size = -1
        row = entry.row
        line = "\t".join((row.set, row.item, row.source, row.label, row.char, str(size)))
        digest.update(f"{line}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def entries_of(sets: Sequence[Path], output: Path, limit: int | None) -> list[Entry]:
    """Return all pictures of the sets, or the first `limit`; raises SinonomError if there are none."""
    entries = []
    for where, path in {relative(path, output): path for path in sets}.items():
        images = read_imageset(path)
        entries += [Entry(path / p.file_name, _row(p, where)) for p in images.pictures]
    if not entries:
        raise SinonomError(f"no pictures in {', '.join(map(str, sets))}", "give image sets that hold some")
    return entries[:limit]


def _row(picture: Picture, where: str) -> Row:
    return Row(picture.item, picture.source, picture.label, picture.char, where)


def relative(path: Path, output: Path) -> str:
    """Return `path` relative to the folder of the index, so that both can be moved together."""
    try:
        return Path(os.path.relpath(path, output.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()
