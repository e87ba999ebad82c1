"""Compare the training loop with the bare step of its network, and measure how long the network waits.

    python benchmarks/train_step.py SET... [--backbone directmap] [--steps 60] [--workers N] [--threads N]

The loop runs as in `sinonom train`, with batches from worker processes. Before and after it, because machines are
shared, the script times the bare step (forward, loss, backward and optimizer) on one batch in memory, in the same
process with the same threads.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

import torch

from sinonom_cli.networks.backbones import build
from sinonom_cli.parallel.work import cores
from sinonom_cli.train.batches import MakeBatch
from sinonom_cli.train.config import Config
from sinonom_cli.train.datasets import prepare_material, read_sets
from sinonom_cli.train.distributed import Ranks
from sinonom_cli.train.hardware import pick_device, pick_precision
from sinonom_cli.train.loop import fit
from sinonom_cli.train.losses.registry import Criterion
from sinonom_cli.train.losses.table import Choice
from sinonom_cli.train.options import complete
from sinonom_cli.train.plan import LOG_EVERY, Plan
from sinonom_cli.train.training import Training


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", nargs="+", type=Path)
    parser.add_argument("--backbone", default="directmap")
    parser.add_argument("--stem-stride", type=int)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--limit", type=int, default=20_000)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--workers", type=int, default=max(1, cores() // 4))
    parser.add_argument("--threads", type=int, default=max(1, cores() - max(1, cores() // 4)))
    parser.add_argument("--cache", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    config = _config(given)
    make = prepare_material(config, read_sets(config), Ranks(), None, None, again=False).make
    before = _bare(given, make)
    whole, waiting = _loop(given, make)
    bare = (before + _bare(given, make)) / 2
    print(
        f"{given.backbone}, {given.size} px, batches of {given.batch_size}, {given.workers} workers, {given.threads} "
        f"threads on {pick_device(given.device)}: the bare step {1000 * bare:.0f} ms; in the loop {1000 * whole:.0f} "
        f"ms, {whole / bare:.2f} times as long; {waiting:.1%} of the loop's time waits for a batch"
    )


def _config(given: argparse.Namespace) -> Config:
    sizes = {"batch_size": given.batch_size, "steps": given.steps, "size": given.size}
    chosen = complete("triplet", {"backbone": given.backbone, **sizes})
    where = {"data": tuple(given.sets), "output": Path("none"), "cache": given.cache, "overwrite": False}
    how = {"device": given.device, "workers": given.workers, "threads": given.threads}
    return Config(loss="triplet", val=0.1, seed=0, limit=given.limit, **where, **how, **chosen)


def _training(given: argparse.Namespace) -> Training:
    torch.manual_seed(0)
    device = pick_device(given.device)
    model = build(given.backbone, 128, given.size, given.stem_stride)
    plan = Plan(steps=given.steps, lr=2e-3, weight_decay=1e-2, seed=0)
    return Training(model, Criterion(Choice(), 2, 128), plan, device, pick_precision("auto", device))


def _loop(given: argparse.Namespace, make: MakeBatch) -> tuple[float, float]:
    """Return the seconds of a step in the loop and the share of waiting, without the first lines (workers start)."""
    with tempfile.TemporaryDirectory() as folder:
        fit(_training(given), make, Path(folder), workers=given.workers, validate=None)
        with (Path(folder) / "metrics.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))[1:]
    if not lines:
        raise SystemExit(f"--steps {2 * LOG_EVERY} or more: the first {LOG_EVERY} warm up")
    seconds = sum(given.batch_size / float(line["images/s"]) for line in lines) / len(lines)
    return seconds, sum(float(line["waiting"]) for line in lines) / len(lines)


def _bare(given: argparse.Namespace, make: MakeBatch) -> float:
    """Return the seconds of a step on one batch that is in memory."""
    training, batch = _training(given), make(0)
    training.model.to(training.device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(training.model.parameters(), lr=1e-3)
    pictures, labels = torch.from_numpy(batch.pictures), torch.from_numpy(batch.classes).to(training.device)
    training.model.train()
    for step in range(-5, given.steps // 2):
        if step == 0:
            _settle(training.device)
            started = time.perf_counter()
        loss = training.loss(training.rows(pictures).float(), labels, None, False)
        optimizer.zero_grad(set_to_none=True)
        loss.value.backward()
        torch.nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
        optimizer.step()
    _settle(training.device)
    return (time.perf_counter() - started) / max(1, given.steps // 2)


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
