"""Claim: HOG + cosine finds meshes better in `render --tone local`, the default, than in `--tone report`.

Tones are compared by retrieval with a feature that is not learnt: rendered meshes and prints are framed by `prepare`,
described by scikit-image's HOG at 64 px and compared by the cosine. TRUTH has the columns query, label (a mesh's file
name) and kind. The tones are only tested on relief252, never tuned on it.

Usage: python benchmarks/tone.py MESHES QUERIES TRUTH
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from skimage.feature import hog

from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.render.render import View, draw
from sinonom_cli.render.tone import TONES
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance

SIDE = 64


def feature(picture: np.ndarray) -> np.ndarray:
    """Return the HOG feature of a picture, (D,), scaled to length 1."""
    described = hog(prepare(picture, SIDE), orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2))
    return described / max(float(np.linalg.norm(described)), 1e-9)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("meshes", "queries", "truth"):
        parser.add_argument(name, type=Path)
    options = parser.parse_args()
    with options.truth.open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    names = sorted({row["label"] for row in truth})
    prints = np.stack([feature(load_picture(options.queries / row["query"])) for row in truth])
    relevant = np.array([[name == row["label"] for name in names] for row in truth])
    kinds = sorted({row["kind"] for row in truth}, reverse=True)
    chosen = {kind: np.array([row["kind"] == kind for row in truth]) for kind in kinds}
    print(f"MRR@5, {len(names)} meshes  " + "  ".join(f"{kind} ({chosen[kind].sum()})" for kind in kinds))
    for tone in TONES:
        view = View(tone=tone)
        seen = np.stack([feature(draw(read_mesh(options.meshes / name), view).picture) for name in names])
        ranks = ranks_by_distance(1 - prints @ seen.T, relevant)
        print(f"--tone {tone:<8} " + "  ".join(f"{mrr_at(ranks[chosen[kind]], 5):.3f}" for kind in kinds))


if __name__ == "__main__":
    main()
