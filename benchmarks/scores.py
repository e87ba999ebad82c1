"""Compare MRR@k and recall@k of `sinonom query` with ranx, on random answers with several relevant items each.

The script needs ranx, which the tests do not need: `pip install ranx`. Run: `python benchmarks/scores.py`. The hit rate
of ranx is the recall of metric learning: one relevant item is enough for a query.
"""

import argparse
import importlib.metadata
import sys
from pathlib import Path

import numpy as np

sys.path[:0] = [str(Path(__file__).parent.parent), str(Path(__file__).parent)]

from results import Column, publish, result_option  # noqa: E402

from sinonom_cli.search.relevance import Wanted  # noqa: E402
from sinonom_cli.search.results import figures_of  # noqa: E402

QUERIES, ITEMS, DEPTH = 5_000, 40, 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    result_option(parser)
    given = parser.parse_args()
    import ranx

    rng = np.random.default_rng(0)
    run, truth, ranks = {}, {}, {}
    for number in range(QUERIES):
        name = f"q{number}"
        answered = [f"i{item}" for item in rng.permutation(ITEMS)[:DEPTH]]
        relevant = {f"i{item}" for item in rng.permutation(ITEMS)[: rng.integers(1, 4)]}
        run[name] = {item: 1.0 - place / DEPTH for place, item in enumerate(answered)}
        truth[name] = dict.fromkeys(relevant, 1)
        ranks[name] = next((place for place, item in enumerate(answered, 1) if item in relevant), 0)
    ours = figures_of(ranks, {name: Wanted(frozenset(items)) for name, items in truth.items()}, [5, 10])["all"].values
    names = {"mrr@5": "mrr@5", "mrr@10": "mrr@10", "recall@1": "hit_rate@1", "recall@5": "hit_rate@5"}
    theirs = ranx.evaluate(ranx.Qrels(truth), ranx.Run(run), list(names.values()))
    for name, other in names.items():
        assert abs(ours[name] - theirs[other]) < 1e-9, f"{name}: sinonom {ours[name]}, ranx {theirs[other]}"
    publish(
        given.result,
        f"The scores of `query` are those of ranx, to nine digits, on {QUERIES:,} random queries.",
        [Column("score"), Column("sinonom", ".9f"), Column("ranx", ".9f")],
        [(name, ours[name], float(theirs[other])) for name, other in names.items()],
        notes="A query has one to three right answers among 40 items.",
        peer=f"ranx {importlib.metadata.version('ranx')}",
    )


if __name__ == "__main__":
    main()
