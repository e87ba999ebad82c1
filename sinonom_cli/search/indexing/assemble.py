"""Build a flat index from vectors, or a compressed one in bounded memory, shard by shard.

Everything is made in `OUT.partial/`: the uncompressed vectors, the trained empty index, a shard for each million
vectors, and the index. A run that is resumed does not make complete files again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.search.index_files import FAISS, MARKS, ROWS, STARTS, VECTORS, partial_path, publish
from sinonom_cli.search.indexing import faiss_types
from sinonom_cli.search.plain_vectors import FACTORY, append_vectors, write_plain
from sinonom_cli.search.rows import Row, write_rows
from sinonom_cli.storage.atomic import cannot_write, replacing
from sinonom_cli.storage.record import Artifact

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Blocks = Callable[[], Iterable[NDArray[np.float32]]]

SHARD = 1_000_000
BLOCK = 65_536


def assemble(
    artifact: Artifact,
    kind: str,
    shape: tuple[int, int],
    blocks: Blocks,
    rows: Iterable[Row],
    marks: NDArray[np.uint8] | None = None,
    **fields: Any,
) -> Artifact:
    """Write an index of vectors and rows and finish its artifact.

    Parameters
    ----------
    kind : value of `--type`.
    shape : (N, D).
    blocks : returns the vectors, (n, D) float32 each; may be called more than once.
    rows : one for each vector, in their order.
    marks : marks of the rows' pictures, (N, MARK) uint8; None: the rows have no pictures.
    fields : fields of the record.
    """
    count, dimension = shape
    text = faiss_types.factory(kind, count, dimension)
    folder = partial_path(artifact.path)
    made = {FAISS: folder / "index.faiss", ROWS: folder / "rows.csv", STARTS: folder / "rows.starts"}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        plain = next((name for name, called in FACTORY.items() if called == text), "")
        if plain:
            _, _, unit = write_plain(made[FAISS], plain, blocks())
            known: dict[str, Any] = {"type": plain}
        else:
            made[VECTORS] = folder / "vectors"
            unit, vectors = _vectors(made[VECTORS], shape, blocks)
            index = _filled(folder, text, vectors)
            known = named(kind, text, index, vectors)
            save(index, made[FAISS])
            del index, vectors
        write_rows(made[ROWS], made[STARTS], rows)
        made |= write_marks(folder, marks)
        publish(artifact, made, **known, dimension=dimension, unit=unit, **fields)
        clear(artifact.path)
    except OSError as error:
        raise cannot_write(artifact.path, error) from error
    return artifact


def write_marks(folder: Path, marks: NDArray[np.uint8] | None) -> dict[str, Path]:
    """Write the marks of pictures, (N, MARK) uint8, into the folder of a new index; return the file by its suffix."""
    if marks is None:
        return {}
    (folder / "marks").write_bytes(marks.tobytes())
    return {MARKS: folder / "marks"}


def named(kind: str, text: str, index: Any, vectors: NDArray[np.float32]) -> dict[str, Any]:
    """Tune the search effort of a compressed index, and return the record's fields about its type."""
    if kind == "auto":
        kind = "ivf-sq8"
    candidates = faiss_types.CANDIDATES.get(kind, 16)
    messages.say("measuring how much of the index a search must visit")
    return {
        "type": kind,
        "factory": text,
        "candidates": candidates,
        "measured": faiss_types.tune(index, vectors, candidates),
    }


def _vectors(path: Path, shape: tuple[int, int], blocks: Blocks) -> tuple[bool, NDArray[np.float32]]:
    """Write the uncompressed vectors if necessary; return whether they have unit length, and the mapped vectors."""
    unit = True
    if not path.exists() or path.stat().st_size != 4 * shape[0] * shape[1]:
        _clear_shards(path.parent)  # they belong to other vectors
        with replacing(path) as temporary, temporary.open("wb") as file:
            append_vectors(file, blocks())
    vectors = np.memmap(path, "<f4", "r", shape=shape)
    for block in pieces(vectors):
        unit = unit and bool(np.allclose(np.linalg.norm(block, axis=1), 1.0, atol=1e-4))
    return unit, vectors


def pieces(vectors: NDArray[np.float32], start: int = 0, stop: int | None = None) -> Iterator[NDArray[np.float32]]:
    """Yield vectors in blocks of (n, D) float32, each copied into memory."""
    stop = len(vectors) if stop is None else stop
    for place in range(start, stop, BLOCK):
        yield np.array(vectors[place : min(place + BLOCK, stop)])


def _filled(folder: Path, text: str, vectors: NDArray[np.float32]) -> Any:
    """Return a trained index that holds all vectors; the parts that a killed run finished are reused."""
    import faiss

    trained = folder / "trained.faiss"
    if not trained.exists():
        index = faiss_types.new(text, vectors.shape[1])
        faiss_types.train(index, vectors)
        save(index, trained)
    index = load(trained)
    starts = range(0, len(vectors), SHARD)
    inverted = faiss.try_extract_index_ivf(index)
    with messages.progress(len(vectors), "vectors") as progress:
        if inverted is None or len(starts) == 1:
            for block in pieces(vectors):
                index.add(block)
                progress.advance(len(block))
            return index
        shards = [folder / "shards" / f"{number:05d}.faiss" for number in range(len(starts))]
        for start, path in zip(starts, shards, strict=True):
            stop = min(start + SHARD, len(vectors))
            if not path.exists():
                shard = load(trained)
                for block in pieces(vectors, start, stop):
                    shard.add(block)
                save(shard, path)
            progress.advance(stop - start)
    for start, path in zip(starts, shards, strict=True):
        shard = load(path)
        part: Any = faiss.try_extract_index_ivf(shard)
        inverted.merge_from(part, start)
        del part, shard
    index.ntotal = inverted.ntotal
    return index


def save(index: Any, path: Path) -> None:
    """Write a FAISS index completely or not at all; FAISS' own function cannot open every path on Windows."""
    import faiss

    with replacing(path) as temporary, temporary.open("wb") as file:
        failed: list[OSError] = []

        def write(block: bytes) -> int:
            # FAISS writes its last block when the writer is destroyed, and an error raised at that time is lost.
            try:
                if not failed:
                    file.write(block)
            except OSError as error:
                failed.append(error)
            return len(block)

        writer = faiss.BufferedIOWriter(faiss.PyCallbackIOWriter(write))  # type: ignore[attr-defined]
        faiss.write_index(index, writer)
        del writer
        if failed:
            raise failed[0]


def load(path: Path) -> Any:
    """Read a FAISS index that `sinonom` wrote into memory."""
    import faiss

    with path.open("rb") as file:
        reader = faiss.PyCallbackIOReader(file.read)  # type: ignore[attr-defined]
        return faiss.read_index(faiss.BufferedIOReader(reader))


def clear(path: Path) -> None:
    """Remove the intermediate files of the index at `path`; files that `sinonom` did not write are kept."""
    folder = partial_path(path)
    _clear_shards(folder)
    for name in ("vectors", "index.faiss", "rows.csv", "rows.starts", "marks"):
        (folder / name).unlink(missing_ok=True)
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()


def _clear_shards(folder: Path) -> None:
    (folder / "trained.faiss").unlink(missing_ok=True)
    shards = folder / "shards"
    for shard in shards.glob("*.faiss"):
        shard.unlink()
    if shards.is_dir() and not any(shards.iterdir()):
        shards.rmdir()
