"""What folders hold: the files to take, what cannot be taken and why, and what is passed over."""

import os
import re
import stat
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

DEPTH_FOLDER = "depth"
"""Where an image set keeps raw heights (`render --depth16`): PNG files, and no pictures of characters."""

BESIDE = frozenset(
    (".txt", ".csv", ".tsv", ".json", ".jsonl", ".xml", ".yaml", ".yml", ".md", ".ini", ".db", ".log", ".html", ".mtl")
)
"""Endings of files that lie beside inputs and say something about them: nobody expects them to be taken."""
_SAID = 6
"""Endings that are named; the others are counted together."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a folder, or (`fault` says why) something that cannot be read.

    `key` is its path below the folder, "/" between the parts and, of a folder, at the end; `size` is in bytes.
    """

    key: str
    path: str
    size: int = -1
    fault: str = ""


@dataclass(frozen=True)
class Holding:
    """What a folder holds, by key; and how many files were passed over, by ending, "" for none."""

    entries: list[Entry] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)


def walk(root: str, suffixes: Collection[str], skip: Sequence[Path] = ()) -> Holding:
    """Search through a folder.

    Hidden files and folders are not looked at, and links to folders are followed, but none that leads back to where
    the search came from. Nothing is opened.

    Parameters
    ----------
    suffixes : endings of the files to take, lower-case, with dot.
    skip : files and folders that are left alone: what the command itself writes.
    """
    found = Holding()
    skipped = {identity for path in skip if (identity := _identity(path))}
    pending: list[tuple[str, str, tuple[tuple[int, int], ...]]] = [(root, "", ())]
    while pending:
        folder, prefix, above = pending.pop()
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
                    pending.append((entry.path, f"{key}/", path))
            elif skipped and _identity(entry.path) in skipped:
                continue
            else:
                _add(found, entry, key, suffixes)
    found.entries.sort(key=lambda entry: entry.key)
    return found


def _add(found: Holding, entry: "os.DirEntry[str]", key: str, suffixes: Collection[str]) -> None:
    """Add a file to what was found, or count it."""
    suffix = os.path.splitext(entry.name)[1].lower()  # noqa: PTH122
    if suffix in suffixes:
        size, fault = look(entry.path)
        found.entries.append(Entry(key, entry.path, size, fault))
    elif not suffix and entry.is_symlink() and not os.path.exists(entry.path):  # noqa: PTH110  # it may be a folder's
        found.entries.append(Entry(key, entry.path, fault=DEAD_LINK))
    elif suffix not in BESIDE and (suffix or not _is_notice(entry.name)):
        found.passed_over[suffix] += 1


DEAD_LINK = "a link to something that is not there"


def look(path: str | Path) -> tuple[int, str]:
    """Return the bytes of a file and "", or -1 and why it is none that can be read; it is not opened."""
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError as error:
        return -1, DEAD_LINK if os.path.islink(path) else reason_of(error)  # noqa: PTH114
    if not stat.S_ISREG(status.st_mode):
        return -1, "no file, but a pipe, a socket or a device"
    return status.st_size, ""


def reason_of(error: OSError) -> str:
    """Return why a file or folder cannot be read, in a few words."""
    return (error.strerror or str(error)).lower()


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links in a circle
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
    """Return what was passed over in a few words: "12 files were passed over: .heic 9, .pdf 3"; "" if nothing was."""
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
    """Return the pages of a contact sheet that are there, `sheet.png`, `sheet-2.png`, ...: they are no inputs."""
    if sheet is None:
        return []
    numbered = re.compile(re.escape(sheet.stem) + r"-\d+")
    try:
        names = os.listdir(sheet.parent)  # noqa: PTH208
    except OSError:
        return []
    beside = [sheet.with_name(name) for name in names if numbered.fullmatch(Path(name).stem)]
    return [sheet, *(page for page in beside if page.suffix == sheet.suffix)]
