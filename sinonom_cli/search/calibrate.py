"""Calibrate the distances of an index (`--calibrate`) on queries whose relevant items are known."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sinonom_cli import console, messages
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.calibration import BINS, auroc, calibration_error, fit_temperature, likelihoods, probabilities
from sinonom_cli.search.probability import ANSWERS, energies_of, nearest, wanted_rows, way_of
from sinonom_cli.search.relevance import Wanted
from sinonom_cli.search.rows import Row
from sinonom_cli.search.searcher import Searcher
from sinonom_cli.storage.atomic import write_json
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.lock import locked
from sinonom_cli.storage.record import read_record, record_path

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST, ENOUGH = 10, 200
"""Smallest number of queries for a calibration, and smallest number for which the figures are not called rough."""
KEPT = 0.95
"""Share of known queries that `--reject` keeps."""


@dataclass
class Asked:
    """Answers to known queries, where each answer is a label or a source.

    Attributes
    ----------
    energies, right : energies of each query's `ANSWERS` nearest answers, nearest first, and which of them are relevant.
    near, without : distance of each query's nearest answer, and of the nearest answer with another character, which the
        query would find if its own character were not in the index.
    labels : names of each query's relevant items, as the truth table writes them.
    """

    energies: list[NDArray[np.float64]] = field(default_factory=list)
    right: list[NDArray[np.bool_]] = field(default_factory=list)
    near: list[float] = field(default_factory=list)
    without: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)

    def table(self) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return energies (inf where there are fewer answers) and which answers are relevant, each (Q, ANSWERS)."""
        energies = np.full((len(self.energies), ANSWERS), np.inf)
        right = np.zeros((len(self.energies), ANSWERS), bool)
        for query, (own, yes) in enumerate(zip(self.energies, self.right, strict=True)):
            energies[query, : len(own)], right[query, : len(own)] = own, yes
        return energies, right


def calibrate(
    searcher: Searcher,
    tta: bool,
    batches: Iterable[tuple[NDArray[np.float32], dict[Item, str], list[Item]]],
    wanted: Mapping[str, Wanted],
    there: Collection[str],
    *,
    as_json: bool,
) -> list[str]:
    """Fit a calibration, write it into the index's record, and print its quality.

    Parameters
    ----------
    searcher : searcher of the index.
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
    asked, failed, absent = ask(searcher, batches, wanted, frozenset(there))
    by = "label" if "label" in asked else "source"
    count = len(asked[by].near)
    if count < LEAST or len(set(asked[by].labels)) < 2:
        raise SinonomError(
            f"{count} of the queries have a relevant item in {searcher.index.path}: too few for a calibration",
            f"give a truth table with at least {LEAST} queries of several characters; better {ENOUGH}",
        )
    if absent:
        messages.say(f"{absent} queries have no relevant item in {searcher.index.path}: left out")
    if count < ENOUGH:
        messages.warn(f"{count} queries are few: the figures are rough; use at least {ENOUGH}")
    try:
        kept = {"by": by, **fit(asked[by], np.ones(count, bool)), "queries": count, **held_out(asked[by])}
    except ValueError:
        raise SinonomError(
            f"{searcher.index.path} has no wrong answers for a calibration", "use an index of more than one character"
        ) from None
    keep(searcher, way_of(searcher.distance, tta), kept)
    _print(searcher, kept, as_json)
    return failed


def ask(
    searcher: Searcher,
    batches: Iterable[tuple[NDArray[np.float32], dict[Item, str], list[Item]]],
    wanted: Mapping[str, Wanted],
    there: frozenset[str],
) -> tuple[dict[str, Asked], list[str], int]:
    """Return answers by label (if labels decide relevance) and by source, failures, and the number of absent queries.

    A query is absent if the index holds none of its relevant items.
    """
    asked = {"label": Asked(), "source": Asked()}
    failed: list[str] = []
    absent = 0
    for vectors, failures, batch in batches:
        failed += failures.values()
        for failure in failures.values():
            messages.warn(failure)
        items = [item for item in batch if item not in failures]
        found = searcher.answers(vectors, wanted_rows(searcher)) if items else iter(())
        # Rows in Milvus are available only until the next search.
        seen = [([searcher.index.rows[number] for number in numbers], far) for numbers, far in found]
        for item, vector, (rows, far) in zip(items, vectors, seen, strict=True):
            sought = wanted.get(item.key)
            if sought is None:
                continue
            if not sought.names & there or not rows:
                absent += 1
                continue
            relevant = [sought.by(row) for row in rows]
            if "label" in asked and not _told_by_label(rows, relevant):
                del asked["label"]
            without = _nearest_without(searcher, vector, sought, rows, far)
            for by, each in asked.items():
                first = nearest(rows, by)
                places = list(first.values())[:ANSWERS]
                each.energies.append(energies_of(far, searcher.distance)[places])
                each.right.append(np.array(relevant)[places])
                each.near.append(far[0])
                each.without.append(without)
                each.labels.append(",".join(sorted(sought.names)))
    return asked, failed, absent


def _told_by_label(rows: list[Row], relevant: list[bool]) -> bool:
    """Return whether all rows have labels, and the rows of each label are either all relevant or all irrelevant."""
    meant: dict[str, bool] = {}
    return all(row.label and meant.setdefault(row.label, yes) == yes for row, yes in zip(rows, relevant, strict=True))


def _nearest_without(
    searcher: Searcher, vector: NDArray[np.float32], sought: Wanted, rows: list[Row], far: list[float]
) -> float:
    """Return the distance of the nearest row that is irrelevant and shares no relevant row's label; inf: none is."""
    right: set[str] = set()
    while True:
        yes = [sought.by(row) for row in rows]
        right |= {row.label for row, one in zip(rows, yes, strict=True) if one and row.label}
        others = [one for row, here, one in zip(rows, yes, far, strict=True) if not here and row.label not in right]
        if others or len(rows) == len(searcher.index):
            return others[0] if others else float("inf")
        looked_at = min(8 * len(rows), len(searcher.index))
        numbers, far = next(searcher.answers(vector[None], looked_at))
        if len(numbers) <= len(rows):  # a compressed index, or one with few labels, has no more rows
            return float("inf")
        rows = [searcher.index.rows[number] for number in numbers]


def fit(asked: Asked, of: NDArray[np.bool_]) -> dict[str, float]:
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
    }


def held_out(asked: Asked) -> dict[str, float]:
    """Return how good a calibration is on queries that it was not fitted on.

    Queries are split into halves, with all queries of a character in the same half. Each half is evaluated with the
    calibration that was fitted on the other half.
    """
    energies, right = asked.table()
    near, without = np.array(asked.near), np.array(asked.without)
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
        kept[half], rejected[half] = near[half] <= fitted["threshold"], without[half] > fitted["threshold"]
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


def keep(searcher: Searcher, way: str, calibration: Mapping[str, Any]) -> None:
    """Write a calibration into the record of the searched index, beside those for other search modes."""
    path = searcher.index.path
    with locked(path, "index"):
        record = read_record(path, "index")
        if any(record.get(name) != searcher.index.record.json.get(name) for name in ("faiss", "rows", "counts")):
            raise SinonomError(f"{path} has been changed while it was calibrated", "run the same command again")
        record["calibration"] = {**(record.get("calibration") or {}), way: dict(calibration)}
        write_json(record_path(path, "index"), record)


def _print(searcher: Searcher, kept: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        console.data_json({"calibration": dict(kept)})
    else:
        for name, value in kept.items():
            console.data(f"{name}\t{value:.4f}" if isinstance(value, float) else f"{name}\t{value}")
    messages.say(
        f"each half of the queries is evaluated with a calibration of the other; ece: {BINS} bins of equal mass; "
        f"auroc: each query, and again without its relevant items\ncalibration kept in {searcher.index.path}.json"
    )
