"""Write what a benchmark measured as JSON, from which `page.py` makes the tables of README.md.

A script adds `--result FILE` with `result_option`, and hands its table to `publish`, which prints it as Markdown and,
with the option, writes FILE. Besides the table, FILE has the claim, the command, and what is known about the machine:
processor, cores, system, versions, and how much other work it did (the load average before and after).
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import sinonom_cli
from sinonom_cli.parallel.work import cores
from sinonom_cli.storage.atomic import write_json

DATA = "SINONOM_BENCHMARKS"
"""Environment variable with the folder of the test data; paths in it are written without it."""
PACKAGES = ("numpy", "numba", "onnxruntime", "faiss-cpu", "torch")
SCHEMA = 1
Cell = str | int | float | None
_LOAD_BEFORE = os.getloadavg()[0] if hasattr(os, "getloadavg") else None


@dataclass(frozen=True)
class Column:
    """A column of a table: its title, and how its numbers are shown, as in `format(number, form)`."""

    title: str
    form: str = ""


@dataclass(frozen=True, kw_only=True)
class Result:
    """What one benchmark measured.

    Attributes
    ----------
    claim : one sentence that the table should show.
    columns, rows : the table; a row has a cell for each column, and None is an empty cell.
    peer : the other program or method of the same run, with its version; "" if there is none.
    notes : sentences on how to read the table.
    command : the command line, without the machine's folders.
    date : day of the run, as in 2026-01-31.
    machine : facts of the machine and the load average before and after, by name.
    """

    claim: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    peer: str = ""
    notes: str = ""
    command: str = ""
    date: str = ""
    machine: dict[str, Any]


def result_option(parser: argparse.ArgumentParser) -> None:
    """Add the option `--result FILE`, which `publish` reads."""
    parser.add_argument("--result", type=Path, metavar="FILE", help="write the table, the command and the machine here")


def publish(
    file: Path | None,
    claim: str,
    columns: Sequence[Column],
    rows: Sequence[Sequence[Cell]],
    peer: str = "",
    notes: str = "",
    shown: bool = True,
) -> None:
    """Print a table as Markdown if `shown`, and write it to a file if there is one; `Result` explains the rest.

    Raises
    ------
    ValueError
        If a row has not as many cells as there are columns.
    """
    result = Result(
        claim=claim, columns=columns, rows=rows, peer=peer, notes=notes, command=command_of(sys.argv),
        date=datetime.date.today().isoformat(), machine=machine(),
    )  # fmt: skip
    if shown:
        print(table_of(result))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_json(file, {"schema": SCHEMA, **asdict(result)})


def added(file: Path | None, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> list[Sequence[Cell]]:
    """Return the rows of a result file with these rows, which replace those with the same first cell.

    Raises
    ------
    ValueError
        If the file has other columns or another schema.
    """
    if file is None or not file.exists():
        return list(rows)
    old = read_result(file)
    if list(old.columns) != list(columns):
        raise ValueError(f"{file} has other columns")
    return list(({row[0]: row for row in old.rows} | {row[0]: row for row in rows}).values())


def read_result(file: Path) -> Result:
    """Read what `publish` wrote.

    Raises
    ------
    ValueError
        If the file has another schema.
    """
    read = json.loads(file.read_text(encoding="utf-8"))
    if read.pop("schema") != SCHEMA:
        raise ValueError(f"{file} has another schema than {SCHEMA}")
    columns = tuple(Column(**column) for column in read.pop("columns"))
    return Result(columns=columns, **read)


def table_of(result: Result) -> str:
    """Return the table as Markdown."""
    lines = [[column.title for column in result.columns], ["---"] * len(result.columns)]
    for row in result.rows:
        lines.append([_shown(cell, column) for cell, column in zip(row, result.columns, strict=True)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _shown(cell: Cell, column: Column) -> str:
    if cell is None:
        return ""
    return cell if isinstance(cell, str) else format(cell, column.form)


def machine() -> dict[str, Any]:
    """Return facts of this machine that a reader needs to judge a figure; none of them names the machine."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": cores(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "sinonom": sinonom_cli.__version__,
        "packages": versions,
        "load before": None if _LOAD_BEFORE is None else round(_LOAD_BEFORE, 1),
        "load after": round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None,
    }


def _processor() -> str:
    """Return the model of the processor."""
    listed = Path("/proc/cpuinfo")
    if listed.exists():
        for line in listed.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def command_of(words: Sequence[str]) -> str:
    """Return a command line as a reader would type it: from the repository's root, paths relative to the test data."""
    shown, skip = [], False
    for word in words[1:]:
        if skip or word == "--result":
            skip = not skip
        elif not word.startswith("--result="):
            shown.append(_without_folder(word))
    return " ".join(["python", f"benchmarks/{Path(words[0]).name}", *shown])


def _without_folder(word: str) -> str:
    """Return an argument without the folder of the test data, or, if it is another absolute path, its last part."""
    if not Path(word).is_absolute():
        return word
    data = os.environ.get(DATA)
    if data and Path(word).is_relative_to(Path(data)):
        return Path(word).relative_to(Path(data)).as_posix()
    return Path(word).name
