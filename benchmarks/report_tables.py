"""Make the two tables of the 2024 report again, under equal conditions.

    python benchmarks/report_tables.py WORK --data data/crops --data data/fonts \\
        --depth DEPTH_IMAGES --queries QUERIES --truth TRUTH.csv --steps 2000

Table 1 compares four distances on one classifier; Table 2 compares losses and batches. Backbone, embedding, data,
views, steps and learning rate are the same for all trainings, and each is run with every seed. DEPTH_IMAGES are the
test set's meshes after `sinonom render`; the kinds in the column `kind` of TRUTH.csv have separate scores. The trained
models are in WORK/models: a killed run resumes, and a second run scores the existing models and prints the tables.
`--equal pictures` gives large batches the same number of pictures in all as small ones, and so fewer steps.
`--characters 1000 --each 40` trains on the commonest 1,000 characters of NomNaOCR, with at most 40 pictures of each per
set, spread over the set. The reason is that a classifier of thousands of characters learns nothing in the few steps
that metric learning needs. Options after `--` go to every training: `-- --size 48`, for example.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import label_of
from sinonom_cli.storage.image_set import read_imageset

NOMNAOCR = ASSETS / "nomnaocr_characters.csv"
DISTANCES = ("euclidean", "cosine", "kl", "cross-entropy")
CLASSIFIER = "classifier"


def rows_of(given: argparse.Namespace) -> dict[str, tuple[str, list[str]]]:
    """Return the rows of Table 2, by model name: the title of the row, and the options of its training."""
    batch = ["--batch-size", str(given.batch_size)]
    large = ["--batch-size", str(given.large_batch), "--micro-batch", str(given.batch_size)]
    steps = given.steps
    if given.equal == "pictures":
        steps = max(1, given.steps * given.batch_size // given.large_batch)
    recall = ["--loss", "recall@k", "--recall-at", "5"]
    return {
        CLASSIFIER: ("no metric learning (classifier's features)", ["--loss", "cross-entropy", *batch]),
        "contrastive": ("contrastive", ["--loss", "contrastive", *batch]),
        "triplet-all": ("triplet, no mining", ["--loss", "triplet", "--mining", "none", *batch]),
        "triplet-hard": ("triplet, hard mining", ["--loss", "triplet", "--mining", "batch-hard", *batch]),
        "recall-small": ("recall@5 surrogate, batches of {batch}", [*recall, *batch]),
        f"recall-{given.large_batch}": (
            "recall@5 surrogate, cached batches of {batch}",  # a batch has as many pictures as its characters have
            [*recall, *large, "--steps", str(steps)],
        ),
    }


def main() -> None:
    given = _arguments()
    work: Path = given.work
    kinds = split_truth(given.truth, work)
    if given.characters:
        given.data = [
            str(some_pictures(Path(path), work / "data", given.characters, given.each)) for path in given.data
        ]
    rows = rows_of(given)
    print(f"{len(rows) * len(given.seeds)} trainings", file=sys.stderr)
    scores: dict[tuple[str, str, str], list[float]] = {}
    batches: dict[str, int] = {}
    for seed in given.seeds:
        for name, (_, options) in rows.items():
            model = work / "models" / f"{name}-{seed}"
            batches[name] = _train(given, model, seed, options)
            index = work / "indexes" / f"{name}-{seed}.faiss"
            sinonom("index", str(given.depth), "--model", str(model), "--output", str(index), "-q")
            for distance in DISTANCES if name == CLASSIFIER else (None,):
                for kind, truth in kinds.items():
                    found = score(given.queries, truth, index, distance)
                    scores.setdefault((name, distance or "own", kind), []).append(found)
            for distance in ("cosine",) if name == CLASSIFIER else ():
                for kind in kinds:
                    scores.setdefault((name, "own", kind), []).append(scores[name, distance, kind][-1])
    print(f"\n{given.backbone}, {given.steps} steps, batches of {given.batch_size}, seeds {given.seeds}.")
    print("MRR@5, mean ± standard deviation over seeds.\n")
    _print("distance", list(kinds), {d: [scores[CLASSIFIER, d, k] for k in kinds] for d in DISTANCES})
    called = {name: words.format(batch=batches[name]) for name, (words, _) in rows.items()}
    _print("loss", list(kinds), {called[name]: [scores[name, "own", k] for k in kinds] for name in rows})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", action="append", required=True, help="an image set, perhaps with :WEIGHT; repeatable")
    parser.add_argument("--depth", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--truth", type=Path, required=True)
    parser.add_argument("--characters", type=int, help="train on so many characters, the commonest of NomNaOCR")
    parser.add_argument("--each", type=int, default=40, help="with --characters: pictures of each from a set")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--backbone", default="directmap")
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--large-batch", type=int, default=1024)
    parser.add_argument("--equal", choices=("steps", "pictures"), default="steps")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    given = parser.parse_args(words[:end])
    given.more = words[end + 1 :]
    return given


def some_pictures(images: Path, folder: Path, characters: int, each: int) -> Path:
    """Copy pictures of the commonest characters into a folder for each label, which is an image set."""
    with NOMNAOCR.open(encoding="utf-8", newline="") as file:
        common = "".join(row["characters"] for row in csv.DictReader(file))[:characters]
    out, wanted = folder / images.name, set(map(label_of, common))
    found: dict[str, list[Path]] = {}
    for picture in read_imageset(images).pictures:
        if picture.label in wanted:
            found.setdefault(picture.label, []).append(images / picture.file_name)
    for label, paths in found.items():
        (out / label).mkdir(parents=True, exist_ok=True)
        for path in paths[:: -(-len(paths) // each)]:
            if not (out / label / path.name).exists():
                shutil.copy(path, out / label / path.name)
    return out


def _train(given: argparse.Namespace, model: Path, seed: int, options: list[str]) -> int:
    """Train a model; return the number of pictures in its batches."""
    data = [word for path in given.data for word in ("--data", path)]
    common = ["--backbone", given.backbone, "--seed", str(seed)]
    if "--steps" not in options:
        common += ["--steps", str(given.steps)]
    sinonom("train", *data, "--output", str(model), *common, *options, *given.more)
    record = json.loads((model / "artifact.json").read_text(encoding="utf-8"))
    return int(record["counts"]["batch"])


def split_truth(truth: Path, work: Path) -> dict[str, Path]:
    """Write a separate truth for each kind of query; return the paths by kind."""
    with truth.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    paths = {}
    work.mkdir(parents=True, exist_ok=True)
    for kind in sorted({row.get("kind") or "all" for row in rows}, reverse=True):
        buffer = io.StringIO(newline="")
        mine = [(row["query"], row["label"]) for row in rows if (row.get("kind") or "all") == kind]
        csv.writer(buffer, lineterminator="\n").writerows([("query", "label"), *mine])
        paths[kind] = work / f"truth-{kind}.csv"
        paths[kind].write_text(buffer.getvalue(), encoding="utf-8")
    return paths


def score(queries: Path, truth: Path, index: Path, distance: str | None) -> float:
    with truth.open(encoding="utf-8", newline="") as file:
        asked = "\n".join(str(queries / row["query"]) for row in csv.DictReader(file))
    how = [] if distance is None else ["--distance", distance]
    # The tables compare embeddings; an index of meshes would be asked with --rerank 20.
    command = ["query", "-", "--index", str(index), "--truth", str(truth), "--rerank", "0", "--json", "-q", *how]
    last = sinonom(*command, given=asked).strip().splitlines()[-1]
    return float(json.loads(last)["metrics"]["mrr@5"])


def sinonom(*arguments: str, given: str | None = None) -> str:
    """Run a command and return its stdout; its messages go to stderr."""
    command = [sys.executable, "-m", "sinonom_cli", *arguments]
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=False, encoding="utf-8")
    if done.returncode not in (0, 6):  # 6: some pictures could not be read; a file beside the output names them
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}")
    return done.stdout


def _print(what: str, kinds: list[str], table: dict[str, list[list[float]]]) -> None:
    print(f"| {what} | {' | '.join(kinds)} |\n|---{'|---' * len(kinds)}|")
    for name, cells in table.items():
        print(f"| {name} | {' | '.join(map(_mean, cells))} |")
    print()


def _mean(scores: list[float]) -> str:
    spread = f" ± {statistics.stdev(scores):.3f}" if len(scores) > 1 else ""
    return f"{statistics.mean(scores):.3f}{spread}"


if __name__ == "__main__":
    main()
