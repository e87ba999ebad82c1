"""Work on items in this process or in several, so that no item, not even one that crashes its worker, stops a batch."""

import os
import signal
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process
from typing import Any

from sinonom_cli import console
from sinonom_cli.errors import ExitCode
from sinonom_cli.parallel.work import (
    CRASHED,
    Begun,
    Outcome,
    Work,
    attempt,
    chunk_size,
    cores,
    nothing,
    one_thread_each,
)
from sinonom_cli.storage.inputs import Item

SMALL_JOB = 64
"""Below so many items, starting workers costs more than they save."""

PROCESSES = "processes"
"""The engine that works in processes of this machine; the other is `ray` or `ray:ADDRESS`."""


def work_through(
    items: Sequence[Item],
    work: Work,
    workers: int | None,
    engine: str = PROCESSES,
    at_once: int | None = None,
    begun: Begun = nothing,
) -> Iterator[Outcome]:
    """Yield the outcome of `work` on each item, in the order in which they finish.

    Parameters
    ----------
    items : what to work on.
    work : a picklable callable; raises SinonomError for a bad item.
    workers : processes; 0: this one; None: one for each core, or this one if there is little to do.
    engine : "processes"; "ray" or "ray:ADDRESS" to work in a Ray cluster.
    at_once : items that a worker is given at a time; None: by their number.
    begun : called with the next items before anything is done with them.

    Raises
    ------
    SinonomError
        For what is not the fault of an item: a full disk, a missing extra.
    """
    if engine != PROCESSES:
        from sinonom_cli.parallel import ray_engine

        yield from ray_engine.work_through(items, work, workers, engine.partition(":")[2], at_once, begun)
        return
    if workers is None:
        workers = cores() if cores() > 1 and len(items) >= SMALL_JOB else 0
    if workers == 0:
        keep_freed_memory()
        for item in items:
            begun([item])
            yield attempt(work, item)
        return
    size = at_once or chunk_size(len(items), workers)
    chunks = deque(list(items[i : i + size]) for i in range(0, len(items), size))
    while chunks:
        crashed: list[Item] = []
        yield from _in_pool(chunks, work, workers, crashed, begun)
        yield from _one_by_one(crashed, work)


def _in_pool(
    chunks: deque[list[Item]], work: Work, workers: int, crashed: list[Item], begun: Begun
) -> Iterator[Outcome]:
    """Work until all chunks are done or a worker dies; then `crashed` holds what was under way."""
    running: dict[Future[list[Outcome]], list[Item]] = {}
    pool = _pool(work, workers)
    try:
        with one_thread_each():
            while chunks or running:
                while chunks and len(running) < 2 * workers:
                    begun(chunks[0])
                    future = pool.submit(_attempt_all, chunks[0])
                    running[future] = chunks.popleft()
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield from future.result()
                    del running[future]
    except BrokenProcessPool:
        wait(running, return_when=ALL_COMPLETED)
        for future, chunk in running.items():
            if future.exception() is None:
                yield from future.result()
            else:
                crashed.extend(chunk)
    finally:
        _stop(pool)


def _one_by_one(items: list[Item], work: Work) -> Iterator[Outcome]:
    """Work on what was under way when a worker died, so that only the item that kills its worker fails."""
    pool: ProcessPoolExecutor | None = None
    try:
        with one_thread_each():
            for item in items:
                pool = pool or _pool(work, 1)
                try:
                    yield from pool.submit(_attempt_all, [item]).result()
                except BrokenProcessPool:
                    yield Outcome(item, None, CRASHED)
                    _stop(pool)
                    pool = None
    finally:
        if pool is not None:
            _stop(pool)


def _pool(work: Work, workers: int) -> ProcessPoolExecutor:
    # Spawned on every system alike: a forked child inherits locks and threads of numba, torch and OpenMP.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,))


def _stop(pool: ProcessPoolExecutor) -> None:
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


_work: Any = None


def _begin(work: Work) -> None:
    global _work  # noqa: PLW0603  # one work a process
    _work = work
    follow_parent()


def follow_parent() -> None:
    """Make a new worker process ready: leave Ctrl-C to the parent, and end when the parent does, even killed."""
    keep_freed_memory()
    console.hush_pillow()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def keep_freed_memory() -> None:
    """Have glibc keep what is freed for the next item, up to 128 MiB; elsewhere, do nothing.

    Else it gives the arrays of one small mesh back to the system and asks for the next one's: 500 page faults, a fifth
    of the time.
    """
    if sys.platform == "linux":
        import ctypes

        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (OSError, AttributeError):  # another C library
            return
        trim_threshold, mmap_threshold = -1, -3  # <malloc.h>
        mallopt(trim_threshold, 128 << 20)
        mallopt(mmap_threshold, 32 << 20)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(int(ExitCode.INTERRUPTED))


def _attempt_all(items: list[Item]) -> list[Outcome]:
    return [attempt(_work, item) for item in items]
