"""Embed image sets batch by batch, then put the batches together."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli import console
from sinonom_cli.artifacts.artifact import Artifact, begin, reopen
from sinonom_cli.artifacts.batch import BatchOptions, close
from sinonom_cli.artifacts.imageset import Picture, read_imageset
from sinonom_cli.artifacts.index import read_vectors
from sinonom_cli.artifacts.index_files import failures_path, write_index
from sinonom_cli.artifacts.journal import write_failures
from sinonom_cli.artifacts.model import DEFAULT, Model, read_model
from sinonom_cli.artifacts.rows import Row
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.index.partial import Entry, Partial, identity
from sinonom_cli.models.embed_pictures import embed_pictures
from sinonom_cli.models.embedder import Embedder
from sinonom_cli.models.preprocess import VERSION

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class IndexConfig:
    """What was typed; see the command's help."""

    sets: tuple[Path, ...]
    output: Path
    model: Path | None
    batch_size: int
    limit: int | None
    batch: BatchOptions


def run(config: IndexConfig) -> Artifact:
    """Make, resume or complete an index.

    Raises
    ------
    SinonomError
        4 for a bad set or model, 5 for an output in the way or made from something else.
    """
    model = read_model(config.model)
    entries = _entries(config)
    options = {
        "sets": list(dict.fromkeys(_relative(path, config.output) for path in config.sets)),
        "model": model.identity,
        "preprocessing": VERSION,
        "batch_size": config.batch_size,
        "limit": config.limit,
    }
    inputs = {"pictures": len(entries), "sha256": identity(entries)}
    artifact = begin(config.output, "index", options, inputs, config.batch.overwrite)
    partial = Partial(config.output, entries, config.batch_size)
    if artifact.state == "new":
        partial.delete()
    elif artifact.state == "complete":
        failed = _failed_before(artifact)
        _refuse_changed(artifact, [entry for entry in entries if entry.key not in failed], "indexed")
        if not failed:
            console.say(f"{config.output} is complete: nothing to do")
            return artifact
        partial.restore(read_vectors(config.output, artifact.record), failed)
        artifact.record["inputs"] = inputs
        reopen(artifact)
    else:
        _refuse_changed(artifact, entries, "inputs")
        console.say(f"{config.output} was begun before: going on")
    failures = _embed(config, model, partial)
    return _put_together(config, model, partial, artifact, failures)


def _entries(config: IndexConfig) -> list[Entry]:
    entries = []
    for where, path in {_relative(path, config.output): path for path in config.sets}.items():
        images = read_imageset(path)
        entries += [Entry(path / p.file_name, _row(p, where)) for p in images.pictures]
    if not entries:
        raise SinonomError(f"no pictures in {', '.join(map(str, config.sets))}", "give image sets that hold some")
    return entries[: config.limit]


def _row(picture: Picture, where: str) -> Row:
    return Row(picture.item, picture.source, picture.label, picture.char, where)


def _relative(path: Path, output: Path) -> str:
    """Return `path` relative to the folder of the index, so that both can be moved together."""
    try:
        return Path(os.path.relpath(path, output.parent)).as_posix()
    except ValueError:  # another drive of Windows
        return path.absolute().as_posix()


def _refuse_changed(artifact: Artifact, entries: Sequence[Entry], field: str) -> None:
    was, now = artifact.record.get(field, {}), {"pictures": len(entries), "sha256": identity(entries)}
    if was != now:
        raise SinonomError(
            f"{artifact.path} was made from other pictures: {was.get('pictures')} then, {now['pictures']} now"
            + ("" if was.get("pictures") != now["pictures"] else ", some of them changed"),
            "--overwrite, or another output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )


def _failed_before(artifact: Artifact) -> set[str]:
    path = failures_path(artifact.path)
    if not artifact.counts.get("failed") or not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="", errors="surrogateescape") as file:
        return {row["file"] for row in csv.DictReader(file)}


def _embed(config: IndexConfig, model: Model, partial: Partial) -> dict[str, str]:
    """Embed the batches that are not done; return reason by key of the pictures that failed."""
    todo = [number for number in range(len(partial.batches)) if not partial.done(number)]
    failures: dict[str, str] = {}
    allowed = 0 if config.batch.fail_fast else config.batch.max_failures
    paths = [[entry.path for entry in partial.batches[number]] for number in todo]
    embedded = embed_pictures(Embedder(model, 0), paths, model.size, config.batch.workers, config.batch.engine)
    with console.progress(sum(len(partial.batches[number]) for number in todo), "pictures") as progress:
        for number, result in zip(todo, embedded, strict=True):
            partial.save(number, result)
            for position, reason in result.failures.items():
                entry = partial.batches[number][position]
                failures[entry.key] = reason
                console.detail(f"{entry.path}: {reason}")
            progress.advance(len(partial.batches[number]))
            if allowed is not None and len(failures) > allowed:
                write_failures(failures_path(config.output), failures)
                key, reason = next(iter(failures.items()))
                raise SinonomError(
                    f"stopped: {key}: {reason}",
                    f"see {failures_path(config.output)}; the same command again goes on",
                )
    return failures


def _put_together(
    config: IndexConfig,
    model: Model,
    partial: Partial,
    artifact: Artifact,
    failures: dict[str, str],
) -> Artifact:
    """Write the index from its batches, finish it, and remove them."""
    entries = [entry for batch in partial.batches for entry in batch]
    kept = [entry for entry in entries if entry.key not in failures]
    write_failures(failures_path(config.output), failures)
    if not kept:
        key, reason = next(iter(failures.items()))
        raise SinonomError(f"none of {len(entries)} pictures could be used; the first, {key}: {reason}")
    write_index(
        artifact,
        _blocks(partial),
        (entry.row for entry in kept),
        model={"identity": model.identity, "path": _model_path(model, config.output)},
        preprocessing=VERSION,
        distance=model.distance,
        indexed={"pictures": len(kept), "sha256": identity(kept)},
        counts={"items": len(entries), "rows": len(kept), "failed": len(failures)},
    )
    partial.delete()
    return artifact


def _blocks(partial: Partial) -> Iterator[NDArray[np.float32]]:
    for number in range(len(partial.batches)):
        vectors = partial.load(number).vectors
        if len(vectors):
            yield vectors


def _model_path(model: Model, output: Path) -> str | None:
    """Return the model's path as the record keeps it; None: the default model, wherever that is installed."""
    return None if model.path == DEFAULT else _relative(model.path, output)


__all__ = ["BatchOptions", "IndexConfig", "close", "run"]
