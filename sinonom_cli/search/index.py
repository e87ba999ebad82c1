"""Open an index on disk and find candidates in it.

`db.faiss` is a plain FAISS file that `faiss.read_index` opens. `db.faiss.rows.csv` holds row i for vector i, and
`db.faiss.json` records how both were made, and their checksums. A compressed index also has its uncompressed vectors in
`db.faiss.vectors` ((N, D) float32, little-endian, without a header). The distances of answers are computed from them,
and a change of the index is built from them. An index of half floats (`fp16`) holds only the half floats. A long table
has `db.faiss.rows.starts`, which holds the position of each row.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.search import index_files as files
from sinonom_cli.search.index_files import FAISS, VECTORS, beside, rows_path
from sinonom_cli.search.index_record import IndexRecord, Store, index_record
from sinonom_cli.search.integrity import (
    checked_vectors,
    damaged,
    known_vectors,
    mapped_vectors,
    read_marks,
    read_rows,
    remake,
    searchable,
    verified,
)
from sinonom_cli.search.plain_vectors import PLAIN
from sinonom_cli.search.rows import Row, Rows, picture_of
from sinonom_cli.storage.record import read_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.milvus import StoredRows

FEW = 16
"""Largest number of queries for which FAISS uses one thread; starting more threads takes more time than they save."""


@dataclass(frozen=True)
class Index:
    """An opened index.

    Attributes
    ----------
    path : the FAISS file.
    record : its record.
    rows : the rows; row i belongs to vector i.
    faiss : the FAISS index. It reads the file's bytes in place, so the bytes are kept in memory as long as it lives. It
        is None if vectors and rows are in Milvus.
    """

    path: Path
    record: IndexRecord
    rows: Rows | StoredRows
    faiss: Any
    _content: NDArray[np.uint8] | None
    _flat: NDArray[np.floating] | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def type(self) -> str:
        """Type of the index: "flat", "fp16", "hnsw", "ivf-sq8", "pq-refine", "milvus", or a factory string of FAISS."""
        return "milvus" if self.faiss is None else self.record.type

    @property
    def vectors(self) -> NDArray[np.float32]:
        """Vectors as they were embedded, (N, D) float32, read-only; half floats are decoded at each call.

        Vectors beside the index are mapped again at each call, so that the memory of an earlier search is released.
        """
        return self._stored_vectors().astype(np.float32, copy=False)

    def vectors_of(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the vectors of some rows, (n, D) float32; an index in Milvus has none here."""
        return self._stored_vectors()[rows].astype(np.float32, copy=False)

    def _stored_vectors(self) -> NDArray[np.floating]:
        return mapped_vectors(self.path, self.record) if self._flat is None else self._flat

    def candidates(self, queries: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Find candidates that contain the k nearest rows of each query, as far as the index finds them.

        Parameters
        ----------
        queries : (Q, D) float32.
        k : number of nearest rows; a compressed index returns more candidates.

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
            from sinonom_cli.parallel.work import cores

            faiss.omp_set_num_threads(cores())
        wanted = min(k * self.record.candidates, len(self))
        try:
            _, rows = self.faiss.search(np.ascontiguousarray(queries, np.float32), wanted)
        except RuntimeError as error:
            raise damaged(self.path, self.record) from error
        if rows.size and rows.max() >= len(self):
            raise damaged(self.path, self.record)
        vectors = self._stored_vectors()[np.maximum(rows, 0)]
        if not np.isfinite(vectors).all():
            raise damaged(self.path, self.record)
        return rows, vectors.astype(np.float32, copy=False)

    @cached_property
    def marks(self) -> NDArray[np.uint8] | None:
        """Marks that the rows' pictures had when they were indexed, (N, MARK) uint8; None if they were not stored."""
        return read_marks(self.path, self.record)

    @property
    def distance(self) -> str:
        """Name of the distance for which the model's embeddings were trained."""
        return self.record.distance

    @property
    def prototypes(self) -> int | None:
        """Largest number of rows that represent a label; None if each row represents a picture."""
        return self.record.prototypes

    @property
    def unit(self) -> bool:
        """True if all vectors have unit length."""
        return self.record.unit

    @property
    def model_identity(self) -> str:
        """SHA-256 of the weights of the model that the index was made with."""
        return self.record.model_identity

    @property
    def model_path(self) -> Path | None:
        """Path of the model that the index was made with; None: the default model that ships."""
        path = self.record.model_path
        return None if path is None else self.path.parent / path

    def picture(self, row: Row) -> Path:
        """Return the path where the picture of a row should be."""
        return picture_of(self.path, row)


def read_index(path: Path) -> Index:
    """Open an index that `sinonom` made, after checking it against its record.

    Raises
    ------
    SinonomError
        If the index is missing, was not made by `sinonom`, is not complete, truncated or changed, or if its rows and
        vectors do not belong together.
    """
    if os.path.isdir(path):  # noqa: PTH112  # it returns False for a name that no file system accepts
        raise SinonomError(f"{path} is a folder, not an index", "give the .faiss file that sinonom index wrote")
    if path.suffix == ".json" and path.with_suffix("").exists():
        path = path.with_suffix("")
    files.recover(path)
    record = index_record(read_record(path, "index"))
    if record.store:
        return _stored(path, record, record.store)
    content = verified(path, record, FAISS)
    flat = checked_vectors(path, record, content) if record.type in PLAIN else None
    rows = read_rows(path, record)
    opened = searchable(path, record, content)
    if opened.d != record.dimension:
        raise SinonomError(f"{path} is not the index that its record describes", remake(path, record))
    if len(rows) != opened.ntotal:
        raise SinonomError(
            f"{rows_path(path)} has {len(rows)} rows, {path} has {opened.ntotal} vectors", remake(path, record)
        )
    if flat is None and len(known_vectors(path, record)) != opened.ntotal:
        raise SinonomError(
            f"{beside(path, VECTORS)} does not hold the {opened.ntotal} vectors of {path}", remake(path, record)
        )
    return Index(path, record, rows, opened, content, flat)


def _stored(path: Path, record: IndexRecord, store: Store) -> Index:
    """Return an index whose vectors and rows are in Milvus."""
    from sinonom_cli.search.milvus import Collection, StoredRows, is_served

    count = record.rows
    if not is_served(store.uri) and not (path.parent / store.uri).exists():
        raise SinonomError(f"{path.parent / store.uri}, where {path} is stored, is missing", remake(path, record))
    collection = Collection(store.uri, store.collection, path.parent)
    held = collection.count() if collection.there() else 0
    if held != count:
        raise SinonomError(
            f"{store.collection} at {store.uri} holds {held} rows, {path}.json says {count}",
            remake(path, record),
        )
    if store.digest not in (None, collection.digest(count)):
        raise SinonomError(
            f"{store.collection} at {store.uri} holds other rows than {path}.json says: those of another index",
            remake(path, record),
        )
    return Index(path, record, StoredRows(collection, count), None, None)
