"""Append corrections to their file, so that a killed program or a power cut loses none that was confirmed."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sinonom_cli.errors import BadInput, OutputInTheWay
from sinonom_cli.layout.corrections import Correction, header, parsed, read_corrections, standing
from sinonom_cli.messages import warn
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.storage.lock import held


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class CorrectionsLog:
    """The corrections of one folder; several threads may use it, but only one process may write it.

    The file appears with the first correction. A last line that was not finished, because the program that wrote it was
    killed, is cut off when the first correction is added; it was never confirmed.

    Parameters
    ----------
    path : the file.
    of : SHA-256 of the inputs of the folder that is corrected.
    pages : names of its pages or blocks. A folder that has got more pages since has another `of`; its corrections are
        known by their pages then.
    clock : returns the time as text; None: the time now, UTC.
    upon : `of` of the files of corrections that the folder was made with.

    Raises
    ------
    BadInput
        If the file holds only corrections of other pages, or a line of it cannot be read.
    """

    def __init__(
        self,
        path: Path,
        of: str,
        pages: Collection[str] = (),
        clock: Callable[[], str] | None = None,
        upon: Sequence[str] = (),
    ) -> None:
        self.path, self.of, self._upon, self._clock = path, of, tuple(upon), clock or _now
        self._lock, self._held = threading.Lock(), ExitStack()
        self._file: Any = None
        self.corrections: list[Correction] = []
        if path.exists():
            whole = _whole(path)
            lost = path.stat().st_size - whole
            if lost:
                warn(f"{path}: the last line was not finished ({lost} bytes); it is left out")
            if whole:
                self._read(pages)

    def _read(self, pages: Collection[str]) -> None:
        read = read_corrections(self.path)
        self.corrections, known, self.of = read.corrections, self.of, read.of
        if known != self.of and not any(each.page in pages for each in self.corrections):
            raise BadInput(
                f"{self.path} holds the corrections of other pages", "move it away, or serve the folder that it is of"
            )

    def add(self, **fields: Any) -> Correction:
        """Write a correction and return it; when this returns, it is on the disk.

        Parameters
        ----------
        fields : of `Correction`, without `id` and `when`.

        Raises
        ------
        OutputInTheWay
            If the file cannot be written, or another process writes it.
        """
        with self._lock:
            return self._add(**fields)

    def _add(self, **fields: Any) -> Correction:
        number = max((each.id for each in self.corrections), default=0) + 1
        correction = Correction(id=number, when=self._clock(), **fields)
        line = correction.line()
        parsed(line)  # what is written can be read
        try:
            self._open()
            self._append(line)
        except OSError as error:
            raise cannot_write(self.path, error) from error
        self.corrections.append(correction)
        return correction

    def undo(self, page: str, who: str, kept: Collection[int] = ()) -> Correction | None:
        """Take back the last standing correction of a page, and return it; None if there is none.

        Parameters
        ----------
        kept : ids of corrections that cannot be taken back.
        """
        with self._lock:
            done = [each for each in standing(self.of_page(page)) if each.id not in kept]
            if not done:
                return None
            self._add(who=who, page=page, action="undo", of=done[-1].id)
            return done[-1]

    def of_page(self, page: str) -> list[Correction]:
        """Return the corrections of a page, in the order in which they were made."""
        return [each for each in self.corrections if each.page == page]

    def close(self) -> None:
        """Let other processes write the file."""
        with self._lock:
            self._held.close()
            self._file = None

    def _open(self) -> None:
        """Open the file for appending, lock it, and cut off an unfinished last line."""
        if self._file is not None:
            return
        lock = self.path.with_name(f".{self.path.name}.lock")
        self._held.enter_context(held(lock, self.path, "correct in that one, or end it and try again"))
        try:
            self._file = self._held.enter_context(self.path.open("ab"))
            whole = _whole(self.path)
            if whole < self._file.tell():
                self._file.truncate(whole)
            if not whole:
                self._append(header(self.of, self._upon))
            elif len(read_corrections(self.path).corrections) != len(self.corrections):
                raise OutputInTheWay(
                    f"another process has written {self.path} since it was read", "start sinonom serve again"
                )
        except BaseException:  # whatever ended it: without the file, the lock must not stay
            self._held.close()
            self._file = None
            raise

    def _append(self, line: bytes) -> None:
        """Write a line whole, or leave the file as it was."""
        before = self._file.seek(0, os.SEEK_END)
        try:
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())
        except OSError:
            self._held.close()  # what the file object still holds must not be written later
            self._file = None
            os.truncate(self.path, before)
            raise


def _whole(path: Path) -> int:
    """Return the length of a file up to the end of its last whole line."""
    content = path.read_bytes()
    return content.rfind(b"\n") + 1
