"""Measure the share of small faults that the tests find, in code where a wrong number would cause no error.

Cosmic Ray (https://cosmic-ray.readthedocs.io) changes one operator, comparison, number or condition of a module at a
time. The module's own tests then run; if all of them pass, the fault has survived. The faults of a module are sampled
with a seed. Compiled functions are compiled again for each fault. Everything happens in a copy of the tree. Results are
kept in build/mutants, and a fault is not tried again unless the module changes; `--again` tries survivors once more,
after tests were added. Faults without a visible effect are listed in mutants_equal.csv with the reason, and do not
count.

Cosmic Ray's own runner starts a process for each fault and tries all faults. This script forks a process that has
loaded the libraries, which takes a fifth of the time. (mutmut 3 leaves out decorated functions, and so all compiled
ones.)

Usage: pip install cosmic-ray
       python benchmarks/mutants.py [--sample 60] [--minutes 60] [--survivors] [--again] [MODULE ...]
"""

import argparse
import contextlib
import csv
import hashlib
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from small_faults import Fault, changed_line, faults_of, made

os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # loading plugins takes a second per run, and these tests need none
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[name] = "1"

ROOT = Path(__file__).parent.parent
EQUAL = Path(__file__).parent / "mutants_equal.csv"
LEAST = 0.85

MODULES = {
    "networks/preprocess.py": "networks/test_preprocess.py networks/test_lines.py networks/test_golden.py",
    "pictures/levels.py": "networks/test_preprocess.py networks/test_golden.py",
    "networks/light.py": "networks/test_light.py networks/test_golden.py",
    "networks/lines.py": "networks/test_lines.py networks/test_golden.py",
    "pictures/colours.py": "pictures/test_colours.py networks/test_golden.py",
    "networks/framing.py": "networks/test_framing.py networks/test_golden.py",
    "search/metrics.py": "search/test_metrics.py",
    "search/calibration.py": "search/test_calibration.py",
    "parallel/products.py": "parallel/test_products.py",
    "search/searcher.py": "search/test_candidates.py search/test_search.py search/test_class_distances.py",
    "search/distances.py": "search/test_search.py search/test_class_distances.py",
    "search/rerank.py": "search/test_rerank.py",
    "search/align.py": "search/test_align.py search/test_same_carving.py",
    "search/flow.py": "search/test_flow.py search/test_same_carving.py",
    "search/same_carving.py": "search/test_same_carving.py",
    "search/relevance.py": "search/test_truth.py",
    "search/results.py": "reports/test_answers.py",
    "reports/scores.py": "reports/test_answers.py",
    "meshes/level.py": "meshes/test_level_numbers.py meshes/test_level.py",
}
"""Tests of each module, in an order in which the tests that fail soonest come first."""

LIBRARIES = ("numpy", "numba", "PIL.Image", "PIL.ImageDraw", "faiss", "onnxruntime", "pytest", "typer", "rich.progress")
LIBRARIES += (
    "hypothesis.strategies",
    "fontTools.ttLib",
    "pytest_timeout",
    "onnx",
    "safetensors.numpy",
    "sklearn.metrics",
)
"""Modules that are loaded once; the tests of each fault run in a fork of this process."""


class Bench:
    """Copy of the tree, in which one module at a time has a fault."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        for folder in ("sinonom_cli", "tests"):
            shutil.copytree(ROOT / folder, self.tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(ROOT / "pyproject.toml", self.tree)

    def passes(self, tests: list[str], seconds: float) -> bool:
        """Return whether all tests pass; tests that take longer than `seconds` fail."""
        arguments = ["-x", "-q", "-p", "no:cacheprovider", "-p", "pytest_timeout", *(f"tests/{test}" for test in tests)]
        if not hasattr(os, "fork"):
            command = [sys.executable, "-m", "pytest", *arguments]
            try:
                settings = {**os.environ, "PYTHONPATH": str(self.tree), "PYTHONDONTWRITEBYTECODE": "1"}
                ran = subprocess.run(
                    command, cwd=self.tree, env=settings, timeout=seconds, capture_output=True, check=False
                )
            except subprocess.TimeoutExpired:
                return False
            return ran.returncode == 0
        child = os.fork()
        if child == 0:
            self._test(arguments)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                return status == 0
            time.sleep(0.02)
        os.killpg(child, 9)
        os.waitpid(child, 0)
        return False

    def _test(self, arguments: list[str]) -> None:
        """Run pytest in a forked process, which ends with its exit code."""
        code = 1
        try:
            os.setpgid(0, 0)
            null = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(null, stream)
            os.chdir(self.tree)
            sys.path[:] = [
                str(self.tree),
                *(path for path in sys.path if Path(path or ".").resolve() != ROOT.resolve()),
            ]
            os.environ["PYTHONPATH"] = str(self.tree)
            sys.dont_write_bytecode = True
            code = int(importlib.import_module("pytest").main(arguments))
        finally:
            os._exit(code)


def equal_ones() -> dict[tuple[str, str, str], str]:
    """Return the reasons why faults have no visible effect, by module and by the line before and after the fault."""
    with EQUAL.open(encoding="utf-8", newline="") as file:
        return {(row["module"], row["before"], row["after"]): row["reason"] for row in csv.DictReader(file)}


class Session:
    """Faults of one module, with the results of those that were tried."""

    def __init__(self, module: str, work: Path, sample: int, seed: int) -> None:
        self.module, self.path = module, ROOT / "sinonom_cli" / module
        self.source = self.path.read_text(encoding="utf-8")
        self.tests = [test for test in MODULES[module].split() if (ROOT / "tests" / test).exists()]
        every = faults_of(self.source)
        equal = {(before, after) for name, before, after in equal_ones() if name == module}
        random.Random(f"{seed} {module}").shuffle(every)
        self.chosen, self.count = [], len(every)
        for fault in every:
            if len(self.chosen) == sample:
                break
            if changed_line(self.source, made(self.source, fault)) not in equal:
                self.chosen.append(fault)
        digest = hashlib.sha256(self.source.encode()).hexdigest()[:12]
        self.journal = work / f"{module.replace('/', '-')}-{digest}.jsonl"
        self.outcomes: dict[str, bool] = {}
        if self.journal.exists():
            lines = self.journal.read_text(encoding="utf-8").splitlines()
            self.outcomes = {row["key"]: row["killed"] for row in map(json.loads, lines)}

    def next(self, again: bool) -> list[Fault]:
        """Return the faults that are still to be tried."""
        return [m for m in self.chosen if m.key not in self.outcomes or (again and not self.outcomes[m.key])]

    def try_one(self, fault: Fault, bench: Bench, seconds: float) -> None:
        place = bench.tree / "sinonom_cli" / self.module
        place.write_text(made(self.source, fault), encoding="utf-8")
        try:
            killed = not bench.passes(self.tests, seconds)
        finally:
            place.write_text(self.source, encoding="utf-8")
        self.outcomes[fault.key] = killed
        with self.journal.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": fault.key, "line": fault.line, "killed": killed}) + "\n")

    def tried(self) -> list[Fault]:
        return [fault for fault in self.chosen if fault.key in self.outcomes]

    def survivors(self) -> list[Fault]:
        return [fault for fault in self.tried() if not self.outcomes[fault.key]]


def run(sessions: list[Session], bench: Bench, minutes: float, again: bool) -> list[str]:
    """Try the remaining faults of all modules until the time is over; return modules whose tests fail unchanged."""
    end, broken = time.monotonic() + 60 * minutes, []
    for session in sessions:
        left = session.next(again)
        if not left:
            continue
        start = time.monotonic()
        if not bench.passes(session.tests, 600):
            print(f"{session.module}: its tests fail without any fault: {' '.join(session.tests)}", file=sys.stderr)
            broken.append(session.module)
            continue
        usual = time.monotonic() - start
        for number, fault in enumerate(left, 1):
            if time.monotonic() > end:
                return broken
            session.try_one(fault, bench, 3 * usual + 5)
            if sys.stderr.isatty():
                print(f"\r{session.module}: {number} of {len(left)}", end="", file=sys.stderr, flush=True)
    return broken


def report(sessions: list[Session], survivors: bool) -> bool:
    """Print the share of faults that the tests found; return whether it is large enough for every module."""
    print("| module | faults | tried | found |\n|---|---|---|---|")
    enough = True
    for session in sessions:
        tried, alive = session.tried(), session.survivors()
        share = 1 - len(alive) / len(tried) if tried else 0.0
        enough = enough and share >= LEAST
        print(f"| `{session.module}` | {session.count} | {len(tried)} | {100 * share:.0f} % |")
    for session in sessions if survivors else ():
        for fault in sorted(session.survivors(), key=lambda one: one.line):
            before, after = changed_line(session.source, made(session.source, fault))
            print(f"\n{session.module}:{fault.line} {fault.key}\n  - {before}\n  + {after}")
    return enough


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"of {', '.join(MODULES)}; all if none is named")
    parser.add_argument("--sample", type=int, default=60, help="faults of each module")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--survivors", action="store_true", help="print what no test found")
    parser.add_argument("--again", action="store_true", help="try what survived again")
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "mutants")
    arguments = parser.parse_args()
    chosen = arguments.modules or list(MODULES)
    if unknown := [module for module in chosen if module not in MODULES]:
        parser.error(f"{unknown[0]} is none of {', '.join(MODULES)}")
    arguments.work.mkdir(parents=True, exist_ok=True)
    if hasattr(os, "nice"):
        os.nice(19)
    sessions = [Session(module, arguments.work, arguments.sample, arguments.seed) for module in chosen]
    broken: list[str] = []
    if arguments.minutes > 0 and any(session.next(arguments.again) for session in sessions):
        for library in LIBRARIES:
            with contextlib.suppress(ImportError):
                importlib.import_module(library)
        with tempfile.TemporaryDirectory() as tree:
            broken = run(sessions, Bench(Path(tree)), arguments.minutes, arguments.again)
    sys.exit(0 if report(sessions, arguments.survivors) and not broken else 1)


if __name__ == "__main__":
    main()
