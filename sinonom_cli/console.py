"""Write data to stdout, and progress and messages to stderr.

Rich is imported only where it draws something, because `--help` and a single query must start quickly.
"""

import errno
import json as jsonlib
import logging
import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError

SECONDS_BETWEEN_LINES = 15.0
FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
"""Error numbers for a full disk, an exceeded quota and a file that is too large."""


@dataclass
class Settings:
    """The global switches for messages of one run, set by `-q` and `-v`."""

    quiet: bool = False
    verbose: bool = False


settings = Settings()


def reset() -> None:
    """Set the switches to their defaults, because one process (a test, a notebook) may run several commands."""
    settings.quiet = settings.verbose = False


def data(text: str) -> None:
    """Write one line of data to stdout.

    Raises
    ------
    BrokenPipeError
        If the program that reads stdout has ended.
    SinonomError
        With exit code 5, if stdout cannot be written for another reason, such as a full disk.
    """
    try:
        _print(text, sys.stdout)
    except OSError as error:
        raise (BrokenPipeError() if is_broken_pipe(error) else full_disk(error)) from error


def is_broken_pipe(error: OSError) -> bool:
    """Return whether the program that reads stdout has ended; Windows has no separate error for this."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def full_disk(error: OSError) -> SinonomError:
    """Return the error (exit code 5) for a disk that cannot be written."""
    reason = "the disk is full" if error.errno in FULL else error.strerror
    hint = "free some space, then run the same command again"
    return SinonomError(f"cannot write {error.filename or 'the output'}: {reason}", hint, ExitCode.OUTPUT_IN_THE_WAY)


def abandon(stream: Any) -> None:
    """Redirect a standard stream that failed to the null device, so that Python does not fail again when it ends."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def data_json(record: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own to stdout."""
    text = jsonlib.dumps(record, ensure_ascii=False)
    data(text.encode("utf-8", "backslashreplace").decode())  # valid JSON also if file names are not UTF-8


def hush_pillow() -> None:
    """Hide Pillow's warnings about odd metadata, which do not affect whether pictures can be read.

    Filters of warnings hold for the whole process, so only the command line and its workers call this.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class _Stderr(logging.Handler):
    """Handler that writes messages to stderr: details only with `-v`, information unless `-q`, warnings always."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            tell(f"warning: {record.getMessage()}")
        elif settings.verbose if record.levelno < logging.INFO else not settings.quiet:
            tell(record.getMessage())


def attach() -> None:
    """Show messages of the library on stderr from now on in this process; workers of a command call it."""
    if not any(isinstance(handler, _Stderr) for handler in messages.log.handlers):  # a forked worker has it already
        messages.log.addHandler(_Stderr())
    messages.log.setLevel(logging.DEBUG)
    messages.log.propagate = False


@contextmanager
def attached() -> Iterator[None]:
    """Show messages and progress of the library on stderr while a command runs."""
    log = messages.log
    before = log.handlers[:], log.level, log.propagate
    log.handlers[:] = []
    attach()
    try:
        with messages.shown_by(progress):
            yield
    finally:
        log.handlers[:], log.propagate = before[0], before[2]
        log.setLevel(before[1])


def error(message: str, hint: str = "") -> None:
    """Write to stderr what failed and what to do next."""
    label = "\033[1;31merror:\033[0m" if colour(sys.stderr) else "error:"
    tell(f"{label} {message}")
    if hint:
        tell(f"  try: {hint}")


def tell(text: str) -> None:
    """Write a line to stderr; if stderr cannot be written, the work goes on without messages."""
    try:
        _print(text, sys.stderr)
    except OSError:
        abandon(sys.stderr)


def _print(text: str, stream: Any) -> None:
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:  # a file name is not UTF-8, and the stream takes only UTF-8
        print(text.encode("utf-8", "backslashreplace").decode("utf-8"), file=stream, flush=True)


def colour(stream: Any) -> bool:
    """Return whether `stream` is a terminal with colours switched on (https://no-color.org)."""
    return (
        stream is not None
        and bool(stream.isatty())
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


class _Lines:
    """Progress for logs: a line every `SECONDS_BETWEEN_LINES` seconds instead of a bar."""

    def __init__(self, total: int | None, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.started = self.last = time.monotonic()

    def advance(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES:
            self.last = now
            of = f" of {self.total:,}" if self.total is not None else ""
            each = (now - self.started) / max(self.done, 1)
            speed = f"{1 / each:,.1f} a second" if each < 1 else f"{each:,.0f} s each"
            messages.say(f"{self.what}: {self.done:,}{of}, {speed}")


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self.progress, self.task = progress, task

    def advance(self, n: int = 1) -> None:
        self.progress.advance(self.task, n)


@contextmanager
def progress(total: int | None, what: str) -> Iterator[messages.Progress]:
    """Count items; show a bar on a terminal, a line every 15 s otherwise, and nothing with `-q`.

    Parameters
    ----------
    total : number of items; None: unknown.
    what : name of the items, in the plural, such as "meshes".
    """
    if settings.quiet or not sys.stderr.isatty():
        yield _Lines(total, what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with RichProgress(*columns, console=Console(stderr=True), transient=True) as bars:
        yield _Bar(bars, bars.add_task(what, total=total))
