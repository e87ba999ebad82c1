"""Report messages of the library by Python's logging, and progress by a callback.

Messages go to the logger `sinonom_cli`: warnings, information and details (level DEBUG). The command line shows them
on stderr (see `console`); a program decides by its set-up of `logging`. Progress goes to the callback of `reporting`;
without a callback, it is not shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Protocol

log = logging.getLogger("sinonom_cli")


class Progress(Protocol):
    """Counter of finished items."""

    def advance(self, n: int = 1) -> None:
        """Count `n` more finished items."""


Report = Callable[[int, "int | None", str], object]
"""Callback for progress: numbers of finished items and of all items (None: unknown), and their name in the plural."""
Show = Callable[["int | None", str], AbstractContextManager[Progress]]
"""Function that shows progress while its context is open, given the number of items and their name in the plural."""


def say(text: str) -> None:
    """Log information."""
    log.info("%s", text)


def detail(text: str) -> None:
    """Log a detail, at level DEBUG."""
    log.debug("%s", text)


def warn(text: str) -> None:
    """Log a warning."""
    log.warning("%s", text)


class _Counter:
    """Progress that is reported to a callback."""

    def __init__(self, total: int | None, what: str, report: Report) -> None:
        self.done, self.total, self.what, self.report = 0, total, what, report

    def advance(self, n: int = 1) -> None:
        self.done += n
        self.report(self.done, self.total, self.what)


class _Silent:
    """Progress that is not reported."""

    def advance(self, n: int = 1) -> None:
        pass


@contextmanager
def _silent(total: int | None, what: str) -> Iterator[Progress]:
    yield _Silent()


_show: ContextVar[Show] = ContextVar("show", default=_silent)


def progress(total: int | None, what: str) -> AbstractContextManager[Progress]:
    """Count items while a block runs.

    Parameters
    ----------
    total : number of items; None: unknown.
    what : name of the items, in the plural, such as "meshes".
    """
    return _show.get()(total, what)


@contextmanager
def shown_by(show: Show) -> Iterator[None]:
    """Let `show` display the progress of the block, in this thread."""
    before = _show.set(show)
    try:
        yield
    finally:
        _show.reset(before)


def reporting(report: Report | None) -> AbstractContextManager[None]:
    """Call a callback with the progress of the block, in this thread; None: change nothing."""
    if report is None:
        return shown_by(_show.get())
    called = report

    @contextmanager
    def show(total: int | None, what: str) -> Iterator[Progress]:
        yield _Counter(total, what, called)

    return shown_by(show)
