"""Measure the cold start of `sinonom query` and the speed of index and query, against bare ONNX Runtime and FAISS.

The figures are medians over alternating runs, in seconds on the clock and of processor time; other programs on the
machine hardly change the latter.

Needs the extra `train` (onnx makes the model). Run: `python benchmarks/query.py [MODEL]`.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from results import Column, publish, result_option

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from sinonom_cli.networks.embedder import Embedder  # noqa: E402
from sinonom_cli.networks.preprocess import VERSION  # noqa: E402
from sinonom_cli.search.index_files import write_index  # noqa: E402
from sinonom_cli.search.rows import Row  # noqa: E402
from sinonom_cli.storage.model_folder import Model, read_model  # noqa: E402
from sinonom_cli.storage.record import begin  # noqa: E402

Line = tuple[str, float, float, float]
ROUNDS, VECTORS, PICTURES = 11, (7_500, 1_000_000), 8_000
BLOCK = 50_000

BARE = """
import csv
import sys
import numpy as np
import onnxruntime
import faiss
from PIL import Image
network, index, picture, size = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(network, options)
image = Image.open(picture).convert("L").resize((int(size), int(size)))
ink = 1 - np.asarray(image, np.float32)[None, None] / 255
embedding = session.run(None, {session.get_inputs()[0].name: ink})[0]
distances, numbers = faiss.read_index(index).search(embedding, 5)
with open(index + ".rows.csv", encoding="utf-8") as table:
    columns, *lines = table.read().splitlines()
writer = csv.writer(sys.stdout, delimiter="\\t")
for rank, (number, distance) in enumerate(zip(numbers[0], distances[0]), 1):
    writer.writerow([picture, rank, *next(csv.reader([lines[number]])), distance**0.5])
"""
"""The same job without checks: open the network and the index, embed the picture, and print five rows by name."""


def taken(work: Callable[[], object]) -> tuple[float, float]:
    """Return the seconds that `work` takes, on the clock and of processor time, including the processes it starts."""
    before, started = os.times(), time.perf_counter()
    work()
    clock, after = time.perf_counter() - started, os.times()
    return clock, sum(after[:4]) - sum(before[:4])


def shell(command: list[str]) -> None:
    """Run a command with the package's bytecode cached, as after pip has installed it."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run(command, check=True, capture_output=True, env={**environment, "PYTHONPATH": str(ROOT)})


def make_index(path: Path, model: Model, count: int) -> None:
    """Write an index of random vectors of length 1."""
    rng = np.random.default_rng(0)

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, count, BLOCK):
            block = rng.standard_normal((min(BLOCK, count - start), model.embedding_size)).astype(np.float32)
            yield block / np.linalg.norm(block, axis=1, keepdims=True)

    rows = (Row(f"U+4E00/{i}.png", f"{i}.stl", "U+4E00", "一", "set") for i in range(count))
    artifact = begin(path, "index", {"sets": ["set"]}, {})
    known = {"identity": model.identity, "path": str(model.path.absolute())}
    write_index(artifact, blocks(), rows, model=known, preprocessing=VERSION, distance=model.distance)


def cold_start(folder: Path, model: Model, picture: Path, count: int) -> list[Line]:
    """Return the time of one query from the shell, and the time of the bare script."""
    index = folder / f"{count}.faiss"
    make_index(index, model, count)
    ours = [sys.executable, "-m", "sinonom_cli", "query", str(picture), "--index", str(index)]
    script = folder / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    bare = [sys.executable, str(script), str(model.onnx), str(index), str(picture), str(model.size)]
    shell(ours), shell(bare)
    times = [(taken(lambda: shell(ours)), taken(lambda: shell(bare))) for _ in range(ROUNDS)]
    lines = []
    for number, kind in enumerate(("clock", "processor")):
        one, other = (statistics.median(pair[which][number] for pair in times) for which in (0, 1))
        lines.append((f"one query of {count:,} vectors, seconds of the {kind}", one, other, one / other))
    return lines


def throughput(folder: Path, model: Model) -> list[Line]:
    """Return the milliseconds a picture of index, of query and of ONNX Runtime alone, one after the other."""
    rng = np.random.default_rng(0)
    for i in range(PICTURES):
        blobs = Image.fromarray((rng.random((8, 8)) < 0.6).astype(np.uint8) * 255)
        blobs.resize((96, 96), Image.Resampling.BICUBIC).save(folder / "set" / f"{i:05d}.png")
    embedder, batch = Embedder(model, 0), rng.random((256, model.size, model.size), np.float32)
    embedder.embed(batch)

    def alone() -> None:
        for _ in range(PICTURES // 256):
            embedder.embed(batch)

    index = str(folder / "all.faiss")
    typed = [sys.executable, "-m", "sinonom_cli"]
    pictures = str(folder / "set")
    steps = {
        "ONNX Runtime alone": alone,
        "sinonom index": lambda: shell([*typed, "index", pictures, index, "--model", str(model.path), "--overwrite"]),
        "sinonom query": lambda: shell([*typed, "query", pictures, "-i", index, "--model", str(model.path)]),
    }
    times = {name: [taken(step) for _ in range(3)] for name, step in steps.items()}
    lines = []
    for number, kind in enumerate(("clock", "processor")):
        taken_by = {name: statistics.median(one[number] for one in each) for name, each in times.items()}
        alone_took = taken_by.pop("ONNX Runtime alone")
        for name, took in taken_by.items():
            what = f"{name}, a folder of {PICTURES:,} pictures, ms of the {kind} a picture"
            lines.append((what, 1000 * took / PICTURES, 1000 * alone_took / PICTURES, took / alone_took))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", help="by default, a tiny one")
    result_option(parser)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.model:
            model = read_model(given.model)
        else:
            from tinymodel import tiny_model

            model = tiny_model(folder / "model", size=64, dimension=128)
        (folder / "set").mkdir()
        Image.fromarray(np.kron(np.eye(8, dtype=np.uint8) * 255, np.ones((8, 8), np.uint8))).save(folder / "q.png")
        lines = [line for count in VECTORS for line in cold_start(folder, model, folder / "q.png", count)]
        publish(
            given.result,
            "A cold query takes at most 1.25 times the time of a bare script with the same libraries.",
            [Column("what"), Column("sinonom", ".3f"), Column("bare", ".3f"), Column("ratio", ".2f")],
            [*lines, *throughput(folder, model)],
            peer="a script without checks that reads the index and runs the network; for folders, ONNX Runtime alone "
            "on pictures in memory",
            notes="Medians of runs in turn. The time of a folder includes the start, which for so few pictures counts "
            "much; the network is " + ("a tiny one." if not given.model else f"{given.model.name}."),
        )


if __name__ == "__main__":
    main()
