"""Define the types of FAISS index: the factory string for `--type`, the training, and the search effort.

All distances are Euclidean. Compressed types only choose candidates; `query` computes their distances again from the
uncompressed vectors beside the index.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import messages
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.search.plain_vectors import FACTORY

if TYPE_CHECKING:
    from numpy.typing import NDArray

AUTO_FLAT = 1_000_000
"""Largest number of vectors for which `auto` is flat: exact and untrained, with searches of some tens of ms."""

TYPES = ("auto", "flat", "fp16", "hnsw", "ivf-sq8", "pq-refine")

CANDIDATES = {"hnsw": 4, "ivf-sq8": 4, "pq-refine": 16}
"""Number of candidates per requested row; their distances are computed again from uncompressed vectors."""

SAMPLE = 40
"""Number of training vectors per centroid of an inverted file."""
ONE_LEVEL = 1_024
"""Largest number of centroids to learn all at once; more are learnt cell by cell, in a hundredth of the time."""
ROUNDS = 10
ASSIGN = 32
"""Search effort (efSearch) in the graph over the centroids when the list for a vector is chosen."""

GOAL = 0.998
"""Share of the five nearest rows that an index is tuned to find, measured on its own vectors."""
ASKED, NEAREST = 200, 5


def factory(kind: str, count: int, dimension: int) -> str:
    """Return FAISS' factory string for a `--type` with `count` vectors.

    Raises
    ------
    SinonomError
        With exit code 2, if FAISS does not know the type.
    """
    if kind == "auto":
        kind = "flat" if count <= AUTO_FLAT else "ivf-sq8"
    lists = 2 ** max(2, round(np.log2(2.5 * max(count, 1) ** 0.5)))
    named = {
        **FACTORY,
        "hnsw": "HNSW32,SQ8",
        "ivf-sq8": f"IVF{lists}_HNSW32,SQ8",
        "pq-refine": f"IVF{lists}_HNSW32,PQ{dimension // 2 if dimension % 2 == 0 else dimension}",
    }
    text = named.get(kind, kind)
    new(text, dimension)
    return text


def new(text: str, dimension: int) -> Any:
    """Return an empty FAISS index for a factory string; raise SinonomError with exit code 2 if that is invalid."""
    import faiss

    try:
        return faiss.index_factory(dimension, text)
    except RuntimeError as error:
        reason = str(error).rpartition(": ")[2] or str(error)
        raise UsageError(
            f"--type {text}: FAISS cannot make this index for {dimension} dimensions: {' '.join(reason.split())}",
            f"use --type {'|'.join(TYPES)}, or a factory string such as IVF4096,SQ8",
        ) from None


def train(index: Any, vectors: NDArray[np.float32]) -> None:
    """Train an empty index on a sample of (N, D) float32 vectors; equal vectors always give the same sample."""
    if index.is_trained:
        return
    import faiss

    inverted = _inverted(index)
    wanted = 65_536 if inverted is None else max(SAMPLE * inverted.nlist, 65_536)
    chosen = np.arange(len(vectors))
    if len(vectors) > wanted:
        chosen = np.unique(np.random.default_rng(0).integers(0, len(vectors), wanted))
    sample = np.ascontiguousarray(vectors[chosen])
    messages.detail(f"training on {len(sample)} vectors")
    own = type(index) in (faiss.IndexIVFScalarQuantizer, faiss.IndexIVFPQ, faiss.IndexIVFFlat)
    if own and inverted.nlist <= len(sample):
        quantizer = faiss.downcast_index(inverted.quantizer)
        quantizer.add(_centroids(sample, inverted.nlist))
        if isinstance(quantizer, faiss.IndexHNSW):
            quantizer.hnsw.efSearch = ASSIGN
        sample = sample[np.random.default_rng(1).permutation(len(sample))[:131_072]]
    if hasattr(index, "pq"):
        index.pq.cp.min_points_per_centroid = 1  # this avoids a warning on C's stderr for each part of a vector
        index.do_polysemous_training = False  # it takes a hundred times the work, for searches that are not used here
    try:
        index.train(sample)
    except RuntimeError as error:
        reason = " ".join(str(error).rpartition("failed: ")[2].split())
        raise SinonomError(
            f"FAISS cannot train this index on {len(sample)} vectors: {reason}",
            "use --type flat --overwrite, or a smaller type",
        ) from error


def _centroids(sample: NDArray[np.float32], number: int) -> NDArray[np.float32]:
    """Return cluster centres by k-means: all at once if there are few, else separately in sqrt(number) cells."""
    if number <= ONE_LEVEL:
        return _means(sample, number).centroids
    cells = int(number**0.5)
    rough = _means(sample[np.random.default_rng(2).permutation(len(sample))[: 300 * cells]], cells)
    _, cell = rough.index.search(sample, 1)
    ends = np.cumsum(np.bincount(cell[:, 0], minlength=cells)) * number // len(sample)
    centres = []
    for place, count in enumerate(np.diff(ends, prepend=0).tolist()):
        if count:
            centres.append(_means(sample[cell[:, 0] == place], count).centroids)
    return np.concatenate(centres)


def _means(vectors: NDArray[np.float32], number: int) -> Any:
    import faiss

    means = faiss.Kmeans(
        vectors.shape[1], number, niter=ROUNDS, seed=1, max_points_per_centroid=2**30, min_points_per_centroid=1
    )
    means.train(vectors)
    return means


def tune(index: Any, vectors: NDArray[np.float32], candidates: int) -> dict[str, Any]:
    """Set the smallest search effort with which an index finds `GOAL` of the five nearest; return the measured values.

    The queries are some of its own vectors; a query does not count as its own neighbour. The setting is stored in the
    FAISS file itself.
    """
    import faiss

    step = max(1, len(vectors) // ASKED)
    asked = np.arange(len(vectors))[::step][:ASKED]
    queries = np.ascontiguousarray(vectors[asked])
    knobs = _knobs(index)
    if knobs is None or len(vectors) <= NEAREST + 1:
        return {}
    name, values = knobs
    wanted = _nearest(vectors, queries, asked)
    deep = min((NEAREST + 1) * candidates, len(vectors))
    for value in values:
        faiss.ParameterSpace().set_index_parameter(index, name, value)
        inverted = _inverted(index)
        coarse = faiss.downcast_index(inverted.quantizer) if inverted is not None else None
        if isinstance(coarse, faiss.IndexHNSW):
            coarse.hnsw.efSearch = max(64, 2 * value)
        _, rows = index.search(queries, deep)
        found = _best(vectors, queries, asked, rows)
        recall = float(np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(found, wanted, strict=True)]))
        if recall >= GOAL:
            break
    return {name: value, f"recall@{NEAREST}": round(recall, 4), "asked": len(asked)}


def _knobs(index: Any) -> tuple[str, list[int]] | None:
    """Return the name of the search parameter of an index and the values to try; None if it has no such parameter."""
    import faiss

    inverted = _inverted(index)
    if inverted is not None:
        most = min(inverted.nlist, 1024)
        return "nprobe", [*(2**i for i in range(2, most.bit_length()) if 2**i < most), most]
    if isinstance(faiss.downcast_index(index), faiss.IndexHNSW):
        return "efSearch", [32, 64, 128, 256, 512]
    return None


def _inverted(index: Any) -> Any:
    import faiss

    return faiss.try_extract_index_ivf(index)


def _nearest(vectors: NDArray[np.float32], queries: NDArray[np.float32], asked: NDArray[np.int64]) -> list[list[int]]:
    """Return the `NEAREST` nearest rows of each query, without the query itself, by comparing all vectors."""
    import faiss

    rows, distances = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    for start in range(0, len(vectors), 131_072):
        block = np.ascontiguousarray(vectors[start : start + 131_072])
        near, found = faiss.knn(queries, block, min(NEAREST + 2, len(block)))
        rows, distances = np.hstack([rows, found + start]), np.hstack([distances, near])
        order = np.argsort(distances, axis=1, kind="stable")[:, : NEAREST + 2]
        rows, distances = np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
    return _best(vectors, queries, asked, rows)


def _best(
    vectors: NDArray[np.float32], queries: NDArray[np.float32], asked: NDArray[np.int64], rows: NDArray[np.int64]
) -> list[list[int]]:
    """Return the nearest of the rows found for each query by uncompressed vectors, without the query itself."""
    best = []
    for query, own, found in zip(queries, asked.tolist(), rows, strict=True):
        there = np.sort(found[(found >= 0) & (found != own)])
        order = np.argsort(((vectors[there] - query) ** 2).sum(axis=1), kind="stable")
        best.append(there[order[:NEAREST]].tolist())
    return best
