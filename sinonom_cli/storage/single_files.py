"""Refuse to overwrite files with single-file outputs (sheets, reports), except older outputs of the same kind."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError, UsageError
from sinonom_cli.storage.overlap import refuse_overlap

HEAD = 4096
"""Number of bytes at the start of a file that show whether this program made it."""


def refuse_foreign(
    path: Path,
    option: str,
    what: str,
    is_ours: Callable[[Path], bool],
    endings: Sequence[str] = (),
    inputs: Iterable[Path] = (),
) -> None:
    """Refuse to write a file where something else exists.

    Parameters
    ----------
    path : the file to write.
    option : the option that names the file.
    what : name of the output, in the singular, such as "sheet".
    is_ours : function that returns whether a file may be overwritten; any exception means that it may not.
    endings : suffixes, lower-case, with dot, one of which the file's name must have; empty: any.
    inputs : files that the command reads.

    Raises
    ------
    SinonomError
        With exit code 5, if an input or a file not made by this program is in the way; with 2, for another suffix.
    """
    if endings and path.suffix.lower() not in endings:
        raise UsageError(f"{option} {path} does not end in {endings[0]}", f"{option} {what}{endings[0]}")
    refuse_overlap(path, inputs)
    if not os.path.lexists(path):
        return
    try:
        ours = path.is_file() and is_ours(path)
    except Exception:  # Pillow's readers raise nearly anything on bad bytes
        ours = False
    if not ours:
        hint = f"choose another file for {option}"
        raise SinonomError(f"{path} exists and is not a {what} made by sinonom", hint, ExitCode.OUTPUT_IN_THE_WAY)


def holds(mark: str, at_once: bool = False) -> Callable[[Path], bool]:
    """Return a function that tells whether a file's head contains `mark`, or (`at_once`) its first line is `mark`."""

    def is_ours(path: Path) -> bool:
        with path.open("rb") as file:
            head = file.read(HEAD)
        first = head.partition(b"\n")[0].rstrip(b"\r")
        return first == mark.encode() if at_once else mark.encode() in head

    return is_ours
