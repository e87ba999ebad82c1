"""Measure how well the default model finds carvings and names characters of unseen prints, and its size and speed.

    python benchmarks/default_model.py CROPS [--model MODEL] [--characters characters.faiss]
        [--depth DEPTH_IMAGES --queries QUERIES --truth TRUTH.csv] [--learnt CROPS] [--variants]

CROPS is an image set of real prints that the model has not learnt from. The script prints
- MRR@5 on a test set, for each kind that TRUTH.csv names; DEPTH_IMAGES are the set's meshes after `sinonom render`;
- MRR@5 on CROPS: for each character of at least two books, one crop is turned into a simulated relief
  (`train/augment.py`), and the queries are this crop and crops of other books; and MRR@5 of the latter queries when the
  gallery holds crops instead of reliefs; for the model that ships, also as `query` orders answers, with the characters
  that query and answer show (`search/common_names.py`);
- top-1 and top-5 of naming CROPS from the index of characters: over all crops, as a mean over characters, and for
  characters beyond the Basic Multilingual Plane;
- with `--variants`, the same with the first half of each embedding, and with the network in half precision and in
  8-bit integers (calibrated on pictures of `--learnt`), with their sizes and speeds on one core.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).parent.parent))

from corrected import corrected

from sinonom_cli.networks.embedder import AT_ONCE, session_of
from sinonom_cli.networks.preprocess import prepare_all
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search.distances import unit
from sinonom_cli.search.index import Index, read_index
from sinonom_cli.search.metrics import mrr_at, ranks_by_distance
from sinonom_cli.storage.image_set import read_imageset
from sinonom_cli.storage.model_folder import Model, read_model

Array = NDArray[np.float32]
Embed = Callable[[NDArray[np.uint8]], Array]
CALIBRATION, SPEED = 1024, 2048
NEIGHBOURS = 100


def prepared(paths: Sequence[Path], size: int) -> NDArray[np.uint8]:
    """Return prepared pictures, (N, S, S) uint8; 255 is full ink."""
    parts = [paths[start : start + 256] for start in range(0, len(paths), 256)]
    ready = [np.rint(prepare_all([load_picture(path) for path in part], size) * 255) for part in parts]
    return np.concatenate(ready).astype(np.uint8)


def embedding(onnx: bytes | str) -> Embed:
    """Return a function that runs a network in ONNX Runtime on all cores and scales its embeddings to length 1."""
    session = session_of(onnx, 0)
    name = session.get_inputs()[0].name

    def embed(pictures: NDArray[np.uint8]) -> Array:
        parts = [
            session.run(None, {name: pictures[i : i + AT_ONCE, None].astype(np.float32) / 255})[0]
            for i in range(0, len(pictures), AT_ONCE)
        ]
        return unit(np.concatenate(parts)).astype(np.float32)

    return embed


class Carvings:
    """Test set of depth images, which are the gallery, and prints, which are the queries."""

    def __init__(self, depth: Path, queries: Path, truth: Path, size: int) -> None:
        gallery = sorted(read_imageset(depth).pictures, key=lambda p: p.file_name)
        place = {Path(p.source).name: i for i, p in enumerate(gallery)}
        self.gallery = prepared([depth / p.file_name for p in gallery], size)
        with truth.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self.queries = prepared([queries / row["query"] for row in rows], size)
        self.kinds = np.array([row.get("kind") or "all" for row in rows])
        self.right = np.zeros((len(rows), len(gallery)), bool)
        for i, row in enumerate(rows):
            self.right[i, [place[Path(name).name] for name in row["label"].split(",")]] = True

    def scores(self, embed: Embed, length: int | None = None) -> dict[str, float]:
        """Return MRR@5 of each kind of query."""
        gallery, queries = (unit(embed(p)[:, :length]) for p in (self.gallery, self.queries))
        ranks = ranks_by_distance(-queries @ gallery.T, self.right)
        return {kind: mrr_at(ranks[self.kinds == kind], 5) for kind in sorted(set(self.kinds), reverse=True)}


class Books:
    """Test set of crops: simulated reliefs of one book's crops are the gallery, crops of other books are queries."""

    def __init__(
        self, pictures: NDArray[np.uint8], labels: NDArray[np.str_], books: NDArray[np.str_], named: int = 0
    ) -> None:
        """Choose the crops; embeddings of `named` dimensions are also compared by the characters that they show."""
        self.named = named
        from sinonom_cli.train.augment import views

        rng = np.random.default_rng(5)
        of_label: dict[str, list[int]] = defaultdict(list)
        for row in rng.permutation(len(pictures)).tolist():
            of_label[labels[row]].append(row)
        gallery, queries, answers = [], [], []
        for rows in of_label.values():
            others = [row for row in rows[1:] if books[row] != books[rows[0]]][:2]
            if others:
                queries += others
                answers += [len(gallery)] * len(others)
                gallery.append(rows[0])
        chosen = np.array(gallery)
        self.reliefs = views(pictures[chosen], np.ones(len(chosen), bool), np.random.default_rng([0, 77]))
        self.prints, self.others = pictures[chosen], pictures[np.array(queries)]
        self.answers = np.array(answers)[:, None] == np.arange(len(chosen))

    def scores(self, embed: Embed, length: int | None = None) -> dict[str, float]:
        """Return MRR@5 for the same print, for another book's print, and for the latter with prints as the gallery."""
        reliefs, prints, others = (unit(embed(p)[:, :length]) for p in (self.reliefs, self.prints, self.others))
        asked = {
            "same print": (prints, reliefs, np.eye(len(reliefs), dtype=bool)),
            "another book's": (others, reliefs, self.answers),
            "among prints": (others, prints, self.answers),
        }
        found = {what: mrr_at(ranks_by_distance(-q @ g.T, right), 5) for what, (q, g, right) in asked.items()}
        if self.named and reliefs.shape[1] == self.named:
            found |= {
                f"{what}, with characters": mrr_at(ranks_by_distance(corrected(q, g), right), 5)
                for what, (q, g, right) in asked.items()
            }
        return found


class Naming:
    """Test set of crops that are named from an index of characters."""

    def __init__(self, pictures: NDArray[np.uint8], labels: NDArray[np.str_], index: Index) -> None:
        self.pictures, self.labels = pictures, labels
        self.vectors = np.array(index.vectors)
        self.names = np.array([index.rows[i].label for i in range(len(index))])
        known = np.isin(labels, self.names)
        print(f"{len(set(self.names)):,} characters in the index; {known.mean():.1%} of the crops show one of them")

    def scores(self, embed: Embed, length: int | None = None) -> dict[str, float]:
        """Return top-1 and top-5 accuracy by group; characters that the index does not hold count as wrong."""
        import faiss

        gallery, queries = unit(self.vectors[:, :length]), unit(embed(self.pictures)[:, :length])
        _, rows = faiss.knn(queries.astype(np.float32), gallery.astype(np.float32), NEIGHBOURS)
        ranks = np.array([_rank(self.names[found], label) for found, label in zip(rows, self.labels, strict=True)])
        beyond = np.array([int(label[2:], 16) > 0xFFFF for label in self.labels])
        groups, figures = {"": np.ones(len(ranks), bool), ", Ext B and later": beyond}, {}
        for words, chosen in groups.items():
            for k in (1, 5):
                figures[f"top-{k}{words}"] = float((ranks[chosen] <= k).mean())
        kinds, of = np.unique(self.labels, return_inverse=True)
        figures["top-1, mean over characters"] = float((np.bincount(of, ranks <= 1) / np.bincount(of)).mean())
        return figures | {"crops": len(ranks), "characters": len(kinds), "crops of Ext B and later": int(beyond.sum())}


def _rank(names: NDArray[np.str_], wanted: str) -> int:
    """Return the rank of a label among the distinct labels found; a large number if it is not found."""
    distinct = list(dict.fromkeys(names.tolist()))
    return distinct.index(wanted) + 1 if wanted in distinct else 10**6


def variants(model: Model, learnt: Path, folder: Path) -> Iterator[tuple[str, Path]]:
    """Write the network in half precision and in 8-bit integers to a folder; yield names and paths."""
    import onnx
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    from onnxruntime.transformers.float16 import convert_float_to_float16

    half = folder / "half.onnx"
    onnx.save(convert_float_to_float16(onnx.load(model.onnx), keep_io_types=True), half)
    yield "half precision", half

    chosen = read_imageset(learnt).pictures
    chosen = [chosen[i] for i in np.random.default_rng(0).permutation(len(chosen))[:CALIBRATION]]
    pictures = prepared([learnt / p.file_name for p in chosen], model.size)

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self.left = iter(np.split(pictures, len(pictures) // 64))

        def get_next(self) -> dict[str, Array] | None:
            part = next(self.left, None)
            return None if part is None else {name: part[:, None].astype(np.float32) / 255}

    name = session_of(str(model.onnx), 1).get_inputs()[0].name
    ready, small = folder / "ready.onnx", folder / "int8.onnx"
    quant_pre_process(str(model.onnx), str(ready), skip_symbolic_shape=True)
    # Only convolutions are quantised: the fixed maps before them and the head after them need full precision.
    quantize_static(
        str(ready),
        str(small),
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        op_types_to_quantize=["Conv"],
        weight_type=QuantType.QInt8,
        nodes_to_exclude=[node.name for node in onnx.load(ready).graph.node if "sobel" in " ".join(node.input)],
    )
    yield "8-bit integers", small


def milliseconds(onnx: str, size: int) -> float:
    """Return the milliseconds that a picture takes on one core, in batches."""
    session = session_of(onnx, 1)
    batch = np.random.default_rng(0).random((AT_ONCE, 1, size, size), np.float32)
    name = session.get_inputs()[0].name
    session.run(None, {name: batch})
    started = time.process_time()
    for _ in range(SPEED // AT_ONCE):
        session.run(None, {name: batch})
    return 1000 * (time.process_time() - started) / SPEED


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("crops", type=Path)
    for option in ("--model", "--characters", "--depth", "--queries", "--truth", "--learnt"):
        parser.add_argument(option, type=Path)
    parser.add_argument("--variants", action="store_true")
    given = parser.parse_args()
    model = read_model(given.model)
    pictures = read_imageset(given.crops).pictures
    prints = prepared([given.crops / p.file_name for p in pictures], model.size)
    labels = np.array([p.label for p in pictures])
    books = np.array([p.source.partition("/")[0] for p in pictures])
    trials: list[Carvings | Books | Naming] = [
        Books(prints, labels, books, model.embedding_size if given.model is None else 0)
    ]
    if given.depth:
        trials.insert(0, Carvings(given.depth, given.queries, given.truth, model.size))
    if given.characters:
        trials.append(Naming(prints, labels, read_index(given.characters)))

    def show(words: str, onnx: Path, length: int | None = None) -> None:
        embed = embedding(str(onnx))
        print(f"\n{words}: {onnx.stat().st_size / 1e6:.2f} MB, {milliseconds(str(onnx), model.size):.2f} ms a picture")
        for trial in trials:
            scores = trial.scores(embed, length)
            print("  " + "; ".join(f"{k} {v:,}" if isinstance(v, int) else f"{k} {v:.4f}" for k, v in scores.items()))

    show(f"{model.path}, {model.embedding_size} numbers", model.onnx)
    if given.variants:
        show(f"its first {model.embedding_size // 2} numbers", model.onnx, model.embedding_size // 2)
        with tempfile.TemporaryDirectory() as folder:
            for words, onnx in variants(model, given.learnt, Path(folder)):
                show(words, onnx)


if __name__ == "__main__":
    main()
