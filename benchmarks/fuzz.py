"""Give each reader damaged files through the commands, and look for behaviour that must not happen.

A command may refuse a file (exit code 4, or 2 if an option names the file) or fail on this file only (6). It must not
end with another exit code, write a traceback or a Python warning, give the name of an exception as the file's fault,
use more than 2 GB of memory or 30 seconds of processor time, or crash. Each such case is written to a folder, with the
command that repeats it.

Commands run in one worker process that stays alive, because a start of Python takes longer than a hundred cases. Case n
of a reader depends only on the seed and n. The script runs on Linux and macOS; it measures peak memory only on Linux.

With `--result FILE`, the minutes of each reader are added to those that FILE has, after each reader, and a seed that
FILE names as used is replaced by the next greater one.

Run: `python benchmarks/fuzz.py [--only stl,ply] [--minutes 10] [--out findings] [--result FILE]`.
"""

import argparse
import contextlib
import json
import os
import re
import select
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
from fuzz_results import Tally, added, publish_tallies, read_tallies, unused
from fuzz_seeds import READERS, make_house
from fuzz_worker import MOST_SECONDS, case_of, put, worker
from results import result_option

from sinonom_cli import cli


class Watched:
    """Worker process that is watched: it may hang or die."""

    def __init__(self, name: str, seed: int, number: int, house: Path, log: Path) -> None:
        command = [sys.executable, __file__, "--worker", name, "--seed", str(seed), "--case", str(number)]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(cli.__file__).parent.parent)}
        self.log = log.open("w", encoding="utf-8")
        self.process = subprocess.Popen(
            [*command, "--house", str(house)], stdout=subprocess.PIPE, stderr=self.log, env=environment
        )
        self.buffer = b""

    def line(self, seconds: float) -> dict[str, Any] | None:
        """Return the next line of the worker; None if there is none within the time limit.

        The limit is `seconds` of processor time, or ten times as long on the clock.

        Raises
        ------
        EOFError
            If the worker has died.
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
        """Return the processor time of the worker in seconds; on a busy machine it is less than the wall-clock time."""
        with contextlib.suppress(psutil.Error):
            return float(sum(psutil.Process(self.process.pid).cpu_times()[:2]))
        return 0.0

    def end(self) -> int:
        """Kill the worker, and return its exit code; if it has ended by itself, this is its own exit code."""
        code = self.process.poll()
        self.process.kill()
        self.process.wait()
        self.log.close()
        return self.process.returncode if code is None else code


def fuzz(name: str, minutes: float, seed: int, house: Path, findings: Path) -> Tally:
    """Try damaged files on one reader for `minutes` of processor time; print figures, and return them.

    Raises
    ------
    SystemExit
        If the undamaged files are not read.
    """
    found: Counter[str] = Counter()
    codes: Counter[int] = Counter()
    number, slowest, begun, worked = 0, (0.0, 0), False, 0.0
    log = house / "worker.log"
    watched = Watched(name, seed, number, house, log)
    started = time.monotonic()
    while worked < 60 * minutes:
        wrong = ""
        try:
            said = watched.line(MOST_SECONDS if begun else 300.0)
            if said and "begins" in said:
                number = said["begins"]
                if not begun:
                    started, begun = time.monotonic(), True
                continue
            if said:
                codes[said["code"]] += 1
                worked += said["seconds"]
                slowest, wrong = max(slowest, (said["seconds"], number)), said["wrong"]
            else:
                worked += MOST_SECONDS
                wrong = f"no end after {MOST_SECONDS:g} seconds"
        except EOFError:
            watched.process.wait()
            wrong = f"died with {watched.end()}: {log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
            if not begun:
                sys.exit(wrong)
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
        f"{name:12} {seconds / 60:5.1f} min, {worked / 60:4.1f} of a processor: {cases:8,} cases"
        f"  refused {codes[4] / max(cases, 1):4.0%}  slowest {slowest[0]:5.2f} s (case {slowest[1]})"
        f"  findings {len(found)}",
        flush=True,
    )
    for kind, count in found.most_common():
        print(f"    {count:6,} x {kind}", flush=True)
    return Tally(minutes=worked / 60, cases=cases, findings=len(found), seeds=str(seed))


def _kind(wrong: str) -> str:
    """Return the part that findings with one cause share: the exception and the last place in sinonom's code."""
    for block in wrong.split("Traceback (most recent call last):")[1:]:
        raised = next((line for line in block.splitlines()[1:] if line[:1].isalpha()), "")
        places = re.findall(r'File "[^"]*/(sinonom_cli/[^"]+)", line (\d+)', block)
        if places and not raised.startswith("sinonom_cli.errors"):
            return f"{re.sub(r'[0-9]+', 'N', raised)[:120]} at {':'.join(places[-1])}"
    return re.sub(r"\d+", "N", wrong.splitlines()[0])[:160]


def _keep(findings: Path, name: str, seed: int, number: int, house: Path, wrong: str) -> None:
    """Write the files of a finding, its description, and the command that repeats it."""
    folder = findings / f"{name}-{seed}-{number}"
    put(folder, case_of(READERS[name].seeds(house), READERS[name], name, seed, number))
    again = f"python benchmarks/fuzz.py --only {name} --seed {seed} --case {number}"
    (folder / "finding.txt").write_text(f"{again}\n\n{wrong}\n", encoding="utf-8", errors="replace")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="READER,...", help=f"some of {', '.join(READERS)}")
    parser.add_argument("--minutes", type=float, default=10.0, help="of a processor, for each reader [10]")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--case", type=int, help="try this one case of --only again")
    parser.add_argument("--out", type=Path, default=Path("findings"), help="where findings are kept [findings]")
    result_option(parser)
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--house", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.seed, options.case, options.house, once=False)
    names = options.only.split(",") if options.only else list(READERS)
    if unknown := [name for name in names if name not in READERS]:
        parser.error(f"--only {unknown[0]} is none of {', '.join(READERS)}")
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        house = Path(folder)
        os.environ["SINONOM_CACHE"] = str(house / "cache")
        with contextlib.redirect_stdout(sys.stderr):
            make_house(house)
        if options.case is not None:
            worker(names[0], options.seed, options.case, house, once=True)
            return
        kinds = 0
        tallies = read_tallies(options.result) if options.result else {}
        for name in names:
            seed = unused(options.seed, tallies.get(name))
            run = fuzz(name, options.minutes, seed, house, options.out)
            kinds += run.findings
            tallies = added(tallies, {name: run})
            if options.result:
                publish_tallies(options.result, tallies, shown=False)
    print(f"{kinds} kinds of findings" + (f", in {options.out}" if kinds else ""))
    sys.exit(bool(kinds))


if __name__ == "__main__":
    main()
