"""The index on disk: `db.faiss`, `db.faiss.rows.csv`, `db.faiss.json`.

`db.faiss` is a plain FAISS file: `faiss.read_index` opens it. It is written and opened here without FAISS' own file
functions: those take a path through C's `fopen`, which on Windows finds no path with Nôm characters in it, and they
allocate whatever a file's header claims. Nothing reaches FAISS before its header and its checksum agree with the
record beside it.
"""

import csv
import hashlib
import io
import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli.artifacts.artifact import Artifact, finish, read_record
from sinonom_cli.artifacts.files import replacing, sha256_of
from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = ("item", "source", "label", "char", "set")

HEADER = struct.Struct("<4siqqqBiQ")
"""IndexFlatL2 in a file: fourcc, dimension, vectors, two unused words, is_trained, metric, floats that follow."""

WHOLE = 64 * 2**20
"""Up to so many bytes a file's whole checksum is verified at every opening (0.05 s at worst); above, a sample's."""
SAMPLES, SAMPLE = 256, 2**16
_BLOCK = 2**22

_FLAT_L2, _METRIC_L2, _UNUSED = b"IxF2", 1, 1 << 20


@dataclass(frozen=True, slots=True)
class Row:
    """What vector i of an index shows.

    Attributes
    ----------
    item : path of the picture below its set's `images/`.
    source : what the picture was made from.
    label : `U+5B57`, or "".
    char : the character itself, or "".
    set : path of the image set, relative to the index's folder.
    """

    item: str
    source: str
    label: str
    char: str
    set: str


class Rows:
    """The rows of an index, parsed one by one when asked for: a query needs five of a million.

    Parameters
    ----------
    content : the bytes of the table, 1-D uint8; may be mapped.
    """

    def __init__(self, content: "NDArray[np.uint8]") -> None:
        self._content = content
        ends, quotes = _places(content, ord("\n")), _places(content, ord('"'))
        # A line end behind an odd number of quotes lies in a quoted cell, and ends no row.
        self._ends = ends[np.searchsorted(quotes, ends) % 2 == 0] if len(quotes) else ends

    def __len__(self) -> int:
        return max(len(self._ends) - 1, 0)

    def __getitem__(self, position: int) -> Row:
        start, end = self._ends[position] + 1, self._ends[position + 1]
        line = self._content[start:end].tobytes().decode("utf-8", "surrogateescape")
        if '"' in line:
            return Row(*next(csv.reader(io.StringIO(line, newline=""))))
        return Row(*line.rstrip("\r").split(","))

    def __iter__(self) -> Iterator[Row]:
        return (self[position] for position in range(len(self)))


def _places(content: "NDArray[np.uint8]", value: int) -> "NDArray[np.int64]":
    """Return where a byte occurs, block by block: a mask of the whole would be as large as the file."""
    found = [np.flatnonzero(content[at : at + _BLOCK] == value) + at for at in range(0, len(content), _BLOCK)]
    return np.concatenate(found) if found else np.zeros(0, np.int64)


@dataclass(frozen=True)
class Index:
    """An opened index.

    Attributes
    ----------
    path : the FAISS file.
    record : its JSON record.
    rows : row i belongs to vector i.
    vectors : (N, D) float32, read-only, as stored.
    faiss : the `faiss.IndexFlatL2` over the same memory.
    """

    path: Path
    record: dict[str, Any]
    rows: Rows
    vectors: "NDArray[np.float32]"
    faiss: Any

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


def quoted(path: Path | str) -> str:
    """Return a path as it can be typed on a command line."""
    text = str(path)
    return f'"{text}"' if " " in text else text


def remake(path: Path, record: dict[str, Any]) -> str:
    """Return the command that makes an index again, from its record and the path of any of its files."""
    out = path.with_name(path.name.removesuffix(".rows.csv"))
    names = record.get("options", {}).get("sets", ["SET"])
    sets = " ".join(quoted(os.path.normpath(path.parent / name)) for name in names)
    return f"sinonom index {sets} {quoted(out)} --overwrite"


def rows_path(path: Path) -> Path:
    """Return where the rows of the index at `path` lie."""
    return path.with_name(path.name + ".rows.csv")


def failures_path(path: Path) -> Path:
    """Return where the pictures that could not be indexed are listed."""
    return path.with_name(path.name + ".failures.csv")


def write_index(
    artifact: Artifact, vectors: Iterable["NDArray[np.float32]"], rows: Iterable[Row], **fields: Any
) -> Artifact:
    """Write vectors and rows, one block of vectors in memory at a time, and finish the artifact.

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
    count, dimension, unit = 0, 0, True
    with replacing(artifact.path) as temporary, temporary.open("wb") as file:
        file.write(bytes(HEADER.size))
        for block in vectors:
            file.write(np.ascontiguousarray(block, "<f4").data)
            count, dimension = count + len(block), block.shape[1]
            unit = unit and bool(np.allclose(np.linalg.norm(block, axis=1), 1.0, atol=1e-4))
        file.seek(0)
        file.write(HEADER.pack(_FLAT_L2, dimension, count, _UNUSED, _UNUSED, 1, _METRIC_L2, count * dimension))
    table = rows_path(artifact.path)
    with (
        replacing(table) as temporary,
        temporary.open("w", encoding="utf-8", newline="", errors="surrogateescape") as text,
    ):
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows((row.item, row.source, row.label, row.char, row.set) for row in rows)
    return finish(
        artifact,
        **fields,
        dimension=dimension,
        unit=unit,
        faiss=_checksum(artifact.path),
        rows=_checksum(table),
    )


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
    record = read_record(path, "index")
    content = _verified(path, record, "faiss")
    vectors = _vectors(path, record, content)
    rows = Rows(_verified(rows_path(path), record, "rows"))
    if len(rows) != len(vectors):
        raise SinonomError(
            f"{rows_path(path)} has {len(rows)} rows, {path} has {len(vectors)} vectors", remake(path, record)
        )
    import faiss

    # FAISS looks at the bytes where they are: no copy, and a file of gigabytes is read as far as it is searched.
    searchable = faiss.read_index(faiss.ZeroCopyIOReader(faiss.swig_ptr(content), content.nbytes))  # type: ignore[attr-defined]
    return Index(path, record, rows, vectors, searchable)


def read_vectors(path: Path, record: dict[str, Any]) -> "NDArray[np.float32]":
    """Return the vectors of the index at `path`, (N, D) float32, read-only, checked whole against `record`."""
    return _vectors(path, record, _verified(path, record, "faiss", whole=True))


def _vectors(path: Path, record: dict[str, Any], content: "NDArray[np.uint8]") -> "NDArray[np.float32]":
    """Return the vectors in a FAISS file whose every size claim has been checked."""
    if content.nbytes < HEADER.size:
        raise SinonomError(f"{path} is not a FAISS file", remake(path, record))
    fourcc, dimension, count, *_, trained, metric, floats = HEADER.unpack(content[: HEADER.size].tobytes())
    if (
        (fourcc, trained, metric) != (_FLAT_L2, 1, _METRIC_L2)
        or dimension != record.get("dimension")
        or dimension < 1
        or count < 0
        or floats != count * dimension
        or content.nbytes != HEADER.size + 4 * floats
    ):
        raise SinonomError(f"{path} is not the flat FAISS index that its record describes", remake(path, record))
    return content[HEADER.size :].view("<f4").reshape(count, dimension)


def _verified(path: Path, record: dict[str, Any], name: str, whole: bool = False) -> "NDArray[np.uint8]":
    """Return a file's bytes, mapped if it is large, after comparing them with the record's checksum.

    Of a large file only a sample is compared, unless `whole`: a query would read gigabytes to use a few of them. What
    is written to such an index next (`sinonom index`) compares all.
    """
    if not path.is_file():
        raise SinonomError(f"{path} is missing", remake(path, record))
    size, claim = path.stat().st_size, record.get(name)
    if not isinstance(claim, dict) or size != claim.get("bytes"):
        known = claim.get("bytes") if isinstance(claim, dict) else "no size"
        raise SinonomError(f"{path} has {size} bytes, its record says {known}", remake(path, record))
    content = np.memmap(path, np.uint8, "r") if size > WHOLE else np.frombuffer(path.read_bytes(), np.uint8)
    sampled = None if whole or size <= WHOLE else claim.get("sha256_sampled")
    digest = _sampled(content) if sampled else hashlib.sha256(content.data).hexdigest()
    if digest != (sampled or claim.get("sha256")):
        raise SinonomError(f"{path} has changed since it was made: its checksum differs", remake(path, record))
    return content


def _checksum(path: Path) -> dict[str, Any]:
    size = path.stat().st_size
    checksum = {"bytes": size, "sha256": sha256_of(path)}
    if size > WHOLE:
        checksum["sha256_sampled"] = _sampled(np.memmap(path, np.uint8, "r"))
    return checksum


def _sampled(content: "NDArray[np.uint8]") -> str:
    """Return the SHA-256 of evenly spaced blocks, the first and the last among them: 16 MiB of any size."""
    digest = hashlib.sha256()
    for start in np.linspace(0, max(content.nbytes - SAMPLE, 0), SAMPLES).astype(np.int64):
        digest.update(content[start : start + SAMPLE].tobytes())
    return digest.hexdigest()
