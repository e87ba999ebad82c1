"""The record of an index, read from JSON once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sinonom_cli.search.index_files import FIELDS


@dataclass(frozen=True, kw_only=True)
class FileClaim:
    """Size and checksums that the record gives for one file of an index.

    Attributes
    ----------
    bytes : size of the file; None: the record gives none.
    sha256, sha256_sampled : checksums in hexadecimal, of all bytes and of a sample; None: not given.
    """

    bytes: int | None = None
    sha256: str | None = None
    sha256_sampled: str | None = None


@dataclass(frozen=True, kw_only=True)
class Store:
    """Place of an index in Milvus.

    Attributes
    ----------
    uri : address of a server, or path of a file relative to the record.
    collection : name of the collection.
    digest : of its rows when it was complete; None: not kept.
    """

    uri: str
    collection: str
    digest: str | None = None


@dataclass(frozen=True, kw_only=True)
class IndexRecord:
    """The record of a complete index.

    Attributes
    ----------
    json : the record as it lies on disk; commands that change an index write it again from this.
    options : options of the command that made the index.
    sets : sets that were indexed, relative to the index.
    prototypes : largest number of rows for one label; None: rows are pictures.
    type : "flat", "fp16", "hnsw", "ivf-sq8", "pq-refine" or a factory string of FAISS; factory : its FAISS string.
    candidates : how many times as many rows are compared as answers are asked for.
    dimension : of the vectors; unit : whether all have unit length; distance : that the embeddings are made for.
    preprocessing : version of the preparation of pictures; None: not kept.
    model_identity : SHA-256 of the model's weights; model_path : relative to the index; None: the default model.
    counts : numbers of items, rows and failures.
    files : claims by suffix; files without a claim do not belong to the index.
    store : place in Milvus; None: the index lies in files.
    calibration : calibrations by way of asking.
    seen : identities of sets when they were indexed.
    """

    json: Mapping[str, Any]
    options: Mapping[str, Any]
    sets: tuple[str, ...]
    prototypes: int | None
    type: str
    factory: str
    candidates: int
    dimension: int
    unit: bool
    distance: str
    preprocessing: int | None
    model_identity: str
    model_path: str | None
    counts: Mapping[str, int]
    files: Mapping[str, FileClaim]
    store: Store | None
    calibration: Mapping[str, Any]
    seen: Mapping[str, str]

    @property
    def rows(self) -> int:
        """Number of rows; -1 if the record gives none."""
        return self.counts.get("rows", -1)

    @property
    def failed(self) -> int:
        """Number of pictures that could not be indexed."""
        return self.counts.get("failed", 0)


def index_record(record: Mapping[str, Any]) -> IndexRecord:
    """Return the record of a complete index, whose fields `read_record` has checked.

    Parameters
    ----------
    record : JSON object of `<index>.json`.
    """
    options = record.get("options", {})
    return IndexRecord(
        json=record,
        options=options,
        sets=tuple(options.get("sets", ())),
        prototypes=options.get("prototypes"),
        type=record.get("type", "flat"),
        factory=record.get("factory", ""),
        candidates=record.get("candidates", 1),
        dimension=record["dimension"],
        unit=record["unit"],
        distance=record["distance"],
        preprocessing=record.get("preprocessing"),
        model_identity=record["model"]["identity"],
        model_path=record["model"]["path"],
        counts=record.get("counts", {}),
        files={suffix: _claim(record[field]) for suffix, field in FIELDS.items() if field in record},
        store=_store(record["store"]) if "store" in record else None,
        calibration=record.get("calibration") or {},
        seen=record.get("seen") or {},
    )


def _claim(claim: Any) -> FileClaim:
    if not isinstance(claim, dict):
        return FileClaim()
    return FileClaim(**{name: claim.get(name) for name in ("bytes", "sha256", "sha256_sampled")})


def _store(store: Mapping[str, str]) -> Store:
    return Store(**{name: store.get(name) for name in ("uri", "collection", "digest")})  # type: ignore[arg-type]
