"""Outputs of one file, such as sheets and reports: nothing but an older one of the same kind is ever written over."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError, usage_error
from sinonom_cli.storage.overlap import refuse_overlap

HEAD = 4096
"""Bytes of a file by which it is known for one of ours."""


def refuse_foreign(
    path: Path,
    option: str,
    what: str,
    is_ours: Callable[[Path], bool],
    endings: Sequence[str] = (),
    inputs: Iterable[Path] = (),
) -> None:
    """Refuse to write a file where something else lies.

    Parameters
    ----------
    path : the file to write.
    option : that names it.
    what : what is written, in the singular: "sheet".
    is_ours : tells whether a file is one that may be written over; whatever it raises, it is none.
    endings : that the file's name must have one of, lower-case, with dot; none: any.
    inputs : files that the command reads.

    Raises
    ------
    SinonomError
        With exit code 5, if a file that is no such file of ours, or an input, is in the way; 2 for another ending.
    """
    if endings and path.suffix.lower() not in endings:
        raise usage_error(f"{option} {path} does not end in {endings[0]}", f"{option} {what}{endings[0]}")
    refuse_overlap(path, inputs)
    if not os.path.lexists(path):
        return
    try:
        ours = path.is_file() and is_ours(path)
    except Exception:  # Pillow's readers raise nearly anything on bad bytes
        ours = False
    if not ours:
        hint = f"another file for {option}"
        raise SinonomError(f"{path} is there and is no {what} of ours", hint, ExitCode.OUTPUT_IN_THE_WAY)


def holds(mark: str, at_once: bool = False) -> Callable[[Path], bool]:
    """Return what tells whether a file has this text among its first bytes; `at_once`: as its first line."""

    def is_ours(path: Path) -> bool:
        with path.open("rb") as file:
            head = file.read(HEAD)
        first = head.partition(b"\n")[0].rstrip(b"\r")
        return first == mark.encode() if at_once else mark.encode() in head

    return is_ours
