"""Compare the speed of `sinonom index`, from picture files to embeddings, with ONNX Runtime alone on the same network.

Processor time per picture is the difference between a large and a small set, so that the start does not count.
Wall-clock times mean something only on a quiet machine. The pictures are the glyphs that ship, 64 px PNG, repeated.
ONNX Runtime gets prepared pictures in memory: 256 at a time on all cores, which is the usual way, and 16 at a time on
one thread, which is its fastest way.

Run: `python benchmarks/embed.py [MODEL]`.
"""

import argparse
import importlib.metadata
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.networks.embedder import session_of  # noqa: E402
from sinonom_cli.networks.preprocess import prepare, prepare_all  # noqa: E402
from sinonom_cli.parallel.work import cores  # noqa: E402
from sinonom_cli.pictures.blank import inked_picture  # noqa: E402
from sinonom_cli.storage.model_folder import Model, read_model  # noqa: E402

SMALL, LARGE, ROUNDS = 4_000, 16_000, 3


def bare(model: Model, at_once: int, threads: int) -> tuple[float, float]:
    """Return the seconds per picture, on the clock and of processor time, that ONNX Runtime alone takes."""
    session = session_of(str(model.onnx), threads)
    name = session.get_inputs()[0].name
    batch = np.random.default_rng(0).random((at_once, 1, model.size, model.size), np.float32)
    session.run(None, {name: batch})
    count = 2_048
    clock, processor = time.perf_counter(), time.process_time()
    for _ in range(count // at_once):
        session.run(None, {name: batch})
    return (time.perf_counter() - clock) / count, (time.process_time() - processor) / count


def index(folder: Path, model: Model, count: int) -> tuple[float, float]:
    """Return the seconds, on the clock and of processor time, that `sinonom index` takes for `count` pictures."""
    out = folder / "db.faiss"
    command = [sys.executable, "-m", "sinonom_cli", "index", str(folder / "set"), "-o", str(out), "-q", "--overwrite"]
    command += ["--limit", str(count), "--model", str(model.path), "--workers", str(cores())]
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "PYTHONPATH": str(ROOT)})
    clock, after = time.perf_counter() - started, os.times()
    return clock, sum(after[2:4]) - sum(before[2:4])


def steps(paths: list[Path], size: int) -> str:
    """Return a sentence on the processor time of each step before the network."""
    started = time.process_time()
    pictures = [inked_picture(path) for path in paths]
    loaded = time.process_time()
    for picture in pictures:
        prepare(picture, size)
    plain = time.process_time()
    for start in range(0, len(pictures), 256):
        prepare_all(pictures[start : start + 256], size)
    ended = time.process_time()
    spent = [1e6 * part / len(paths) for part in (loaded - started, ended - plain, plain - loaded)]
    return (
        f"Of the processor time of a picture, reading is {spent[0]:.0f} us and preparing {spent[1]:.0f} us "
        f"({spent[2]:.0f} us for one alone)."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", help="by default, the one that ships")
    result_option(parser)
    given = parser.parse_args()
    model = read_model(given.model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        glyphs = sorted((ROOT / "sinonom_cli" / "assets" / "glyphs").rglob("*.png"))
        for number in range(LARGE):
            path = folder / "set" / f"{number // 1000:03d}" / f"{number:06d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(glyphs[number % len(glyphs)], path)
        said = steps(sorted((folder / "set").rglob("*.png"))[:2_000], model.size)
        index(folder, model, 256)
        found = []
        for _ in range(ROUNDS):
            small, large = index(folder, model, SMALL), index(folder, model, LARGE)
            ours = [(b - a) / (LARGE - SMALL) for a, b in zip(small, large, strict=True)]
            found.append((*ours, *bare(model, 256, 0), *bare(model, 16, 1)))
        clock, busy, *alone = (statistics.median(values) for values in zip(*found, strict=True))
        rows = [("`sinonom index`, from files", 1 / clock, 1e6 * busy, None)]
        for what, (wall, spent) in (("256 at once, all cores", alone[:2]), ("16 at once, one thread", alone[2:])):
            rows.append((f"ONNX Runtime, pictures in memory, {what}", 1 / wall, 1e6 * spent, spent / busy))
    publish(
        given.result,
        "From files to embeddings, `sinonom index` takes little more processor time than ONNX Runtime alone does on "
        "pictures in memory.",
        [
            Column("what"), Column("pictures a second", ",.0f"), Column("us of a processor each", ",.0f"),
            Column("its processor time, of that of `sinonom index`", ".0%"),
        ],
        rows,
        peer=f"ONNX Runtime {importlib.metadata.version('onnxruntime')}, the same network",
        notes=said,
    )  # fmt: skip


if __name__ == "__main__":
    main()
