"""Calibrate the distances of an index (`--calibrate`) on queries whose relevant items are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import console, messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.asked import Asked, ask
from sinonom_cli.search.calibration import BINS, auroc, calibration_error, fit_temperature, likelihoods, probabilities
from sinonom_cli.search.doubt import NAMES, Doubt, fit_weights
from sinonom_cli.search.relevance import Wanted
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.storage.lock import locked
from sinonom_cli.storage.record import read_record, record_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.search.answers import Batch
    from sinonom_cli.search.finder import Finder
    from sinonom_cli.search.index import Index

LEAST, ENOUGH = 10, 200
"""Smallest number of queries for a calibration, and smallest number for which the figures are not called rough."""
KEPT = 0.95
"""Share of known queries that `--reject` keeps."""


def calibrate(
    finder: Finder,
    tta: bool,
    batches: Iterable[Batch],
    wanted: Mapping[str, Wanted],
    there: Collection[str],
    *,
    as_json: bool,
) -> list[str]:
    """Fit a calibration, write it into the index's record, and print its quality.

    Parameters
    ----------
    finder : finder of the index's answers.
    tta : whether the batches were embedded with test-time augmentation.
    batches : from `answers.embedded`.
    wanted : relevant items by picture key.
    there : names in the truth table that at least one row of the index has.
    as_json : print one JSON object instead of lines of names and values.

    Returns
    -------
    The reasons why pictures could not be read.

    Raises
    ------
    SinonomError
        If too few queries have a relevant item in the index, or the record cannot be written.
    """
    asked, failed, absent = ask(finder, batches, wanted, frozenset(there))
    by = "label" if "label" in asked else "source"
    count = len(asked[by].near)
    if count < LEAST or len(set(asked[by].labels)) < 2:
        raise SinonomError(
            f"{count} of the queries have a relevant item in {finder.index.path}: too few for a calibration",
            f"give a truth table with at least {LEAST} queries of several characters; better {ENOUGH}",
        )
    if absent:
        messages.say(f"{absent} queries have no relevant item in {finder.index.path}: left out")
    if count < ENOUGH:
        messages.warn(f"{count} queries are few: the figures are rough; use at least {ENOUGH}")
    try:
        kept = {"by": by, **fit(asked[by], np.ones(count, bool)), "queries": count, **held_out(asked[by])}
    except ValueError:
        raise SinonomError(
            f"{finder.index.path} has no wrong answers for a calibration", "use an index of more than one character"
        ) from None
    keep(finder.index, finder.way(tta).key, kept)
    _print(finder.index, kept, as_json)
    return failed


def fit(asked: Asked, of: NDArray[np.bool_]) -> dict[str, Any]:
    """Fit a calibration to some of the queries.

    Parameters
    ----------
    of : (Q,) bool, which queries to use.

    Raises
    ------
    ValueError
        If none of these queries has both relevant and irrelevant answers.
    """
    energies, right = asked.table()
    energies, right = energies[of], right[of]
    # Half a query is added to each count (Krichevsky and Trofimov 1981), so that a share is never exactly 0 or 1.
    found = (right.any(axis=1).sum() + 0.5) / (len(right) + 1)
    return {
        "temperature": fit_temperature(energies, right),
        "found": float(found),
        "threshold": float(np.quantile(np.array(asked.near)[of], KEPT)),
        "doubt": _doubt(asked, of).as_record(),
    }


def _doubt(asked: Asked, of: NDArray[np.bool_]) -> Doubt:
    """Fit the weights of the doubt, and its limit, so that the share KEPT of the known queries is kept."""
    rows = np.flatnonzero(of).tolist()
    known = np.array([asked.signs[row] for row in rows])
    unknown = [signs for row in rows if (signs := asked.signs_without[row]) is not None]
    weights = fit_weights(known, np.array(unknown).reshape(-1, known.shape[1]))
    doubt = Doubt(weights, float("inf"))
    return Doubt(weights, float(np.quantile([doubt(signs) for signs in known], KEPT)))


def held_out(asked: Asked) -> dict[str, float]:
    """Return how good a calibration is on queries that it was not fitted on.

    Queries are split into halves, with all queries of a character in the same half. Each half is evaluated with the
    calibration that was fitted on the other half.
    """
    energies, right = asked.table()
    near, without = np.zeros(len(asked.near)), np.zeros(len(asked.near))
    distinct, number = np.unique(asked.labels, return_inverse=True)
    first = (np.random.default_rng(0).permutation(len(distinct)) % 2 == 0)[number]
    confidence, loss = np.zeros(len(near)), np.zeros(len(near))
    kept, rejected = np.zeros(len(near), bool), np.zeros(len(near), bool)
    for half in (first, ~first):
        fitted = fit(asked, ~half)
        temperature, found = fitted["temperature"], fitted["found"]
        confidence[half] = found * probabilities(energies[half], temperature)[:, 0]
        there = right[half].any(axis=1)
        # A query without a relevant answer among the nearest has the likelihood 1 - found.
        likely = likelihoods(energies[half], right[half] | ~there[:, None], temperature)[0]
        loss[half] = -np.where(there, likely + np.log(found), np.log(1 - found))
        doubt = Doubt.from_record(fitted["doubt"], len(asked.signs[0]) == len(NAMES))
        for row in np.flatnonzero(half).tolist():
            signs = asked.signs_without[row]
            near[row] = doubt(asked.signs[row]) - doubt.limit
            without[row] = float("inf") if signs is None else doubt(signs) - doubt.limit
        kept[half], rejected[half] = near[half] <= 0, without[half] > 0
    figures = {
        "nll": loss.mean(),
        "ece": calibration_error(confidence, right[:, 0]),
        "accuracy": right[:, 0].mean(),
        "confidence": confidence.mean(),
        "auroc": auroc(near, without),
        "known_kept": kept.mean(),
        "unknown_rejected": rejected.mean(),
    }
    return {name: float(value) for name, value in figures.items()}


def keep(index: Index, way: str, calibration: Mapping[str, Any]) -> None:
    """Write a calibration into the record of the searched index, beside those for other search modes."""
    path = index.path
    with locked(path, "index"):
        record = read_record(path, "index")
        if any(record.get(name) != index.record.json.get(name) for name in ("faiss", "rows", "counts")):
            raise SinonomError(f"{path} has been changed while it was calibrated", "run the same command again")
        record["calibration"] = {**(record.get("calibration") or {}), way: dict(calibration)}
        write_json(record_path(path, "index"), record)


def _print(index: Index, kept: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        console.data_json({"calibration": dict(kept)})
    else:
        flat = {**kept, **{f"doubt, {name}": value for name, value in kept["doubt"].items()}}
        del flat["doubt"]
        for name, value in flat.items():
            console.data(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    messages.say(
        f"each half of the queries is evaluated with a calibration of the other; ece: {BINS} bins of equal mass; "
        f"auroc: each query, and again without its relevant items\ncalibration kept in {index.path}.json"
    )
