"""Check the sizes, checksums and headers of an index's files before their content is used.

FAISS' own file functions are not used here. They pass a path to C's `fopen`, which on Windows cannot open a path with
Nôm characters, and they allocate any size that a file claims. FAISS gets a file only after its checksum and, for a flat
index, its header agree with the record. Large files are mapped, not read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.search import index_files as files
from sinonom_cli.search.index_files import FAISS, MARK, MARKS, ROWS, STARTS, VECTORS, beside, rows_path
from sinonom_cli.search.index_record import FileClaim, IndexRecord
from sinonom_cli.search.plain_vectors import vectors_in
from sinonom_cli.search.rows import Rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


NO_CLAIM = FileClaim()


def damaged(path: Path, record: IndexRecord) -> SinonomError:
    """Return the error for an index whose files do not agree with its record."""
    return SinonomError(f"{path} is damaged: it does not hold what its record says", remake(path, record))


def quoted(path: Path | str) -> str:
    """Return a path as it can be typed on a command line."""
    text = str(path)
    return f'"{text}"' if " " in text else text


def remake(path: Path, record: IndexRecord, **changed: Any) -> str:
    """Return the command that makes an index again, from its record, with some of its options changed."""
    options = {**record.options, **changed}
    sets = " ".join(quoted(os.path.normpath(path.parent / name)) for name in options.get("sets", ["SET"]))
    parts = [f"sinonom index {sets} {quoted(path)} --overwrite"]
    for name in ("store", "prototypes", "dimensions", "type"):
        value = options.get(name)
        if value not in (None, "auto"):
            parts.append(f"--{name} {quoted(str(value))}")
    return " ".join(parts)


def searchable(path: Path, record: IndexRecord, content: NDArray[np.uint8]) -> Any:
    """Open the FAISS index in a file's bytes, (n,) uint8, and return it."""
    import faiss

    try:
        # FAISS uses the bytes in place: nothing is copied, and only the searched parts of a large file are read.
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(content), content.nbytes)  # type: ignore[attr-defined]
        with _nothing_longer_than(content.nbytes):
            return faiss.read_index(reader, getattr(faiss, "IO_FLAG_SKIP_PRECOMPUTE_TABLE", 0))
    except RuntimeError as error:
        reason = " ".join(str(error).partition("\n")[0].split())
        raise SinonomError(f"FAISS cannot open {path}: {reason}", remake(path, record)) from error


@contextmanager
def _nothing_longer_than(size: int) -> Iterator[None]:
    """Make FAISS refuse a file of `size` bytes that claims to hold more; versions before 1.13 cannot do this."""
    import faiss

    names = [name for name in ("vector_byte_limit", "loop_limit") if hasattr(faiss, f"set_deserialization_{name}")]
    before = {name: getattr(faiss, f"get_deserialization_{name}")() for name in names}
    try:
        for name in names:
            getattr(faiss, f"set_deserialization_{name}")(size + 1)
        yield
    finally:
        for name, limit in before.items():
            getattr(faiss, f"set_deserialization_{name}")(limit)


def verify(path: Path, record: IndexRecord) -> None:
    """Compare the whole FAISS file at `path` with its checksum; raise SinonomError if they differ."""
    verified(path, record, FAISS, whole=True)


def read_rows(path: Path, record: IndexRecord, whole: bool = False) -> Rows:
    """Return the rows of the index at `path` after checking them against `record`; `whole` checks every byte."""
    content = verified(path, record, ROWS, whole)
    if STARTS not in record.files:
        return Rows(content)
    starts = verified(path, record, STARTS).view("<u8")
    if len(starts) < 1 or starts[-1] != content.nbytes:
        raise SinonomError(f"{beside(path, STARTS)} does not fit {rows_path(path)}", remake(path, record))
    return Rows(content, starts)


def read_vectors(path: Path, record: IndexRecord) -> NDArray[np.floating]:
    """Return the vectors of the index at `path`, read-only (N, D) float32, or float16 for the type fp16.

    The vectors of a flat index are checked whole against `record`; those beside a compressed index, in a few blocks.
    """
    if VECTORS in record.files:
        return known_vectors(path, record)
    return checked_vectors(path, record, verified(path, record, FAISS, whole=True))


def mapped_vectors(path: Path, record: IndexRecord) -> NDArray[np.float32]:
    """Return the uncompressed vectors beside a compressed index, (N, D) float32, mapped.

    Only their number of bytes is checked; `known_vectors` also compares some of them.
    """
    vectors, dimension = beside(path, VECTORS), record.dimension
    size = record.files.get(VECTORS, NO_CLAIM).bytes or -1
    if not vectors.is_file() or not 0 < size <= vectors.stat().st_size or size % (4 * dimension):
        raise SinonomError(f"{vectors} is missing or cut short", remake(path, record))
    return np.memmap(vectors, "<f4", "r", shape=(size // (4 * dimension), dimension))


def known_vectors(path: Path, record: IndexRecord) -> NDArray[np.float32]:
    """Return the uncompressed vectors, (N, D) float32, after comparing a few blocks with the record's checksum.

    A bit that has changed elsewhere changes a distance, but not which rows are found.
    """
    vectors, known = mapped_vectors(path, record), record.files[VECTORS].sha256_sampled
    if known is not None and files.sampled(vectors.reshape(-1).view(np.uint8), files.FEW) != known:
        raise SinonomError(f"{beside(path, VECTORS)} holds other vectors than its record says", remake(path, record))
    return vectors


def checked_vectors(path: Path, record: IndexRecord, content: NDArray[np.uint8]) -> NDArray[np.floating]:
    """Return the vectors in a flat FAISS file's bytes, (N, D) float32 or float16, after checking all claimed sizes."""
    vectors = vectors_in(content, record.type, record.dimension)
    if vectors is None:
        raise SinonomError(
            f"{path} is not the {record.type} FAISS index that its record describes", remake(path, record)
        )
    return vectors


def read_marks(path: Path, record: IndexRecord, whole: bool = False) -> NDArray[np.uint8] | None:
    """Return the marks of the rows' pictures, (N, MARK) uint8; None if they were not stored."""
    if MARKS not in record.files:
        return None
    marks = verified(path, record, MARKS, whole)
    if marks.nbytes != MARK * record.rows:
        raise SinonomError(f"{beside(path, MARKS)} does not fit {rows_path(path)}", remake(path, record))
    return marks.reshape(-1, MARK)


def verified(index: Path, record: IndexRecord, suffix: str, whole: bool = False) -> NDArray[np.uint8]:
    """Return a file's bytes, mapped if it is large, after comparing them with the record's checksum.

    Only a sample of a large file is compared, unless `whole` is true, because a query would otherwise read gigabytes.
    Commands that change the index (`sinonom index`) compare the whole file.
    """
    path = beside(index, suffix)
    if not path.is_file():
        raise SinonomError(f"{path} is missing", remake(index, record))
    size, claim = path.stat().st_size, record.files.get(suffix, NO_CLAIM)
    if size != claim.bytes:
        known = "no size" if claim.bytes is None else claim.bytes
        raise SinonomError(f"{path} has {size} bytes, its record says {known}", remake(index, record))
    large = size > files.WHOLE
    content = np.memmap(path, np.uint8, "r") if large else np.frombuffer(path.read_bytes(), np.uint8)
    sampled = None if whole or not large else claim.sha256_sampled
    digest = files.sampled(content) if sampled else hashlib.sha256(content.data).hexdigest()
    if digest != (sampled or claim.sha256):
        raise SinonomError(f"{path} has changed since it was made: its checksum differs", remake(index, record))
    return content
