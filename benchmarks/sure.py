"""Measure the probabilities of an index, `query --reject` and `query --tta`, on queries with known answers.

Run: `python benchmarks/sure.py QUERIES INDEX TRUTH [--limit N] [--workers N]`. Nothing is written to the index. The
calibration for each query is fitted on the other half of the queries, in which its character does not occur. Without
the rows of its character, each query counts a second time, as an unknown one. If the model has learnt from QUERIES, all
figures are too good.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np
from results import Column, publish, result_option

sys.path.insert(0, str(Path(__file__).parent.parent))

from sinonom_cli.search.answers import embedded
from sinonom_cli.search.asked import Asked, ask
from sinonom_cli.search.calibrate import held_out
from sinonom_cli.search.calibration import auroc, fit_temperature, probabilities
from sinonom_cli.search.finder import Finder
from sinonom_cli.search.meaning import resolve
from sinonom_cli.search.metrics import bootstrap, first_relevant_rank, reciprocal_at
from sinonom_cli.search.opening import model_of, open_index
from sinonom_cli.search.relevance import match, read_truth
from sinonom_cli.search.searcher import Searcher
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import find_inputs


def scores(asked: Asked) -> dict[str, float]:
    """Return the area under the ROC curve, known against unknown queries, of each score that could decide it."""
    energies, right = asked.table()
    temperature = fit_temperature(energies, right)
    without = np.where(right, np.inf, energies)
    there = np.isfinite(without).any(axis=1)
    signs, others = np.array(asked.signs), np.array([one for one in asked.signs_without if one is not None])
    known, unknown = energies[there], without[there]

    def free(table: np.ndarray) -> np.ndarray:  # Liu et al. 2020, "Energy-based out-of-distribution detection"
        least = table.min(axis=1, keepdims=True)
        return least[:, 0] - temperature * np.log(np.exp((least - table) / temperature).sum(axis=1))

    def unsure(table: np.ndarray) -> np.ndarray:  # Hendrycks and Gimpel 2017, maximum softmax probability
        return -probabilities(table, temperature).max(axis=1)

    return {
        "nearest distance": auroc(np.array(asked.near), np.array(asked.without)),
        "the same in relation to other characters": auroc(signs[:, 0] - signs[:, 1], others[:, 0] - others[:, 1]),
        "free energy": auroc(free(known), free(unknown)),
        "greatest probability": auroc(unsure(known), unsure(unknown)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("queries", nargs="+", help="pictures, or a folder of them; then INDEX and TRUTH")
    parser.add_argument("index", type=Path)
    parser.add_argument("truth", type=Path, help="query,label")
    parser.add_argument("--limit", type=int, help="queries, at most")
    parser.add_argument("--workers", type=int, default=0, help="processes that read and embed")
    result_option(parser)
    given = parser.parse_args()
    lines: list[tuple[str | float, ...]] = []
    index = open_index(given.index)
    model = model_of(index, None)
    items = find_inputs(given.queries, PICTURE_SUFFIXES, "pictures", given.limit)
    wanted, _ = match(read_truth(given.truth), items)
    wanted, right = resolve(wanted, index.rows)
    there = frozenset(right)
    items = [item for item in items if item.key in wanted]
    ranks = {}
    for tta in (False, True):
        finder = Finder(Searcher(index, index.distance, index.prototypes is not None, model), True)
        started = time.process_time()
        ways, failed, absent = ask(finder, embedded(items, model, given.workers, tta), wanted, there)
        taken = 1000 * (time.process_time() - started) / len(items)
        by = "label" if "label" in ways else "source"
        asked = ways[by]
        _, right = asked.table()
        ranks[tta] = reciprocal_at(first_relevant_rank(right), 5)
        found = held_out(asked)
        areas = scores(asked)
        lines.append(
            (
                "`--tta`" if tta else "plain", len(right), found["accuracy"], ranks[tta].mean(), found["nll"],
                found["ece"], *areas.values(), found["auroc"], found["known_kept"], found["unknown_rejected"], taken,
            )
        )  # fmt: skip
    gain = ranks[True] - ranks[False]
    low, high = bootstrap(gain)
    publish(
        given.result,
        "Probabilities are right on average (ECE), and `--reject` parts known from unknown characters (AUROC).",
        [
            Column("queries"), Column("number", ","), Column("top-1", ".3f"), Column("MRR@5", ".3f"),
            Column("NLL", ".3f"), Column("ECE", ".3f"), *(Column(f"AUROC: {name}", ".3f") for name in areas),
            Column("AUROC: what `--reject` weighs", ".3f"), Column("known kept", ".1%"),
            Column("unknown rejected", ".1%"), Column("ms of this process a query", ".1f"),
        ],
        lines,
        notes=f"`--tta` changes MRR@5 by {gain.mean():+.4f} (95 %: {low:+.4f} to {high:+.4f}). Of {len(items):,} "
        f"queries, {absent:,} are not in the index and {len(failed):,} cannot be read; answers are by {by}. "
        "Each half is calibrated on the other one.",
    )  # fmt: skip


if __name__ == "__main__":
    main()
