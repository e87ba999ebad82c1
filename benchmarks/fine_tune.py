"""Claim: fine-tuning the model that ships on 5 prints of each character of a book finds that book's carvings better.

    python benchmarks/fine_tune.py WORK CROPS --list Validate.txt [--books 2] [--characters 200] [--steps 400]

CROPS is an image set from `crop-nomnaocr`; --list names the patches that the model has not learnt from. For each book,
its characters with at least 7 such crops are taken: 5 crops of each are the set to learn from, the others are queries.
The gallery holds a simulated relief of one of the 5 crops of every character. The script prints the MRR@5 of the
queries before and after `sinonom train --resume-from default`, with the 95 % interval of the difference (paired
bootstrap), and the same for prints and reliefs of characters that were not learnt, which fine-tuning may harm.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.networks.embedder import Embedder
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search.metrics import bootstrap, ranks_by_distance, reciprocal_at
from sinonom_cli.storage.image_set import Picture, read_imageset
from sinonom_cli.storage.model_folder import read_model
from sinonom_cli.train.augment import views

LEARNT, LEAST = 5, 7
MOST_QUERIES = 4
"""Number of crops of a character that are queries."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--books", type=int, default=2)
    parser.add_argument("--characters", type=int, default=200, help="most characters of a book")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    unseen = {line.partition("\t")[0] for line in given.list.read_text(encoding="utf-8").splitlines()}
    books = _books(given.crops, unseen)
    print("| book | characters | before | after | difference (95 %) | others, before | after | difference (95 %) |")
    print("|---|---|---|---|---|---|---|---|")
    for book in sorted(books, key=lambda name: -len(books[name]))[: given.books]:
        of_class = books[book]
        labels = sorted(of_class, key=lambda label: (-len(of_class[label]), label))
        learnt, others = labels[: given.characters], labels[given.characters :][: given.characters]
        data = given.work / "sets" / book
        for label in learnt:
            for path in of_class[label][:LEARNT]:
                (data / label).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, data / label / path.name)
        model = given.work / "models" / book
        command = [sys.executable, "-m", "sinonom_cli", "train", "--resume-from", "default", "--data", str(data)]
        command += ["-o", str(model), "--steps", str(given.steps), "--threads", str(given.threads)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        cells = []
        for some in (learnt, others):
            before, after = (_reciprocal(path, of_class, some) for path in (None, model))
            low, high = bootstrap(after - before)
            difference = f"{(after - before).mean():+.3f} ({low:+.3f} to {high:+.3f})"
            cells += [f"{before.mean():.3f}", f"{after.mean():.3f}", difference]
        print(f"| {book} | {len(learnt)} | {' | '.join(cells)} |", flush=True)


def _books(crops: Path, unseen: set[str]) -> dict[str, dict[str, list[Path]]]:
    """Return by book and label the crops of unseen patches, where a label has enough of them."""
    found: dict[str, dict[str, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for picture in read_imageset(crops).pictures:
        patch = _patch(picture)
        if picture.label and patch in unseen:
            found[patch.partition("/")[0]][picture.label].append(crops / picture.file_name)
    return {book: {k: v for k, v in labels.items() if len(v) >= LEAST} for book, labels in found.items()}


def _patch(picture: Picture) -> str:
    """Return the patch that a crop comes from, as the lists of NomNaOCR name it."""
    return picture.source.rpartition("#")[0]


def _reciprocal(model: Path | None, of_class: dict[str, list[Path]], labels: list[str]) -> NDArray[np.float64]:
    """Return the reciprocal rank at 5 of each query of some characters, prints that were not learnt."""
    embedder = Embedder(read_model(model))
    size = embedder.model.size
    queries = [(path, k) for k, label in enumerate(labels) for path in of_class[label][LEARNT:][:MOST_QUERIES]]
    prints = _prepared([path for path, _ in queries], size)
    clean = _prepared([of_class[label][0] for label in labels], size)
    reliefs = views(clean, np.ones(len(clean), bool), np.random.default_rng(0))
    asked, gallery = (embedder.embed(each.astype(np.float32) / 255).astype(np.float64) for each in (prints, reliefs))
    answers = np.array([k for _, k in queries])
    distances = ((asked[:, None] - gallery[None]) ** 2).sum(axis=2)
    return reciprocal_at(ranks_by_distance(distances, answers[:, None] == np.arange(len(labels))), 5)


def _prepared(paths: list[Path], size: int) -> NDArray[np.uint8]:
    """Return prepared pictures, (N, S, S) uint8; 255 is full ink."""
    return np.rint(prepare_all([load_picture(path) for path in paths], size) * 255).astype(np.uint8)


if __name__ == "__main__":
    main()
