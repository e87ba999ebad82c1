"""Write the tables of benchmarks/README.md between its two markers, from the JSON files in benchmarks/results/.

Each file is one table, with its claim, peer, command, day and machine; `run_all.py` makes the files. No figure between
the markers is typed. Usage: python benchmarks/page.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Result, read_result, table_of  # noqa: E402
from run_all import JOBS  # noqa: E402

from sinonom_cli.storage.atomic import write_text  # noqa: E402

HERE = Path(__file__).parent
PAGE, RESULTS = HERE / "README.md", HERE / "results"
BEGIN = "<!-- Tables that benchmarks/page.py makes from benchmarks/results/*.json begin here; do not edit them. -->"
END = "<!-- Tables that benchmarks/page.py makes end here. -->"


def section(name: str, result: Result) -> str:
    """Return one table with everything that is known about it, as Markdown."""
    facts = result.machine
    versions = ", ".join(f"{package} {version}" for package, version in facts["packages"].items())
    loads = [facts["load before"], facts["load after"]]
    load = "" if None in loads else f", load average {loads[0]} before and {loads[1]} after"
    parts = [
        f"### {name}",
        result.claim,
        table_of(result),
        *([result.notes] if result.notes else []),
        f"`{result.command}`  \n"
        + (f"In the same run: {result.peer}.  \n" if result.peer else "")
        + f"{result.date}, sinonom {facts['sinonom']}, {facts['processor']}, {facts['cores']} cores{load}; "
        f"{facts['system']}, Python {facts['python']}, {versions}.",
    ]
    return "\n\n".join(parts)


def made(folder: Path = RESULTS) -> str:
    """Return everything between the markers, in the order of `run_all.py`."""
    files = {path.stem: path for path in folder.glob("*.json")}
    order = [*(job.name for job in JOBS if job.name in files), *sorted(set(files) - {job.name for job in JOBS})]
    return "\n\n".join(section(name, read_result(files[name])) for name in order)


def page(text: str, folder: Path = RESULTS) -> str:
    """Return the text of README.md with the tables made again.

    Raises
    ------
    ValueError
        If a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} has not both markers of page.py")
    return f"{before}{BEGIN}\n\n{made(folder)}\n\n{END}{after}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 if the page is not up to date")
    check = parser.parse_args().check
    old = PAGE.read_text(encoding="utf-8")
    new = page(old)
    if check and new != old:
        sys.exit("benchmarks/README.md differs from the results; run: python benchmarks/page.py")
    if new != old:
        write_text(PAGE, new)


if __name__ == "__main__":
    main()
