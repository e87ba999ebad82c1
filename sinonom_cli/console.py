"""What a user sees: data on stdout; progress and messages on stderr.

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
"""Errors of a disk or quota that has no room."""


@dataclass
class Settings:
    """The global switches of one run, set by `--json`, `-q` and `-v`."""

    json: bool = False
    quiet: bool = False
    verbose: bool = False


settings = Settings()


def reset() -> None:
    """Set the switches to their defaults; one process (a test, a notebook) may run several commands."""
    settings.json = settings.quiet = settings.verbose = False


def data(text: str) -> None:
    """Write one line of data to stdout.

    Raises
    ------
    BrokenPipeError
        If the reader of stdout has gone.
    SinonomError
        With exit code 5, if stdout takes no more for another reason, such as a full disk.
    """
    try:
        _print(text, sys.stdout)
    except OSError as error:
        raise (BrokenPipeError() if is_broken_pipe(error) else full_disk(error)) from error


def is_broken_pipe(error: OSError) -> bool:
    """Return whether the reader of stdout has gone; Windows has no error of its own for that."""
    return isinstance(error, BrokenPipeError) or (os.name == "nt" and error.errno == errno.EINVAL)


def full_disk(error: OSError) -> SinonomError:
    """Return the user's error (exit code 5) for a disk that takes no more."""
    reason = "the disk is full" if error.errno in FULL else error.strerror
    hint = "make room, then the same command again"
    return SinonomError(f"cannot write {error.filename or 'the output'}: {reason}", hint, ExitCode.OUTPUT_IN_THE_WAY)


def abandon(stream: Any) -> None:
    """Let a standard stream that failed write into the void, so that Python does not fail again when it ends."""
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
        stream.flush()


def data_json(record: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own to stdout."""
    text = jsonlib.dumps(record, ensure_ascii=False)
    data(text.encode("utf-8", "backslashreplace").decode())  # file names that are no UTF-8: valid JSON all the same


def hush_pillow() -> None:
    """Keep what Pillow says of odd metadata from stderr; whether pictures can be read does not depend on it.

    The filters of warnings belong to the process: this is for the command line and its workers, not for a library.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


class _Stderr(logging.Handler):
    """Writes messages to stderr: details with `-v` alone, information unless `-q`, warnings always."""

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING:
            tell(f"warning: {record.getMessage()}")
        elif settings.verbose if record.levelno < logging.INFO else not settings.quiet:
            tell(record.getMessage())


def attach() -> None:
    """Show messages of the library on stderr, from now on in this process: for the workers of a command."""
    if not any(isinstance(handler, _Stderr) for handler in messages.log.handlers):  # forked workers have it
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
    """Say on stderr what failed and what to type next."""
    label = "\033[1;31merror:\033[0m" if colour(sys.stderr) else "error:"
    tell(f"{label} {message}")
    if hint:
        tell(f"  try: {hint}")


def tell(text: str) -> None:
    """Write a line to stderr; where stderr takes nothing, the work goes on without its messages."""
    try:
        _print(text, sys.stderr)
    except OSError:
        abandon(sys.stderr)


def _print(text: str, stream: Any) -> None:
    try:
        print(text, file=stream, flush=True)
    except UnicodeEncodeError:  # a file name that is not UTF-8, on a stream that takes nothing else
        print(text.encode("utf-8", "backslashreplace").decode("utf-8"), file=stream, flush=True)


def colour(stream: Any) -> bool:
    """Return whether `stream` is a terminal that wants colours (https://no-color.org)."""
    return (
        stream is not None
        and bool(stream.isatty())
        and not os.environ.get("NO_COLOR")
        and os.environ.get("TERM") != "dumb"
    )


class _Lines:
    """Progress for logs: a line now and then instead of a bar."""

    def __init__(self, total: int | None, what: str) -> None:
        self.total, self.what, self.done = total, what, 0
        self.started = self.last = time.monotonic()

    def advance(self, n: int = 1) -> None:
        self.done += n
        now = time.monotonic()
        if now - self.last >= SECONDS_BETWEEN_LINES:
            self.last = now
            of = f" of {self.total:,}" if self.total is not None else ""
            messages.say(f"{self.what}: {self.done:,}{of}, {self.done / (now - self.started):,.1f}/s")


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self.progress, self.task = progress, task

    def advance(self, n: int = 1) -> None:
        self.progress.advance(self.task, n)


@contextmanager
def progress(total: int | None, what: str) -> Iterator[messages.Progress]:
    """Count items: a bar on a terminal, a line every 15 s otherwise, nothing with `-q`.

    Parameters
    ----------
    total : how many items there will be; None if unknown.
    what : what is counted, in the plural, e.g. "meshes".
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
