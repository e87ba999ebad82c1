"""What a user sees: data on stdout; progress and messages on stderr.

Rich is imported only where it draws something, because `--help` and a single query must start quickly.
"""

import json as jsonlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

SECONDS_BETWEEN_LINES = 15.0


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
    """Write one line of data to stdout."""
    print(text, flush=True)


def data_json(record: dict[str, Any]) -> None:
    """Write one JSON object on a line of its own to stdout."""
    data(jsonlib.dumps(record, ensure_ascii=False))


def say(text: str) -> None:
    """Tell the user something on stderr, unless `-q`."""
    if not settings.quiet:
        print(text, file=sys.stderr, flush=True)


def detail(text: str) -> None:
    """Tell the user something on stderr if `-v`."""
    if settings.verbose:
        print(text, file=sys.stderr, flush=True)


def warn(text: str) -> None:
    """Warn on stderr, `-q` or not."""
    print(f"warning: {text}", file=sys.stderr, flush=True)


def error(message: str, hint: str = "") -> None:
    """Say on stderr what failed and what to type next."""
    label = "\033[1;31merror:\033[0m" if colour(sys.stderr) else "error:"
    print(f"{label} {message}", file=sys.stderr, flush=True)
    if hint:
        print(f"  try: {hint}", file=sys.stderr, flush=True)


def colour(stream: Any) -> bool:
    """Return whether `stream` is a terminal that wants colours (https://no-color.org)."""
    return bool(stream.isatty()) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


class Progress(Protocol):
    """Something that counts finished items."""

    def advance(self, n: int = 1) -> None: ...


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
            say(f"{self.what}: {self.done:,}{of}, {self.done / (now - self.started):,.1f}/s")


class _Bar:
    def __init__(self, progress: Any, task: Any) -> None:
        self.progress, self.task = progress, task

    def advance(self, n: int = 1) -> None:
        self.progress.advance(self.task, n)


@contextmanager
def progress(total: int | None, what: str) -> Iterator[Progress]:
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
