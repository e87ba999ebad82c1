"""Record the finished items of a batch on disk, line by line, so that a killed run loses almost nothing.

While a batch runs, `journal.jsonl` holds a line for each finished item, in the order in which they finished. When the
batch ends, `metadata.csv`, `failures.csv` and `items.csv` are written in the order of the items, and the journal is
deleted.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from sinonom_cli.storage.atomic import replacing
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.own_tables import TableRow, rows_of, write_table, writing_table

Known = tuple[int, str]
"""Size of an input in bytes and its fingerprint, see `fingerprints.mark_of`."""


class Entry(NamedTuple):
    """A line of the journal about a finished item: its key, the size and fingerprint of its input, and its rows."""

    key: str
    size: int
    mark: str
    rows: list[TableRow]

    def line(self) -> bytes:
        """Return the entry as a line; ASCII JSON keeps the bytes of file names that are not UTF-8, as surrogates."""
        entry = {"item": self.key, "bytes": self.size, "fingerprint": self.mark, "rows": self.rows}
        return json.dumps(entry).encode("ascii") + b"\n"


class Begun(NamedTuple):
    """A line of the journal about files that are about to be written."""

    files: list[str]

    def line(self) -> bytes:
        """Return the files as a line."""
        return json.dumps({"begun": self.files}).encode("ascii") + b"\n"


def _parsed(line: bytes) -> Entry | Begun | None:
    """Read a line of a journal; None: it was being written when the run was killed."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    if found is None:
        return None
    if "begun" in found:
        return Begun(found["begun"])
    return Entry(found["item"], found["bytes"], found.get("fingerprint", ""), found["rows"])


class Journal:
    """Record of the finished items of a folder artifact.

    Attributes
    ----------
    done : size in bytes and fingerprint, by item key, of the input of every item that succeeded; "" as fingerprint if
        the table is of an earlier version without fingerprints.
    failures : reason of each failure in this run, by item key.
    begun : files that begun and unfinished items may have written, relative to the folder; None: an earlier version did
        not record them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal.jsonl"
        self.done: dict[str, Known] = {}
        self.failures: dict[str, str] = {}
        self.begun: set[str] | None = set()
        self._at: dict[str, int] = {}
        if self.path.exists():
            self._read()
        elif (folder / "items.csv").exists():
            self._rebuild()
        self._file = self.path.open("ab")

    def begin(self, names: Sequence[str]) -> None:
        """Record the files that are about to be written, so that they are recognised as ours after a kill."""
        self._file.write(Begun(list(names)).line())
        self._file.flush()

    def add(self, item: Item, rows: Sequence[TableRow] | None, failure: str = "", mark: str = "") -> None:
        """Record that `item`, with this mark, is done with these metadata rows, or (rows None) that it failed."""
        if rows is None:
            self.failures[item.key] = failure
            return
        self._at[item.key] = self._file.tell()
        self.done[item.key] = item.size, mark
        self._file.write(Entry(item.key, item.size, mark, list(rows)).line())

    def forget(self, keys: Iterable[str], besides: Iterable[str] = ()) -> list[str]:
        """Take done items as not done, so that they are made again; return the files that they consist of.

        The files count as begun. The lines of the items stay until new ones follow.

        Parameters
        ----------
        keys : of the items.
        besides : their files that have no row in the table.
        """
        files: list[str] = [*besides]
        for entry in self._entries(iter(keys)):
            del self.done[entry.key]
            files += [row["file_name"] for row in entry.rows if row.get("file_name")]
        if self.begun is not None:
            self.begun.update(files)
        return files

    def flush(self) -> None:
        """Pass the added lines to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; its content remains for the next run."""
        self._file.close()

    def write_tables(
        self, items: Sequence[Item], columns: Sequence[str], doubtful: Sequence[str] = ()
    ) -> dict[str, int]:
        """Write the tables in the order of the items; return the counts.

        `metadata.csv` has the columns `columns`. Rows without a `file_name` describe doubtful results that were not
        kept. They go to `doubtful.csv`, whose columns are `doubtful`. `items.csv` gives the number of both for each
        item.
        """
        self.flush()
        kept = aside = 0
        with ExitStack() as files:
            metadata = files.enter_context(writing_table(self.folder / "metadata.csv", columns))
            names = ("item", "bytes", "images", *(("doubtful",) if doubtful else ()), "fingerprint")
            done = files.enter_context(writing_table(self.folder / "items.csv", names))
            doubted = self.folder / "doubtful.csv"
            left_out = files.enter_context(writing_table(doubted, doubtful)) if doubtful else None
            for entry in self._entries(item.key for item in items if item.key in self.done):
                pictures = [row for row in entry.rows if row.get("file_name")]
                others = [row for row in entry.rows if not row.get("file_name")]
                for row in pictures:
                    metadata.add(row)
                counts = {"images": len(pictures), "doubtful": len(others), "fingerprint": self.done[entry.key][1]}
                cells = {"item": entry.key, "bytes": entry.size, **counts}
                done.add({name: cells[name] for name in names})
                kept, aside = kept + len(pictures), aside + len(others)
                if left_out:
                    for row in others:
                        left_out.add(row)
        self.write_failures(items)
        counted = {"items": len(items), "images": kept, "failed": len(self.failures)}
        return {**counted, "doubtful": aside} if doubtful else counted

    def write_failures(self, items: Sequence[Item]) -> None:
        """Write `failures.csv` (file, reason), or delete an old one if nothing failed."""
        failed = ((item.key, self.failures[item.key]) for item in items if item.key in self.failures)
        write_failures(self.folder / "failures.csv", dict(failed))

    def delete(self) -> None:
        """Delete the journal, because the tables now hold everything."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _entries(self, keys: Iterator[str]) -> Iterator[Entry]:
        with self.path.open("rb") as file:
            for key in keys:
                file.seek(self._at[key])
                entry = _parsed(file.readline())
                assert isinstance(entry, Entry), f"{self.path} was changed while it was read"
                yield entry

    def _read(self) -> None:
        begun: set[str] = set()
        noted = False
        with self.path.open("r+b") as file:
            end = 0
            for line in file:
                entry = _parsed(line)
                if entry is None:
                    break
                if isinstance(entry, Begun):
                    noted = True
                    begun.update(entry.files)
                else:
                    self._at[entry.key] = end
                    self.done[entry.key] = entry.size, entry.mark
                    begun.difference_update(row.get("file_name", "") for row in entry.rows)
                end += len(line)
            file.truncate(end)
        self.begun = begun if noted or not self.done else None

    def _rebuild(self) -> None:
        """Rebuild the journal from the tables of a complete artifact that is to be extended."""
        pictures, others = rows_of(self.folder / "metadata.csv"), rows_of(self.folder / "doubtful.csv")
        with replacing(self.path) as temporary, temporary.open("wb") as journal:
            for entry in rows_of(self.folder / "items.csv"):
                self._at[entry["item"]] = journal.tell()
                size, mark = self.done[entry["item"]] = int(entry["bytes"]), entry.get("fingerprint") or ""
                own = [next(pictures) for _ in range(int(entry["images"]))]
                own += [next(others) for _ in range(int(entry.get("doubtful") or 0))]
                journal.write(Entry(entry["item"], size, mark, own).line())


def finished(folder: Path) -> dict[str, Known]:
    """Return size and fingerprint, by key and in order, of the items from which a complete artifact was made."""
    rows = rows_of(folder / "items.csv")
    return {row["item"]: (int(row["bytes"]), row.get("fingerprint") or "") for row in rows}


def write_items(folder: Path, items: Sequence[Item], marks: Sequence[str]) -> None:
    """Write the inputs of an artifact that has no rows of its own as a table: item, bytes, fingerprint."""
    rows = ((item.key, str(item.size), mark) for item, mark in zip(items, marks, strict=True))
    write_table(folder / "items.csv", ("item", "bytes", "fingerprint"), rows)


def write_failures(path: Path, failures: Mapping[str, str]) -> None:
    """Write a table of failures, given as reason by file; delete an old one if there are none."""
    if not failures:
        path.unlink(missing_ok=True)
        return
    write_table(path, ("file", "reason"), failures.items())
