"""Claim: HOG + cosine finds meshes better in `render --tone local`, the default, than in `--tone report`.

Tones are compared by retrieval with a feature that is not learnt: rendered meshes and prints are framed by `prepare`,
described by scikit-image's HOG at 64 px and compared by the cosine. TRUTH has the columns query, label (a mesh's file
name) and kind. The tones are only tested on relief252, never tuned on it.

Usage: python benchmarks/tone.py MESHES QUERIES TRUTH
"""

import argparse
import csv
import importlib.metadata
import sys
from pathlib import Path

import numpy as np
from skimage.feature import hog

sys.path[:0] = [str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.meshes.read import read_mesh  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.render.render import View, draw  # noqa: E402
from sinonom_cli.render.tone import TONES  # noqa: E402
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance  # noqa: E402

SIDE = 64


def feature(picture: np.ndarray) -> np.ndarray:
    """Return the HOG feature of a picture, (D,), scaled to length 1."""
    described = hog(prepare(picture, SIDE), orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2))
    return described / max(float(np.linalg.norm(described)), 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("meshes", "queries", "truth"):
        parser.add_argument(name, type=Path)
    result_option(parser)
    options = parser.parse_args()
    with options.truth.open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    names = sorted({row["label"] for row in truth})
    prints = np.stack([feature(load_picture(options.queries / row["query"])) for row in truth])
    relevant = np.array([[name == row["label"] for name in names] for row in truth])
    kinds = sorted({row["kind"] for row in truth}, reverse=True)
    chosen = {kind: np.array([row["kind"] == kind for row in truth]) for kind in kinds}
    rows = []
    for tone in TONES:
        view = View(tone=tone)
        seen = np.stack([feature(draw(read_mesh(options.meshes / name), view).picture) for name in names])
        ranks = ranks_by_distance(1 - prints @ seen.T, relevant)
        rows.append((f"`--tone {tone}`", *(float(mrr_at(ranks[chosen[kind]], 5)) for kind in kinds)))
    publish(
        options.result,
        "HOG + cosine finds meshes better in `render --tone local`, the default, than in `--tone report`.",
        [Column(f"MRR@5, {len(names)} meshes"), *(Column(f"{kind} ({chosen[kind].sum()})", ".3f") for kind in kinds)],
        rows,
        peer=f"HOG of scikit-image {importlib.metadata.version('scikit-image')}",
    )


if __name__ == "__main__":
    main()
