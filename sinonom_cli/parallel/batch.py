"""Make a folder artifact from items: begin it, process the unfinished items, finish it, and resume it after a kill."""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from sinonom_cli import console, messages
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.parallel.processes import PROCESSES, SMALL_JOB, work_through
from sinonom_cli.parallel.work import Work
from sinonom_cli.storage.atomic import cannot_write, sweep
from sinonom_cli.storage.fingerprints import changed_items, each, identity_of, mark_of, to_be_made_again
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.journal import Journal, Known, TableRow, finished
from sinonom_cli.storage.record import Artifact, begin, finish, record_path, refuse_files, reopen, writing
from sinonom_cli.storage.removal import unlink_below

if TYPE_CHECKING:
    import numpy as np


TRIED = 8
"""Number of items that are tried before an output is replaced."""


@dataclass(frozen=True, kw_only=True)
class BatchOptions:
    """Options of a batch run; none of them affects the output.

    `workers` None: one for each core. `max_failures` None: no limit. `engine`: as in `work_through`.
    """

    workers: int | None = None
    fail_fast: bool = False
    max_failures: int | None = None
    overwrite: bool = False
    engine: str = PROCESSES


def item_rng(seed: int, key: str) -> "np.random.Generator":
    """Return a random generator that depends on (seed, key) alone, and so not on the worker."""
    import numpy as np

    digest = hashlib.sha256(f"{seed}\0{key}".encode("utf-8", "surrogatepass")).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))


def fill(
    out: Path,
    *,
    kind: str,
    options: dict[str, Any],
    items: Sequence[Item],
    work: Work,
    columns: Sequence[str],
    batch: BatchOptions,
    what: str,
    extra: Callable[[], dict[str, Any]] | None = None,
    doubtful: Sequence[str] = (),
    needs: Sequence[Path | None] = (),
    passed_over: Mapping[str, int] | None = None,
) -> Artifact:
    """Make, resume or extend the folder artifact `out`: apply `work` to each unfinished item.

    Items that failed before, and items that are new since a complete run, are processed; finished items are kept.

    Parameters
    ----------
    out : the folder to make.
    kind : "imageset" or "meshset".
    options : everything that affects the files written; JSON types only.
    items : all inputs of the artifact, in the order of its metadata.
    work : picklable callable that writes an item's files below `out` and returns its metadata rows. Its method
        `outputs`, if it has one, returns the names of all files that it may write for an item, relative to `out`.
    columns : header of `metadata.csv`.
    batch : options of the run.
    what : name of the items in messages, in the plural.
    extra : function that is called at the end and returns further fields of the record.
    doubtful : header of `doubtful.csv`, for rows of `work` without a `file_name`; empty: there are no such rows.
    needs : files, named by options, that the command reads besides the items; None: an option that was not given.
    passed_over : number of files in the folders that were passed over, by suffix, for the record.

    Raises
    ------
    SinonomError
        If the output is in the way, inputs changed since they were used, too many items failed, or none succeeded.
    """
    inputs = [path for path in needs if path is not None]
    inputs += [path for item in items for path in (item.path, *item.files)]
    with writing(out, kind, list(dict.fromkeys(inputs))):
        if batch.overwrite and record_path(out, kind).exists():
            _refuse_hopeless(items, work, batch, what)
        writes = (name for item in items for name in outputs_of(work, item))
        artifact = begin(out, kind, options, {"count": len(items)}, batch.overwrite, writes=writes)
        before = artifact.state
        if before == "complete":
            known = finished(out)
            refuse_changed(out, items, known)
            keys = [item.key for item in items]
            current = list(known) == keys and all(mark or size < 0 for size, mark in known.values())
            if current and not to_be_made_again(items, known):
                messages.say(f"{out} is complete: nothing to do")
                return artifact
            reopen(artifact)
        elif before == "running":
            messages.say(f"{out} was begun before: going on")
            sweep(out)
        journal = Journal(out)
        try:
            if before == "running":
                refuse_changed(out, items, journal.done)
            _forget(out, to_be_made_again(items, journal.done), items, work, journal, what)
            if before != "new":
                _refuse_what_somebody_put_there(out, items, work, journal)
            _mark_what_is_old(out, items, journal)
            _work_through(out, items, work, journal, batch, what)
            if items and not journal.done:
                journal.write_failures(items)
                reason = journal.failures[items[0].key]
                raise SinonomError(f"none of {len(items)} {what} could be used; the first, {items[0].key}: {reason}")
            counts = journal.write_tables(items, columns, doubtful)
            marks = [journal.done.get(item.key, (0, ""))[1] for item in items]
            artifact.record["inputs"] = identity_of(items, marks)
            artifact.record.pop("passed_over", None)
            besides = {"passed_over": dict(passed_over)} if passed_over else {}
            finish(artifact, counts=counts, **besides, **(extra() if extra else {}))
            journal.delete()
        except OSError as error:
            raise cannot_write(out, error) from error
        finally:
            journal.close()
    return artifact


def _refuse_hopeless(items: Sequence[Item], work: Work, batch: BatchOptions, what: str) -> None:
    """Refuse to replace an output if nothing could take its place: try the first items until one succeeds.

    Dataclasses with a field `out` are tried in a temporary folder. For other works, only faults known beforehand count.
    """
    failure = items[0].fault if items and all(item.fault for item in items) else ""
    if not failure and is_dataclass(work) and any(field.name == "out" for field in fields(work)):
        workers = 0 if batch.workers == 0 or len(items) < SMALL_JOB else 1
        with TemporaryDirectory(prefix="sinonom-") as folder:
            trial: Any = replace(work, out=Path(folder))
            try:
                for outcome in work_through(items[:TRIED], trial, workers):
                    if outcome.rows is not None:
                        return
                    failure = failure or outcome.failure
            except SinonomError:  # an error of the temporary folder says nothing about the output
                return
        if len(items) > TRIED:
            return
    if failure:
        hint = "give other inputs; the output was not changed"
        raise SinonomError(f"none of {len(items)} {what} could be used; the first, {items[0].key}: {failure}", hint)


def outputs_of(work: Work, item: Item) -> Sequence[str]:
    """Return the files that a work may write for an item, relative to the output; empty if it does not say."""
    outputs: Callable[[Item], Sequence[str]] | None = getattr(work, "outputs", None)
    return outputs(item) if outputs else ()


def _refuse_what_somebody_put_there(out: Path, items: Sequence[Item], work: Work, journal: Journal) -> None:
    """Refuse to overwrite files that were not left by a killed run of this program."""
    if journal.begun is not None:
        todo = (item for item in items if item.key not in journal.done)
        there = (name for item in todo for name in outputs_of(work, item) if os.path.lexists(out / name))
        refuse_files(out, set(there).difference(journal.begun))


def close(artifact: Artifact, *, as_json: bool) -> None:
    """End a command: print the path of its output, or with `as_json` its record, on stdout.

    Raises
    ------
    SinonomError
        With exit code 6, if some items failed.
    """
    failed = artifact.counts.get("failed", 0)
    if as_json:
        console.data_json({"path": str(artifact.path), **artifact.record})
    else:
        console.data(str(artifact.path))
    if failed:
        path = artifact.path
        beside = path.with_name(path.name + ".failures.csv")
        where = beside if artifact.record["kind"] == "index" else path / "failures.csv"
        raise SinonomError(
            f"{failed} of {artifact.counts['items']} inputs failed: see {where}",
            "repair them, then run the same command again: it only does what is missing",
            ExitCode.SOME_FAILED,
        )


def refuse_changed(out: Path, items: Sequence[Item], known: Mapping[str, Known]) -> None:
    """Refuse to continue with an output whose inputs have changed or are missing; new inputs are accepted.

    Parameters
    ----------
    known : size in bytes and fingerprint, by key, of the inputs from which it was made.

    Raises
    ------
    SinonomError
        With exit code 5; it names the first such input.
    """
    there = {item.key for item in items}
    gone = [key for key in known if key not in there]
    changed = changed_items(items, known)
    if gone or changed:
        first = (changed or gone)[0]
        raise SinonomError(
            f"{out} was made from other inputs: {len(changed)} changed, {len(gone)} gone; the first is {first}",
            "use --overwrite, or another output",
            ExitCode.OUTPUT_IN_THE_WAY,
        )


def _forget(out: Path, keys: Sequence[str], items: Sequence[Item], work: Work, journal: Journal, what: str) -> None:
    """Remove the files of items that must be made again, and take them as not done."""
    if keys:
        messages.say(f"{what} that are made again, as files that they depend on have changed: {len(keys)}")
        again = set(keys)
        besides = [name for item in items if item.key in again for name in outputs_of(work, item)]
        unlink_below(out, journal.forget(keys, besides))


def _mark_what_is_old(out: Path, items: Sequence[Item], journal: Journal) -> None:
    """Treat items that an earlier version recorded by size alone as unchanged, and record their fingerprints."""
    old = [item for item in items if item.size >= 0 and journal.done.get(item.key, (0, "-"))[1] == ""]
    if old:
        messages.say(f"{out} was made by a version that compared inputs by size: {len(old)} are taken as unchanged")
        for item, mark in zip(old, each(mark_of, old), strict=True):
            journal.done[item.key] = item.size, mark


def _work_through(
    out: Path, items: Sequence[Item], work: Work, journal: Journal, batch: BatchOptions, what: str
) -> None:
    todo = [item for item in items if item.key not in journal.done]
    allowed = 0 if batch.fail_fast else batch.max_failures

    def begun(some: Sequence[Item]) -> None:
        if names := [name for item in some for name in outputs_of(work, item)]:
            journal.begin(names)

    with messages.progress(len(todo), what) as progress:
        for outcome in work_through(todo, work, batch.workers, batch.engine, begun=begun):
            journal.add(outcome.item, outcome.rows, outcome.failure, outcome.mark)
            journal.flush()
            progress.advance()
            if outcome.rows is not None:
                continue
            unlink_below(out, outputs_of(work, outcome.item))  # files written before the failure
            messages.detail(f"{outcome.item.key}: {outcome.failure}\n{outcome.trace}".rstrip())
            if allowed is not None and len(journal.failures) > allowed:
                journal.write_failures(items)
                raise SinonomError(
                    f"stopped: {outcome.item.key}: {outcome.failure}",
                    f"see {out / 'failures.csv'}; run the same command again to go on",
                )


__all__ = ["Artifact", "BatchOptions", "Item", "TableRow", "close", "fill", "item_rng"]
