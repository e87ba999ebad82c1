"""Embed image sets batch by batch, then build an index from the batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError, UsageError
from sinonom_cli.networks.embed_pictures import embed_pictures
from sinonom_cli.networks.embedder import Embedder, shortened
from sinonom_cli.networks.preprocess import VERSION
from sinonom_cli.parallel.batch import BatchOptions
from sinonom_cli.search.index_files import failures_path, recover
from sinonom_cli.search.index_record import index_record
from sinonom_cli.search.indexing import faiss_types
from sinonom_cli.search.indexing.assemble import assemble, clear, pieces
from sinonom_cli.search.indexing.comparing import failed_before, refuse_changed
from sinonom_cli.search.indexing.entries import entries_of, identity, marks_of, relative
from sinonom_cli.search.indexing.milvus_store import check_store, drop_replaced, store, stored_at
from sinonom_cli.search.indexing.npy_source import Arrays, arrays_given
from sinonom_cli.search.indexing.partial import Partial
from sinonom_cli.search.indexing.prototypes import prototypes, refuse_unlabelled
from sinonom_cli.search.integrity import read_vectors
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.journal import write_failures
from sinonom_cli.storage.model_folder import DEFAULT, Model, read_model
from sinonom_cli.storage.record import Artifact, begin, reopen, writing
from sinonom_cli.storage.set_identity import quick_identity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from sinonom_cli.search.indexing.assemble import Blocks


@dataclass(frozen=True, kw_only=True)
class IndexConfig:
    """Arguments and options of `sinonom index`; see its help."""

    sets: tuple[Path, ...]
    output: Path
    model: Path | None
    batch_size: int
    limit: int | None
    type: str
    prototypes: int | None
    dimensions: int | None
    store: str | None
    batch: BatchOptions


def run(config: IndexConfig) -> Artifact:
    """Make, resume or complete an index.

    Raises
    ------
    SinonomError
        With exit code 4, for a bad set or model; 5, if the output is in the way or was made from other inputs.
    """
    tables = [path.with_suffix(".csv") for path in config.sets if path.suffix == ".npy"]
    with writing(config.output, "index", [*config.sets, *tables, *([config.model] if config.model else ())]):
        return _made(config)


def _made(config: IndexConfig) -> Artifact:
    recover(config.output)
    model = read_model(config.model)
    faiss_types.factory(config.type, 1, dimensions_of(config.dimensions, model))
    if config.store:
        check_store(config.store, config.output, config.type)
    if arrays_given(config.sets):
        return _from_arrays(config, model)
    entries = entries_of(config.sets, config.output, config.limit)
    if config.prototypes:
        refuse_unlabelled([entry.row for entry in entries])
    inputs = {"pictures": len(entries), "sha256": identity(entries)}
    artifact = _begun(config, model, config.batch_size, inputs)
    if entries.passed_over:
        artifact.record["passed_over"] = entries.passed_over
    partial = Partial(config.output, entries, config.batch_size)
    if artifact.state == "new":
        partial.delete()
        clear(config.output)
    elif artifact.state == "complete":
        failed = failed_before(artifact)
        refuse_changed(artifact, [entry for entry in entries if entry.key not in failed], "indexed")
        if not failed:
            messages.say(f"{config.output} is complete: nothing to do")
            return artifact
        if not config.prototypes and not config.store:  # otherwise all pictures are embedded again
            partial.restore(read_vectors(config.output, index_record(artifact.record)), failed)
        artifact.record["inputs"] = inputs
        reopen(artifact)
    else:
        refuse_changed(artifact, entries, "inputs")
        messages.say(f"{config.output} was begun before: going on")
    seen = seen_sets(config)
    failures = embed(config, model, partial)
    return _put_together(config, model, partial, artifact, failures, seen)


def _begun(config: IndexConfig, model: Model, batch_size: int | None, inputs: dict[str, Any]) -> Artifact:
    """Begin the index, and remove the index that it replaces, also from Milvus."""
    replaced = stored_at(config.output)
    artifact = begin(config.output, "index", _options(config, model, batch_size), inputs, config.batch.overwrite)
    drop_replaced(artifact, replaced)
    return artifact


def seen_sets(config: IndexConfig) -> dict[str, str]:
    """Return the identity of each set, by its name in rows, so that `query` can find out whether it has changed."""
    return {relative(path, config.output): quick_identity(path) for path in config.sets}


def _from_arrays(config: IndexConfig, model: Model) -> Artifact:
    """Make an index of embeddings that another program made with this model."""
    arrays = Arrays(config.sets, config.output, model.embedding_size, config.limit)
    inputs = arrays.identity()
    if config.prototypes:
        refuse_unlabelled(list(arrays.rows()))
    artifact = _begun(config, model, None, inputs)
    if artifact.state != "new" and artifact.record.get("inputs") != inputs:
        raise SinonomError(
            f"{artifact.path} was made from other arrays, or they have changed since",
            "use --overwrite, or another output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )
    if artifact.state == "complete":
        messages.say(f"{config.output} is complete: nothing to do")
        return artifact
    if artifact.state == "new":
        clear(config.output)
    else:
        messages.say(f"{config.output} was begun before: going on")
    count = arrays.shape[0]
    marks, seen = arrays.pictures()
    return put(
        artifact,
        config,
        (count, dimensions_of(config.dimensions, model)),
        lambda: (shortened(block, config.dimensions) for block in arrays.blocks()),
        arrays.rows(),
        marks,
        counts={"items": count, "rows": count, "failed": 0},
        **({"seen": seen} if seen else {}),
        **fields_of(config, model),
    )


def put(
    artifact: Artifact,
    config: IndexConfig,
    shape: tuple[int, int],
    blocks: Blocks,
    rows: Iterable[Row],
    marks: NDArray[np.uint8] | None = None,
    **fields: Any,
) -> Artifact:
    """Write vectors and rows into files or Milvus, and finish the artifact."""
    if config.prototypes:
        vectors, standing, unit = prototypes(config.prototypes, shape, blocks(), list(rows))
        labels = len({row.label for row in standing})
        messages.say(f"{len(standing)} prototypes of {labels} labels, from {shape[0]} pictures")
        fields["counts"] = {**fields["counts"], "rows": len(standing), "labels": labels}
        if not unit:  # prototypes keep only the directions of the embeddings
            fields["distance"] = "cosine"
        shape, blocks, rows, marks = vectors.shape, lambda: pieces(vectors), standing, None
    if config.store:
        return store(artifact, config.store, config.type, shape, blocks, rows, marks, **fields)
    return assemble(artifact, config.type, shape, blocks, rows, marks, **fields)


def _options(config: IndexConfig, model: Model, batch_size: int | None) -> dict[str, Any]:
    options = {
        "sets": list(dict.fromkeys(relative(path, config.output) for path in config.sets)),
        "model": model.identity,
        "preprocessing": VERSION,
        "batch_size": batch_size,
        "limit": config.limit,
        "type": config.type,
        "prototypes": config.prototypes,
        "dimensions": config.dimensions,
        "store": config.store,
    }
    optional = ("batch_size", "prototypes", "dimensions", "store")
    return {name: value for name, value in options.items() if name not in optional or value is not None}


def dimensions_of(wanted: int | None, model: Model) -> int:
    """Return the number of dimensions of a model's embeddings that an index holds.

    Raises
    ------
    SinonomError
        With exit code 2, if the model has fewer; 4, if its dimensions are not in the order of their variance.
    """
    if wanted is None or wanted == model.embedding_size:
        return model.embedding_size
    if wanted > model.embedding_size:
        what = f"--dimensions {wanted}: the embeddings of {model.path} have only {model.embedding_size}"
        raise UsageError(what, f"--dimensions {model.embedding_size // 2}, or leave it out")
    if model.record.axes != "principal":
        raise SinonomError(
            f"{model.path} has {model.embedding_size} dimensions that are not sorted by variance: none can be left out",
            "leave out --dimensions; models that sinonom train makes with a metric loss can be shortened",
        )
    return wanted


def fields_of(config: IndexConfig, model: Model) -> dict[str, Any]:
    """Return the record's fields about the model."""
    path = None if model.path == DEFAULT else relative(model.path, config.output)  # None: the one that is installed
    return {
        "model": {"identity": model.identity, "path": path},
        "preprocessing": VERSION,
        "distance": model.distance,
    }


def embed(config: IndexConfig, model: Model, partial: Partial) -> dict[str, str]:
    """Embed the batches that are not done; return the reasons of the pictures that failed, by key."""
    todo = [number for number in range(len(partial.batches)) if not partial.done(number)]
    failures: dict[str, str] = {}
    allowed = 0 if config.batch.fail_fast else config.batch.max_failures
    paths = [[entry.path for entry in partial.batches[number]] for number in todo]
    embedded = embed_pictures(Embedder(model, 0), paths, model.size, config.batch.workers, config.batch.engine)
    with messages.progress(sum(len(partial.batches[number]) for number in todo), "pictures") as progress:
        for number, result in zip(todo, embedded, strict=True):
            partial.save(number, result)
            for position, reason in result.failures.items():
                entry = partial.batches[number][position]
                failures[entry.key] = reason
                messages.detail(f"{entry.path}: {reason}")
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
    seen: dict[str, str],
) -> Artifact:
    """Write the index from its batches, finish it, and remove the batches."""
    entries = [entry for batch in partial.batches for entry in batch]
    kept = [entry for entry in entries if entry.key not in failures]
    write_failures(failures_path(config.output), failures)
    if not kept:
        key, reason = next(iter(failures.items()))
        raise SinonomError(f"none of {len(entries)} pictures could be used; the first, {key}: {reason}")
    put(
        artifact,
        config,
        (len(kept), dimensions_of(config.dimensions, model)),
        lambda: blocks_of(partial, config.dimensions),
        (entry.row for entry in kept),
        marks_of(kept),
        indexed={"pictures": len(kept), "sha256": identity(kept)},
        counts={"items": len(entries), "rows": len(kept), "failed": len(failures)},
        seen=seen,
        **fields_of(config, model),
    )
    partial.delete()
    return artifact


def blocks_of(partial: Partial, dimensions: int | None) -> Iterator[NDArray[np.float32]]:
    """Yield the embeddings of all batches, (n, D) float32, shortened to `dimensions` if that is given."""
    for number in range(len(partial.batches)):
        vectors = partial.load(number).vectors
        if len(vectors):
            yield shortened(vectors, dimensions)
