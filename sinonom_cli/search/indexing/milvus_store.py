"""Store an index in Milvus instead of files; its record names the collection, which belongs to this index alone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import ExitCode, SinonomError, UsageError
from sinonom_cli.search.index_files import FIELDS, MARKS, beside, checksum
from sinonom_cli.search.milvus import AT_ONCE, Collection, new_name, parse
from sinonom_cli.search.rows import Row
from sinonom_cli.storage.atomic import write_bytes, write_json
from sinonom_cli.storage.record import Artifact, finish, record_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.indexing.assemble import Blocks


def stored_at(output: Path) -> dict[str, str] | None:
    """Return where in Milvus the rows of the index at `output` are; None if there is no index or it is in files."""
    try:
        record = json.loads(record_path(output, "index").read_text(encoding="utf-8"))
        store = record["store"]
        return {"kind": "milvus", "uri": str(store["uri"]), "collection": str(store["collection"])}
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_store(text: str, output: Path, kind: str) -> None:
    """Check, before anything is embedded, that Milvus answers and can hold the index.

    Raises
    ------
    SinonomError
        With exit code 2, for an invalid store or type; 4, if Milvus does not answer; 5, if the named collection exists
        and is not that of the index at `output`.
    """
    uri, name = parse(text)
    if kind not in ("auto", "flat"):
        raise UsageError(f"--type {kind} is a type of FAISS, not of Milvus", "use --type auto or flat with --store")
    own = stored_at(output)
    collection = Collection(uri, name or "sinonom", output.parent)
    if collection.there() and name and own != {"kind": "milvus", "uri": uri, "collection": name}:
        raise _in_the_way(name, uri)


def drop_replaced(artifact: Artifact, replaced: dict[str, str] | None) -> None:
    """Drop the collection of an index that `artifact` replaces, also if the run that began this was killed.

    Parameters
    ----------
    replaced : where its rows are, as `stored_at` returned before; None: not in Milvus.
    """
    if artifact.state == "new" and replaced:
        _note(artifact, replaces=replaced)
    store = artifact.record.get("replaces")
    if store and artifact.state != "complete":
        Collection(store["uri"], store["collection"], artifact.path.parent).drop()
        _note(artifact, replaces=None)


def store(
    artifact: Artifact,
    text: str,
    kind: str,
    shape: tuple[int, int],
    blocks: Blocks,
    rows: Iterable[Row],
    marks: NDArray[np.uint8] | None = None,
    **fields: Any,
) -> Artifact:
    """Write vectors and rows into a collection of their own and finish the artifact; see `assemble`.

    Marks are written into a file beside the record. After a killed run, the next run continues after the rows that the
    collection holds.
    """
    uri, name = parse(text)
    known = artifact.record.get("store")
    where: dict[str, str] = known or {"kind": "milvus", "uri": uri, "collection": name or new_name(artifact.path)}
    name = where["collection"]
    collection = Collection(uri, name, artifact.path.parent)
    if known is None:
        if collection.there():
            raise _in_the_way(name, uri)
        _note(artifact, store=where)
    elif "digest" in where:  # it was complete; pictures that failed then are now inserted between its rows
        where = {field: value for field, value in where.items() if field != "digest"}
        _note(artifact, store=where)
        collection.drop()
    if not collection.there():
        collection.create(shape[1], kind == "flat")
    done = collection.count() // AT_ONCE * AT_ONCE
    place, unit, lines = 0, True, iter(rows)
    with messages.progress(shape[0], "vectors") as progress:
        for block in blocks():
            unit = unit and bool(np.allclose(np.linalg.norm(block, axis=1), 1.0, atol=1e-4))
            own = list(islice(lines, len(block)))
            skipped = min(max(done - place, 0), len(block))
            collection.write(place + skipped, block[skipped:], own[skipped:])
            place += len(block)
            progress.advance(len(block))
    collection.finish()
    held = collection.count()
    if held != shape[0]:
        raise SinonomError(f"{name} at {uri} holds {held} rows, not {shape[0]}", "run the command with --overwrite")
    where = {**where, "digest": collection.digest(shape[0])}
    if marks is not None:
        path = beside(artifact.path, MARKS)
        write_bytes(path, marks.tobytes())
        fields[FIELDS[MARKS]] = checksum(path)
    return finish(artifact, dimension=shape[1], unit=unit, **{**fields, "store": where})


def _note(artifact: Artifact, **fields: Any) -> None:
    """Change fields in the record of a running artifact, from which the next run continues; None removes a field."""
    changed = {**artifact.record, **fields}
    artifact.record = {name: value for name, value in changed.items() if value is not None}
    write_json(record_path(artifact.path, "index"), artifact.record)


def _in_the_way(name: str, uri: str) -> SinonomError:
    return SinonomError(
        f"the collection {name} at {uri} exists and belongs to another index or program",
        "use --store with another #COLLECTION, or without one: each index needs its own collection",
        ExitCode.OUTPUT_IN_THE_WAY,
    )
