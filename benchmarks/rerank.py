"""Measure the gain and the cost of `query --rerank`, for the exact carving and for the same character, beside OpenCV.

Run: `python benchmarks/rerank.py [SET...] [--fit] [--scan FOLDER]`. SET is an image set of real prints, or of clean
glyphs from `synth-fonts`; carvings and prints of its pictures are simulated (`simulated_prints.py`). In one test there
are several carvings of each character, and the queries are prints of each carving and prints of other crops. In the
other test each character has one carving. "very" is MRR@5 of the carving that printed the query; "same" is MRR@5 of any
carving of its character, for queries that no carving in the gallery printed.

--fit prints the weights that fit such pairs best. Those in search/same_carving.py are from 34,413 crops of training
pages, where all crops of a group come from one book (seeds 31 and 35 with several carvings of a character, 32 with
one). The figures are then measured with other seeds. --scan FOLDER measures a real scan: the queries `FOLDER/queries`
against the meshes `FOLDER/meshes`, with the columns query, label (any right answer) and item (the exact carving) of
`FOLDER/truth.csv`.

If OpenCV (opencv-python-headless) is installed, it is measured too: findTransformECC, then DIS flow, smoothed; the
score is the similarity of embeddings + correlation - 10 x mean absolute gradient of the flow.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Cell, Column, publish, result_option  # noqa: E402
from simulated_prints import Pairs, pairs_of  # noqa: E402

from sinonom_cli import cli  # noqa: E402
from sinonom_cli.networks.embedder import Embedder  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.search import same_carving  # noqa: E402
from sinonom_cli.search.common_names import AT_LEAST, CommonNames  # noqa: E402
from sinonom_cli.search.same_carving import SIZE, compared, scores, views_of  # noqa: E402
from sinonom_cli.storage.model_folder import read_model  # noqa: E402

COUNT, ASKED = 20, 300
FIT, MEASURED = (31, 32), 33
"""Seeds of the simulation, for fitting and for measuring."""
OTHERS = 2.0
"""Weight, in the fit, of a query whose own carving is not in the gallery."""


class Asked:
    """Queries with their nearest candidates, and what remains after the registration with each of them."""

    def __init__(self, pairs: Pairs, limit: int, embedder: Embedder) -> None:
        names = CommonNames("euclidean")
        chosen = np.random.default_rng(0).permutation(len(pairs.prints))[:limit]
        gallery, queries = embedder.embed(pairs.carvings), embedder.embed(pairs.prints[chosen])
        energies = ((queries[:, None] - gallery[None]) ** 2).sum(axis=2).astype(np.float64)
        nearest = np.argsort(energies, axis=1, kind="stable")[:, :AT_LEAST]
        found = zip(queries, nearest, np.take_along_axis(energies, nearest, 1), strict=True)
        corrected = np.array([names(query, gallery[rows], far) for query, rows, far in found])
        first = np.argsort(corrected, axis=1, kind="stable")[:, :COUNT]
        nearest, self.energies = np.take_along_axis(nearest, first, 1), np.take_along_axis(corrected, first, 1)
        self.own = pairs.carving[chosen] >= 0
        self.very = nearest == pairs.carving[chosen][:, None]
        self.same = pairs.labels[nearest] == pairs.shown[chosen][:, None]
        views, inks = [views_of(ink) for ink in pairs.carvings], [pairs.prints[row] for row in chosen]
        started = time.process_time()
        candidates = zip(inks, nearest, strict=True)
        self.remains = [compared(views_of(ink), [views[row] for row in rows]) for ink, rows in candidates]
        self.cost = 1000 * (time.process_time() - started) / len(chosen)
        self.inks, self.carvings, self.nearest = inks, pairs.carvings, nearest

    def figures(self, found: np.ndarray) -> dict[str, float]:
        """Return MRR@5 of scores (Q, N), for "very" and "same" if there are such queries; a higher score is better."""
        order = np.argsort(-found, axis=1, kind="stable")
        figures = {}
        for name, right, rows in (("very", self.very, self.own), ("same", self.same, ~self.own)):
            if rows.any():
                ranked = np.take_along_axis(right, order, 1)[rows][:, :5]
                figures[name] = float(np.where(ranked.any(axis=1), 1 / (ranked.argmax(axis=1) + 1), 0).mean())
        return figures

    def scores(self) -> np.ndarray:
        """Return the scores of the candidates, (Q, N)."""
        return np.stack([scores(*row) for row in zip(self.energies, self.remains, strict=True)])

    def report(self, name: str) -> list[tuple[Cell, ...]]:
        """Return rows with the figures by embeddings, after re-ranking, and by OpenCV if it is installed."""
        after = self.scores()
        ways = {"embeddings and characters": (self.figures(-self.energies), None)}
        ways[f"`--rerank {COUNT}`"] = self.figures(after), self.cost
        if importlib.util.find_spec("cv2"):
            started = time.process_time()
            pairs = zip(self.inks, self.nearest, strict=True)
            peer = np.array([[_by_opencv(ink, self.carvings[row]) for row in rows] for ink, rows in pairs])
            cost = 1000 * (time.process_time() - started) / len(peer)
            ways["OpenCV"] = self.figures(1 - self.energies / 2 + peer), cost
        return [(name, way, found.get("very"), found.get("same"), cost) for way, (found, cost) in ways.items()]


def _by_opencv(query: np.ndarray, candidate: np.ndarray) -> float:
    import cv2

    cv2.setNumThreads(1)

    def blurred(field: np.ndarray, deviation: float) -> np.ndarray:
        return cv2.GaussianBlur(field, (0, 0), deviation)

    lie = np.eye(2, 3, dtype=np.float32)
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
    try:
        wide = blurred(query, 2.5), blurred(candidate, 2.5)
        _, lie = cv2.findTransformECC(*wide, lie, cv2.MOTION_AFFINE, criteria, None, 1)
    except cv2.error:
        lie = np.eye(2, 3, dtype=np.float32)
    if np.abs(np.linalg.svd(lie[:, :2])[1] - 1).max() > 0.35:
        lie = np.eye(2, 3, dtype=np.float32)
    goal = blurred(query, 1.2)
    laid = cv2.warpAffine(blurred(candidate, 1.2), lie, (SIZE, SIZE), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    grey = [(field * 255).clip(0, 255).astype(np.uint8) for field in (goal, laid)]
    flows = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(*grey, None)
    smooth = [blurred(flows[..., k].copy(), 3) for k in (0, 1)]
    roughness = np.mean([np.abs(part).mean() for field in smooth for part in np.gradient(field)])
    return float(np.nan_to_num(np.corrcoef(goal.ravel(), laid.ravel())[0, 1]) - 10 * roughness)


def fit(asked: list[Asked]) -> tuple[float, ...]:
    """Return NEAR, LIKELY, STEEP and SMOOTH with the greatest likelihood, where the scores are logits of a softmax."""
    from scipy.optimize import minimize

    goals = [np.where(one.own[:, None], one.very, one.same) for one in asked]

    def loss(weights: np.ndarray) -> float:
        same_carving.NEAR, same_carving.LIKELY = weights[0], np.exp(weights[1])
        same_carving.STEEP, same_carving.SMOOTH = weights[2], weights[3]
        total = count = 0.0
        for one, goal in zip(asked, goals, strict=True):
            logits = one.scores()
            shares = np.exp(logits - logits.max(axis=1, keepdims=True))
            known = goal.any(axis=1)
            chance = (shares * goal).sum(axis=1)[known] / shares.sum(axis=1)[known]
            share = np.where(one.own, 1.0, OTHERS)[known]
            total -= float((share * np.log(np.maximum(chance, 1e-300))).sum())
            count += float(share.sum())
        return total / count

    start = [same_carving.NEAR, np.log(same_carving.LIKELY), same_carving.STEEP, same_carving.SMOOTH]
    found = minimize(loss, start, method="Nelder-Mead", options={"xatol": 0.02, "fatol": 1e-5}).x
    return float(found[0]), float(np.exp(found[1])), float(found[2]), float(found[3])


def scan(folder: Path, model: str | None) -> list[tuple[Cell, ...]]:
    """Measure the meshes and prints of a real scan, and return the rows."""
    typed = [] if model is None else ["--model", model]
    with tempfile.TemporaryDirectory() as name:
        depth, index = str(Path(name) / "depth"), str(Path(name) / "db.faiss")
        assert cli.run(["render", str(folder / "meshes"), depth, "-q"]) == 0
        assert cli.run(["index", depth, index, "-q", *typed]) == 0
        with (folder / "truth.csv").open(encoding="utf-8", newline="") as file:
            truth = list(csv.DictReader(file))
        items = [row["item"] for row in truth]
        pictures = [Path(depth) / "images" / Path(item).with_suffix(".png") for item in items]
        pairs = Pairs(
            np.stack([prepare(load_picture(picture), SIZE) for picture in pictures]),
            np.array([row["char"] for row in truth]),
            np.stack([prepare(load_picture(folder / "queries" / row["query"]), SIZE) for row in truth]),
            np.array([row["char"] for row in truth]),
            np.arange(len(truth)),
        )
        asked = Asked(pairs, len(truth), Embedder(read_model(None if model is None else Path(model))))
        return asked.report(f"{folder.name}, {len(truth)} prints")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sets", type=Path, nargs="*", metavar="SET", help="an image set")
    parser.add_argument("--fit", action="store_true", help="fit the weights of the score")
    parser.add_argument("--scan", type=Path, help="a real scan with its prints")
    parser.add_argument("--model", help="by default, the one that ships")
    result_option(parser)
    given = parser.parse_args()
    if not given.sets and not given.scan:
        parser.error("give image sets, --scan or both")
    embedder = Embedder(read_model(None if given.model is None else Path(given.model)))

    def made(folder: Path, seed: int, alike: bool) -> Asked:
        return Asked(pairs_of(folder, seed, alike), ASKED, embedder)

    kinds = [(folder, alike) for alike in (True, False) for folder in given.sets]
    if given.fit:
        near, likely, steep, smooth = fit([made(folder, seed, alike) for folder, alike in kinds for seed in FIT])
        print(f"NEAR, LIKELY, STEEP, SMOOTH = {near:.1f}, {likely:.3f}, {steep:.1f}, {smooth:.2f}")
    rows: list[tuple[Cell, ...]] = []
    for folder, alike in kinds:
        carvings = "several carvings" if alike else "one carving"
        rows += made(folder, MEASURED, alike).report(f"{folder.name}, {carvings} a character")
    if given.scan:
        rows += scan(given.scan, given.model)
    publish(
        given.result,
        f"`query --rerank {COUNT}` brings the very carving that made a print to the front more often.",
        [
            Column("carvings and prints"), Column("way"), Column("MRR@5, the very carving", ".3f"),
            Column("MRR@5, another of its character", ".3f"), Column("ms of a processor a query", ".1f"),
        ],
        rows,
        peer="OpenCV's findTransformECC and DIS flow, smoothed" if importlib.util.find_spec("cv2") else "",
    )  # fmt: skip


if __name__ == "__main__":
    main()
