"""Add to an index without embedding its pictures or training it again.

Pictures that have changed since they were indexed are embedded again; their rows move to the end of the index.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.networks.embedder import shortened
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.search.index_files import checksum, failures_path, partial_path
from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.indexing.append import append
from sinonom_cli.search.indexing.assemble import clear
from sinonom_cli.search.indexing.build import IndexConfig, blocks_of, embed, seen_sets
from sinonom_cli.search.indexing.changing import arrays_of, opened
from sinonom_cli.search.indexing.entries import Entry, entries_of, identity, marks_of, relative
from sinonom_cli.search.indexing.npy_source import Arrays, arrays_given
from sinonom_cli.search.indexing.partial import Partial
from sinonom_cli.search.integrity import read_marks, read_rows, remake
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.storage.journal import write_failures
from sinonom_cli.storage.lock import locked
from sinonom_cli.storage.model_folder import Model, read_model
from sinonom_cli.storage.record import Artifact


def add(config: IndexConfig) -> Artifact:
    """Add what the index does not hold yet: pictures of sets, identified by set and item, or whole `.npy` files.

    A picture that has changed replaces the one that the index holds. If it cannot be embedded, the old row stays.

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
    news = _news(config, artifact)
    entries, renamed = news.entries, news.renamed
    if not entries and not renamed:
        messages.say(f"{config.output} holds all of it already: nothing to add")
        return artifact
    seen = seen_sets(config)
    if not entries:
        return append(artifact, (), (), config, seen, None, failed=record.failed, items=record.failed, renamed=renamed)
    partial = Partial(config.output, entries, config.batch_size)
    _take_up(config.output, partial, {"pictures": len(entries), "sha256": identity(entries)})
    failures = embed(config, model, partial)
    kept = [entry for entry in entries if entry.key not in failures]
    if not kept:
        key, reason = next(iter(failures.items()))
        raise SinonomError(f"none of {len(entries)} pictures could be used; the first, {key}: {reason}")
    counted = {"failed": len(failures), "items": len(entries)}
    blocks, rows = blocks_of(partial, record.dimension), (entry.row for entry in kept)
    gone = [number for key, number in news.old.items() if key not in failures]
    append(artifact, blocks, rows, config, seen, marks_of(kept), **counted, renamed=renamed, gone=gone)
    partial.delete()
    _plan(config.output).unlink(missing_ok=True)
    clear(config.output)
    write_failures(failures_path(config.output), failures)
    return artifact


@dataclass(frozen=True, kw_only=True)
class News:
    """What the sets have that the index has not.

    Attributes
    ----------
    entries : pictures that are new or have changed, in the order of the sets.
    old : numbers of the rows of those that have changed, by the keys of their entries.
    renamed : new rows of unchanged pictures that got another label, by the numbers of their rows.
    """

    entries: list[Entry]
    old: dict[str, int]
    renamed: dict[int, Row]


def _news(config: IndexConfig, artifact: Artifact) -> News:
    path, record = artifact.path, index_record(artifact.record)
    sets = {relative(path, config.output) for path in config.sets}
    marks = read_marks(path, record, whole=True)
    rows = read_rows(path, record, whole=True)
    known = {(row.set, row.item): n for n, row in enumerate(rows) if row.set in sets}
    news = News(entries=[], old={}, renamed={})
    entries = entries_of(config.sets, config.output, config.limit)
    for entry in entries:
        number = known.get((entry.row.set, entry.row.item))
        if number is None:
            news.entries.append(entry)
        elif marks is not None and marks[number].any() and marks[number].tobytes() != entry.mark:
            news.entries.append(entry)
            news.old[entry.key] = number
        elif (rows[number].label, rows[number].char) != (entry.row.label, entry.row.char):
            news.renamed[number] = entry.row
    gone = known.keys() - {(entry.row.set, entry.row.item) for entry in entries}
    if gone and config.limit is None:
        name, item = min(gone)
        messages.warn(
            f"{path} holds pictures that their set has no longer: {len(gone)}; the first is {item} of {name}; "
            "--remove takes them out"
        )
    return news


def _add_arrays(config: IndexConfig, model: Model, artifact: Artifact) -> Artifact:
    record = index_record(artifact.record)
    known = set(record.sets)
    new = [path for path in config.sets if relative(path, config.output) not in known]
    was = arrays_of(artifact)
    for path in config.sets:
        if path not in new and path.name in was and path.exists() and was[path.name] != checksum(path, quick=True):
            raise SinonomError(
                f"{path} has changed since it was added to {config.output}",
                f"give it another name, or {remake(config.output, record)}",
                ExitCode.OUTPUT_IN_THE_WAY,
            )
    if not new:
        messages.say(f"{config.output} holds all of it already: nothing to add")
        return artifact
    arrays = Arrays(new, config.output, model.embedding_size, config.limit)
    config = replace(config, sets=tuple(new))
    blocks = (shortened(block, record.dimension) for block in arrays.blocks())
    marks, seen = arrays.pictures()
    return append(artifact, blocks, arrays.rows(), config, seen, marks, failed=0, items=arrays.shape[0])


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
