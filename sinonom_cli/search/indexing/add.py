"""Add to an index without embedding its pictures or training it again.

The old index stays complete and can be searched until the changed one replaces it. New vectors are appended to the
uncompressed vectors beside a compressed index, after the bytes that its record counts. All other files are made anew.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.embedder import shortened
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.search.index_files import (
    FAISS,
    MARK,
    ROWS,
    STARTS,
    VECTORS,
    beside,
    failures_path,
    partial_path,
    publish,
    recover,
    vectors_claim,
)
from sinonom_cli.search.index_record import IndexRecord, index_record
from sinonom_cli.search.indexing.assemble import clear, load, named, pieces, save, write_marks
from sinonom_cli.search.indexing.build import IndexConfig, blocks_of, embed, seen_sets
from sinonom_cli.search.indexing.entries import Entry, entries_of, identity, marks_of, relative
from sinonom_cli.search.indexing.faiss_types import NEAREST
from sinonom_cli.search.indexing.npy_source import Arrays, arrays_given
from sinonom_cli.search.indexing.partial import Partial
from sinonom_cli.search.integrity import read_marks, read_rows, read_vectors, remake, verify
from sinonom_cli.search.plain_vectors import PLAIN, append_vectors, write_plain
from sinonom_cli.search.rows import Row, Rows, line_of, write_rows
from sinonom_cli.storage.atomic import cannot_write, write_json
from sinonom_cli.storage.journal import write_failures
from sinonom_cli.storage.lock import locked
from sinonom_cli.storage.model_folder import Model, read_model
from sinonom_cli.storage.record import Artifact, read_record

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST = 0.99
"""Recall below which a warning says that a compressed index should be trained again."""


def add(config: IndexConfig) -> Artifact:
    """Add what the index does not hold yet: pictures of sets, identified by set and item, or whole `.npy` files.

    Raises
    ------
    SinonomError
        With exit code 4, for a bad set, another model, or a missing index; 5, if another process writes the index.
    """
    with locked(config.output, "index"):
        return _added(config)


def _added(config: IndexConfig) -> Artifact:
    artifact = opened(config.output)
    model = read_model(config.model)
    record = index_record(artifact.record)
    if record.prototypes:
        raise SinonomError(
            f"{config.output} holds prototypes, not the pictures that they were made from: nothing can be added",
            f"{remake(config.output, record)}, with the new sets added",
        )
    if record.model_identity != model.identity or record.preprocessing != VERSION:
        raise SinonomError(
            f"{config.output} was made with another model ({record.model_identity[:12]}, not "
            f"{model.identity[:12]}) or another preparation of pictures",
            "use --model with the model of the index",
        )
    if arrays_given(config.sets):
        return _add_arrays(config, model, artifact)
    entries, renamed = _new(config, artifact)
    if not entries and not renamed:
        messages.say(f"{config.output} holds all of it already: nothing to add")
        return artifact
    if not entries:
        return _append(artifact, (), (), config, {}, None, failed=record.failed, items=record.failed, renamed=renamed)
    partial = Partial(config.output, entries, config.batch_size)
    _take_up(config.output, partial, {"pictures": len(entries), "sha256": identity(entries)})
    seen = seen_sets(config)
    failures = embed(config, model, partial)
    kept = [entry for entry in entries if entry.key not in failures]
    if not kept:
        key, reason = next(iter(failures.items()))
        raise SinonomError(f"none of {len(entries)} pictures could be used; the first, {key}: {reason}")
    counted = {"failed": len(failures), "items": len(entries)}
    blocks, rows = blocks_of(partial, record.dimension), (entry.row for entry in kept)
    _append(artifact, blocks, rows, config, seen, marks_of(kept), **counted, renamed=renamed)
    partial.delete()
    _plan(config.output).unlink(missing_ok=True)
    clear(config.output)
    write_failures(failures_path(config.output), failures)
    return artifact


def _new(config: IndexConfig, artifact: Artifact) -> tuple[list[Entry], dict[int, Row]]:
    """Return the pictures that the index does not hold yet, and the new rows of those that got another label.

    Raises
    ------
    SinonomError
        With exit code 5, if a picture that it holds has changed since it was indexed.
    """
    path, record = artifact.path, index_record(artifact.record)
    sets = {relative(path, config.output) for path in config.sets}
    marks = read_marks(path, record, whole=True)
    rows = read_rows(path, record, whole=True)
    known = {(row.set, row.item): n for n, row in enumerate(rows) if row.set in sets}
    new, other, renamed = [], [], {}
    for entry in entries_of(config.sets, config.output, config.limit):
        number = known.get((entry.row.set, entry.row.item))
        if number is None:
            new.append(entry)
        elif marks is not None and marks[number].any() and marks[number].tobytes() != entry.mark:
            other.append(entry)
        elif (rows[number].label, rows[number].char) != (entry.row.label, entry.row.char):
            renamed[number] = entry.row
    if other:
        raise SinonomError(
            f"pictures that {path} holds and that have changed since: {len(other)}; the first is {other[0].path}",
            f"--remove them first, or {remake(path, record)}",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
    return new, renamed


def _add_arrays(config: IndexConfig, model: Model, artifact: Artifact) -> Artifact:
    record = index_record(artifact.record)
    known = set(record.sets)
    new = [path for path in config.sets if relative(path, config.output) not in known]
    if not new:
        messages.say(f"{config.output} holds all of it already: nothing to add")
        return artifact
    arrays = Arrays(new, config.output, model.embedding_size, config.limit)
    config = replace(config, sets=tuple(new))
    blocks = (shortened(block, record.dimension) for block in arrays.blocks())
    marks, seen = arrays.pictures()
    return _append(artifact, blocks, arrays.rows(), config, seen, marks, failed=0, items=arrays.shape[0])


def _take_up(path: Path, partial: Partial, inputs: dict[str, Any]) -> None:
    """Keep the batches of a killed addition if it had the same inputs; otherwise delete them."""
    plan = _plan(path)
    if plan.exists() and json.loads(plan.read_text(encoding="utf-8", errors="surrogateescape")) == inputs:
        messages.say(f"adding to {path} was begun before: going on")
        return
    partial.delete()
    write_json(plan, inputs)


def _plan(path: Path) -> Path:
    return partial_path(path) / "add.json"


def _append(
    artifact: Artifact,
    blocks: Iterable[NDArray[np.float32]],
    new: Iterable[Row],
    config: IndexConfig,
    seen: dict[str, str],
    marks: NDArray[np.uint8] | None,
    failed: int,
    items: int,
    renamed: Mapping[int, Row] | None = None,
) -> Artifact:
    record, path = index_record(artifact.record), artifact.path
    folder = partial_path(path)
    made = {FAISS: folder / "index.faiss", ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
    fields: dict[str, Any] = {}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kind = record.type
        if kind in PLAIN:
            count, _, unit = write_plain(made[FAISS], kind, chain(pieces(read_vectors(path, record)), blocks))
            added = count - record.rows
        else:
            whole = beside(path, VECTORS)
            old = len(read_vectors(path, record))
            with whole.open("r+b") as file:
                file.truncate(record.files[VECTORS].bytes)  # this removes what a killed addition left at the end
                file.seek(0, 2)
                added, _, unit = append_vectors(file, blocks)
            vectors = np.memmap(whole, "<f4", "r", shape=(old + added, record.dimension))
            verify(path, record)
            index = load(path)
            for block in pieces(vectors, old):
                index.add(block)
            fields = named(kind, record.factory, index, vectors)
            save(index, made[FAISS])
            fields["vectors"] = vectors_claim(whole)
            del vectors
        rows = read_rows(path, record, whole=True)
        renamed = renamed or {}
        old_rows = (line_of(renamed[n]) if n in renamed else rows.line(n) for n in range(len(rows)))
        _say_renamed(rows, renamed)
        write_rows(made[ROWS], made[STARTS], new, old_rows)
        made |= write_marks(folder, _together(read_marks(path, record, whole=True), len(rows), marks, added))
        del rows  # Windows cannot replace a file that is mapped
        was = record.counts
        counts = {"items": was["items"] + items - was["failed"], "rows": was["rows"] + added, "failed": failed}
        sets = [*record.sets, *(relative(name, config.output) for name in config.sets)]
        options = {**record.options, "sets": list(dict.fromkeys(sets))}
        fields["seen"] = {**record.seen, **seen}
        publish(artifact, made, **fields, **changed(record, options), unit=record.unit and unit, counts=counts)
        clear(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    messages.say(f"{added} added, {counts['rows']} in all")
    warn_of_recall(path, record, fields)
    return artifact


def _say_renamed(rows: Rows, renamed: Mapping[int, Row]) -> None:
    """Say which items have got another label, such as by a correction."""
    if renamed:
        number, row = next(iter(renamed.items()))
        was = rows[number].label or "no label"
        messages.say(f"labels renewed: {len(renamed)}; the first: {row.item}, {was} -> {row.label or 'no label'}")


def _together(
    old: NDArray[np.uint8] | None, count: int, new: NDArray[np.uint8] | None, added: int
) -> NDArray[np.uint8] | None:
    """Return the marks of `count` old and `added` new rows, 0 where they are missing; None if all are missing."""
    if old is None and new is None:
        return None
    parts = (old, count), (new, added)
    return np.concatenate([np.zeros((n, MARK), np.uint8) if each is None else each for each, n in parts])


def warn_of_recall(path: Path, record: IndexRecord, fields: dict[str, Any]) -> None:
    """Warn if a compressed index, which was trained on its earlier vectors, finds too few of the nearest rows."""
    recall = fields.get("measured", {}).get(f"recall@{NEAREST}", 1.0)
    if recall < LEAST:
        messages.warn(f"{path} finds {recall:.3f} of the {NEAREST} nearest now: {remake(path, record)} trains it again")


def changed(record: IndexRecord, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record's fields for an index whose rows were changed after one command had made it."""
    if record.calibration:
        messages.warn("the calibration was fitted to the old rows and is removed: run sinonom query --calibrate again")
    return {"options": options, "inputs": {"changed": True}, "indexed": {"changed": True}, "calibration": None}


def opened(path: Path) -> Artifact:
    """Return a complete index that can be changed; raise SinonomError for one in Milvus."""
    recover(path)
    raw = read_record(path, "index")
    record = index_record(raw)
    if record.failed and failures_path(path).exists():
        messages.detail(f"{record.failed} pictures failed before: see {failures_path(path)}")
    if record.store:
        raise SinonomError(f"{path} lies in {record.store.uri}", remake(path, record))
    return Artifact(path, raw, "complete")
