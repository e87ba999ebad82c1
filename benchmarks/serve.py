"""Measure `sinonom serve` over HTTP: time of a warm query, queries a second, and memory over many queries.

The server runs in its own process; with `--cores` it is bound to that many cores (Linux). The same picture searches the
same index in Python, without HTTP, for comparison. The index has random unit vectors; its pictures are glyphs that
ship, so that `rerank=20` registers real pictures.

Run: `python benchmarks/serve.py [--rows 7500] [--queries 300] [--many 5000] [--cores 1]`.
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
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import psutil

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
def served(index: Path, cores: int) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in another process, and yield its address and the process."""
    command = [sys.executable, "-m", "sinonom_cli", "serve", "--index", str(index), "--port", "0", "--no-browser"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8", env=environment) as process:
        try:
            assert process.stderr is not None
            address = next(found[0] for line in process.stderr if (found := re.search(r"http://\S+", line)))
            watched = psutil.Process(process.pid)
            if hasattr(watched, "cpu_affinity"):
                watched.cpu_affinity(watched.cpu_affinity()[:cores])
            yield address, watched
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
    for _ in range(20):
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


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=7500)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--many", type=int, default=5000, help="queries over which the memory is watched")
    parser.add_argument("--cores", type=int, default=1)
    options = parser.parse_args()
    picture = next((GLYPHS / "yuji" / "images" / "U+5B57").glob("*.png"))
    content = picture.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        index = Path(folder) / "db.faiss"
        make_index(index, options.rows)
        print(f"{options.rows:,} rows, server on {options.cores} core(s), load {os.getloadavg()[0]:.1f}")
        with served(index, options.cores) as (address, process):
            for name, query in (("", "?rerank=0"), (", rerank=20", "?rerank=20")):
                before = spent(process)
                found = times(address, content, query, options.queries)
                cost = 1000 * (spent(process) - before) / (options.queries + 20)
                p95 = statistics.quantiles(found, n=20)[-1]
                median = statistics.median(found)
                clock = f"median {median:.1f} ms, p95 {p95:.1f} ms"
                print(f"query over HTTP{name}: {clock}; {cost:.1f} ms of a processor")
            before, started = process.memory_info().rss, spent(process)
            print(f"{rate(address, content, options.many):.0f} queries/s from {SENDERS} connections, no error")
            after = process.memory_info().rss
            cost = 1000 * (spent(process) - started) / options.many
            memory = f"{before / 2**20:.0f} -> {after / 2**20:.0f} MiB"
            print(f"memory {memory} after {options.many} queries; {cost:.1f} ms of a processor each")
        opened = sinonom.open_index(index)
        opened.search(picture, rerank=0)
        started_clock, started = time.perf_counter(), time.process_time()
        for _ in range(options.queries):
            opened.search(picture, rerank=0)
        clock = 1000 * (time.perf_counter() - started_clock) / options.queries
        cost = 1000 * (time.process_time() - started) / options.queries
        print(f"the same in Python, without HTTP: mean {clock:.1f} ms; {cost:.1f} ms of a processor")


if __name__ == "__main__":
    main()
