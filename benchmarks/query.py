"""Cold start of `sinonom query`, and how fast pictures are embedded, against bare ONNX Runtime and FAISS.

Medians over alternating runs, in seconds on the clock and in processor seconds: the latter hardly change when
something else runs on the machine.

Needs the extra `train` (onnx makes the model). Run: `python benchmarks/query.py [MODEL]`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from sinonom_cli import cli  # noqa: E402
from sinonom_cli.artifacts.artifact import begin  # noqa: E402
from sinonom_cli.artifacts.index_files import write_index  # noqa: E402
from sinonom_cli.artifacts.model import Model, read_model  # noqa: E402
from sinonom_cli.artifacts.rows import Row  # noqa: E402
from sinonom_cli.models.embedder import Embedder  # noqa: E402
from sinonom_cli.models.preprocess import VERSION  # noqa: E402

ROUNDS, VECTORS, PICTURES = 11, 7_500, 4_000

BARE = """
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
print(faiss.read_index(index).search(embedding, 5))
"""


def seconds(command: list[str]) -> tuple[float, float]:
    """Return how long a command takes, on the clock and on the processor."""
    before, started = os.times(), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    taken, after = time.perf_counter() - started, os.times()
    return taken, sum(after[2:4]) - sum(before[2:4])


def cold_start(folder: Path, model: Model, picture: Path) -> None:
    """Print how long one query takes from the shell, and the bare script."""
    vectors = np.random.default_rng(0).standard_normal((VECTORS, model.embedding_size)).astype(np.float32)
    rows = (Row(f"U+4E00/{i}.png", f"{i}.stl", "U+4E00", "一", "set") for i in range(VECTORS))
    artifact = begin(folder / "db.faiss", "index", {"sets": ["set"]}, {})
    known = {"identity": model.identity, "path": str(model.path.absolute())}
    write_index(artifact, [vectors], rows, model=known, preprocessing=VERSION, distance=model.distance)
    ours = [sys.executable, "-m", "sinonom_cli", "query", str(picture), "--index", str(folder / "db.faiss")]
    script = folder / "bare.py"
    script.write_text(BARE, encoding="utf-8")
    bare = [sys.executable, str(script), str(model.onnx), str(folder / "db.faiss"), str(picture), str(model.size)]
    seconds(ours), seconds(bare)
    times = [(seconds(ours), seconds(bare)) for _ in range(ROUNDS)]
    for number, kind in enumerate(("clock", "processor")):
        one, other = (statistics.median(pair[which][number] for pair in times) for which in (0, 1))
        print(f"{kind}: sinonom query {one:.2f} s, bare script {other:.2f} s, ratio {one / other:.2f}")


def throughput(folder: Path, model: Model) -> None:
    """Print how many pictures a second `sinonom index` embeds, and ONNX Runtime alone."""
    rng = np.random.default_rng(0)
    for i in range(PICTURES):
        blobs = Image.fromarray((rng.random((8, 8)) < 0.6).astype(np.uint8) * 255)
        blobs.resize((96, 96), Image.Resampling.BICUBIC).save(folder / "set" / f"{i:05d}.png")
    started = time.perf_counter()
    code = cli.run(["index", str(folder / "set"), "--model", str(model.path), "-q", "-o", str(folder / "all.faiss")])
    ours = PICTURES / (time.perf_counter() - started)
    assert code == 0
    embedder = Embedder(model, 0)
    batch = rng.random((256, model.size, model.size), np.float32)
    embedder.embed(batch)
    started = time.perf_counter()
    for _ in range(PICTURES // 256):
        embedder.embed(batch)
    alone = PICTURES // 256 * 256 / (time.perf_counter() - started)
    print(f"embedding:  sinonom index {ours:.0f} pictures/s, ONNX Runtime alone {alone:.0f}/s")


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if len(sys.argv) > 1:
            model = read_model(Path(sys.argv[1]))
        else:
            from tinymodel import tiny_model

            model = tiny_model(folder / "model", size=64, dimension=128)
        (folder / "set").mkdir()
        Image.fromarray(np.kron(np.eye(8, dtype=np.uint8) * 255, np.ones((8, 8), np.uint8))).save(folder / "q.png")
        cold_start(folder, model, folder / "q.png")
        throughput(folder, model)


if __name__ == "__main__":
    main()
