"""Process items in a Ray cluster of several machines, as `processes` does on one machine.

The machines share a disk: inputs, output and model have the same paths everywhere. Ray's tasks are the same chunks as
in `processes`. Results come back to this process, which alone writes the journal, so the output has the same bytes.
"""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sinonom_cli.errors import ExitCode, SinonomError, need
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

RETRIES = 1
"""Number of times that a chunk is retried elsewhere after its machine or worker fails; then its items are tried one by
one."""

STORE = 80 * 2**20
"""Bytes of shared memory for a local Ray, about the minimum that it accepts: results are small."""


def work_through(
    items: Sequence[Item],
    work: Work,
    workers: int | None,
    address: str,
    at_once: int | None = None,
    begun: Begun = nothing,
) -> Iterator[Outcome]:
    """Yield the outcome of `work` on each item, in the order in which they finish: see `processes.work_through`.

    Parameters
    ----------
    address : address of a running cluster (`host:6379`, `ray://host:10001`, `auto`); "": RAY_ADDRESS, or else a cluster
        is started on this machine.
    workers : number of chunks in progress at the same time; None: one for each core of the cluster.
    """
    with _cluster(address, workers) as ray:
        slots = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        size = at_once or chunk_size(len(items), slots)
        chunks = deque(list(items[i : i + size]) for i in range(0, len(items), size))
        crashed: list[Item] = []
        yield from _tasks(ray, chunks, work, 2 * slots, RETRIES, crashed, begun)
        alone = deque([item] for item in crashed)
        crashed = []
        yield from _tasks(ray, alone, work, slots, 0, crashed)
        for item in crashed:
            yield Outcome(item, None, CRASHED)


def _tasks(
    ray: Any,
    chunks: deque[list[Item]],
    work: Work,
    most: int,
    retries: int,
    crashed: list[Item],
    begun: Begun = nothing,
) -> Iterator[Outcome]:
    """Process chunks, at most `most` at the same time; items of chunks whose workers keep dying go to `crashed`."""
    task = ray.remote(num_cpus=1, max_retries=retries)(_attempt_there)
    shared, here = ray.put(work), str(Path.cwd())
    running: dict[Any, list[Item]] = {}
    while chunks or running:
        while chunks and len(running) < most:
            chunk = chunks.popleft()
            begun(chunk)
            running[task.remote(shared, chunk, here)] = chunk
        finished, _ = ray.wait(list(running), num_returns=1)
        for reference in finished:
            chunk = running.pop(reference)
            try:
                outcomes = ray.get(reference)
            except (ray.exceptions.WorkerCrashedError, ray.exceptions.NodeDiedError, ray.exceptions.OutOfMemoryError):
                crashed.extend(chunk)
                continue
            except ray.exceptions.RaySystemError as error:
                raise SinonomError(f"Ray's workers cannot begin: {_line(error, -1)}", _EVERYWHERE) from error
            if isinstance(outcomes, SinonomError):
                raise outcomes
            yield from outcomes


_EVERYWHERE = "every machine of the cluster needs the same Python, the same sinonom and the same paths"


def _attempt_there(work: Work, items: list[Item], folder: str) -> list[Outcome] | SinonomError:
    """Process a chunk in a worker of Ray; return errors that are not caused by an item as values."""
    try:
        if Path.cwd() != Path(folder):
            os.chdir(folder)
    except OSError as error:
        return SinonomError(f"a machine of the cluster has no {folder}: {error.strerror}", _EVERYWHERE)
    try:
        return [attempt(work, item) for item in items]
    except SinonomError as error:
        return error


@contextmanager
def _cluster(address: str, workers: int | None) -> Iterator[Any]:
    """Join a cluster, or start one on this machine that ends with the block."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # do not send usage statistics
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = need("ray", "ray")
    if ray.is_initialized():
        yield ray
        return
    where = address or os.environ.get("RAY_ADDRESS", "")
    quiet = {"log_to_driver": False, "configure_logging": True, "logging_level": "ERROR"}
    try:
        if where:
            ray.init(address=where, **quiet)
        else:
            with one_thread_each(), _same_imports():
                ray.init(
                    address="local",
                    num_cpus=workers or cores(),
                    include_dashboard=False,
                    object_store_memory=STORE,
                    **quiet,
                )
    except Exception as error:  # Ray raises ConnectionError, ValueError, RuntimeError or gRPC's own errors
        named = f"the Ray cluster at {where}" if where else "the local Ray of this machine"
        raise SinonomError(
            f"{named} does not answer: {_line(error, 0)}",
            "run ray start --head on its first machine; or use --workers N without --engine",
            ExitCode.BAD_INPUT,
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _same_imports() -> Iterator[None]:
    """Let new processes find modules where this process does, as spawned workers would."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def _line(error: Exception, number: int) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[number] if lines else type(error).__name__
