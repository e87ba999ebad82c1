"""Remove rows from an index without embedding or training the other rows again."""

from __future__ import annotations

import fnmatch
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.index_files import ROWS, STARTS, partial_path, publish
from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.indexing.append import rewritten
from sinonom_cli.search.indexing.assemble import clear, write_marks
from sinonom_cli.search.indexing.changing import arrays_of, changed, opened, warn_of_recall
from sinonom_cli.search.integrity import read_marks, read_rows
from sinonom_cli.search.rows import Row, Rows, write_rows
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.storage.lock import locked
from sinonom_cli.storage.record import Artifact

if TYPE_CHECKING:
    from numpy.typing import NDArray


def remove(path: Path, names: Sequence[str]) -> Artifact:
    """Remove rows by item, SET/ITEM or source, by number (`#17`), or by a pattern with `*`, `?`, `[`.

    Raises
    ------
    SinonomError
        With exit code 4, if a name is not in the index or no rows would be left, and then nothing is changed; 5, if
        another process writes the index.
    """
    with locked(path, "index"):
        return _removed(path, names)


def _removed(path: Path, names: Sequence[str]) -> Artifact:
    artifact = opened(path)
    record, folder = index_record(artifact.record), partial_path(path)
    rows = read_rows(path, record, whole=True)
    gone = _named(path, rows, names)
    keep = np.flatnonzero(~gone)
    if len(keep) == 0:
        raise SinonomError(f"nothing would be left of {path}", "delete its files instead")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        made, _, _, fields = rewritten(path, record, (), ~gone)
        made |= {ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
        write_rows(made[ROWS], made[STARTS], (), (rows.line(number) for number in keep.tolist()))
        marks = read_marks(path, record, whole=True)
        made |= write_marks(folder, None if marks is None else marks[keep])
        counts = {**record.counts, "rows": len(keep), "items": len(keep) + record.failed}
        del rows, marks  # Windows cannot replace a file that is mapped
        publish(artifact, made, **fields, **changed(record, record.options, arrays_of(artifact)), counts=counts)
        clear(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    messages.say(f"{int(gone.sum())} removed, {len(keep)} left")
    warn_of_recall(path, record, fields)
    return artifact


def _named(path: Path, rows: Rows, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which rows are named, (N,) bool; the name of an item or source is never read as a number or pattern."""
    asked = dict.fromkeys(names)
    found = _numbers(rows, asked, "")
    left = [name for name in asked if name not in found and not name.isascii()]
    if left:  # macOS and keyboards spell letters with diacritics in different ways
        found |= _numbers(rows, left, "NFC")
    gone = np.zeros(len(rows), bool)
    for name, numbers in found.items():
        _refuse_two_things(name, [rows[number] for number in numbers])
        gone[numbers] = True
    patterns = []
    for name in asked.keys() - found.keys():
        if name.startswith("#") and name[1:].isdecimal():
            if int(name[1:]) >= len(rows):
                raise SinonomError(f"{path} has no row {name}: it has {len(rows)}", "rows are counted from #0")
            gone[int(name[1:])] = True
        else:
            patterns.append(name)
    hit = dict.fromkeys(patterns, False)
    if any(sign in pattern for pattern in patterns for sign in "*?["):
        for number, row in enumerate(rows):
            for pattern in patterns:
                if fnmatch.fnmatchcase(row.item, pattern) or fnmatch.fnmatchcase(f"{row.set}/{row.item}", pattern):
                    gone[number] = hit[pattern] = True
    missing = sorted(name for name in patterns if not hit[name])
    if missing:
        raise SinonomError(
            f"{len(missing)} names are not in {path}; the first is {missing[0]}",
            f"give items as in {path.name}.rows.csv, or #NUMBER",
        )
    return gone


def _numbers(rows: Rows, names: Iterable[str], form: Literal["", "NFC"]) -> dict[str, list[int]]:
    """Return the numbers of the rows that have each name, as item, source or SET/ITEM, in a normal form of Unicode."""

    def spelt(name: str) -> str:
        return unicodedata.normalize(form, name) if form else name

    asked: dict[str, list[str]] = {}
    for name in names:
        asked.setdefault(spelt(name), []).append(name)
    found: dict[str, list[int]] = {}
    for number, row in enumerate(rows):
        for known in {spelt(row.item), spelt(row.source), spelt(f"{row.set}/{row.item}")} & asked.keys():
            for name in asked[known]:
                found.setdefault(name, []).append(number)
    return found


def _refuse_two_things(name: str, rows: Sequence[Row]) -> None:
    """Raise SinonomError if items of several sets have the same name and were not made from one source."""
    same = unicodedata.normalize("NFC", name)
    several = {
        (row.set, row.item) if row.source == row.item else (row.source,)
        for row in rows
        if unicodedata.normalize("NFC", row.item) == same
    }
    if len(several) > 1:
        raise SinonomError(
            f"{name} names {len(rows)} items, one in {rows[0].set} and one in {rows[-1].set}",
            f"--remove {rows[0].set}/{name}, or #NUMBER",
        )


def listed(names: Sequence[str], lines: Iterable[str]) -> Iterator[str]:
    """Replace each `-` among the names by the given lines."""
    for name in names:
        if name == "-":
            yield from (line.rstrip("\r\n") for line in lines if line.strip())
        else:
            yield name
