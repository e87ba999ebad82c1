"""From what a user types (files, folders, globs, `-`) to the items that a stage works through."""

import glob
import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinonom_cli.errors import SinonomError

DEPTH_FOLDER = "depth"
"""Where an image set keeps raw heights (`render --depth16`): PNG files, and no pictures of characters."""


@dataclass(frozen=True, slots=True)
class Item:
    """One unit of work.

    Attributes
    ----------
    key : unique name: the path relative to the input that was given, with "/" on every system.
    path : the file it is in.
    data : whatever else the stage needs; must pickle.
    size : bytes of the file; -1 if it is not there.
    about : what the result depends on besides the file, as text: a label that is known from elsewhere.
    """

    key: str
    path: Path
    data: Any = None
    size: int = -1
    about: str = ""


def find_inputs(inputs: Sequence[str], suffixes: Collection[str], what: str, limit: int | None = None) -> list[Item]:
    """List the files that the inputs name, sorted by key within each input.

    Parameters
    ----------
    inputs : files, folders (searched through), globs, or "-" (a list of paths on stdin).
    suffixes : lower-case endings taken from folders, with dot; a file given by name is taken whatever it is called.
    what : the files' name in messages, in the plural.
    limit : take only the first `limit`; None: all.

    Raises
    ------
    SinonomError
        If an input does not exist, or nothing is found.
    """
    roots = list(_expand(inputs))
    found: list[tuple[Path, Item]] = []
    for root in roots:
        if root.is_dir():
            found += [(root, item) for item in _walk(root, frozenset(suffixes))]
        elif root.exists():
            found.append((root.parent, Item(root.name, root, size=root.stat().st_size)))
        else:
            raise SinonomError(f"{root} does not exist", f"check the path; give {what}, folders or globs")
    if not found:
        endings = " ".join(sorted(suffixes))
        raise SinonomError(f"no {what} in {', '.join(inputs)}", f"files that end in {endings}")
    # The paths in one folder differ as they are.
    return ([item for _, item in found] if len(roots) == 1 else _unique(found))[:limit]


def _expand(inputs: Sequence[str]) -> Iterator[Path]:
    for text in inputs:
        if text == "-":
            yield from (Path(line.rstrip("\r\n")) for line in sys.stdin if line.strip())
        elif not Path(text).exists() and glob.has_magic(text):
            matches = sorted(glob.glob(text, recursive=True))
            if not matches:
                raise SinonomError(f"nothing matches {text}", "check the pattern; quote it for the shell")
            yield from map(Path, matches)
        else:
            yield Path(text)


def _walk(root: Path, suffixes: frozenset[str]) -> Iterator[Item]:
    files: list[tuple[str, str, int]] = []
    pending = [(str(root), "")]
    while pending:
        folder, prefix = pending.pop()
        # scandir gives sizes without a second look at each file: a million meshes are listed in seconds.
        with os.scandir(folder) as scanned:
            entries = list(scanned)
        ours = any(entry.name == "artifact.json" for entry in entries)
        for entry in entries:
            if entry.name.startswith(".") or (ours and entry.name == DEPTH_FOLDER):
                continue
            if entry.is_dir():
                pending.append((entry.path, f"{prefix}{entry.name}/"))
            elif os.path.splitext(entry.name)[1].lower() in suffixes:  # noqa: PTH122
                files.append((prefix + entry.name, entry.path, entry.stat().st_size))
    for key, path, size in sorted(files):
        yield Item(key, Path(path), size=size)


def _unique(found: list[tuple[Path, Item]]) -> list[Item]:
    """Make keys unique: where two inputs hold the same relative path, the input's name goes in front."""
    seen: dict[Path, Item] = {}
    counts: Counter[str] = Counter()
    for root, item in found:
        resolved = item.path.absolute()
        if resolved not in seen:
            counts[item.key] += 1
            name = root.absolute().name
            seen[resolved] = replace(item, data=f"{name}/{item.key}" if name else item.key)
    items = [replace(item, key=item.data if counts[item.key] > 1 else item.key, data=None) for item in seen.values()]
    again = [key for key, n in Counter(item.key for item in items).items() if n > 1]
    if again:
        raise SinonomError(
            f"two inputs are both called {again[0]}", "give the folder above them, so that their paths differ"
        )
    return items
