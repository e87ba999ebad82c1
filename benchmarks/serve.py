"""Measure `sinonom serve` over HTTP: time of a warm query, queries a second, and memory over many queries.

The server runs in its own process; with `--cores` it is bound to that many cores (Linux). The same picture searches the
same index in Python, without HTTP, for comparison. The index has random unit vectors; its pictures are glyphs that
ship, so that `rerank=20` registers real pictures.

Run: `python benchmarks/serve.py [--rows 7500 1000000] [--queries 300] [--many 5000] [--cores 1]`.
"""

import argparse
import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil
from results import Column, publish, result_option

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT)]

import sinonom_cli as sinonom  # noqa: E402
from sinonom_cli.assets import GLYPHS  # noqa: E402
from sinonom_cli.networks.preprocess import VERSION  # noqa: E402
from sinonom_cli.search.index_files import write_index  # noqa: E402
from sinonom_cli.search.rows import Row  # noqa: E402
from sinonom_cli.storage.model_folder import read_model  # noqa: E402
from sinonom_cli.storage.record import begin  # noqa: E402

BLOCK = 50_000
SENDERS = 8
WARM_UP = 20
"""Queries that are asked before those that are timed."""


def make_index(path: Path, count: int) -> None:
    """Write an index of `count` random unit vectors; row i shows one of the glyphs that ship."""
    rng, model = np.random.default_rng(0), read_model(None)
    glyphs = sorted((GLYPHS / "wenkai" / "images").glob("*/*.png"))

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, count, BLOCK):
            block = rng.standard_normal((min(BLOCK, count - start), model.embedding_size)).astype(np.float32)
            yield block / np.linalg.norm(block, axis=1, keepdims=True)

    def rows() -> Iterator[Row]:
        for number in range(count):
            glyph = glyphs[number % len(glyphs)]
            char = chr(int(glyph.parent.name[2:], 16))
            yield Row(f"{glyph.parent.name}/{glyph.name}", f"{number}.stl", glyph.parent.name, char, place)

    place = os.path.relpath(GLYPHS / "wenkai", path.parent)
    artifact = begin(path, "index", {"sets": [place]}, {})
    known = {"identity": model.identity, "path": str(model.path.absolute())}
    write_index(artifact, blocks(), rows(), model=known, preprocessing=VERSION, distance=model.distance)


@contextmanager
def bound(cores: int) -> Iterator[None]:
    """Bind this thread, and what it starts, to so many cores; threads and processes keep what they began with."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(all_cores)[:cores])
    try:
        yield
    finally:
        os.sched_setaffinity(0, all_cores)


@contextmanager
def served(index: Path, cores: int) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in another process, and yield its address and the process."""
    command = [sys.executable, "-m", "sinonom_cli", "serve", "--index", str(index), "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with bound(cores):
        process = subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=environment)
    with process:
        try:
            assert process.stderr is not None
            address = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
            yield address, psutil.Process(process.pid)
        finally:
            process.terminate()


class Sender:
    """One connection that asks again and again."""

    def __init__(self, address: str, content: bytes, options: str) -> None:
        self.connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
        self.content, self.path = content, f"/api/query{options}"

    def ask(self) -> None:
        self.connection.request("POST", self.path, self.content)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(content.decode())


def times(address: str, content: bytes, options: str, count: int) -> list[float]:
    """Return the milliseconds of each of `count` queries, one after the other."""
    sender, found = Sender(address, content, options), []
    for _ in range(WARM_UP):
        sender.ask()
    for _ in range(count):
        started = time.perf_counter()
        sender.ask()
        found.append(1000 * (time.perf_counter() - started))
    return found


def rate(address: str, content: bytes, count: int) -> float:
    """Return the queries a second of `SENDERS` connections together."""
    failures: list[Exception] = []

    def work() -> None:
        sender = Sender(address, content, "?rerank=0")
        try:
            for _ in range(count // SENDERS):
                sender.ask()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(SENDERS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return SENDERS * (count // SENDERS) / (time.perf_counter() - started)


def spent(process: psutil.Process) -> float:
    """Return the processor time of a process, seconds."""
    return sum(process.cpu_times()[:2])


@dataclass(frozen=True)
class Measured:
    """What was measured with one index.

    Attributes
    ----------
    rows, cores : of the index, and those to which the server was bound.
    medians, p95s, costs : milliseconds of a warm query, without and with `rerank=20`: median and 95th percentile on the
        clock, and processor time.
    rate : queries a second of `SENDERS` connections.
    queries : how many these were.
    memory : of the server before and after them, MiB.
    python : processor time of the same search in Python, without HTTP and without `rerank`, milliseconds.
    """

    rows: int
    cores: int
    medians: tuple[float, float]
    p95s: tuple[float, float]
    costs: tuple[float, float]
    rate: float
    queries: int
    memory: tuple[float, float]
    python: float


def measured(rows: int, queries: int, many: int, cores: int) -> Measured:
    """Measure with an index of `rows` rows."""
    picture = next((GLYPHS / "yuji" / "images" / "U+5B57").glob("*.png"))
    content = picture.read_bytes()
    medians, p95s, costs = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "db.faiss"
        make_index(index, rows)
        with served(index, cores) as (address, process):
            for query in ("?rerank=0", "?rerank=20"):
                before = spent(process)
                found = times(address, content, query, queries)
                costs.append(1000 * (spent(process) - before) / (queries + WARM_UP))
                medians.append(statistics.median(found))
                p95s.append(statistics.quantiles(found, n=20)[-1])
            before_many = process.memory_info().rss / 2**20
            speed = rate(address, content, many)
            memory = before_many, process.memory_info().rss / 2**20
        with bound(cores):
            opened = sinonom.open_index(index)
            opened.search(picture, rerank=0)
            started = time.process_time()
            for _ in range(queries):
                opened.search(picture, rerank=0)
            python = 1000 * (time.process_time() - started) / queries
    return Measured(
        rows, cores, (medians[0], medians[1]), (p95s[0], p95s[1]), (costs[0], costs[1]), speed, many, memory, python
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[7500], help="of each index that is measured")
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--many", type=int, default=5000, help="queries over which the memory is watched")
    parser.add_argument("--cores", type=int, default=1)
    result_option(parser)
    options = parser.parse_args()
    columns = [
        Column("rows", ","),
        Column("cores"),
        Column("median, ms", ".1f"),
        Column("p95", ".1f"),
        Column("of a processor", ".1f"),
        Column("`rerank=20`: median, ms", ".1f"),
        Column("p95", ".1f"),
        Column("of a processor", ".1f"),
        Column("queries/s of 8 connections", ".0f"),
        Column("queries", ","),
        Column("MiB before them", ".0f"),
        Column("after them", ".0f"),
        Column("in Python, ms of a processor", ".1f"),
    ]
    lines = []
    for rows in options.rows:
        got = measured(rows, options.queries, options.many, options.cores)
        timed = [cell for three in zip(got.medians, got.p95s, got.costs, strict=True) for cell in three]
        lines.append((got.rows, got.cores, *timed, got.rate, got.queries, *got.memory, got.python))
    publish(
        options.result,
        "A warm query over HTTP takes at most 60 ms (median) and 100 ms (p95) of one core, and memory stays flat.",
        columns,
        lines,
        notes="The rows are random vectors, the picture has 64 x 64 pixels, and `rerank=20` is usual for meshes.",
    )


if __name__ == "__main__":
    main()
