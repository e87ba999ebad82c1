"""Find files whose names a list spells otherwise; relative paths, paths that lead out, names for every system."""

import hashlib
import os
import re
import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

LONGEST = 240
"""Largest number of bytes in one part of a path that is made here: disks allow 255, and unfinished files have longer
names."""

_NOWHERE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\\ud800-\udfff]')
"""Characters that Windows does not allow in names, and bytes that are not UTF-8."""
_AT_ITS_END = re.compile(r"^\.|[. ]$")
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$)(?=\.|$)", re.IGNORECASE)


def composed(name: str) -> str:
    """Return a file name in normalisation form C.

    macOS, and archives made on it, write `é` as two code points; most other programs write one. This function is only
    for file names: characters of transcripts are never normalised.
    """
    return unicodedata.normalize("NFC", name)


def is_inside(path: Path, folder: Path) -> bool:
    """Return whether a path lies below a folder, whatever `..` it has; links that the user made are followed."""
    return Path(os.path.normpath(path.absolute())).is_relative_to(os.path.normpath(folder.absolute()))


def relative_to(path: Path, folder: Path) -> str:
    """Return `path` relative to a folder, so that both can be moved together; with "/" on every system."""
    try:
        return Path(os.path.relpath(path, folder)).as_posix()
    except ValueError:  # on Windows, the paths are on two drives
        return path.absolute().as_posix()


class Spelling:
    """Look-up of files below a folder by names that may be spelt differently; folders are listed once, on demand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, list[str]] = {}

    def __call__(self, name: str) -> str:
        """Return a name in the spelling of the disk.

        Parameters
        ----------
        name : relative to the folder, with "/".

        Returns
        -------
        The name itself if such a file exists. Otherwise the name of the only file that is equal after composition, or
        after ignoring case; the name itself if there is none or several.
        """
        if os.path.lexists(self._folder / name):
            return name
        found = ""
        for part in PurePosixPath(name).parts:
            here = self._in(found)
            if part not in here:
                alike = [other for other in here if composed(other) == composed(part)]
                alike = alike or [other for other in here if composed(other).casefold() == composed(part).casefold()]
                if len(alike) != 1:
                    return name
                part = alike[0]  # noqa: PLW2901
            found = f"{found}/{part}" if found else part
        return found

    def _in(self, folder: str) -> list[str]:
        if folder not in self._listed:
            try:
                self._listed[folder] = sorted(os.listdir(self._folder / folder))  # noqa: PTH208
            except OSError:
                self._listed[folder] = []
        return self._listed[folder]


def portable(path: str) -> str:
    """Return a relative path, with "/" between its parts, that every system can store.

    Characters that some systems do not allow become "%" and two hexadecimal digits for each byte: control characters,
    `<>:"|?*\\`, bytes that are not UTF-8, a dot or space at the end of a part, a dot at its beginning, and the first
    letter of a name that Windows reserves for a device (`CON`, `nul.png`). Parts longer than `LONGEST` bytes end in a
    hash of the whole part.
    """
    return "/".join(map(_portable_part, path.split("/")))


def _portable_part(part: str) -> str:
    safe = _AT_ITS_END.sub(_percent, _NOWHERE.sub(_percent, part))
    if _DEVICE.match(safe):
        safe = _percent_of(safe[0]) + safe[1:]
    if len(safe.encode()) > LONGEST:
        stem, dot, ending = safe.rpartition(".")
        ending = dot + ending if dot and len(ending) < 8 else ""
        kept = (stem if ending else safe).encode()[: LONGEST - 9 - len(ending.encode())].decode(errors="ignore")
        safe = f"{kept}-{_digits(part)}{ending}"
    return safe


def _percent(found: "re.Match[str]") -> str:
    return _percent_of(found[0])


def _percent_of(char: str) -> str:
    try:
        encoded = char.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half of a surrogate pair, which names on Windows may hold
        encoded = char.encode("utf-8", "surrogatepass")
    return "".join(f"%{byte:02X}" for byte in encoded)


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def distinct(wanted: Mapping[str, str], ending: str) -> dict[str, str]:
    """Return portable file names that differ by more than case or normalisation form.

    Parameters
    ----------
    wanted : by key, the preferred name, without suffix.
    ending : suffix of all names, with dot.

    Returns
    -------
    By key, the preferred name; the key itself where preferred names are equal; with digits of a hash if that is equal
    too.
    """
    names = {key: portable(name + ending) for key, name in wanted.items()}
    for other in (_whole_key, _with_digits):
        while clashing := [key for key in _alike(names) if names[key] != other(key, ending)]:
            names.update((key, other(key, ending)) for key in clashing)
    return names


def _whole_key(key: str, ending: str) -> str:
    return portable(key + ending)


def _with_digits(key: str, ending: str) -> str:
    return portable(f"{key}-{_digits(key)}{ending}")


def _alike(names: Mapping[str, str]) -> list[str]:
    """Return the keys whose names are equal to another name on some disks."""
    folded = {key: composed(name).casefold() for key, name in names.items()}
    times = Counter(folded.values())
    return [key for key, name in folded.items() if times[name] > 1]
