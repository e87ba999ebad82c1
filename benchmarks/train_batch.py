"""Measure a large batch with gradient caching: its memory, its processor time, and the error of its gradients.

Each figure is measured in a process of its own: peak resident memory minus the memory before the step, and the time of
the second of two steps. The script needs the extra `train`, and Linux or macOS. Run:
`python benchmarks/train_batch.py [BATCH] [MICRO]`.
"""

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

STEP = """
import json, os, sys, time
import torch
from benchmarks.processes import peak_memory
from sinonom_cli.networks.backbones import build
from sinonom_cli.train.losses.registry import Criterion
from sinonom_cli.train.losses.table import Choice
from sinonom_cli.train.gradient_cache import accumulate

batch, micro, out, mode = int(sys.argv[1]), int(sys.argv[2]) or None, sys.argv[3], sys.argv[4]
torch.set_num_threads(1)
torch.manual_seed(0)
network = build("directmap", 128, 64).train(mode == "train")
pictures, labels = torch.rand(batch, 1, 64, 64), torch.arange(batch) // 2
criterion = Criterion(Choice("supcon", "none", None), batch, 128)

def step(count):
    network.zero_grad()
    started = time.process_time()
    accumulate(network, network, pictures[:count], lambda rows: criterion(rows, labels[:count]), micro=micro)
    return time.process_time() - started

step(8)
before = peak_memory()
taken = step(batch)
after = peak_memory()
torch.save(torch.cat([p.grad.flatten() for p in network.parameters()]), out)
print(json.dumps({"bytes": round((after - before) * 2**30), "seconds": taken}))
"""


def measure(batch: int, micro: int, out: Path, mode: str = "train") -> dict[str, float]:
    """Run one step in a process of its own; return its memory in bytes and its processor seconds."""
    command = [sys.executable, "-c", STEP, str(batch), str(micro), str(out), mode]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def main() -> None:
    """Publish memory, processor time and the difference of the gradients."""
    import tempfile

    import torch

    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("batch", type=int, nargs="?", default=1024)
    parser.add_argument("micro", type=int, nargs="?", default=64)
    result_option(parser)
    given = parser.parse_args()
    batch, micro = given.batch, given.micro
    with tempfile.TemporaryDirectory() as folder:
        gradients = Path(folder)
        small = measure(micro, 0, gradients / "small.pt")
        cached = measure(batch, micro, gradients / "cached.pt")
        whole = measure(batch, 0, gradients / "whole.pt")
        measure(batch, micro, gradients / "cached.pt", "eval")
        measure(batch, 0, gradients / "whole.pt", "eval")
        one, other = (torch.load(gradients / f"{name}.pt", weights_only=True) for name in ("whole", "cached"))
        difference = float((one - other).abs().max())
    figures = {f"{micro} pictures": small, f"{batch} by {micro}": cached, f"{batch} in one": whole}
    publish(
        given.result,
        "Gradient caching trains a large batch in little more memory than a small one.",
        [
            Column("batch"), Column("MiB beyond the start", ",.0f"), Column("s of a processor", ".2f"),
            Column("memory, of the batch in one", ".2f"), Column("processor time, of the batch in one", ".2f"),
        ],
        [
            (name, part["bytes"] / 2**20, part["seconds"], *(part[what] / whole[what] for what in ("bytes", "seconds")))
            for name, part in figures.items()
        ],
        peer="PyTorch's own step on the whole batch",
        notes=f"Gradients differ by {difference:.1e} where the greatest is {one.abs().max():.1e}, statistics frozen.",
    )  # fmt: skip


if __name__ == "__main__":
    main()
