"""Search folders for the files to take, the entries that cannot be read, and the files that are passed over."""

import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEPTH_FOLDER = "depth"
"""Folder of an image set that holds raw heights (`render --depth16`) as PNG files, which are not pictures of
characters."""
DRAWN_FOLDERS = ("blocks", "clean")
"""Folders of a mesh set that hold what `cut` drew of each block. Their pictures are no inputs that were forgotten."""

BESIDE = frozenset(
    (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".ini", ".db", ".log", ".html", ".mtl")
)
"""Suffixes of files that lie beside inputs and describe them; they are not counted as passed over."""
_SAID = 6
"""Number of suffixes that are named in the message; the others are counted together."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a folder, or an entry that cannot be read (`fault` gives the reason).

    `key` is its path below the folder, with "/" between the parts and at the end of a folder; `size` is in bytes.
    """

    key: str
    path: str
    size: int = -1
    fault: str = ""


@dataclass(frozen=True)
class Holding:
    """Content of a folder, sorted by key, and the number of files passed over, by suffix ("" for none)."""

    entries: list[Entry] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def walk(root: str, suffixes: Collection[str], skip: Sequence[Path] = ()) -> Holding:
    """Search a folder recursively.

    Hidden files and folders are ignored. Links to folders are followed, except those that lead back to a folder above
    them. Nothing is opened.

    Parameters
    ----------
    suffixes : suffixes of the files to take, lower-case, with dot.
    skip : files and folders to ignore: those that the command itself writes.
    """
    found = Holding()
    skipped = {identity for path in skip if (identity := _identity(path))}
    pending: list[tuple[str, str, tuple[tuple[int, int], ...], bool]] = [(root, "", (), False)]
    while pending:
        folder, prefix, above, drawn = pending.pop()
        try:
            here = _identity(folder)
            with os.scandir(folder) as scanned:
                entries = [entry for entry in scanned if not entry.name.startswith(".")]
        except OSError as error:
            found.entries.append(Entry(prefix or "./", folder, fault=reason_of(error)))
            continue
        path = (*above, here) if here else above
        ours = any(entry.name == "artifact.json" for entry in entries)
        for entry in entries:
            key = prefix + entry.name
            if _is_folder(entry):
                if ours and entry.name == DEPTH_FOLDER:
                    continue
                identity = _identity(entry.path) if skipped or entry.is_symlink() else None
                if identity and identity in path:
                    fault = "a link to a folder that it lies in"
                    found.entries.append(Entry(f"{key}/", entry.path, fault=fault))
                elif identity is None or identity not in skipped:
                    pending.append((entry.path, f"{key}/", path, drawn or (ours and entry.name in DRAWN_FOLDERS)))
            elif skipped and _identity(entry.path) in skipped:
                continue
            else:
                _add(found, entry, key, suffixes, drawn)
    found.entries.sort(key=lambda entry: entry.key)
    return found


def _add(found: Holding, entry: "os.DirEntry[str]", key: str, suffixes: Collection[str], drawn: bool) -> None:
    """Add a file to `found` as an entry, or count it as passed over unless sinonom has `drawn` it."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    if suffix in suffixes:
        size, fault = look(entry.path)
        found.entries.append(Entry(key, entry.path, size, fault))
    elif not suffix and entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110  # it may have led to a folder
        found.entries.append(Entry(key, entry.path, fault=DEAD_LINK))
    elif not drawn and suffix not in BESIDE and (suffix or not _is_notice(entry.name)):
        found.passed_over[suffix] += 1


DEAD_LINK = "a link to something that does not exist"


def look(path: str | Path) -> tuple[int, str]:
    """Return the size of a file and "", or -1 and the reason why it cannot be read; the file is not opened."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return -1, DEAD_LINK if os.path.islink(path) else reason_of(error)  # noqa: PTH114
    if not stat.S_ISREG(status.st_mode):
        return -1, "not a file but a pipe, a socket or a device"
    return status.st_size, ""


def reason_of(error: OSError) -> str:
    """Return the reason why a file or folder cannot be read, in a few words."""
    return (error.strerror or str(error)).lower()


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that form a circle
        return False


def _is_notice(name: str) -> bool:
    return name.isupper() or name.upper().startswith(("README", "LICENSE", "LICENCE", "COPYING", "THUMBS"))


def _identity(path: str | Path) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def said(passed_over: "Counter[str]") -> str:
    """Return a summary of passed-over files: "12 files were passed over: .heic 9, .pdf 3"; "" if there are none."""
    total = passed_over.total()
    if not total:
        return ""
    ranked = sorted(passed_over.items(), key=lambda entry: (-entry[1], entry[0]))
    parts = [f"{suffix or 'no ending'} {count:,}" for suffix, count in ranked[:_SAID]]
    if rest := sum(count for _, count in ranked[_SAID:]):
        parts.append(f"others {rest:,}")
    files = "1 file was" if total == 1 else f"{total:,} files were"
    return f"{files} passed over: {', '.join(parts)}"


def pages_of(sheet: Path | None) -> list[Path]:
    """Return the existing pages of a contact sheet, `sheet.png`, `sheet-2.png`, ..., which are not inputs."""
    if sheet is None:
        return []
    numbered = re.compile(re.escape(sheet.stem) + r"-\d+")
    try:
        names = os.listdir(sheet.parent)  # noqa: PTH208
    except OSError:
        return []
    beside = [sheet.with_name(name) for name in names if numbered.fullmatch(Path(name).stem)]
    return [sheet, *(page for page in beside if page.suffix == sheet.suffix)]
