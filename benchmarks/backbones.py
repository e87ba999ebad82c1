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
`--at-least`, the exit code is 1 if a row's validation is below it, and `--stop` ends a row as soon as its validation
reaches it: `--characters 200 --processor-seconds 2400 --threads 1 --at-least 0.8 --stop` checks that a network learns
within 20 minutes of two cores. `--result FILE` adds the rows to those that FILE has, so that several runs make one
table.
"""

from __future__ import annotations

import argparse
import csv
import datetime
import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent.parent))

from report_tables import score, sinonom, some_pictures, split_truth
from results import Column, added, machine, publish, result_option
from watched import Watched, train_until

from sinonom_cli.networks.backbones import build
from sinonom_cli.networks.embedder import session_of
from sinonom_cli.networks.onnx_export import export_onnx
from sinonom_cli.parallel.processes import keep_freed_memory
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
NOTES = (
    "Each row was made by this command with its own name after `--only`. Processor seconds are those of the whole "
    "training: its start, the views, and the validations. A row with fewer steps done than planned was stopped when a "
    "validation reached `--at-least`. Images/s is on the clock of a machine that did other work too; ms is processor "
    "time in ONNX Runtime with one thread, in batches of 16."
)
"""Sentences below the stored table."""
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
        _publish(given.result, rows, list(kinds))
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
    parser.add_argument("--at-least", type=float, help="MRR@5 that the validation of each row should reach")
    parser.add_argument("--stop", action="store_true", help="stop a row as soon as a validation reaches --at-least")
    parser.add_argument("--threads", type=int)
    result_option(parser)
    given = parser.parse_args()
    if given.truth and not (given.depth and given.queries):
        parser.error("--truth needs --depth and --queries")
    if given.stop and given.at_least is None:
        parser.error("--stop needs --at-least")
    if given.stop and given.truth:
        parser.error("--stop leaves no finished model for --truth")
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
    command = [sys.executable, "-m", "sinonom_cli", "train", *sets, "--output", str(model), *options]
    seen = train_until(command, model, given.at_least if given.stop else None)
    row = {"name": name, "steps": steps, "step": seen.step, "seconds": seen.seconds, "where": _where()}
    row |= _figures(name, model, seen)
    if kinds:
        index = work / "indexes" / f"{name.replace(' ', '')}.faiss"
        sinonom("index", str(given.depth), "--model", str(model), "--output", str(index), "-q")
        row |= {kind: score(given.queries, truth, index, None) for kind, truth in kinds.items()}
    return row


def _where() -> str:
    """Return the processor and the day, which may differ between the rows of a table."""
    return f"{machine()['processor']}, {datetime.date.today().isoformat()}"


def _steps(name: str, given: argparse.Namespace) -> int:
    """Return the number of steps of a row; one that is measured is kept, so that a killed training can resume."""
    if not given.processor_seconds:
        return int(given.steps)
    kept: Path = given.work / "rows" / f"{name.replace(' ', '')}.{given.processor_seconds:g}.steps"
    if not kept.exists():
        steps = max(20, round(given.processor_seconds / seconds_per_step(name)))
        kept.write_text(str(steps), encoding="utf-8")
    return int(kept.read_text(encoding="utf-8"))


def _ways(way: str) -> list[str]:
    """Return the options of a way of training."""
    loss, _, head = way.partition(", ")
    options = ["--recipe", "report"] if loss == RECIPE else ["--loss", loss]
    if loss != RECIPE and loss not in LOSSES:
        sys.exit(f"{way} is no loss: {RECIPE}, {', '.join(LOSSES)}")
    return [*options, "--head", head] if head else options


def _settings(name: str) -> tuple[str, dict[str, Any]]:
    """Return the backbone of a row, and the settings of its training."""
    backbone, _, way = name.partition("+")
    return backbone, complete(way if way in LOSSES else "triplet", {"backbone": backbone})


def seconds_per_step(name: str) -> float:
    """Return the processor seconds of a step of a row's network, without the views."""
    backbone, chosen = _settings(name)
    keep_freed_memory(2048, 1024)
    network = build(backbone, chosen["embedding"], chosen["size"], chosen["stem_stride"]).train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    pictures = torch.rand(chosen["classes"] * chosen["images"], 1, chosen["size"], chosen["size"])
    network(pictures).sum().backward()
    started = time.process_time()
    for _ in range(PROBED):
        network(pictures).square().mean().backward()
    return (time.process_time() - started) / PROBED


def _figures(name: str, model: Path, seen: Watched) -> dict[str, Any]:
    """Return the validation, the speed, the number of weights and the milliseconds of a picture in ONNX Runtime.

    A training that was stopped has no finished model; a fresh network is as large and as fast as its own.
    """
    with (model / "metrics.csv").open(encoding="utf-8", newline="") as file:
        speed = statistics.median(float(line["images/s"]) for line in csv.DictReader(file))
    if seen.stopped:
        score, (onnx, size, weights) = seen.score, _fresh(name)
    else:
        made = read_model(model)
        record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
        score, onnx, size = record["validation"]["val_mrr@5"], made.onnx.read_bytes(), made.size
        weights = sum(each.size for each in load_file(model / "model.safetensors").values())
    return {"held out": score, "images/s": speed, "weights": weights / 1e6, "ms": _milliseconds(onnx, size)}


def _fresh(name: str) -> tuple[bytes, int, int]:
    """Return a row's network with fresh weights as ONNX, the side of its input, and the number of its weights."""
    backbone, chosen = _settings(name)
    network = build(backbone, chosen["embedding"], chosen["size"], chosen["stem_stride"])
    weights = sum(each.numel() for each in network.state_dict().values())
    return export_onnx(network, chosen["size"])[0], chosen["size"], weights


def _milliseconds(onnx: bytes, size: int) -> float:
    """Return the processor time of a picture in ONNX Runtime, in batches of 16 with one thread."""
    session = session_of(onnx, 1)
    picture = np.random.default_rng(0).random((16, 1, size, size), np.float32)
    times = []
    for _ in range(8):
        started = time.process_time()
        session.run(None, {session.get_inputs()[0].name: picture})
        times.append((time.process_time() - started) / len(picture))
    return 1000 * min(times)


def _publish(file: Path | None, rows: Sequence[dict[str, Any]], kinds: Sequence[str]) -> None:
    """Print the rows of this run; with a result file, add them to the rows that it has from earlier runs."""
    columns = [
        Column("network + loss"),
        Column("steps planned", ","),
        Column("steps done", ","),
        Column("processor seconds", ",.0f"),
        Column("held-out MRR@5", ".3f"),
        *(Column(kind, ".3f") for kind in kinds),
        Column("images/s", ".0f"),
        Column("weights, millions", ".2f"),
        Column("ms a picture", ".2f"),
        Column("processor and day"),
    ]
    names = ("name", "steps", "step", "seconds", "held out", *kinds, "images/s", "weights", "ms", "where")
    publish(
        file,
        "A network learns characters by the defaults of its family and loss.",
        columns,
        added(file, columns, [tuple(row[name] for name in names) for row in rows]),
        notes=NOTES,
    )


if __name__ == "__main__":
    sys.exit(main())
