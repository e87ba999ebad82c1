"""Work on items in a Ray cluster: what `processes` does on one machine, on many.

The machines share a disk: inputs, output and model lie under the same paths everywhere. Ray's tasks are chunks as of
`processes`; results come back to this process, which alone keeps the journal, so that the bytes are the same.
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
"""A chunk whose machine or worker went away is given to another once; then its items are tried one by one."""

STORE = 80 * 2**20
"""Bytes of shared memory that a local Ray sets aside, about the least that it accepts: results are small."""


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
    address : of a running cluster (`host:6379`, `ray://host:10001`, `auto`); "": RAY_ADDRESS, else one is started here.
    workers : chunks under way at once; None: one for each of the cluster's cores.
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
    """Work on chunks, at most so many under way; those whose workers died again and again end up in `crashed`."""
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
    """Work on a chunk in a worker of Ray; an error that is not an item's comes back as a value."""
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
    """Join a cluster, or start one on this machine for as long as the block lasts."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # it would phone home
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
    except Exception as error:  # ConnectionError, ValueError, RuntimeError, gRPC's own: as it pleases Ray
        named = f"the Ray cluster at {where}" if where else "a Ray of this machine's own"
        raise SinonomError(
            f"{named} does not answer: {_line(error, 0)}",
            "ray start --head on its first machine; or --workers N without --engine",
            ExitCode.BAD_INPUT,
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


@contextmanager
def _same_imports() -> Iterator[None]:
    """Let new processes find modules where this one does, as spawned workers would."""
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
