"""File names that a list spells otherwise than the disk: another normalisation form, or other capitals."""

import os
import unicodedata
from pathlib import Path, PurePosixPath


def composed(name: str) -> str:
    """Return a file name in normalisation form C.

    macOS and the archives made there write `é` as two code points, most other programs write one. This is for file
    names alone: characters of transcripts are never normalised.
    """
    return unicodedata.normalize("NFC", name)


class Spelling:
    """Finds files below a folder by names that may be spelt otherwise. Folders are listed once, and only in need."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, list[str]] = {}

    def __call__(self, name: str) -> str:
        """Return a name as the disk spells it.

        Parameters
        ----------
        name : relative to the folder, with "/".

        Returns
        -------
        The name itself if there is such a file; else that of the one file whose name is the same when composed, or
        when capitals do not count; the name itself if there is none, or several.
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
