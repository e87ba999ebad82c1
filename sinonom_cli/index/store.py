"""Put an index into Milvus instead of files: its record names the collection."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import console
from sinonom_cli.artifacts.artifact import Artifact, finish
from sinonom_cli.artifacts.milvus import AT_ONCE, Collection, parse
from sinonom_cli.artifacts.rows import Row
from sinonom_cli.errors import SinonomError, usage_error

if TYPE_CHECKING:
    from sinonom_cli.index.assemble import Blocks


def check_store(text: str, output: Path, kind: str) -> None:
    """Refuse what cannot be put into Milvus, and a Milvus that is away, before anything is embedded."""
    uri, name = parse(text, output)
    if kind not in ("auto", "flat"):
        raise usage_error(f"--type {kind} is FAISS'; Milvus has its own", "--type auto or flat with --store")
    Collection(uri, name, output.parent).there()


def store(
    artifact: Artifact,
    text: str,
    kind: str,
    shape: tuple[int, int],
    blocks: Blocks,
    rows: Iterable[Row],
    **fields: Any,
) -> Artifact:
    """Write vectors and rows into a collection and finish the artifact; see `assemble`.

    A run that was killed goes on behind what the collection holds.
    """
    uri, name = parse(text, artifact.path)
    collection = Collection(uri, name, artifact.path.parent)
    if not artifact.record.get("store"):
        collection.drop()  # made by an earlier command, with other options; what is not ours is refused
        collection.create(shape[1], kind == "flat")
        remember(artifact, {"kind": "milvus", "uri": uri, "collection": name})
    done = collection.count() // AT_ONCE * AT_ONCE
    place, unit, lines = 0, True, iter(rows)
    with console.progress(shape[0], "vectors") as progress:
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
        raise SinonomError(f"{name} at {uri} holds {held} rows of {shape[0]}", "the same command with --overwrite")
    return finish(artifact, dimension=shape[1], unit=unit, **fields)


def remember(artifact: Artifact, where: dict[str, str]) -> None:
    """Note in the record of a running artifact where its rows go, so that the next run goes on there."""
    from sinonom_cli.artifacts.artifact import record_path
    from sinonom_cli.artifacts.files import write_json

    artifact.record["store"] = where
    write_json(record_path(artifact.path, "index"), artifact.record)
