"""Kill every command at random moments, fill its disk and run it again: the bytes are the same, and user files remain.

A kill is SIGKILL to the command and all its processes, at a random moment between its first file and its end. In three
of ten cases the second run is killed too. A full disk is a small file system in memory that holds the output; its size
is random. On it, the command must end with exit code 5 and one line, and continue when there is space. Files of the
user lie beside the output and, as soon as it exists, inside it. At the end the output must have the bytes of an
unbroken run. `serve` is killed while people correct (`faults_serve.py`): no correction that it confirmed may be lost.

train-localizer is not covered, because it takes minutes. The script runs on Linux and macOS; full disks need `unshare`
of Linux.

Run: `python benchmarks/faults.py [--only render,index] [--kills 200] [--full 50] [--seed 0]`.
"""

import argparse
import contextlib
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from faults_files import USERS, USERS_INSIDE, Content, content, lost, names_in, put
from faults_serve import Serving
from faults_stages import ROOT, STAGES, Stage, make_index_inputs
from faults_zygote import Zygote
from results import Column, publish, result_option

SERVE = "serve"
Line = tuple[str, int, int, int, int]


class Broken:
    """Stage with its inputs and the output of an unbroken run.

    Parameters
    ----------
    work : folder that only this stage uses.
    """

    def __init__(self, name: str, stage: Stage, inputs: Path, work: Path, zygote: Zygote) -> None:
        self.name, self.stage, self.inputs, self.work, self.zygote = name, stage, inputs, work, zygote
        self.typed = stage.make(inputs)
        self.wrong: Counter[str] = Counter()
        self.kills = self.disks = 0
        self.log = work.with_name(f"{work.name}.log")
        self.before: Content = {}
        self.reset()
        if stage.base:
            assert self.run(stage.base(inputs)) == 0, self.said()
        stage.change(inputs)
        self.before = content(work)
        self.seconds = 1e9
        for _ in range(2):  # the first run also compiles code
            self.reset()
            assert self.timed(self.typed) == 0, self.said()
        self.whole = self.made()
        assert not lost(work, USERS)

    def reset(self) -> None:
        """Empty the folder of the output, except for the user's files and the files that the stage begins with."""
        shutil.rmtree(self.work, ignore_errors=True)
        put(self.work, {**self.before, **USERS})

    def command(self, typed: list[str], work: Path | None = None) -> list[str]:
        out = (work or self.work) / self.stage.out
        return [word.replace("{out}", str(out)) for word in typed] + ["-q"]

    def run(self, typed: list[str]) -> int:
        self.zygote.start(self.command(typed), self.log)
        return self.zygote.wait()

    def timed(self, typed: list[str]) -> int:
        """Run a command, and keep the time from its first file to its end if it is the shortest so far."""
        began = self.first_file(self.zygote.start(self.command(typed), self.log))
        code = self.zygote.wait()
        self.seconds = min(self.seconds, time.monotonic() - began)
        return code

    def first_file(self, child: int) -> float:
        """Wait until a command changes the folder of the output or ends; return the time of that moment."""
        first = names_in(self.work)
        with contextlib.suppress(ProcessLookupError):
            while names_in(self.work) == first:
                os.kill(child, 0)
                time.sleep(0.001)
        return time.monotonic()

    def told(self) -> str:
        """Return what the table says of the stage."""
        return f"one run {self.seconds:5.2f} s"

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")[-2000:]

    def made(self, work: Path | None = None) -> Content:
        """Return the files of the output that are compared, without the user's files."""
        folder = work or self.work
        inside = {f"{self.stage.out}/{name}" for name in USERS_INSIDE}
        return {
            name: text
            for name, text in content(folder).items()
            if name not in USERS and name not in inside and self.stage.same(name.removeprefix(f"{self.stage.out}/"))
        }

    def killed(self, rng: random.Random) -> None:
        """Kill one run or two, and check that the next run ends like an unbroken one."""
        self.reset()
        inside: Content = {}
        wanted = 1 + (rng.random() < 0.3)
        while wanted:
            workers = rng.choice((["--workers", "0"], ["--workers", "2"])) if self.stage.base is None else []
            child = self.zygote.start(self.command([*self.typed, *workers]), self.log)
            began = self.first_file(child)
            time.sleep(rng.uniform(0, self.seconds))
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child, signal.SIGKILL)
            if self.zygote.wait() != -signal.SIGKILL:  # the command ended before the kill
                self.seconds = min(self.seconds, time.monotonic() - began)
                self.reset()
                inside = {}
                continue
            wanted -= 1
            self.kills += 1
            if (self.work / self.stage.out / "artifact.json").exists():
                inside = USERS_INSIDE
                put(self.work / self.stage.out, inside)
        code = self.run([*self.typed, *rng.choice(([], ["--workers", "0"]))])
        self.judge(code, self.work, inside)

    def judge(self, code: int, work: Path, inside: Content) -> None:
        """Record everything that is wrong after the last run of a command."""
        if code not in self.stage.done:
            self.wrong[f"exit code {code}: {self.said()[-300:]}"] += 1
        made = self.made(work)
        for name in sorted(made.keys() | self.whole.keys()):
            if made.get(name) != self.whole.get(name):
                state = "missing" if name not in made else "left over" if name not in self.whole else "other bytes"
                self.wrong[f"{state}: {name}"] += 1
        for name in lost(work, USERS) + lost(work / self.stage.out, inside):
            self.wrong[f"the user's {name} is gone or changed"] += 1

    def full(self, rng: random.Random) -> None:
        """Run on a disk that is too small, then on one with enough space."""
        pages = sum(-(-len(text) // 4096) + 1 for text in {**self.whole, **USERS, **self.before}.values())
        least = sum(-(-len(text) // 4096) + 1 for text in {**USERS, **self.before}.values()) + 4
        size = rng.randrange(least, max(pages, least + 1)) * 4096
        self.reset()
        disk, kept = self.work.with_name("disk"), self.work.with_name("kept")
        shutil.rmtree(kept, ignore_errors=True)
        disk.mkdir(exist_ok=True)
        python = f"SINONOM_CACHE={shlex.quote(str(disk / 'cache'))} {shlex.quote(sys.executable)} -m sinonom_cli"
        line = f"{python} {shlex.join(self.command(self.typed, disk))} >/dev/null"
        script = f"""
            mount -t tmpfs -o size={size} tmpfs {shlex.quote(str(disk))} || exit 99
            cp -a {shlex.quote(str(self.work))}/. {shlex.quote(str(disk))} || exit 98
            {line} 2>{shlex.quote(str(self.log))}; echo $?
            mount -o remount,size=2g {shlex.quote(str(disk))} || exit 97
            {line} 2>/dev/null; echo $?
            rm -rf {shlex.quote(str(disk / "cache"))}
            cp -a {shlex.quote(str(disk))} {shlex.quote(str(kept))}
        """
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        ran = subprocess.run(
            [*unshare, "sh", "-c", script], env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if ran.returncode:
            self.wrong[f"(no small disk: {ran.returncode})"] += 1
            return
        self.disks += 1
        first, second = map(int, ran.stdout.split())
        said = self.said()
        if first == 0:
            self.wrong["(it fitted)"] += 1
        elif first != 5 or "Traceback" in said or said.count("error:") != 1:
            self.wrong[f"on a full disk of {size:,} bytes exit code {first}: {said[-300:]}"] += 1
        self.judge(second, kept, {})


def broken(name: str, number: int, folder: Path, forks: Zygote) -> Broken | Serving:
    """Return a stage that is ready to be killed."""
    if name == SERVE:
        return Serving(folder / "work" / "serve", forks)
    inputs = folder / "in"
    (inputs / f"{number}").mkdir()
    own = inputs if name.startswith("index") or name == "query" else inputs / f"{number}"
    return Broken(name, STAGES[name], own, folder / "work" / "output", forks)


def broke(name: str, stage: Broken | Serving, kills: int, disks: int, seed: int) -> Line:
    """Kill a stage and fill its disk; print what was wrong, and return the figures, the kinds of faults last."""
    rng, started = random.Random(f"{name} {seed}"), time.monotonic()
    given = content(stage.inputs)
    for _ in range(kills):
        stage.killed(rng)
    if isinstance(stage, Broken):
        for _ in range(disks):
            stage.full(rng)
    for changed in lost(stage.inputs, given):
        stage.wrong[f"the input {changed} is gone or changed"] += 1
    wrong = sum(not what.startswith("(") for what in stage.wrong)
    taken = (time.monotonic() - started) / 60
    print(
        f"{name:15} {stage.kills:4} kills {stage.disks:3} full disks {taken:5.1f} min  {stage.told()}"
        f"  kinds of faults {wrong}",
        flush=True,
    )
    for what, count in stage.wrong.most_common():
        print(f"    {count:4} x {what}", flush=True)
    too_small = stage.disks - stage.wrong["(it fitted)"] if isinstance(stage, Broken) else 0
    return name, stage.kills, stage.disks, too_small, wrong


def main() -> None:
    """Break the stages, and print what was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="STAGE,...", help=f"some of {', '.join([*STAGES, SERVE])}")
    parser.add_argument("--kills", type=int, default=200, help="of all stages together [200]")
    parser.add_argument("--full", type=int, default=50, help="full disks of all stages but serve together [50]")
    parser.add_argument("--seed", type=int, default=0)
    result_option(parser)
    options = parser.parse_args()
    names = options.only.split(",") if options.only else [*STAGES, SERVE]
    filled = [name for name in names if name != SERVE]
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        os.environ["SINONOM_CACHE"] = str(Path(folder) / "cache")
        os.environ["TMPDIR"] = folder  # for what killed servers leave
        inputs, forks = Path(folder) / "in", Zygote()
        inputs.mkdir()
        make_index_inputs(inputs)
        base = ["index", str(inputs / "set"), str(inputs / "base" / "db.faiss"), "--model", str(inputs / "model"), "-q"]
        forks.start(base, Path(folder) / "base.log")
        assert forks.wait() == 0
        for number, name in enumerate(names):
            kills = len(range(number, options.kills, len(names)))
            disks = len(range(filled.index(name), options.full, len(filled))) if name in filled else 0
            stage = broken(name, number, Path(folder), forks)
            lines.append(broke(name, stage, kills, disks, options.seed))
    total = [sum(line[number] for line in lines) for number in range(1, 5)]  # type: ignore[misc]
    publish(
        options.result,
        "A killed command and one without disk space lose nothing, and the next run makes the same bytes.",
        [
            Column("command"), Column("kills"), Column("full disks"), Column("of them too small"),
            Column("kinds of faults"),
        ],
        [*lines, ("all", *total)],
        notes="`serve` is killed while people correct: no confirmed correction may be lost. The other full disks had "
        "just enough space.",
    )  # fmt: skip
    sys.exit(bool(total[-1]))


if __name__ == "__main__":
    main()
