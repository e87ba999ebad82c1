"""Feed each reader with damaged files through the commands, and look for what must not happen.

A command may refuse a file (exit code 4, or 2 where an option names it) or fail on it alone (6). It must not end with
exit code 1 or another one, write a traceback or a warning of Python's, give an exception's name as a file's fault, take
more than 2 GB of memory or 30 seconds of a processor, or die. Each such case is written to a folder, with the command
that repeats it.

Commands run in one worker process that stays alive: a start of Python would take longer than a hundred cases. Case n of
a reader depends on the seed and n alone. Linux and macOS; the peak of memory is seen on Linux only.

Run: `python benchmarks/fuzz.py [--only stl,ply] [--minutes 10] [--out findings]`.
"""

import argparse
import contextlib
import hashlib
import io
import json
import os
import random
import re
import resource
import select
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from typing import Any, Literal

import psutil
from fuzz_mutate import Case, damage
from fuzz_seeds import READERS, Reader, make_house

from sinonom_cli import cli

MOST_MEMORY, MOST_SECONDS = 2 << 30, 30.0
SHOWN = (RuntimeWarning, UserWarning, FutureWarning)
"""Warnings that Python shows by default; those of Pillow's the command line turns off."""
FINE = {0, 2, 4, 6}
EXCEPTION = re.compile(r",\"?[A-Za-z.]*(Error|Exception|Warning|Iteration)\b:?", re.MULTILINE)
"""How the reason of a failure begins that names an exception and not what is wrong with the file."""


def case_of(seeds: list[Case], reader: Reader, name: str, seed: int, number: int) -> Case:
    """Return the damaged files of a case."""
    rng = random.Random(f"{name} {seed} {number}")
    whole = rng.choice(seeds)
    case = damage(whole, reader.victims, rng)
    return _forged(whole, case) if rng.random() < 0.7 else case


def _forged(whole: Case, case: Case) -> Case:
    """Put the sizes and sums of damaged files into the records beside them, as one would who wants to deceive."""
    for name in case.keys() & whole.keys():
        old, new = whole[name], case[name]
        if old == new or name.endswith(".json"):
            continue
        sums = {hashlib.sha256(old).hexdigest(): hashlib.sha256(new).hexdigest(), f": {len(old)}": f": {len(new)}"}
        for record in (other for other in case if other.endswith(".json")):
            for before, after in sums.items():
                case[record] = case[record].replace(before.encode(), after.encode())
    return case


def tried(command: list[str], out: Path) -> tuple[int, str]:
    """Run a command in this process; return its exit code and what is wrong with how it went ("" if nothing)."""
    shutil.rmtree(out, ignore_errors=True)
    said = io.StringIO()
    with (
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            code = cli.run(command)
        except BaseException:
            return -1, traceback.format_exc()
    text = said.getvalue()
    failures = (
        "".join(path.read_text(encoding="utf-8", errors="replace") for path in out.rglob("*failures.csv"))
        if out.is_dir()
        else ""
    )
    if code not in FINE or "Traceback" in text or EXCEPTION.search(failures):
        return code, f"exit code {code}\n{failures}{_traced(command, out, 'default')}"
    shown = [one for one in warned if issubclass(one.category, SHOWN) and f"{os.sep}PIL{os.sep}" not in one.filename]
    if shown:
        return code, f"{shown[0].category.__name__}: {shown[0].message}\n{_traced(command, out, 'error')}"
    return code, ""


def _traced(command: list[str], out: Path, filtering: Literal["default", "error"]) -> str:
    """Run a command again; return its messages and tracebacks, with "error" also of where a warning came from."""
    said = io.StringIO()
    shutil.rmtree(out, ignore_errors=True)
    with (
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        contextlib.suppress(BaseException),
    ):
        warnings.simplefilter(filtering)
        cli.run([word for word in command if word != "-q"] + ["-v"])
    return said.getvalue()


def peak() -> int:
    """Return the most memory that this process has had, bytes, since `forget_peak`."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def forget_peak() -> None:
    """Let `peak` begin anew."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def worker(name: str, seed: int, number: int, house: Path, once: bool) -> None:
    """Try case after case and write a line of JSON on each to stdout."""
    reader = READERS[name]
    seeds = reader.seeds(house)
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    folder = house / f"case-{os.getpid()}"
    out = house / f"out-{os.getpid()}"
    command = [word.format(case=folder, house=house, out=out) for word in reader.command]
    for whole in seeds:  # what is loaded and compiled once is loaded and compiled; and the seeds themselves are fine
        _put(folder, whole)
        code, wrong = tried(command, out)
        if code or wrong:
            sys.exit(f"{name}: the undamaged files are not read: {wrong or code}")
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + MOST_MEMORY + (1 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    base = peak()
    while True:
        _put(folder, case_of(seeds, reader, name, seed, number))
        print(json.dumps({"begins": number}), file=pipe, flush=True)
        forget_peak()
        started = time.perf_counter()
        code, wrong = tried(command, out)
        if not wrong and peak() - base > MOST_MEMORY:
            wrong = f"memory: {(peak() - base) / 2**30:.1f} GB"
        ended = {"ends": number, "code": code, "wrong": wrong, "seconds": time.perf_counter() - started}
        print(json.dumps(ended), file=pipe, flush=True)
        if once:
            print(f"exit code {code}; {wrong or 'nothing wrong'}\n{shlex.join(['sinonom', *command])}", file=sys.stderr)
            return
        number += 1


def _put(folder: Path, case: Case) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


class Watched:
    """A worker process, watched for hanging and dying."""

    def __init__(self, name: str, seed: int, number: int, house: Path, log: Path) -> None:
        command = [sys.executable, __file__, "--worker", name, "--seed", str(seed), "--case", str(number)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
        self.log = log.open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [*command, "--house", str(house)], stdout=subprocess.PIPE, stderr=self.log, env=environment
        )
        self.buffer = b""

    def line(self, seconds: float) -> dict[str, Any] | None:
        """Return what the worker says next; None if it works on for so long, or waits ten times as long.

        Raises
        ------
        EOFError
            If it has died.
        """
        assert self.process.stdout
        began, worked = time.monotonic(), self.worked()
        while b"\n" not in self.buffer:
            if not select.select([self.process.stdout], [], [], 1.0)[0]:
                if self.worked() - worked > seconds or time.monotonic() - began > 10 * seconds:
                    return None
                continue
            block = os.read(self.process.stdout.fileno(), 65536)
            if not block:
                raise EOFError
            self.buffer += block
        line, _, self.buffer = self.buffer.partition(b"\n")
        return dict(json.loads(line))

    def worked(self) -> float:
        """Return the processor's seconds that the worker has had; on a busy machine they are fewer than the clock's."""
        with contextlib.suppress(psutil.Error):
            return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))
        return 0.0

    def end(self) -> int:
        """Kill the worker; return its exit code, where it had one already."""
        code = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.log.close()
        return self.process.returncode if code is None else code


def fuzz(name: str, minutes: float, seed: int, house: Path, findings: Path) -> int:
    """Try damaged files on one reader for so long; print its figures and return the number of kinds of findings."""
    found: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    number, slowest, until = 0, (0.0, 0), 0.0
    log = house / "worker.log"
    watched = Watched(name, seed, number, house, log)
    started = time.monotonic()
    while not until or time.monotonic() < until:
        wrong = ""
        try:
            said = watched.line(MOST_SECONDS if until else 300.0)
            if said and "begins" in said:
                number = said["begins"]
                if not until:
                    started = time.monotonic()
                    until = started + 60 * minutes
                continue
            if said:
                codes[said["code"]] += 1
                slowest, wrong = max(slowest, (said["seconds"], number)), said["wrong"]
            else:
                wrong = f"no end after {MOST_SECONDS:g} seconds"
        except EOFError:
            watched.process.wait()
            wrong = f"died with {watched.end()}: {log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
            if not until:
                print(wrong)
                return 1
        if wrong:
            kind = _kind(wrong)
            found[kind] += 1
            if found[kind] == 1:
                _keep(findings, name, seed, number, house, wrong)
            if said is None or watched.process.poll() is not None:
                watched.end()
                watched = Watched(name, seed, number + 1, house, log)
    watched.end()
    seconds = time.monotonic() - started
    cases = sum(codes.values())
    print(
        f"{name:12} {seconds / 60:5.1f} min {cases:8,} cases {cases / seconds:7,.1f}/s"
        f"  refused {codes[4] / max(cases, 1):4.0%}  slowest {slowest[0]:5.2f} s (case {slowest[1]})"
        f"  findings {len(found)}",
        flush=True,
    )
    for kind, count in found.most_common():
        print(f"    {count:6,} x {kind}", flush=True)
    return len(found)


def _kind(wrong: str) -> str:
    """Return what findings of one cause have in common: the exception, and the last place in our code."""
    for block in wrong.split("Traceback (most recent call last):")[1:]:
        raised = next((line for line in block.splitlines()[1:] if line[:1].isalpha()), "")
        places = re.findall(r'File "[^"]*/(sinonom_cli/[^"]+)", line (\d+)', block)
        if places and not raised.startswith("sinonom_cli.errors"):
            return f"{re.sub(r'[0-9]+', 'N', raised)[:120]} at {':'.join(places[-1])}"
    return re.sub(r"\d+", "N", wrong.splitlines()[0])[:160]


def _keep(findings: Path, name: str, seed: int, number: int, house: Path, wrong: str) -> None:
    """Write the files of a finding, what went wrong, and how to see it again."""
    folder = findings / f"{name}-{seed}-{number}"
    _put(folder, case_of(READERS[name].seeds(house), READERS[name], name, seed, number))
    again = f"python benchmarks/fuzz.py --only {name} --seed {seed} --case {number}"
    (folder / "finding.txt").write_text(f"{again}\n\n{wrong}\n", encoding="utf-8", errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="READER,...", help=f"some of {', '.join(READERS)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="for each reader [10]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="try this one case of --only again")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="where findings are kept [findings]")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--house", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.seed, options.case, options.house, once=False)
    names = options.only.split(",") if options.only else list(READERS)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        house = Path(folder)
        os.environ["SINONOM_CACHE"] = str(house / "cache")
        with contextlib.redirect_stdout(sys.stderr):
            make_house(house)
        if options.case is not None:
            worker(names[0], options.seed, options.case, house, once=True)
            return
        kinds = sum(fuzz(name, options.minutes, options.seed, house, options.out) for name in names)
    print(f"{kinds} kinds of findings" + (f", in {options.out}" if kinds else ""))
    sys.exit(bool(kinds))


if __name__ == "__main__":
    main()
