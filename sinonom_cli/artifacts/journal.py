"""What a batch has finished so far, kept on disk line by line, so that a killed run loses next to nothing.

While a batch runs, `journal.jsonl` holds a line for each finished item, in the order in which they finished. When
it ends, `metadata.csv`, `failures.csv` and `items.csv` are written in the order of the items and the journal goes.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sinonom_cli.artifacts.files import replacing
from sinonom_cli.artifacts.inputs import Item

Row = dict[str, str]


class Journal:
    """The finished items of a folder artifact.

    Attributes
    ----------
    done : bytes of the input at the time, by item key, of every item that succeeded.
    failures : reason by item key, of this run.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "journal.jsonl"
        self.done: dict[str, int] = {}
        self.failures: dict[str, str] = {}
        self._at: dict[str, int] = {}
        if self.path.exists():
            self._read()
        elif (folder / "items.csv").exists():
            self._rebuild()
        self._file = self.path.open("ab")

    def add(self, item: Item, rows: Sequence[Row] | None, failure: str = "") -> None:
        """Note that `item` is done with these metadata rows, or (rows None) that it failed."""
        if rows is None:
            self.failures[item.key] = failure
            return
        self._at[item.key] = self._file.tell()
        self.done[item.key] = item.size
        self._file.write(_line(item.key, item.size, rows))

    def flush(self) -> None:
        """Hand what was added to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Close the file; what is in it stays for the next run."""
        self._file.close()

    def write_tables(self, items: Sequence[Item], columns: Sequence[str]) -> dict[str, int]:
        """Write `metadata.csv`, `items.csv` and `failures.csv` in the order of the items; return the counts."""
        self.flush()
        images = 0
        with (
            replacing(self.folder / "metadata.csv") as metadata_path,
            replacing(self.folder / "items.csv") as items_path,
            metadata_path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as metadata,
            items_path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as table,
        ):
            writer = csv.DictWriter(metadata, list(columns), lineterminator="\n")
            writer.writeheader()
            done = csv.writer(table, lineterminator="\n")
            done.writerow(("item", "bytes", "images"))
            for entry in self._entries(item.key for item in items if item.key in self.done):
                writer.writerows(entry["rows"])
                done.writerow((entry["item"], entry["bytes"], len(entry["rows"])))
                images += len(entry["rows"])
        self.write_failures(items)
        return {"items": len(items), "images": images, "failed": len(self.failures)}

    def write_failures(self, items: Sequence[Item]) -> None:
        """Write `failures.csv` (file, reason), or take away an old one when nothing failed."""
        failed = ((item.key, self.failures[item.key]) for item in items if item.key in self.failures)
        write_failures(self.folder / "failures.csv", dict(failed))

    def delete(self) -> None:
        """Remove the journal: the tables hold everything now."""
        self.close()
        self.path.unlink(missing_ok=True)

    def _entries(self, keys: Iterator[str]) -> Iterator[dict[str, Any]]:
        with self.path.open("rb") as file:
            for key in keys:
                file.seek(self._at[key])
                yield json.loads(file.readline())

    def _read(self) -> None:
        with self.path.open("r+b") as file:
            end = 0
            for line in file:
                try:
                    entry = json.loads(line) if line.endswith(b"\n") else None
                except ValueError:
                    entry = None
                if entry is None:  # the line that was being written when the run was killed
                    break
                self._at[entry["item"]] = end
                self.done[entry["item"]] = entry["bytes"]
                end += len(line)
            file.truncate(end)

    def _rebuild(self) -> None:
        """Make the journal again from the tables of a complete artifact that is to be extended."""
        with (
            (self.folder / "items.csv").open(encoding="utf-8", newline="", errors="surrogateescape") as items,
            (self.folder / "metadata.csv").open(encoding="utf-8", newline="", errors="surrogateescape") as metadata,
            replacing(self.path) as temporary,
            temporary.open("wb") as journal,
        ):
            rows = csv.DictReader(metadata)
            for entry in csv.DictReader(items):
                self._at[entry["item"]] = journal.tell()
                self.done[entry["item"]] = int(entry["bytes"])
                own = [next(rows) for _ in range(int(entry["images"]))]
                journal.write(_line(entry["item"], int(entry["bytes"]), own))


def _line(key: str, size: int, rows: Sequence[Row]) -> bytes:
    # ASCII JSON: file names that are not valid UTF-8 reach us as surrogates, and must survive.
    return json.dumps({"item": key, "bytes": size, "rows": list(rows)}).encode("ascii") + b"\n"


def write_failures(path: Path, failures: Mapping[str, str]) -> None:
    """Write a table of failures, reason by file; none: take away an old one."""
    if not failures:
        path.unlink(missing_ok=True)
        return
    with (
        replacing(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("file", "reason"))
        writer.writerows(failures.items())


def read_table(path: Path) -> tuple[list[str], list[Row]]:
    """Read a CSV table of ours: its columns and its rows.

    A byte order mark, as Excel writes one, is skipped.
    """
    text = path.read_text(encoding="utf-8-sig", errors="surrogateescape")
    reader = csv.DictReader(io.StringIO(text, newline=""))
    rows = list(reader)
    return list(reader.fieldnames or ()), rows
