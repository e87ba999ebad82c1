"""Try cases for `fuzz.py` in a process of its own: run one command after the other, and watch for faults."""

import contextlib
import hashlib
import io
import json
import os
import random
import re
import resource
import shlex
import shutil
import sys
import time
import traceback
import warnings
from pathlib import Path
from typing import Literal

from fuzz_mutate import Case, damage
from fuzz_seeds import READERS, Reader

from sinonom_cli import cli
from sinonom_cli.api.correcting import Sheets
from sinonom_cli.errors import SinonomError

MOST_MEMORY, MOST_SECONDS = 2 << 30, 30.0
SHOWN = (RuntimeWarning, UserWarning, FutureWarning)
"""Warnings that Python shows by default; the command line turns off the warnings of Pillow."""
FINE = {0, 2, 4, 6}
EXCEPTION = re.compile(r",\"?[A-Za-z.]*(Error|Exception|Warning|Iteration)\b:?", re.MULTILINE)
"""Pattern of a failure's reason that wrongly names an exception instead of the fault of the file."""


def case_of(seeds: list[Case], reader: Reader, name: str, seed: int, number: int) -> Case:
    """Return the damaged files of a case."""
    rng = random.Random(f"{name} {seed} {number}")
    whole = rng.choice(seeds)
    case = damage(whole, reader.victims, rng)
    return _forged(whole, case) if rng.random() < 0.7 else case


def _forged(whole: Case, case: Case) -> Case:
    """Write the sizes and checksums of the damaged files into the records beside them, as an attacker would."""
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
    """Run a command in this process; return its exit code and a description of its fault ("" if there is none)."""
    shutil.rmtree(out, ignore_errors=True)
    said = io.StringIO()
    with (
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(record=True) as warned,
    ):
        warnings.simplefilter("always")
        try:
            code = _run(command)
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


def _run(command: list[str]) -> int:
    """Run a command in this process, and return its exit code; "open" shows all of a folder, as `serve` does."""
    if command[0] != "open":
        return cli.run(command)
    try:
        sheets = Sheets(command[1])
        for name in sheets.names:
            sheets.sheet(name)
    except SinonomError as error:
        return int(error.code)
    return 0


def _traced(command: list[str], out: Path, filtering: Literal["default", "error"]) -> str:
    """Run a command again and return its messages and tracebacks; "error" gives warnings a traceback too."""
    said = io.StringIO()
    shutil.rmtree(out, ignore_errors=True)
    with (
        contextlib.redirect_stderr(said),
        contextlib.redirect_stdout(io.StringIO()),
        warnings.catch_warnings(),
        contextlib.suppress(BaseException),
    ):
        warnings.simplefilter(filtering)
        _run([word for word in command if word != "-q"] + ["-v"])
    return said.getvalue()


def peak() -> int:
    """Return the peak memory of this process since `forget_peak`, in bytes."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0
    line = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) << 10


def forget_peak() -> None:
    """Reset the peak memory that `peak` returns."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def worker(name: str, seed: int, number: int, house: Path, once: bool) -> None:
    """Try one case after the other, and write a line of JSON for each to stdout."""
    reader = READERS[name]
    seeds = reader.seeds(house)
    pipe = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    folder = house / f"case-{os.getpid()}"
    out = house / f"out-{os.getpid()}"
    command = [word.format(case=folder, house=house, out=out) for word in reader.command]
    for whole in seeds:  # this loads and compiles everything that is needed once, and checks that the seeds are valid
        put(folder, whole)
        code, wrong = tried(command, out)
        if code or wrong:
            sys.exit(f"{name}: the undamaged files are not read: {wrong or code}")
    if sys.platform == "linux":
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + MOST_MEMORY + (1 << 30)
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    base = peak()
    while True:
        put(folder, case_of(seeds, reader, name, seed, number))
        print(json.dumps({"begins": number}), file=pipe, flush=True)
        forget_peak()
        started = time.process_time()
        code, wrong = tried(command, out)
        if not wrong and peak() - base > MOST_MEMORY:
            wrong = f"memory: {(peak() - base) / 2**30:.1f} GB"
        ended = {"ends": number, "code": code, "wrong": wrong, "seconds": time.process_time() - started}
        print(json.dumps(ended), file=pipe, flush=True)
        if once:
            print(f"exit code {code}; {wrong or 'nothing wrong'}\n{shlex.join(['sinonom', *command])}", file=sys.stderr)
            return
        number += 1


def put(folder: Path, case: Case) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name, content in case.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
