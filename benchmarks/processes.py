"""Measure commands in processes of their own: what one takes, and how its pictures and its workers' memory grow."""

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What work took: seconds by the clock, seconds of processor time, and peak memory in GiB (0: not measured)."""

    clock: float
    processor: float
    memory: float = 0.0


@dataclass(frozen=True)
class Watched:
    """Measurements of one command.

    Attributes
    ----------
    first : seconds until the first picture.
    rate : pictures per second from the first picture to the last.
    processor : seconds of processor time of all processes together.
    memory : text on the memory of the processes early and late in the run.
    """

    first: float
    rate: float
    processor: float
    memory: str


def peak_memory() -> float:
    """Return the peak memory of this process in GiB, including mapped files.

    On Linux it is read from the system's status file, because getrusage counts the memory of the parent process too.
    """
    import resource

    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**20
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


def alone(*arguments: object, fine: tuple[int, ...] = (0,), **environment: str) -> Taken:
    """Run a sinonom command in a process of its own, and return what it took; workers of the command are not counted.

    The process itself reports its memory: the one that the system reports to a parent is never less than the parent's.

    Parameters
    ----------
    fine : exit codes that are no failure.
    environment : variables of the process, besides those of this one.
    """
    words = [sys.executable, __file__, *map(str, arguments)]
    started = time.perf_counter()
    done = subprocess.run(
        words, env={**os.environ, **environment}, stdout=subprocess.PIPE, check=False, encoding="utf-8"
    )
    clock = time.perf_counter() - started
    if done.returncode not in fine:
        sys.exit(f"sinonom {' '.join(words[2:])}: exit code {done.returncode}")
    processor, memory = map(float, done.stdout.split()[-2:])
    return Taken(clock=clock, processor=processor, memory=memory)


def watch(command: "subprocess.Popen[bytes]", pictures: Path, every: float = 0.2) -> Watched:
    """Watch a command that writes PNG files below `pictures` until it ends.

    Raises
    ------
    RuntimeError
        If the command fails, or ends before anything could be measured.
    """
    import psutil

    start, root = time.time(), psutil.Process(command.pid)
    held: dict[int, list[tuple[float, float]]] = {}
    spent: dict[int, float] = {}
    while command.poll() is None:
        try:
            for process in (root, *root.children(recursive=True)):
                held.setdefault(process.pid, []).append((time.time(), process.memory_info().rss / 2**20))
                spent[process.pid] = sum(process.cpu_times()[:2])
        except psutil.NoSuchProcess:
            continue
        time.sleep(every)
    written = sorted(path.stat().st_mtime for path in pictures.rglob("*.png"))
    if command.returncode or len(written) < 2:
        raise RuntimeError(f"{command.args!r} ended with {command.returncode}")
    rate = (len(written) - 1) / (written[-1] - written[0])
    return Watched(written[0] - start, rate, sum(spent.values()), _grown(held, written, command.pid))


def _grown(held: "dict[int, list[tuple[float, float]]]", written: list[float], parent: int) -> str:
    """Describe the memory of each process after a fifth of the pictures and at the end."""
    early, late = written[len(written) // 5], written[-1]
    said = []
    for process, samples in held.items():
        before = [size for when, size in samples if when <= early]
        after = [size for when, size in samples if early < when <= late]
        if before and after and max(after) > 50:  # leaves out the small helper process of multiprocessing
            name = "parent" if process == parent else "worker"
            said.append(
                f"{name} {before[-1]:.0f} MiB after a fifth, {after[-1]:.0f} at the end, at most {max(after):.0f}"
            )
    return "; ".join(said)


def main() -> int:
    """Run a sinonom command, and print its processor time and its peak memory after its own output."""
    sys.path[0] = str(Path(__file__).parent.parent)
    from sinonom_cli.cli import run

    status, own = run(sys.argv[1:]), os.times()
    print(own.user + own.system, peak_memory())
    return status


if __name__ == "__main__":
    sys.exit(main())
