"""What can go wrong, in the words and exit codes that users and scripts see."""

import importlib
import sys
from enum import IntEnum
from types import ModuleType


class ExitCode(IntEnum):
    """Exit codes of `sinonom`; they are stable."""

    DONE = 0
    BUG = 1
    USAGE = 2
    MISSING_EXTRA = 3
    BAD_INPUT = 4
    OUTPUT_IN_THE_WAY = 5
    SOME_FAILED = 6
    INTERRUPTED = 130


class SinonomError(Exception):
    """An error a user can mend.

    Parameters
    ----------
    message : one line: what failed, and on which file.
    hint : one line: what to do or type next; may be empty.
    code : the exit code of the command that it stops.
    """

    def __init__(self, message: str, hint: str = "", code: ExitCode = ExitCode.BAD_INPUT) -> None:
        # All arguments go to Exception so that pickling carries them from a worker to its parent.
        super().__init__(message, hint, code)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return self.message


def usage_error(message: str, hint: str = "") -> SinonomError:
    """Return the error for a command typed wrongly (exit code 2)."""
    return SinonomError(message, hint, ExitCode.USAGE)


def need(module: str, extra: str) -> ModuleType:
    """Import and return `module`, which the optional `extra` brings.

    Raises
    ------
    SinonomError
        With exit code 3 and what to install, if the module, or something that it needs, is not installed.
    """
    package = module.split(".", maxsplit=1)[0]
    pip = f'pip install "sinonom[{extra}]"'
    search_path = list(sys.path)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        sys.path[:] = search_path
        missing = (error.name or package).split(".")[0]
        message = f"this needs the Python package {missing!r}, which is not installed"
        raise SinonomError(message, pip, ExitCode.MISSING_EXTRA) from None
    except (ImportError, OSError) as error:
        # A library of the system is missing (libGL.so.1 for OpenCV, say), or the package was built for another machine.
        # OpenCV then leaves its own folder in the search path, where worker processes find its `typing` for Python's.
        sys.path[:] = search_path
        reason = " ".join(str(error).split())
        message = f"the Python package {package!r} is installed but cannot be loaded: {reason}"
        raise SinonomError(message, f"install the library that it names, or {pip}", ExitCode.MISSING_EXTRA) from None
