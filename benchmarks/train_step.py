"""Compare the training loop with the bare step of its network, and measure how long the network waits.

    python benchmarks/train_step.py SET... [--backbone directmap] [--steps 60] [--workers N] [--threads N]

The loop runs as in `sinonom train --loss triplet`, with the settings of the network and with batches from worker
processes. Before and after it, because machines are shared, the script times the bare step (forward, loss, backward and
optimizer) on one batch in memory, in the same process with the same threads. Other work on the machine lengthens times
on the clock; the processor times of this process, which leave out the workers, are less sensitive to it.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from pathlib import Path

import torch

from sinonom_cli.parallel.processes import keep_freed_memory
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
from sinonom_cli.train.phases import plan_of
from sinonom_cli.train.plan import LOG_EVERY
from sinonom_cli.train.start import fresh_network
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
    keep_freed_memory(2048, 1024)
    before = _bare(config, make)
    whole, used, waiting = _loop(config, make, given.workers)
    bare, bare_used = (sum(two) / 2 for two in zip(before, _bare(config, make), strict=True))
    print(
        f"{given.backbone}, {given.size} px, batches of {len(make(0).classes)}, {given.workers} workers, "
        f"{given.threads} threads on {pick_device(given.device)}: the bare step {1000 * bare:.0f} ms; in the loop "
        f"{1000 * whole:.0f} ms, {whole / bare:.2f} times as long, and {used / bare_used:.2f} times the processor time "
        f"({1000 * bare_used:.0f} and {1000 * used:.0f} ms); {waiting:.1%} of the loop's time waits for a batch"
    )


def _config(given: argparse.Namespace) -> Config:
    names = ("backbone", "stem_stride", "batch_size", "steps", "size")
    chosen = complete("triplet", {name: getattr(given, name) for name in names})
    where = {"data": tuple(given.sets), "output": Path("none"), "cache": given.cache, "overwrite": False}
    how = {"device": given.device, "workers": given.workers, "threads": given.threads}
    return Config(loss="triplet", val=0.1, seed=0, limit=given.limit, **where, **how, **chosen)


def _training(config: Config) -> Training:
    torch.manual_seed(0)
    device = pick_device(config.device)
    choice = Choice("triplet", config.mining, config.margin)
    return Training(
        fresh_network(config),
        Criterion(choice, 2, config.embedding),
        plan_of(config),
        device,
        pick_precision("auto", device),
        first_mining=config.first_mining,
    )


def _loop(config: Config, make: MakeBatch, workers: int) -> tuple[float, float, float]:
    """Return the seconds of a step in the loop, its processor seconds, and the share of waiting.

    The first lines of the metrics are left out, because workers start then; processor seconds are those of all steps.
    """
    training, used = _training(config), time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        fit(training, make, Path(folder), workers=workers, validate=None)
        used = time.process_time() - used
        with (Path(folder) / "metrics.csv").open(encoding="utf-8", newline="") as file:
            lines = list(csv.DictReader(file))[1:]
    if not lines:
        raise SystemExit(f"--steps {2 * LOG_EVERY} or more: the first {LOG_EVERY} warm up")
    pictures = len(make(0).classes)
    seconds = sum(pictures / float(line["images/s"]) for line in lines) / len(lines)
    return seconds, used / config.steps, sum(float(line["waiting"]) for line in lines) / len(lines)


def _bare(config: Config, make: MakeBatch) -> tuple[float, float]:
    """Return the seconds of a step on one batch that is in memory, and its processor seconds."""
    training, batch = _training(config), make(0)
    training.model.to(training.device, memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(training.model.parameters(), lr=1e-3)
    pictures, labels = torch.from_numpy(batch.pictures), torch.from_numpy(batch.classes).to(training.device)
    training.model.train()
    steps = max(1, config.steps // 2)
    for step in range(-5, steps):
        if step == 0:
            _settle(training.device)
            started, used = time.perf_counter(), time.process_time()
        loss = training.loss(training.rows(pictures).float(), labels, None, False)
        optimizer.zero_grad(set_to_none=True)
        loss.value.backward()
        torch.nn.utils.clip_grad_norm_(training.model.parameters(), 1.0)
        optimizer.step()
    _settle(training.device)
    return (time.perf_counter() - started) / steps, (time.process_time() - used) / steps


def _settle(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
