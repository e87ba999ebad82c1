"""Remove from an index, without embedding or training again what stays in it."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import console
from sinonom_cli.artifacts.artifact import Artifact
from sinonom_cli.artifacts.files import cannot_write
from sinonom_cli.artifacts.index_checks import read_rows, read_vectors, verify
from sinonom_cli.artifacts.index_files import FAISS, ROWS, STARTS, VECTORS, partial_path, publish
from sinonom_cli.artifacts.lock import locked
from sinonom_cli.artifacts.plain_vectors import PLAIN, append_vectors, write_plain
from sinonom_cli.artifacts.rows import Rows, write_rows
from sinonom_cli.errors import SinonomError
from sinonom_cli.index import kinds
from sinonom_cli.index.assemble import clear, load, named, pieces, save
from sinonom_cli.index.change import changed, opened

if TYPE_CHECKING:
    from numpy.typing import NDArray


def remove(path: Path, names: Sequence[str]) -> Artifact:
    """Remove rows: `#17` by number, else by item or source; `*` and `?` stand for what they do in file names.

    Raises
    ------
    SinonomError
        4, if a name is nowhere in the index, or nothing would be left of it; then nothing is changed; 5, if another
        process writes it.
    """
    with locked(path, "index"):
        return _removed(path, names)


def _removed(path: Path, names: Sequence[str]) -> Artifact:
    artifact = opened(path)
    rows = read_rows(path, artifact.record, whole=True)
    gone = _named(path, rows, names)
    keep = np.flatnonzero(~gone)
    if len(keep) == 0:
        raise SinonomError(f"nothing would be left of {path}", "delete its files instead")
    record, folder = artifact.record, partial_path(path)
    made = {FAISS: folder / "index.faiss", ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
    fields: dict[str, Any] = {}
    vectors = read_vectors(path, record)
    kept = (np.array(vectors[keep[start : start + 65_536]]) for start in range(0, len(keep), 65_536))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kind = record.get("type", "flat")
        if kind in PLAIN:
            write_plain(made[FAISS], kind, kept)
        else:
            made[VECTORS] = folder / "vectors"
            with made[VECTORS].open("wb") as file:
                append_vectors(file, kept)
            left = np.memmap(made[VECTORS], "<f4", "r", shape=(len(keep), vectors.shape[1]))
            index, fields = _without(path, record, gone, left)
            save(index, made[FAISS])
            del left
        write_rows(made[ROWS], made[STARTS], (), (rows.line(number) for number in keep.tolist()))
        counts = {**record["counts"], "rows": len(keep), "items": len(keep) + record["counts"]["failed"]}
        del vectors, rows
        publish(artifact, made, **fields, **changed(record, record["options"]), counts=counts)
        clear(path)
    except OSError as error:
        raise cannot_write(path, error) from error
    console.say(f"{int(gone.sum())} removed, {len(keep)} left")
    return artifact


def _named(path: Path, rows: Rows, names: Sequence[str]) -> NDArray[np.bool_]:
    """Return which rows are named, (N,) bool."""
    gone = np.zeros(len(rows), bool)
    exact, patterns, found = set(), [], set()
    for name in names:
        if name.startswith("#") and name[1:].isdecimal():
            if int(name[1:]) >= len(rows):
                raise SinonomError(f"{path} has no row {name}: it has {len(rows)}", "rows are counted from #0")
            gone[int(name[1:])] = True
        elif any(sign in name for sign in "*?["):
            patterns.append(name)
        else:
            exact.add(name)
    if exact or patterns:
        for number, row in enumerate(rows):
            hits = {row.item, row.source} & exact
            hits.update(pattern for pattern in patterns if fnmatch.fnmatchcase(row.item, pattern))
            gone[number] |= bool(hits)
            found |= hits
    missing = sorted((exact | set(patterns)) - found)
    if missing:
        raise SinonomError(
            f"{len(missing)} names are not in {path}; the first is {missing[0]}",
            f"items as in {path.name}.rows.csv, or #NUMBER",
        )
    return gone


def _without(
    path: Path, record: dict[str, Any], gone: NDArray[np.bool_], left: NDArray[np.float32]
) -> tuple[Any, dict[str, Any]]:
    """Return a compressed index without some rows, the others numbered anew, and what changes in its record."""
    import faiss

    verify(path, record)
    index = load(path)
    inverted = faiss.try_extract_index_ivf(index)
    if inverted is None:  # a graph cannot forget: it is made again, of the vectors at hand
        index = kinds.new(record["factory"], left.shape[1])
        kinds.train(index, left)
        for block in pieces(left):
            index.add(block)
        return index, named(record["type"], record["factory"], index, left)
    inverted.remove_ids(faiss.IDSelectorBatch(np.flatnonzero(gone)))
    number = np.cumsum(~gone) - 1
    lists: Any = inverted.invlists
    for place in range(inverted.nlist):
        size = lists.list_size(place)
        if size:
            ids = faiss.rev_swig_ptr(lists.get_ids(place), size)
            ids[:] = number[ids]
    index.ntotal = inverted.ntotal
    return index, {}


def listed(names: Sequence[str], lines: Iterable[str]) -> Iterator[str]:
    """Replace `-` among names by the lines given."""
    for name in names:
        if name == "-":
            yield from (line.rstrip("\r\n") for line in lines if line.strip())
        else:
            yield name
