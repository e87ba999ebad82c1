"""Refuse outputs that hold their own inputs: a second run would read what the first one wrote."""

import os
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError


def refuse_overlap(output: Path, inputs: Iterable[Path]) -> None:
    """Refuse an output that is one of its inputs, or a folder that holds an input.

    Files are compared by their identity on the disk, not by their names, so links, ".." and case (where the disk
    ignores it) make no difference.

    Parameters
    ----------
    output : the file or folder to make; if it does not exist yet, it holds nothing.
    inputs : files and folders that the command reads.

    Raises
    ------
    SinonomError
        With exit code 5.
    """
    try:
        there = output.stat()
    except OSError:
        return
    own = there.st_dev, there.st_ino
    inside: dict[str, bool] = {}
    for path in inputs:
        real = os.path.realpath(path) if os.path.islink(path) else os.path.abspath(path)  # noqa: PTH100, PTH114
        if _identity(real) == own:
            raise _refused(f"{output} is one of the inputs")
        if _is_below(os.path.dirname(real), own, inside):  # noqa: PTH120
            raise _refused(f"{output} holds one of its inputs: {path}")


def _is_below(folder: str, own: tuple[int, int], inside: dict[str, bool]) -> bool:
    """Return whether a folder has this identity, or lies in the folder that has it; `inside` caches results."""
    if folder not in inside:
        above = os.path.dirname(os.path.realpath(folder))  # noqa: PTH120
        inside[folder] = False  # the root lies in no folder
        inside[folder] = _identity(folder) == own or _is_below(above, own, inside)
    return inside[folder]


def _identity(path: str) -> tuple[int, int] | None:
    try:
        status = os.stat(path)  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _refused(message: str) -> SinonomError:
    return SinonomError(message, "choose an output outside of the inputs", ExitCode.OUTPUT_IN_THE_WAY)
