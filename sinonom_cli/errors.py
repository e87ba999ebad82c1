"""Errors, with the messages and exit codes that users and scripts see."""

import importlib
import sys
from enum import IntEnum
from types import ModuleType
from typing import Self


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
    """Error that a user can correct; its class is always the subclass for its exit code.

    Parameters
    ----------
    message : one line that says what failed, and on which file.
    hint : one line that says what to do or type next; may be empty.
    code : exit code of the command that the error stops; None: the code of the class.
    """

    exit_code = ExitCode.BAD_INPUT

    def __new__(cls, message: str = "", hint: str = "", code: ExitCode | None = None) -> Self:
        """Create an error of the subclass for `code`, if SinonomError itself is called."""
        chosen: type[SinonomError] = cls if cls is not SinonomError else _CLASSES.get(code, BadInput)
        return Exception.__new__(chosen)  # type: ignore[return-value]

    def __init__(self, message: str, hint: str = "", code: ExitCode | None = None) -> None:
        code = self.exit_code if code is None else code
        # All arguments go to Exception so that pickling carries them from a worker to its parent.
        super().__init__(message, hint, code)
        self.message = message
        self.hint = hint
        self.code = code

    def __str__(self) -> str:
        return self.message


class UsageError(SinonomError):
    """An option, an argument or a combination of them is wrong: exit code 2."""

    exit_code = ExitCode.USAGE


class MissingExtra(SinonomError):
    """A package that an optional extra installs is missing: exit code 3."""

    exit_code = ExitCode.MISSING_EXTRA


class BadInput(SinonomError):
    """An input cannot be read, or two inputs do not fit each other: exit code 4."""


class OutputInTheWay(SinonomError):
    """Something else is at the path of the output, or the output cannot be written: exit code 5."""

    exit_code = ExitCode.OUTPUT_IN_THE_WAY


class SomeFailed(SinonomError):
    """The work is done, except for some items that failed: exit code 6."""

    exit_code = ExitCode.SOME_FAILED


_CLASSES: dict[ExitCode | None, type[SinonomError]] = {
    error.exit_code: error for error in (UsageError, MissingExtra, OutputInTheWay, SomeFailed)
}


def need(module: str, extra: str) -> ModuleType:
    """Import and return `module`, which the optional `extra` installs.

    Raises
    ------
    SinonomError
        With exit code 3 and the name of what to install, if the module or something that it needs is missing.
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
        # A system library is missing (such as libGL.so.1 for OpenCV), or the package was built for another machine.
        # OpenCV then leaves its folder in the search path, where worker processes find its `typing` before Python's.
        sys.path[:] = search_path
        reason = " ".join(str(error).split())
        message = f"the Python package {package!r} is installed but cannot be loaded: {reason}"
        raise SinonomError(message, f"install the library that it names, or {pip}", ExitCode.MISSING_EXTRA) from None
