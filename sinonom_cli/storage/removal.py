"""Remove the files of an output for `--overwrite`: those that its record, tables and journal name, one by one.

A folder is removed only if it is then empty. Files behind a symbolic link stay, and so does everything that the user
put into the output, under any name.
"""

import csv
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from sinonom_cli.storage.atomic import TEMPORARY, cannot_write, sweep
from sinonom_cli.storage.own_tables import rows_of

TABLES = ("journal.jsonl", "metadata.csv", "doubtful.csv", "items.csv", "failures.csv")
TABLES_OF = {"reading": ("characters.csv", "matches.csv", "blocks.csv")}
"""Tables of every folder artifact, and further ones by kind. They name the other files, and are therefore removed after
them."""
MADE = {
    "imageset": re.compile(r"(images|depth)/.+\.png"),
    "meshset": re.compile(r"meshes/.+\.stl|blocks/.+\.(png|json)|clean/.+\.jpg"),
    "model": re.compile(
        r"model\.(safetensors|onnx)|metrics\.csv|curves\.png"
        r"|resume/((last|best)\.safetensors|neighbours-\d+\.npy|step-\d+(-of-\d+)?\.(png|csv))"
        r"|resume/tensorboard/events\.out\.tfevents\..+"
    ),
    "localizer": re.compile(r"localizer\.onnx|resume/state\.safetensors"),
    "detector": re.compile(r"characters\.onnx|resume/state\.safetensors"),
    "reading": re.compile(r"pages/.+\.(json|txt|png|html)|(page|alto|tei)/.+\.xml|readings/.+\.txt|clean/.+\.jpg"),
}
"""Patterns, by kind, for the names of files that this program makes in the folder; an edited table may name others."""
SCRATCH = f"{TEMPORARY}scratch"
"""Folder in `resume/` that is removed with all its content: other libraries write there under any names."""
INDEX_FILES = {"faiss": "", "rows": ".rows.csv", "starts": ".rows.starts", "vectors": ".vectors", "marks": ".marks"}
"""Suffixes of the files beside an index, by the field of its record that shows their existence."""
FAILURES = ".failures.csv"
_HEADERS = {".rows.csv": b"item,source,label,char,set", FAILURES: b"file,reason"}


def owned(path: Path, kind: str, record: dict[str, Any]) -> Iterator[str]:
    """Yield the files of an output, relative to its folder (for an index: to its parent folder), with "/".

    Parameters
    ----------
    path : the output, complete or left unfinished by a killed run.
    record : its record, which is not one of the files.
    """
    if kind == "index":
        yield from (path.name + suffix for field, suffix in INDEX_FILES.items() if field in record)
        if is_table(path, FAILURES):
            yield path.name + FAILURES
        return
    made = MADE[kind]
    if kind in ("imageset", "meshset", "reading"):
        yield from (name for name in _named(path) if made.fullmatch(name))
    else:
        yield from (name for name in _below(path) if made.fullmatch(name))
    yield from TABLES
    yield from TABLES_OF.get(kind, ())


def _named(folder: Path) -> Iterator[str]:
    """Yield the file names in the table and the journal."""
    try:
        with (folder / "journal.jsonl").open(encoding="utf-8", errors="replace") as file:
            for line in file:
                yield from _named_in(line)
    except OSError:
        pass
    try:
        for row in rows_of(folder / "metadata.csv"):
            yield from (str(cell) for column, cell in row.items() if _is_file_name(column) and cell)
    except (OSError, csv.Error):
        pass


def _named_in(line: str) -> Iterator[str]:
    try:
        entry = json.loads(line)
    except ValueError:  # the line that was being written when the run was killed
        return
    if isinstance(entry, dict):
        rows = [row for row in entry.get("rows") or () if isinstance(row, dict)]
        cells = [cell for row in rows for column, cell in row.items() if _is_file_name(column)]
        yield from (name for name in (*(entry.get("begun") or ()), *cells) if name and isinstance(name, str))


def _is_file_name(column: str | None) -> bool:
    return column is not None and (column == "file_name" or column.endswith("_file_name"))


def _below(folder: Path) -> Iterator[str]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name).relative_to(folder).as_posix() for name in names)


def is_table(path: Path, suffix: str) -> bool:
    """Return whether the table beside an index with this suffix exists and begins with our header."""
    try:
        with path.with_name(path.name + suffix).open("rb") as file:
            return suffix in _HEADERS and file.readline(40).rstrip(b"\n") == _HEADERS[suffix]
    except OSError:
        return False


def remove(path: Path, kind: str, record: dict[str, Any]) -> None:
    """Remove the files of an output, except its record, and the folders that become empty.

    Raises
    ------
    SinonomError
        With exit code 5, if a file of the output cannot be removed.
    """
    root = path.parent if kind == "index" else path
    if kind != "index":
        sweep(path)
    if kind == "localizer" and not (path / "resume").is_symlink():
        shutil.rmtree(path / "resume" / SCRATCH, ignore_errors=True)
    unlink_below(root, owned(path, kind, record))


def unlink_below(root: Path, names: Iterable[str]) -> None:
    """Remove files below a folder, and the folders that become empty; the folder itself remains.

    Parameters
    ----------
    names : names relative to the folder; those that lead out of it or through a symbolic link are ignored.

    Raises
    ------
    SinonomError
        With exit code 5, if a file cannot be removed.
    """
    real = os.path.realpath(root)
    inside: dict[str, bool] = {}
    for name in names:
        parent = os.path.dirname(name)  # noqa: PTH120  # fast, for a million names
        if parent not in inside:
            inside[parent] = _is_inside(real, parent)
        if not inside[parent] or os.path.basename(name) in ("", ".", ".."):  # noqa: PTH119
            continue
        file = os.path.join(root, name)  # noqa: PTH118
        try:
            os.unlink(file)  # noqa: PTH108
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if os.path.isdir(file):  # noqa: PTH112  # a folder has taken its place
                continue
            raise cannot_write(Path(file), error) from error
    _prune(root, [parent for parent, ours in inside.items() if ours and parent])


def _is_inside(real: str, parent: str) -> bool:
    """Return whether a relative folder really lies below `real`, the real path of a folder, without symbolic links."""
    parts = PurePosixPath(parent).parts
    if PurePosixPath(parent).is_absolute() or Path(parent).is_absolute() or ".." in {*parts, *Path(parent).parts}:
        return False
    wanted = os.path.normcase(os.path.join(real, *parts))  # noqa: PTH118
    return os.path.normcase(os.path.realpath(wanted)) == wanted


def _prune(root: Path, parents: Iterable[str]) -> None:
    """Remove empty folders below `root`, nested ones first."""
    folders = {
        folder.as_posix() for parent in parents for folder in (PurePosixPath(parent), *PurePosixPath(parent).parents)
    }
    for folder in sorted(folders - {"."}, key=len, reverse=True):
        try:
            (root / folder).rmdir()
        except OSError:  # the folder is not empty
            continue
