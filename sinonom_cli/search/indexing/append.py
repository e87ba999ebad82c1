"""Append rows to an index, and take out those that the new ones replace.

The old index stays complete and can be searched until the changed one replaces it. If no row goes, new vectors are
appended to the uncompressed vectors beside a compressed index, after the bytes that its record counts. All other files
are made anew.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.search.index_files import (
    FAISS,
    MARK,
    ROWS,
    STARTS,
    VECTORS,
    beside,
    checksum,
    partial_path,
    publish,
    vectors_claim,
)
from sinonom_cli.search.index_record import IndexRecord, index_record
from sinonom_cli.search.indexing.assemble import BLOCK, clear, load, named, pieces, save, write_marks
from sinonom_cli.search.indexing.build import IndexConfig
from sinonom_cli.search.indexing.changing import arrays_of, changed, warn_of_recall, without
from sinonom_cli.search.indexing.entries import relative
from sinonom_cli.search.integrity import read_marks, read_rows, read_vectors, verify
from sinonom_cli.search.plain_vectors import PLAIN, append_vectors, write_plain
from sinonom_cli.search.rows import Row, Rows, line_of, write_rows
from sinonom_cli.storage.atomic import cannot_write
from sinonom_cli.storage.record import Artifact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Blocks = Iterable[NDArray[np.float32]]
    Made = tuple[dict[str, Path], int, bool, dict[str, Any]]
    """New files by suffix, number of new rows, whether the new rows have unit length, and fields of the record."""


def append(
    artifact: Artifact,
    blocks: Blocks,
    new: Iterable[Row],
    config: IndexConfig,
    seen: dict[str, str],
    marks: NDArray[np.uint8] | None,
    failed: int,
    items: int,
    renamed: Mapping[int, Row] | None = None,
    gone: Collection[int] = (),
) -> Artifact:
    """Append rows to an index, and finish the artifact.

    Parameters
    ----------
    blocks : new embeddings, (n, D) float32 each; new : their rows; marks : (N, MARK) uint8 of their pictures, or None.
    seen : identities of the sets.
    failed, items : numbers of new pictures that could not be embedded, and of all new pictures.
    renamed : new rows of pictures that are in the index, by the numbers of their rows.
    gone : numbers of the rows that leave the index.
    """
    record, path = index_record(artifact.record), artifact.path
    folder, renamed = partial_path(path), renamed or {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        rows = read_rows(path, record, whole=True)
        stays = np.ones(len(rows), bool)
        stays[list(gone)] = False
        made, added, unit, fields = rewritten(path, record, blocks, stays)
        made |= {ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
        kept = np.flatnonzero(stays)
        old_rows = (line_of(renamed[n]) if n in renamed else rows.line(n) for n in kept.tolist())
        _say_changed(rows, renamed, gone)
        write_rows(made[ROWS], made[STARTS], new, old_rows)
        old_marks = read_marks(path, record, whole=True)
        kept_marks = None if old_marks is None else old_marks[kept]
        made |= write_marks(folder, _together(kept_marks, len(kept), marks, added))
        del rows, old_marks  # Windows cannot replace a file that is mapped
        was = record.counts
        counts = {
            "items": was["items"] + items - was["failed"] - len(gone),
            "rows": len(kept) + added,
            "failed": failed,
        }
        sets = [*record.sets, *(relative(name, config.output) for name in config.sets)]
        options = {**record.options, "sets": list(dict.fromkeys(sets))}
        fields["seen"] = {**record.seen, **seen}
        new_arrays = {name.name: checksum(name, quick=True) for name in config.sets if name.suffix == ".npy"}
        change = changed(record, options, arrays_of(artifact) | new_arrays)
        publish(artifact, made, **fields, **change, unit=record.unit and unit, counts=counts)
        clear(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    messages.say(f"{added - len(gone)} added, {counts['rows']} in all")
    warn_of_recall(path, record, fields)
    return artifact


def rewritten(path: Path, record: IndexRecord, blocks: Blocks, stays: NDArray[np.bool_]) -> Made:
    """Write the files that hold the vectors of the rows that stay, and of new rows after them.

    Parameters
    ----------
    blocks : new embeddings, (n, D) float32 each.
    stays : which rows of the index stay, (N,) bool.
    """
    add = _add_plain if record.type in PLAIN else _add_compressed if stays.all() else _change_compressed
    return add(path, record, blocks, stays)


def _add_plain(path: Path, record: IndexRecord, blocks: Blocks, stays: NDArray[np.bool_]) -> Made:
    """Write the file of a plain index with the rows that stay and the new ones."""
    made = partial_path(path) / "index.faiss"
    kept = _kept(read_vectors(path, record), stays)
    count, _, unit = write_plain(made, record.type, chain(kept, blocks))
    return {FAISS: made}, count - int(stays.sum()), unit, {}


def _add_compressed(path: Path, record: IndexRecord, blocks: Blocks, stays: NDArray[np.bool_]) -> Made:
    """Append to the uncompressed vectors, and write the file of the compressed index with them."""
    whole, made = beside(path, VECTORS), partial_path(path) / "index.faiss"
    with whole.open("r+b") as file:
        file.truncate(record.files[VECTORS].bytes)  # this removes what a killed addition left at the end
        file.seek(0, 2)
        added, _, unit = append_vectors(file, blocks)
    vectors = np.memmap(whole, "<f4", "r", shape=(len(stays) + added, record.dimension))
    verify(path, record)
    index = load(path)
    for block in pieces(vectors, len(stays)):
        index.add(block)
    fields = named(record.type, record.factory, index, vectors)
    save(index, made)
    return {FAISS: made}, added, unit, {**fields, "vectors": vectors_claim(whole)}


def _change_compressed(path: Path, record: IndexRecord, blocks: Blocks, stays: NDArray[np.bool_]) -> Made:
    """Write the uncompressed vectors and the compressed index with the rows that stay and the new ones."""
    made = {FAISS: partial_path(path) / "index.faiss", VECTORS: partial_path(path) / "vectors"}
    with made[VECTORS].open("wb") as file:
        count, _, unit = append_vectors(file, chain(_kept(read_vectors(path, record), stays), blocks))
    vectors = np.memmap(made[VECTORS], "<f4", "r", shape=(count, record.dimension))
    index = without(path, record, ~stays, vectors)
    fields = named(record.type, record.factory, index, vectors)
    save(index, made[FAISS])
    return made, count - int(stays.sum()), unit, fields


def _kept(vectors: NDArray[np.floating], stays: NDArray[np.bool_]) -> Iterator[NDArray[np.float32]]:
    """Yield the vectors of the rows that stay, in blocks of (n, D)."""
    numbers = np.flatnonzero(stays)
    for start in range(0, len(numbers), BLOCK):
        yield np.array(vectors[numbers[start : start + BLOCK]])


def _together(
    old: NDArray[np.uint8] | None, count: int, new: NDArray[np.uint8] | None, added: int
) -> NDArray[np.uint8] | None:
    """Return the marks of `count` old and `added` new rows, 0 where they are missing; None if all are missing."""
    if old is None and new is None:
        return None
    parts = (old, count), (new, added)
    return np.concatenate([np.zeros((n, MARK), np.uint8) if each is None else each for each, n in parts])


def _say_changed(rows: Rows, renamed: Mapping[int, Row], gone: Collection[int]) -> None:
    """Say which items have got another label, such as by a correction, and which have got another picture."""
    if renamed:
        number, row = next(iter(renamed.items()))
        was = rows[number].label or "no label"
        messages.say(f"labels renewed: {len(renamed)}; the first: {row.item}, {was} -> {row.label or 'no label'}")
    if gone:
        messages.say(f"pictures that had changed, embedded again: {len(gone)}; the first: {rows[min(gone)].item}")
