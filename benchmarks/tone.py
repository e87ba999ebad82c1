"""Claim: HOG + cosine finds meshes better in `render --tone local`, the default, than in `--tone report`.

Tones are compared by retrieval with a feature that is not learnt: rendered meshes and prints are framed by `prepare`,
described by scikit-image's HOG at 64 px and compared by the cosine. TRUTH has the columns query, label (a mesh's file
name) and kind. The tones are only tested on relief252, never tuned on it.

Usage: python benchmarks/tone.py MESHES QUERIES TRUTH
"""

import argparse
import importlib.metadata
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent)]

from results import Column, publish  # noqa: E402
from retrieval import SIDE, arguments, hog_features  # noqa: E402

from sinonom_cli.meshes.read import read_mesh  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.render.render import View, draw  # noqa: E402
from sinonom_cli.render.tone import TONES  # noqa: E402
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options, truth = arguments(parser, "meshes")
    names = sorted({row["label"] for row in truth})
    prints = hog_features([prepare(load_picture(options.queries / row["query"]), SIDE) for row in truth])
    relevant = np.array([[name == row["label"] for name in names] for row in truth])
    kinds = sorted({row["kind"] for row in truth}, reverse=True)
    chosen = {kind: np.array([row["kind"] == kind for row in truth]) for kind in kinds}
    rows = []
    for tone in TONES:
        view = View(tone=tone)
        pictures = (draw(read_mesh(options.meshes / name), view).picture for name in names)
        seen = hog_features([prepare(picture, SIDE) for picture in pictures])
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
