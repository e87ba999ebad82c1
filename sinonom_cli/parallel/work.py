"""Define work on items for all engines: its outcome, the size of chunks, the number of threads."""

import errno
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.storage.fingerprints import mark_of
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.journal import TableRow

Work = Callable[[Item], list[TableRow]]
Begun = Callable[[Sequence[Item]], None]

CRASHED = "the library that reads the file crashed"


@dataclass(frozen=True)
class Outcome:
    """Outcome of one item: its rows, or (rows None) why it failed; and its mark from before it was read."""

    item: Item
    rows: list[TableRow] | None
    failure: str = ""
    trace: str = ""
    mark: str = ""


def nothing(_: Sequence[Item]) -> None:
    """Ignore the items that are begun."""


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def chunk_size(items: int, workers: int) -> int:
    """Return the number of items that a worker gets at a time: few enough that all workers end together."""
    return max(1, min(32, items // (workers * 16)))


@contextmanager
def one_thread_each() -> Iterator[None]:
    """Let the workers' libraries use one thread each, as the workers already run in parallel."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    before = {name: os.environ.get(name) for name in names}
    os.environ.update(dict.fromkeys(names, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def attempt(work: Work, item: Item) -> Outcome:
    """Return the outcome of `work` on one item; raise SinonomError for errors that the item does not cause."""
    if item.fault:
        return Outcome(item, None, item.fault)
    try:
        mark = mark_of(item)
        return Outcome(item, work(item), mark=mark)
    except SinonomError as error:
        too_long = getattr(error.__cause__, "errno", None) == errno.ENAMETOOLONG  # this item's files alone
        if error.code != ExitCode.BAD_INPUT and not too_long:
            raise
        return Outcome(item, None, _one_line(error.message))
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise cannot_write(Path(error.filename or item.path), error) from error
        return Outcome(item, None, _one_line(error.strerror or str(error)))
    except Exception as error:
        return Outcome(item, None, _one_line(f"{type(error).__name__}: {error}"), traceback.format_exc())


def _one_line(text: str) -> str:
    return " ".join(text.split())
