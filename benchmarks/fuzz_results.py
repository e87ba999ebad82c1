"""Add up what several runs of `fuzz.py` have done with each reader, because ten minutes for each take four hours.

`fuzz.py --result FILE` adds its run to FILE. What a run without that option printed is added by

    python benchmarks/fuzz_results.py LOG... --seed 28 --result benchmarks/results/fuzz.json

where the seed is the one of the run. A seed is counted once for each reader: a later run takes a greater one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Column, publish, read_result  # noqa: E402

WANTED = 10.0
"""Minutes of a processor that each reader should have."""
LINE = re.compile(
    r"(?P<name>\S+(?: \S+)*) +[\d.]+ min, +(?P<minutes>[\d.]+) of a processor: +(?P<cases>[\d,]+) cases.*"
    r" findings (?P<findings>\d+)"
)


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What was done with one reader.

    Attributes
    ----------
    minutes : time of a processor.
    cases : number of damaged inputs that were tried.
    findings : kinds of findings, which is how many causes they seem to have.
    seeds : the seeds that were used, as text; "up to 27" stands for runs that did not keep theirs.
    """

    minutes: float
    cases: int
    findings: int
    seeds: str

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            minutes=self.minutes + other.minutes,
            cases=self.cases + other.cases,
            findings=self.findings + other.findings,
            seeds=f"{self.seeds}, {other.seeds}",
        )

    @property
    def last_seed(self) -> int:
        """The greatest seed that was used."""
        return max(map(int, re.findall(r"\d+", self.seeds)))


Tallies = Mapping[str, Tally]


def unused(seed: int, earlier: Tally | None) -> int:
    """Return `seed`, or the next one that is greater than all that were used for the reader."""
    return seed if earlier is None else max(seed, earlier.last_seed + 1)


def read_tallies(file: Path) -> dict[str, Tally]:
    """Return what a result counts, by the name of the reader; nothing if there is no such file."""
    if not file.exists():
        return {}
    return {
        str(name): Tally(minutes=float(minutes), cases=int(cases), findings=int(findings), seeds=str(seeds))  # type: ignore[arg-type]
        for name, minutes, cases, findings, seeds in read_result(file).rows
    }


def printed(text: str, seed: int) -> dict[str, Tally]:
    """Return what a run printed, by the name of the reader."""
    return {
        found["name"]: Tally(
            minutes=float(found["minutes"]),
            cases=int(found["cases"].replace(",", "")),
            findings=int(found["findings"]),
            seeds=str(seed),
        )
        for line in text.splitlines()
        if (found := LINE.match(line))
    }


def added(earlier: Tallies, run: Tallies) -> dict[str, Tally]:
    """Return both together.

    Raises
    ------
    ValueError
        If a seed of the run is not greater than all that were used for its reader, because its cases may have been
        counted.
    """
    both = dict(earlier)
    for name, tally in run.items():
        if name in both and both[name].last_seed >= tally.last_seed:
            raise ValueError(f"{name}: seed {tally.seeds} is not greater than the used ones, {both[name].seeds}")
        both[name] = both[name] + tally if name in both else tally
    return both


def publish_tallies(file: Path | None, tallies: Tallies, shown: bool = True) -> None:
    """Write the table to a file if there is one, and print it if it should be shown."""
    publish(
        file,
        "No damaged file may end a command in a traceback, a warning, exit code 1, 2 GB of memory or half a minute; "
        f"the aim are {WANTED:.0f} minutes of a processor for each reader.",
        [
            Column("reader"), Column("minutes of a processor", ".1f"), Column("cases", ","),
            Column("kinds of findings"), Column("seeds"),
        ],
        [(name, one.minutes, one.cases, one.findings, one.seeds) for name, one in tallies.items()],
        notes="The minutes are added up over several runs, of which the command is the last one, and over the versions "
        "of the program that these runs had. Findings were repaired, and their cases tried again.",
        shown=shown,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG", help="what runs of fuzz.py have printed")
    parser.add_argument("--seed", type=int, required=True, help="of these runs")
    parser.add_argument("--result", type=Path, required=True, metavar="FILE", help="add the runs to this result")
    given = parser.parse_args()
    tallies = read_tallies(given.result)
    for log in given.logs:
        if not (run := printed(log.read_text(encoding="utf-8"), given.seed)):
            parser.error(f"{log} has no line of fuzz.py's with a reader's minutes")
        try:
            tallies = added(tallies, run)
        except ValueError as error:
            parser.error(str(error))
    publish_tallies(given.result, tallies)


if __name__ == "__main__":
    main()
