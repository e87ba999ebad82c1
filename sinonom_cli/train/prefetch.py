"""Make batches ahead in worker processes, so that the network does not wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.parallel.processes import follow_parent
from sinonom_cli.parallel.work import one_thread_each


class Batch(NamedTuple):
    """Batch that a step learns from.

    pictures : (N, S, S) uint8 ink, the network's input, 255 = full ink.
    classes : (N,) int64, the class of each picture.
    taught : (N, K) of `teachers.ENTRY`, a teacher's answers to the clean pictures; None: there is no teacher.
    """

    pictures: NDArray[np.uint8]
    classes: NDArray[np.int64]
    taught: NDArray[np.void] | None = None


Make = Callable[[int], Batch]


class Feed:
    """Iterator over the batches of steps in order; `waited` is the number of seconds that its reader has waited."""

    def __init__(self, batches: Iterator[Batch]) -> None:
        self._batches = batches
        self.waited = 0.0

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        started = time.perf_counter()
        try:
            return next(self._batches)
        finally:
            self.waited += time.perf_counter() - started


@contextmanager
def feed(make: Make, steps: range, workers: int) -> Iterator[Feed]:
    """Yield an iterator over the batches `make(step)`, which are made some steps ahead.

    Parameters
    ----------
    make : picklable function; a batch depends on the step alone, so that workers change nothing.
    steps : numbers of the batches, in this order.
    workers : number of processes; 0: each batch is made when it is needed, in this process.

    Raises
    ------
    SinonomError
        If a worker dies.
    """
    if workers == 0:
        yield Feed(make(step) for step in steps)
        return
    with one_thread_each():
        pool = ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(make,))
        try:
            yield Feed(_ahead(pool, steps, 2 * workers + 2))
        finally:
            for process in list((getattr(pool, "_processes", None) or {}).values()):
                process.terminate()
            pool.shutdown(wait=True, cancel_futures=True)


def _ahead(pool: ProcessPoolExecutor, steps: range, depth: int) -> Iterator[Batch]:
    pending: deque[Future[Batch]] = deque()
    try:
        for step in steps:
            pending.append(pool.submit(_make_one, step))
            if len(pending) > depth:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    except BrokenProcessPool as error:
        raise SinonomError(
            "a process that makes batches died, perhaps for lack of memory",
            "run the same command with --workers 0: it resumes where it stopped",
        ) from error


_make: Any = None


def _begin(make: Make) -> None:
    global _make  # noqa: PLW0603  # one maker for each process
    _make = make
    follow_parent()


def _make_one(step: int) -> Batch:
    batch: Batch = _make(step)
    return batch
