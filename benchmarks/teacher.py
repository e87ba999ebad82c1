"""Measure a teacher without a student: its MRR@5 on a test set, and its speed.

    python benchmarks/teacher.py DEPTH_IMAGES QUERIES TRUTH.csv [--teacher pp-ocr] [--size 64]

DEPTH_IMAGES are the meshes after `sinonom render`. Pictures are prepared as in training and ranked by a dot product.
For pp-ocr this is done a second time with all dimensions of its output, to show what is lost by keeping only some.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent)]

from results import Column, publish  # noqa: E402
from retrieval import arguments, likeness  # noqa: E402

from sinonom_cli.networks import teachers  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--teacher", default=teachers.PP_OCR)
    parser.add_argument("--size", type=int, default=64)
    given, truth = arguments(parser, "depth")
    depth = read_imageset(given.depth)
    names = [Path(picture.source).name for picture in depth.pictures]
    relevant = np.array([[Path(row["label"]).name == name for name in names] for row in truth])
    kinds = np.array([row.get("kind") or "all" for row in truth])
    gallery = _prepared([depth.path / picture.file_name for picture in depth.pictures], given.size)
    asked = _prepared([given.queries / row["query"] for row in truth], given.size)
    teacher = teachers.find_teacher(given.teacher)
    started = time.process_time()
    shelf, questions = teacher(gallery), teacher(asked)
    seconds = time.process_time() - started
    ways = {"as a teacher: what is kept of its output": scores(likeness(questions, shelf), relevant, kinds)}
    if given.teacher == teachers.PP_OCR:
        teachers.KEPT = 10**9
        ways["all of its output"] = scores(likeness(teacher(asked), teacher(gallery)), relevant, kinds)
    names = sorted(set(kinds), reverse=True)
    publish(
        given.result,
        "What is kept of a teacher's output finds as well as all of it.",
        [Column(f"MRR@5, {given.teacher}"), *(Column(kind, ".3f") for kind in names)],
        [(way, *(found[kind] for kind in names)) for way, found in ways.items()],
        notes=f"It embeds {(len(gallery) + len(asked)) / seconds:.0f} pictures a second of a processor.",
    )


def _prepared(paths: list[Path], size: int) -> np.ndarray:
    return np.stack([np.rint(prepare(load_picture(path), size) * 255).astype(np.uint8) for path in paths])


def scores(alike: np.ndarray, relevant: np.ndarray, kinds: np.ndarray) -> dict[str, float]:
    """Return MRR@5 for each kind of query."""
    ranks = ranks_by_distance(-alike, relevant)
    return {kind: float(mrr_at(ranks[kinds == kind], 5)) for kind in set(kinds)}


if __name__ == "__main__":
    main()
