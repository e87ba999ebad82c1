"""Measure indexes of ten thousand to ten million vectors: time to build, recall, milliseconds per query and memory.

The vectors are random, but their statistics are like those of the model that ships: unit length, 128 dimensions, 7,500
characters, of which a few have most of the pictures, and a variance of 0.70 between characters and 0.275 within one,
spread over 33 and 47 effective dimensions. These values were measured on pictures cut from real prints. The vectors are
made block by block from a seed; the queries are further draws. Recall@5 is measured against exact search.
A separate process searches each index, one query at a time, and reports its peak memory, including mapped files.

Run: `python benchmarks/scale.py --sizes 10000 100000 1000000 10000000 --types flat ivf-sq8 [--folder DIR]`.
Ten million take 20 GB of disk below DIR while it runs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from processes import alone, peak_memory

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

DIMENSIONS, LABELS, BLOCK, NEAREST = 128, 7_500, 100_000, 5


class World:
    """Distribution of vectors: characters, and the pictures of each character."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        place = np.arange(DIMENSIONS) / 32
        between, within = np.exp(-1.7 * place**1.75), np.exp(-0.94 * place**2.2)
        between, within = 0.70 * between / between.sum(), 0.275 * within / within.sum()
        centres = rng.standard_normal((LABELS, DIMENSIONS)) * np.sqrt(between)
        turns = [np.linalg.qr(rng.standard_normal((DIMENSIONS, DIMENSIONS)))[0] for _ in range(2)]
        self.seed = seed
        self.centres = (centres @ turns[0]).astype(np.float32)
        self.spread = (np.sqrt(within)[:, None] * turns[1]).astype(np.float32)
        self.share = 1 / (np.arange(LABELS) + 30.0)
        self.share /= self.share.sum()

    def block(self, number: int, count: int) -> NDArray[np.float32]:
        """Return the vectors of block `number`, (count, 128) float32 of unit length; they depend only on the seed."""
        rng = np.random.default_rng([self.seed, number])
        labels = rng.choice(LABELS, count, p=self.share)
        vectors = self.centres[labels] + rng.standard_normal((count, DIMENSIONS), np.float32) @ self.spread
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def write(path: Path, world: World, count: int) -> None:
    """Write vectors, (count, 128) float32, with one block in memory at a time."""
    header = {"descr": "<f4", "fortran_order": False, "shape": (count, DIMENSIONS)}
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for start in range(0, count, BLOCK):
            file.write(world.block(1 + start // BLOCK, BLOCK)[: count - start].data)


def truth(path: Path, queries: NDArray[np.float32], count: int) -> NDArray[np.int64]:
    """Return the rows of the five nearest vectors, (Q, 5), by exact search in the first `count` vectors."""
    import faiss

    vectors = np.load(path, mmap_mode="r")[:count]
    rows, distances = np.zeros((len(queries), 0), np.int64), np.zeros((len(queries), 0), np.float32)
    for start in range(0, count, BLOCK):
        near, found = faiss.knn(queries, np.array(vectors[start : start + BLOCK]), NEAREST)
        rows, distances = np.hstack([rows, found + start]), np.hstack([distances, near])
        order = np.argsort(distances, axis=1, kind="stable")[:, :NEAREST]
        rows, distances = np.take_along_axis(rows, order, 1), np.take_along_axis(distances, order, 1)
    return rows


def search(index: Path, asked: Path) -> None:
    """Search for one query after the other, and print the results as JSON; it needs a process of its own."""
    started = time.perf_counter()
    from sinonom_cli.search.index import read_index
    from sinonom_cli.search.searcher import Searcher

    searcher = Searcher(read_index(index), "euclidean")
    opened = time.perf_counter() - started
    queries = np.load(asked)
    rows, clock, processor = [], [], []
    for query in queries:
        began, busy = time.perf_counter(), time.process_time()
        found, _ = searcher.nearest(query[None], NEAREST)
        clock.append(time.perf_counter() - began)
        processor.append(time.process_time() - busy)
        rows.append(found[0].tolist())
    peak = peak_memory()
    times = {"clock": np.percentile(clock, [50, 95]).tolist(), "processor": np.percentile(processor, [50, 95]).tolist()}
    print(json.dumps({"rows": rows, "opened": opened, "peak": peak, **times}))


def measure(folder: Path, base: Path, kind: str, count: int, queries: Path, wanted: NDArray[np.int64]) -> None:
    """Build one index by the command line, search it, print a line of the table, and delete the index."""
    out = folder / f"{kind.replace(',', '-')}-{count}.faiss"
    built = alone("index", base, out, "--type", kind, "--limit", count, "-q")
    asked = subprocess.run(
        [sys.executable, __file__, "--search", str(out), str(queries)], check=True, stdout=subprocess.PIPE, text=True
    )
    found = json.loads(asked.stdout)
    recall = np.mean([len(set(a) & set(b)) / NEAREST for a, b in zip(found["rows"], wanted.tolist(), strict=True)])
    record = json.loads(out.with_name(out.name + ".json").read_text(encoding="utf-8"))
    size = sum(path.stat().st_size for path in folder.glob(f"{out.name}*") if path.is_file()) / 2**30
    set_to = " ".join(f"{name} {value}" for name, value in record.get("measured", {}).items())
    print(
        f"{count:>10,} {kind:<10} build {built.clock:6.0f} s ({built.processor:.0f} s of processor, "
        f"{built.memory:.2f} GiB), {out.stat().st_size / 2**30:.2f} GiB, with its vectors and rows {size:.2f}; "
        f"recall@5 {recall:.4f}; p50 {found['clock'][0] * 1e3:.1f} ms (processor {found['processor'][0] * 1e3:.1f}), "
        f"p95 {found['clock'][1] * 1e3:.1f} ({found['processor'][1] * 1e3:.1f}); "
        f"open {found['opened']:.2f} s; peak {found['peak']:.2f} GiB; {set_to}",
        flush=True,
    )
    for path in folder.glob(f"{out.name}*"):
        path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--types", nargs="+", default=["flat", "ivf-sq8"])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--folder", type=Path, help="where the vectors and indexes go; else the system's")
    parser.add_argument("--base", type=Path, help="vectors that an earlier run of this script wrote and kept")
    parser.add_argument("--keep", action="store_true", help="keep the vectors")
    parser.add_argument("--search", type=Path, nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.search:
        search(*given.search)
        return
    world = World(0)
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        base = given.base or (given.folder or folder) / "vectors.npy"
        if not given.base:
            write(base, world, max(given.sizes))
        asked = world.block(0, given.queries)
        np.save(folder / "queries.npy", asked)
        for count in sorted(given.sizes):
            wanted = truth(base, asked, count)
            for kind in given.types:
                measure(folder, base, kind, count, folder / "queries.npy", wanted)
        if not given.base and not given.keep:
            base.unlink()


if __name__ == "__main__":
    main()
