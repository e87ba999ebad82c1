"""Train the report's networks by the commands' defaults, under equal conditions, and print a table of them.

    python benchmarks/backbones.py WORK --data data/crops --data data/fonts [--characters 1000] [--each 40]
        [--depth DEPTH_IMAGES --queries QUERIES --truth TRUTH.csv]
        [--steps 2000 | --processor-seconds 2400] [--only efficientnet_b0+cosface ...] [--at-least 0.8]

Each row is one `sinonom train`, with a backbone, a loss or recipe, and otherwise the defaults. With `--steps`, all rows
see equally many pictures; with `--processor-seconds`, each has as many steps as its network makes in that processor
time, which a few steps measure first. The pictures are those of the commonest characters of NomNaOCR, as in
`report_tables.py`. The column "held out" is the MRR@5 of the training's own validation; the other scores are those of
`query --truth`, one for each kind that TRUTH.csv names. DEPTH_IMAGES are the test set's meshes after `sinonom render`.

The script can be killed: a training resumes, and the figures of a finished row are kept in WORK/rows. With
`--at-least`, the exit code is 1 if a row's validation is below it: `--characters 200 --processor-seconds 2400
--at-least 0.8` checks that a network learns within 20 minutes of two cores.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent.parent))

from report_tables import score, sinonom, some_pictures, split_truth

from sinonom_cli.networks.embedder import session_of
from sinonom_cli.storage.model_folder import read_model
from sinonom_cli.train.losses.table import LOSSES
from sinonom_cli.train.options import complete

RECIPE = "recipe"
MOST_WANTED = (
    ("efficientnet_b0", "cosface"),
    ("efficientnet_b0", "triplet"),
    ("caformer_s18", RECIPE),
    ("directmap", "triplet"),
    ("directmap", "cosface"),
    ("efficientnet_b0", RECIPE),
    ("efficientnet_b0", "recipe, ml-decoder"),
    ("caformer_s18", "cosface"),
    ("caformer_s18", "recipe, ml-decoder"),
    ("directmap-large", "cosface"),
    ("mobilenetv3_small_100", "cosface"),
    ("convnext_atto", "cosface"),
    ("vit_tiny_patch16_224", "cosface"),
    *(
        (backbone, loss)
        for loss in ("triplet", RECIPE, "cross-entropy")
        for backbone in ("mobilenetv3_small_100", "convnext_atto", "vit_tiny_patch16_224", "directmap-large")
    ),
)
"""Rows of the table, by backbone and way of training, the most wanted first."""
PROBED = 3
"""Number of steps that measure the processor time of a step."""


def main() -> int:
    given = _arguments()
    work: Path = given.work
    data = [str(some_pictures(Path(path), work / "data", given.characters, given.each)) for path in given.data]
    kinds = split_truth(given.truth, work) if given.truth else {}
    wanted = given.only or [f"{backbone}+{way}" for backbone, way in MOST_WANTED]
    rows = []
    for name in wanted:
        kept = work / "rows" / f"{name.replace(' ', '')}.json"
        if not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            row = _row(name, given, data, kinds)
            kept.write_text(json.dumps(row), encoding="utf-8")
        rows.append(json.loads(kept.read_text(encoding="utf-8")))
        _print(rows, list(kinds))
    low = [row["name"] for row in rows if given.at_least is not None and row["held out"] < given.at_least]
    if low:
        print(f"below {given.at_least}: {', '.join(low)}")
    return 1 if low else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", action="append", required=True, help="an image set; repeatable")
    parser.add_argument("--characters", type=int, default=1000)
    parser.add_argument("--each", type=int, default=40, help="pictures of each character from a set")
    parser.add_argument("--depth", type=Path)
    parser.add_argument("--queries", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--processor-seconds", type=float, help="equal time instead of equal steps")
    parser.add_argument("--only", nargs="+", metavar="BACKBONE+LOSS", help="these rows; LOSS may be recipe")
    parser.add_argument("--at-least", type=float)
    parser.add_argument("--threads", type=int)
    given = parser.parse_args()
    if given.truth and not (given.depth and given.queries):
        parser.error("--truth needs --depth and --queries")
    return given


def _row(name: str, given: argparse.Namespace, data: list[str], kinds: dict[str, Path]) -> dict[str, Any]:
    """Train one row, and return its figures."""
    backbone, _, way = name.partition("+")
    work: Path = given.work
    steps = _steps(name, given)
    model = work / "models" / name.replace(" ", "")
    options = ["--backbone", backbone, "--steps", str(steps), *_ways(way)]
    if given.threads:
        options += ["--threads", str(given.threads)]
    sets = [word for path in data for word in ("--data", path)]
    started = time.monotonic()
    sinonom("train", *sets, "--output", str(model), *options)
    row = {"name": name, "steps": steps, "minutes": (time.monotonic() - started) / 60} | _figures(model)
    if kinds:
        index = work / "indexes" / f"{name.replace(' ', '')}.faiss"
        sinonom("index", str(given.depth), "--model", str(model), "--output", str(index), "-q")
        row |= {kind: score(given.queries, truth, index, None) for kind, truth in kinds.items()}
    return row


def _steps(name: str, given: argparse.Namespace) -> int:
    """Return the number of steps of a row; one that is measured is kept, so that a killed training can resume."""
    if not given.processor_seconds:
        return int(given.steps)
    kept: Path = given.work / "rows" / f"{name.replace(' ', '')}.{given.processor_seconds:g}.steps"
    if not kept.exists():
        backbone, _, way = name.partition("+")
        steps = max(20, round(given.processor_seconds / seconds_per_step(backbone, way)))
        kept.write_text(str(steps), encoding="utf-8")
    return int(kept.read_text(encoding="utf-8"))


def _ways(way: str) -> list[str]:
    """Return the options of a way of training."""
    loss, _, head = way.partition(", ")
    options = ["--recipe", "report"] if loss == RECIPE else ["--loss", loss]
    if loss != RECIPE and loss not in LOSSES:
        sys.exit(f"{way} is no loss: {RECIPE}, {', '.join(LOSSES)}")
    return [*options, "--head", head] if head else options


def seconds_per_step(backbone: str, way: str) -> float:
    """Return the processor seconds of a step of this network, without the views."""
    import torch

    from sinonom_cli.networks.backbones import build
    from sinonom_cli.parallel.processes import keep_freed_memory

    chosen = complete(way if way in LOSSES else "triplet", {"backbone": backbone})
    keep_freed_memory(2048, 1024)
    network = build(backbone, chosen["embedding"], chosen["size"], chosen["stem_stride"]).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pictures = torch.rand(chosen["classes"] * chosen["images"], 1, chosen["size"], chosen["size"])
    network(pictures).sum().backward()
    started = time.process_time()
    for _ in range(PROBED):
        network(pictures).square().mean().backward()
    return (time.process_time() - started) / PROBED


def _figures(model: Path) -> dict[str, float]:
    """Return the validation, the speed, the number of weights and the milliseconds of a picture in ONNX Runtime."""
    made = read_model(model)
    record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
    with (model / "metrics.csv").open(encoding="utf-8", newline="") as file:
        speeds = [float(line["images/s"]) for line in csv.DictReader(file)]
    session = session_of(str(made.onnx), 1)
    picture = np.random.default_rng(0).random((16, 1, made.size, made.size), np.float32)
    times = []
    for _ in range(8):
        started = time.process_time()
        session.run(None, {session.get_inputs()[0].name: picture})
        times.append((time.process_time() - started) / len(picture))
    return {
        "held out": record["validation"]["val_mrr@5"],
        "images/s": statistics.median(speeds),
        "weights": sum(each.size for each in load_file(model / "model.safetensors").values()) / 1e6,
        "ms": 1000 * min(times),
    }


def _print(rows: list[dict[str, Any]], kinds: list[str]) -> None:
    columns = ["held out", *kinds]
    print(f"\n| network + loss | steps | {' | '.join(columns)} | images/s | weights, millions | ms a picture |")
    print("|---|---|" + "---|" * (len(columns) + 3))
    for row in rows:
        scores = " | ".join(f"{row[column]:.3f}" for column in columns)
        print(
            f"| {row['name']} | {row['steps']:,} | {scores} | {row['images/s']:.0f} | {row['weights']:.2f} | "
            f"{row['ms']:.2f} |",
            flush=True,
        )


if __name__ == "__main__":
    sys.exit(main())
