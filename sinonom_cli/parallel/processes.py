"""Process items in this process or in several, so that no item, not even one that crashes its worker, stops a batch."""

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
"""Number of items below which starting workers takes more time than it saves."""

PROCESSES = "processes"
"""Name of the engine that uses processes of this machine; the other engine is `ray` or `ray:ADDRESS`."""


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
    items : the items to process.
    work : a picklable callable that raises SinonomError for a bad item.
    workers : number of processes; 0: this process; None: one for each core, or this process if there are few items.
    engine : "processes"; or "ray" or "ray:ADDRESS" to use a Ray cluster.
    at_once : number of items that a worker gets at a time; None: chosen from the number of items.
    begun : function that is called with the next items before they are processed.

    Raises
    ------
    SinonomError
        For errors that are not caused by an item: a full disk, a missing extra.
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
    """Process chunks until all are done or a worker dies; then `crashed` holds the items in progress."""
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
    """Process the items that were in progress when a worker died, so that only the item that kills its worker fails."""
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
    # Workers are spawned on every system: a forked child inherits locks and threads of numba, torch and OpenMP.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_begin, initargs=(work,))


def _stop(pool: ProcessPoolExecutor) -> None:
    for process in list((getattr(pool, "_processes", None) or {}).values()):
        process.terminate()
    pool.shutdown(wait=True, cancel_futures=True)


_work: Any = None


def _begin(work: Work) -> None:
    global _work  # noqa: PLW0603  # each process has one work
    _work = work
    follow_parent()


def follow_parent() -> None:
    """Prepare a new worker process: leave Ctrl-C to the parent, and end when the parent ends, even if it is killed."""
    keep_freed_memory()
    console.hush_pillow()
    console.attach()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def keep_freed_memory(kept: int = 128, largest: int = 32) -> None:
    """Let glibc keep freed memory for the next item; do nothing on other systems.

    Otherwise it returns the arrays of a small mesh to the system and requests memory for the next mesh again: 500 page
    faults, a fifth of the time. The same is true of the large tensors of a training.

    Parameters
    ----------
    kept : MiB of freed memory to keep.
    largest : size in MiB of the largest array that memory is kept of; larger ones are returned. Older versions
        of glibc keep that of arrays of up to 32 MiB, or of all; there, a greater number means all.
    """
    if sys.platform == "linux":
        import ctypes

        try:
            mallopt = ctypes.CDLL(None).mallopt
        except (OSError, AttributeError):  # another C library
            return
        trim_threshold, mmap_threshold, mmap_max = -1, -3, -4  # <malloc.h>
        mallopt(trim_threshold, (kept << 20) - 1)
        if not mallopt(mmap_threshold, largest << 20):
            mallopt(mmap_max, 0)


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(int(ExitCode.INTERRUPTED))


def _attempt_all(items: list[Item]) -> list[Outcome]:
    return [attempt(_work, item) for item in items]
