"""The index on disk, as it is opened and searched.

`db.faiss` is a plain FAISS file: `faiss.read_index` opens it. `db.faiss.rows.csv` holds row i for vector i, and
`db.faiss.json` says how both were made, and their checksums. An index that keeps its vectors in fewer bits has them
whole beside it, in `db.faiss.vectors` ((N, D) float32, little-endian, nothing else): answers are measured again with
them, and they are there when it is built again. Long tables have `db.faiss.rows.starts` (where each row starts).

Nothing is opened here with FAISS' own file functions: those take a path through C's `fopen`, which on Windows finds
no path with Nôm characters in it, and they allocate whatever a file claims. Nothing reaches FAISS before checksum and,
of a flat index, header agree with the record beside it; what lies in large files is mapped, not read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.artifacts import index_files as files
from sinonom_cli.artifacts.artifact import read_record
from sinonom_cli.artifacts.index_files import FAISS, FIELDS, HEADER, ROWS, STARTS, VECTORS, beside, rows_path
from sinonom_cli.artifacts.rows import Row, Rows
from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.artifacts.milvus import StoredRows

FEW = 16
"""Up to so many queries FAISS works on one thread: starting more costs more than they save."""


@dataclass(frozen=True)
class Index:
    """An opened index.

    Attributes
    ----------
    path : the FAISS file.
    record : its JSON record.
    rows : row i belongs to vector i.
    faiss : the FAISS index, which looks into the file's bytes; these are kept beside it as long as it lives. None where
        vectors and rows lie in Milvus.
    """

    path: Path
    record: dict[str, Any]
    rows: Rows | StoredRows
    faiss: Any
    _content: NDArray[np.uint8] | None
    _flat: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def type(self) -> str:
        """What `--type` made it: "flat", "hnsw", "ivf-sq8", "pq-refine", or a factory string of FAISS."""
        return "milvus" if self.faiss is None else str(self.record.get("type", "flat"))

    @property
    def vectors(self) -> NDArray[np.float32]:
        """The vectors as they were embedded, (N, D) float32, read-only.

        Where they lie beside the index they are mapped anew each time: pages that one search has touched do not stay.
        """
        if self._flat is not None:
            return self._flat
        return _mapped_vectors(self.path, self.record)

    def candidates(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find rows among which the k nearest of each query are, as far as the index finds them.

        Parameters
        ----------
        queries : (Q, D) float32.
        k : how many are wanted; indexes of compressed vectors give more, to choose from.

        Returns
        -------
        (Q, C) int64 rows, -1 where there is none, and (Q, C, D) float32, their vectors.
        """
        if not isinstance(self.rows, Rows):
            found, vectors, self.rows.found = self.rows.collection.search(queries, min(k, len(self)))
            return found, vectors
        import faiss

        if len(queries) <= FEW:
            faiss.omp_set_num_threads(1)
        else:
            from sinonom_cli.artifacts.workers import cores

            faiss.omp_set_num_threads(cores())
        wanted = min(k * int(self.record.get("candidates", 1)), len(self))
        try:
            _, rows = self.faiss.search(np.ascontiguousarray(queries, np.float32), wanted)
        except RuntimeError as error:
            raise _damaged(self.path, self.record) from error
        if rows.size and rows.max() >= len(self):
            raise _damaged(self.path, self.record)
        return rows, self.vectors[np.maximum(rows, 0)]

    @property
    def distance(self) -> str:
        """The distance that its model's embeddings are meant for."""
        return str(self.record["distance"])

    @property
    def unit(self) -> bool:
        """Whether all its vectors have unit length."""
        return bool(self.record["unit"])

    @property
    def model_identity(self) -> str:
        """SHA-256 of the weights of the model it was made with."""
        return str(self.record["model"]["identity"])

    @property
    def model_path(self) -> Path | None:
        """Where that model was; None: the default model that ships."""
        path = self.record["model"]["path"]
        return None if path is None else self.path.parent / path

    def picture(self, row: Row) -> Path:
        """Return where the picture of a row should be."""
        folder = self.path.parent / row.set
        below = folder / "images" / row.item
        return below if below.exists() else folder / row.item


def _damaged(path: Path, record: dict[str, Any]) -> SinonomError:
    return SinonomError(f"{path} is damaged: it does not hold what its record says", remake(path, record))


def quoted(path: Path | str) -> str:
    """Return a path as it can be typed on a command line."""
    text = str(path)
    return f'"{text}"' if " " in text else text


def remake(path: Path, record: dict[str, Any]) -> str:
    """Return the command that makes an index again, from its record."""
    out = path
    names = record.get("options", {}).get("sets", ["SET"])
    sets = " ".join(quoted(os.path.normpath(path.parent / name)) for name in names)
    store = record.get("options", {}).get("store")
    return f"sinonom index {sets} {quoted(out)} --overwrite" + (f" --store {quoted(store)}" if store else "")


def read_index(path: Path) -> Index:
    """Open an index of ours, after checking it against its record.

    Raises
    ------
    SinonomError
        If it is missing, not ours, not complete, truncated, changed, or rows and vectors do not belong together.
    """
    if path.is_dir():
        raise SinonomError(f"{path} is a folder, not an index", "give the .faiss file that sinonom index wrote")
    if path.suffix == ".json" and path.with_suffix("").exists():
        path = path.with_suffix("")
    files.recover(path)
    record = read_record(path, "index")
    if "store" in record:
        return _stored(path, record)
    content = _verified(path, record, FAISS)
    flat = _vectors(path, record, content) if record.get("type", "flat") == "flat" else None
    rows = read_rows(path, record)
    searchable = _searchable(path, record, content)
    if searchable.d != record.get("dimension"):
        raise SinonomError(f"{path} is not the index that its record describes", remake(path, record))
    if len(rows) != searchable.ntotal:
        raise SinonomError(
            f"{rows_path(path)} has {len(rows)} rows, {path} has {searchable.ntotal} vectors", remake(path, record)
        )
    if flat is None and len(_mapped_vectors(path, record)) != searchable.ntotal:
        raise SinonomError(
            f"{beside(path, VECTORS)} does not hold the {searchable.ntotal} vectors of {path}", remake(path, record)
        )
    return Index(path, record, rows, searchable, content, flat)


def _stored(path: Path, record: dict[str, Any]) -> Index:
    """Return an index whose vectors and rows lie in Milvus."""
    from sinonom_cli.artifacts.milvus import Collection, StoredRows, is_served

    store, count = record["store"], int(record["counts"]["rows"])
    if not is_served(store["uri"]) and not (path.parent / store["uri"]).exists():
        raise SinonomError(f"{path.parent / store['uri']}, where {path} is stored, is missing", remake(path, record))
    collection = Collection(store["uri"], store["collection"], path.parent)
    held = collection.count() if collection.there() else 0
    if held != count:
        raise SinonomError(
            f"{store['collection']} at {store['uri']} holds {held} rows, {path}.json says {count}",
            remake(path, record),
        )
    return Index(path, record, StoredRows(collection, count), None, None)


def _searchable(path: Path, record: dict[str, Any], content: NDArray[np.uint8]) -> Any:
    """Return the FAISS index in a file's bytes."""
    import faiss

    try:
        # FAISS looks at the bytes where they are: no copy, and a file of gigabytes is read as far as it is searched.
        reader = faiss.ZeroCopyIOReader(faiss.swig_ptr(content), content.nbytes)  # type: ignore[attr-defined]
        with _nothing_longer_than(content.nbytes):
            return faiss.read_index(reader, getattr(faiss, "IO_FLAG_SKIP_PRECOMPUTE_TABLE", 0))
    except RuntimeError as error:
        reason = " ".join(str(error).partition("\n")[0].split())
        raise SinonomError(f"FAISS cannot open {path}: {reason}", remake(path, record)) from error


@contextmanager
def _nothing_longer_than(size: int) -> Iterator[None]:
    """Keep FAISS from believing a file of so many bytes that claims to hold more; versions before 1.13 cannot."""
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


def verify(path: Path, record: dict[str, Any]) -> None:
    """Compare all of the FAISS file at `path` with its checksum; raises SinonomError where they differ."""
    _verified(path, record, FAISS, whole=True)


def read_rows(path: Path, record: dict[str, Any], whole: bool = False) -> Rows:
    """Return the rows of the index at `path`, checked (`whole`: every byte) against `record`."""
    content = _verified(path, record, ROWS, whole)
    if FIELDS[STARTS] not in record:
        return Rows(content)
    starts = _verified(path, record, STARTS).view("<u8")
    if len(starts) < 1 or starts[-1] != content.nbytes:
        raise SinonomError(f"{beside(path, STARTS)} does not fit {rows_path(path)}", remake(path, record))
    return Rows(content, starts)


def read_vectors(path: Path, record: dict[str, Any]) -> NDArray[np.float32]:
    """Return the vectors of the index at `path`, (N, D) float32, read-only.

    Those of a flat index are checked whole against `record`; of those beside a compressed one, only how many there are.
    """
    if FIELDS[VECTORS] in record:
        return _mapped_vectors(path, record)
    return _vectors(path, record, _verified(path, record, FAISS, whole=True))


def _mapped_vectors(path: Path, record: dict[str, Any]) -> NDArray[np.float32]:
    """Return the vectors that lie beside a compressed index.

    Only their number of bytes is checked: a bit that has changed there changes a distance, and not what is found.
    """
    vectors, size = beside(path, VECTORS), int(record.get(FIELDS[VECTORS], {}).get("bytes", -1))
    dimension = int(record.get("dimension", 0))
    if not vectors.is_file() or dimension < 1 or not 0 < size <= vectors.stat().st_size or size % (4 * dimension):
        raise SinonomError(f"{vectors} is missing or cut short", remake(path, record))
    return np.memmap(vectors, "<f4", "r", shape=(size // (4 * dimension), dimension))


def _vectors(path: Path, record: dict[str, Any], content: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the vectors in a FAISS file whose every size claim has been checked."""
    if content.nbytes < HEADER.size:
        raise SinonomError(f"{path} is not a FAISS file", remake(path, record))
    fourcc, dimension, count, *_, trained, metric, floats = HEADER.unpack(content[: HEADER.size].tobytes())
    if (
        (fourcc, trained, metric) != (files.FLAT_L2, 1, files.METRIC_L2)
        or dimension != record.get("dimension")
        or dimension < 1
        or count < 0
        or floats != count * dimension
        or content.nbytes != HEADER.size + 4 * floats
    ):
        raise SinonomError(f"{path} is not the flat FAISS index that its record describes", remake(path, record))
    return content[HEADER.size :].view("<f4").reshape(count, dimension)


def _verified(index: Path, record: dict[str, Any], suffix: str, whole: bool = False) -> NDArray[np.uint8]:
    """Return a file's bytes, mapped if it is large, after comparing them with the record's checksum.

    Of a large file only a sample is compared, unless `whole`: a query would read gigabytes to use a few of them. What
    is written to such an index next (`sinonom index`) compares all.
    """
    path = beside(index, suffix)
    if not path.is_file():
        raise SinonomError(f"{path} is missing", remake(index, record))
    size, claim = path.stat().st_size, record.get(FIELDS[suffix])
    if not isinstance(claim, dict) or size != claim.get("bytes"):
        known = claim.get("bytes") if isinstance(claim, dict) else "no size"
        raise SinonomError(f"{path} has {size} bytes, its record says {known}", remake(index, record))
    large = size > files.WHOLE
    content = np.memmap(path, np.uint8, "r") if large else np.frombuffer(path.read_bytes(), np.uint8)
    sampled = None if whole or not large else claim.get("sha256_sampled")
    digest = files.sampled(content) if sampled else hashlib.sha256(content.data).hexdigest()
    if digest != (sampled or claim.get("sha256")):
        raise SinonomError(f"{path} has changed since it was made: its checksum differs", remake(index, record))
    return content
