"""Claim: the model that ships finds carvings better than PP-OCRv6, HOG and template matching do, on the same pictures.

The meshes are rendered by `sinonom render`; prints and depth images are prepared as for the model, so that every way
gets the same pictures of 64 x 64 pixels. PP-OCRv6 is asked for its posteriors over classes (the extra `teacher`), HOG
is scikit-image's, and a template is the ink itself, correlated with the query. TRUTH has the columns query, label
(names of the right meshes, separated by commas), if there are several kinds of queries, kind, and, if it is known, item
(the very mesh that printed the query).

Usage: python benchmarks/carvings.py MESHES QUERIES TRUTH [--result FILE]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from corrected import corrected  # noqa: E402
from results import Column, publish  # noqa: E402
from retrieval import SIDE, arguments, hog_features, likeness, unit  # noqa: E402

from sinonom_cli import cli  # noqa: E402
from sinonom_cli.networks import teachers  # noqa: E402
from sinonom_cli.networks.embedder import Embedder  # noqa: E402
from sinonom_cli.networks.preprocess import prepare  # noqa: E402
from sinonom_cli.pictures.loading import load_picture  # noqa: E402
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance  # noqa: E402
from sinonom_cli.storage.image_set import read_imageset  # noqa: E402
from sinonom_cli.storage.model_folder import read_model  # noqa: E402

Inks = NDArray[np.float32]
Likeness = Callable[[Inks, Inks], NDArray[np.float64]]


def by_model(asked: Inks, gallery: Inks) -> NDArray[np.float64]:
    """Return the similarity of prints (Q, S, S) and carvings (N, S, S) by the model that ships, (Q, N)."""
    embedder = Embedder(read_model(None))
    return _products(embedder.embed(asked), embedder.embed(gallery))


def by_model_and_names(asked: Inks, gallery: Inks) -> NDArray[np.float64]:
    """Return the same, corrected by the characters that both show, as `query --rerank 0` orders its answers."""
    embedder = Embedder(read_model(None))
    return -corrected(embedder.embed(asked), embedder.embed(gallery))


def by_pp_ocr(asked: Inks, gallery: Inks) -> NDArray[np.float64]:
    """Return the similarity by PP-OCRv6's whole posteriors over its classes."""
    teachers.KEPT = 10**9
    teacher = teachers.find_teacher(teachers.PP_OCR)
    return likeness(*(teacher(np.rint(inks * 255).astype(np.uint8)) for inks in (asked, gallery)))


def by_hog(asked: Inks, gallery: Inks) -> NDArray[np.float64]:
    """Return the cosine of HOG features."""
    return _products(hog_features(asked), hog_features(gallery))


def by_template(asked: Inks, gallery: Inks) -> NDArray[np.float64]:
    """Return the correlation of the pictures themselves."""
    flat = [inks.reshape(len(inks), -1).astype(np.float64) for inks in (asked, gallery)]
    return _products(*(unit(each - each.mean(axis=1, keepdims=True)) for each in flat))


def _products(asked: NDArray[np.floating], gallery: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(asked, np.float64) @ np.asarray(gallery, np.float64).T


def prepared(paths: list[Path]) -> Inks:
    return np.stack([prepare(load_picture(path), SIDE) for path in paths])


def goals_of(truth: list[dict[str, str]], names: list[str]) -> dict[str, tuple[NDArray[np.intp], NDArray[np.bool_]]]:
    """Return what is asked for: the rows of the truth that ask for it, and which meshes are right for each of them."""
    right = np.array(
        [[name in {Path(each).name for each in row["label"].split(",")} for name in names] for row in truth]
    )
    kinds = np.array([row.get("kind") or "the same character" for row in truth])
    rows = {kind: np.flatnonzero(kinds == kind) for kind in sorted(set(kinds), reverse=True)}
    goals = {kind: (chosen, right[chosen]) for kind, chosen in rows.items()}
    if all("item" in row for row in truth):
        very = np.array([[name == Path(row["item"]).name for name in names] for row in truth])
        goals["the very carving"] = np.arange(len(truth)), very
    return goals


def rendered(meshes: Path) -> tuple[list[str], Inks]:
    """Return the names of the meshes below a folder, and their prepared depth images (N, S, S)."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "depth"
        if cli.run(["render", str(meshes), str(out), "-q"]):
            sys.exit(f"{meshes} could not be rendered")
        depth = read_imageset(out)
        pictures = [out / picture.file_name for picture in depth.pictures]
        return [Path(picture.source).name for picture in depth.pictures], prepared(pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given, truth = arguments(parser, "meshes")
    names, gallery = rendered(given.meshes)
    asked = prepared([given.queries / row["query"] for row in truth])
    goals = goals_of(truth, names)
    ways: dict[str, Likeness] = {"the model that ships": by_model, "the model and its characters": by_model_and_names}
    if importlib.util.find_spec("rapidocr"):
        ways["PP-OCRv6, posteriors over classes"] = by_pp_ocr
    ways |= {"HOG + cosine": by_hog, "template matching": by_template}
    rows = []
    for way, similarity in ways.items():
        distances = -similarity(asked, gallery)
        scores = (mrr_at(ranks_by_distance(distances[chosen], right), 5) for chosen, right in goals.values())
        rows.append((way, *map(float, scores)))
    publish(
        given.result,
        f"{given.meshes.parent.name}: the model that ships finds carvings better than PP-OCRv6, HOG and templates do.",
        [
            Column(f"MRR@5, {len(names)} meshes"),
            *(Column(f"{what} ({len(chosen)})", ".3f") for what, (chosen, _) in goals.items()),
        ],
        rows,
        peer=", ".join(
            f"{name} {importlib.metadata.version(name)}"
            for name in ("rapidocr", "scikit-image")
            if importlib.util.find_spec({"scikit-image": "skimage"}.get(name, name))
        ),
    )


if __name__ == "__main__":
    main()
