"""The files of an index, and how they are put in place together.

New files are made in `OUT.partial/` and renamed at the end; the record, last. Should the run be killed between two
renames, `OUT.next.json`, which holds the new record and where its files lie, lets whoever comes next finish them.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import __version__
from sinonom_cli.search.plain_vectors import write_plain
from sinonom_cli.search.rows import Row, write_rows
from sinonom_cli.storage.atomic import cannot_write, sha256_of, write_json
from sinonom_cli.storage.record import Artifact, record_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

WHOLE = 64 * 2**20
"""Up to so many bytes a file's whole checksum is verified at every opening (0.05 s at worst); above, a sample's."""
SAMPLES, SAMPLE = 256, 2**16
FEW = 16
"""Blocks of the whole vectors beside a compressed index that are compared at every opening: a megabyte."""

FAISS, ROWS, STARTS, VECTORS, MARKS = "", ".rows.csv", ".rows.starts", ".vectors", ".marks"
FIELDS = {FAISS: "faiss", ROWS: "rows", STARTS: "starts", VECTORS: "vectors", MARKS: "marks"}
"""What the record calls each file; the last three are there where they are needed."""
MARK = 8
"""Bytes of the SHA-256 of a row's picture that are kept, (N, MARK) uint8; all 0: no picture is known."""


def beside(path: Path, suffix: str) -> Path:
    """Return the file of the index at `path` that has this suffix."""
    return path.with_name(path.name + suffix)


def rows_path(path: Path) -> Path:
    """Return where the rows of the index at `path` lie."""
    return beside(path, ROWS)


def failures_path(path: Path) -> Path:
    """Return where the pictures that could not be indexed are listed."""
    return beside(path, ".failures.csv")


def partial_path(path: Path) -> Path:
    """Return the folder in which the index at `path` is made."""
    return beside(path, ".partial")


def checksum(path: Path, quick: bool = False) -> dict[str, Any]:
    """Return size and SHA-256 of a file; of a large one also a sample's, or, if `quick`, that one alone."""
    size = path.stat().st_size
    if size <= WHOLE:
        return {"bytes": size, "sha256": sha256_of(path)}
    sample = sampled(np.memmap(path, np.uint8, "r"))
    if quick:
        return {"bytes": size, "sha256_sampled": sample}
    return {"bytes": size, "sha256": sha256_of(path), "sha256_sampled": sample}


def vectors_claim(path: Path) -> dict[str, Any]:
    """Return what the record says of the whole vectors beside a compressed index.

    They are only appended to, and only ever correct a distance. A few blocks tell those of another index from them.
    """
    return {"bytes": path.stat().st_size, "sha256_sampled": sampled(np.memmap(path, np.uint8, "r"), FEW)}


def sampled(content: "NDArray[np.uint8]", blocks: int | None = None) -> str:
    """Return the SHA-256 of evenly spaced blocks, the first and the last among them: 16 MiB of any size."""
    digest = hashlib.sha256()
    for start in np.linspace(0, max(content.nbytes - SAMPLE, 0), blocks or SAMPLES).astype(np.int64):
        digest.update(content[start : start + SAMPLE].tobytes())
    return digest.hexdigest()


def write_index(
    artifact: Artifact, vectors: Iterable["NDArray[np.float32]"], rows: Iterable[Row], **fields: Any
) -> Artifact:
    """Write a flat index, one block of vectors in memory at a time, and finish the artifact.

    Parameters
    ----------
    artifact : from `begin(path, "index", ...)`.
    vectors : blocks of (n, D) float32.
    rows : one for each vector, in their order.
    fields : for the record: `model` (identity, path), `distance`, `counts`, ...

    Raises
    ------
    SinonomError
        With exit code 5, if the disk is full or not writable.
    """
    folder = partial_path(artifact.path)
    made = {FAISS: folder / "index.faiss", ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _, dimension, unit = write_plain(made[FAISS], "flat", vectors)
        write_rows(made[ROWS], made[STARTS], rows)
    except OSError as error:
        raise cannot_write(artifact.path, error) from error
    publish(artifact, made, type="flat", dimension=dimension, unit=unit, **fields)
    if not any(folder.iterdir()):
        folder.rmdir()
    return artifact


def publish(artifact: Artifact, made: Mapping[str, Path], **fields: Any) -> Artifact:
    """Put the files of an index in place, all or none, and finish the artifact.

    Parameters
    ----------
    made : the new files by suffix; what is not among them stays as it is. Short tables need no starts: they go.
    fields : for the record.
    """
    try:
        files = dict(made)
        if STARTS in files and files[ROWS].stat().st_size <= WHOLE:
            files.pop(STARTS).unlink()
            fields["starts"] = None
        for suffix, path in files.items():
            fields[FIELDS[suffix]] = vectors_claim(path) if suffix == VECTORS else checksum(path)
        record = {**artifact.record, **fields, "tool_version": __version__, "status": "complete"}
        record = {name: value for name, value in record.items() if value is not None}
        folder = artifact.path.parent
        moves = {suffix: os.path.relpath(path, folder) for suffix, path in files.items()}
        write_json(beside(artifact.path, ".next.json"), {"record": record, "moves": moves})
        recover(artifact.path)
    except OSError as error:
        raise cannot_write(artifact.path, error) from error
    artifact.record, artifact.state = record, "complete"
    return artifact


def recover(path: Path) -> None:
    """Finish the putting in place of an index that was begun; do nothing if none was."""
    plan = beside(path, ".next.json")
    try:
        planned = json.loads(plan.read_text(encoding="utf-8", errors="surrogateescape"))
    except FileNotFoundError:
        return
    for suffix, made in planned["moves"].items():
        if (path.parent / made).exists():
            os.replace(path.parent / made, beside(path, suffix))
    for suffix, field in FIELDS.items():
        if field not in planned["record"]:
            beside(path, suffix).unlink(missing_ok=True)
    write_json(record_path(path, "index"), planned["record"])
    plan.unlink(missing_ok=True)
