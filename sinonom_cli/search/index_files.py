"""Name the files of an index, and put new ones in place together.

New files are made in `OUT.partial/` and renamed at the end, the record last. `OUT.next.json` holds the new record and
the paths of its files. If a run is killed between two renames, the next run finishes the renames from that file.
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
"""Largest size in bytes of a file that is verified whole at every opening (at most 0.05 s); larger ones are sampled."""
SAMPLES, SAMPLE = 256, 2**16
FEW = 16
"""Number of blocks of a compressed index's uncompressed vectors that are compared at every opening: one megabyte."""

FAISS, ROWS, STARTS, VECTORS, MARKS = "", ".rows.csv", ".rows.starts", ".vectors", ".marks"
FIELDS = {FAISS: "faiss", ROWS: "rows", STARTS: "starts", VECTORS: "vectors", MARKS: "marks"}
"""Name of each file in the record; the last three files exist only if they are needed."""
MARK = 8
"""Number of bytes in a mark, which is the start of the SHA-256 of a row's picture; all 0: the picture is unknown."""


def beside(path: Path, suffix: str) -> Path:
    """Return the file of the index at `path` that has this suffix."""
    return path.with_name(path.name + suffix)


def rows_path(path: Path) -> Path:
    """Return the path of the rows of the index at `path`."""
    return beside(path, ROWS)


def failures_path(path: Path) -> Path:
    """Return the path of the list of pictures that could not be indexed."""
    return beside(path, ".failures.csv")


def partial_path(path: Path) -> Path:
    """Return the folder in which the index at `path` is made."""
    return beside(path, ".partial")


def checksum(path: Path, quick: bool = False) -> dict[str, Any]:
    """Return the size and SHA-256 of a file; for a large file also that of a sample, or only that one if `quick`."""
    size = path.stat().st_size
    if size <= WHOLE:
        return {"bytes": size, "sha256": sha256_of(path)}
    sample = sampled(np.memmap(path, np.uint8, "r"))
    if quick:
        return {"bytes": size, "sha256_sampled": sample}
    return {"bytes": size, "sha256": sha256_of(path), "sha256_sampled": sample}


def vectors_claim(path: Path) -> dict[str, Any]:
    """Return the record's entry for the uncompressed vectors beside a compressed index.

    These vectors are only appended to, and they only make distances exact. A few blocks are therefore enough to notice
    the vectors of another index.
    """
    return {"bytes": path.stat().st_size, "sha256_sampled": sampled(np.memmap(path, np.uint8, "r"), FEW)}


def sampled(content: "NDArray[np.uint8]", blocks: int | None = None) -> str:
    """Return the SHA-256 of evenly spaced blocks, including the first and the last; by default they have 16 MiB."""
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
    fields : fields of the record: `model` (identity, path), `distance`, `counts`, ...

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
    made : the new files by suffix; all other files stay unchanged. The starts of a short table are removed.
    fields : fields of the record; None removes a field.
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
    """Finish a `publish` that was interrupted; do nothing if there was none."""
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
