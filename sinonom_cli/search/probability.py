"""How sure an answer is: what `--calibrate` has left in the index's record makes of distances.

A calibration belongs to one way of asking, a distance with or without `--tta`, and to the rows that it was fitted on;
what changes the rows drops it. It speaks of labels where its truth did (any picture of the right character is right),
else of sources (meshes, files).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import quoted
from sinonom_cli.search.rows import Row
from sinonom_cli.search.searcher import Searcher

ANSWERS = 50
"""Among so many nearest labels, or sources, probability is shared out."""
CANDIDATES = 160
"""Rows that are looked at to find them, where an answer is a row: three of each, and some."""


@dataclass(frozen=True)
class Calibration:
    """What was fitted; see `search.calibrate`.

    Attributes
    ----------
    by : "label" or "source": what a probability is of.
    temperature : in the unit of energies.
    found : share of queries whose right answer is among the `ANSWERS` nearest.
    threshold : distance of the nearest row beyond which a query shows nothing in the index.
    """

    by: str
    temperature: float
    found: float
    threshold: float


def way_of(distance: str, tta: bool) -> str:
    """Return what the record calls a way of asking."""
    return f"{distance} --tta" if tta else distance


def calibration_of(index: Index, distance: str, tta: bool) -> Calibration | None:
    """Return the calibration of an index for a way of asking; None: there is none.

    Raises
    ------
    SinonomError
        If the record holds something else in its place.
    """
    kept = index.record.calibration
    try:
        known: dict[str, Any] | None = kept.get(way_of(distance, tta))
        if known is None:
            return None
        numbers = [float(known[name]) for name in ("temperature", "found", "threshold")]
        if known["by"] not in KEYS or not np.isfinite(numbers).all() or numbers[0] <= 0:
            raise ValueError
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SinonomError(
            f"the calibration in {index.path}.json cannot be read", f"{command(index, distance, tta)} fits it again"
        ) from None
    return Calibration(known["by"], *numbers)


def command(index: Index, distance: str, tta: bool) -> str:
    """Return what to type to calibrate an index for a way of asking."""
    other = "" if distance == index.distance else f" --distance {distance}"
    return f"sinonom query QUERIES --index {quoted(index.path)} --truth truth.csv{other}{' --tta' * tta} --calibrate"


def judge_of(index: Index, distance: str, tta: bool, reject: bool) -> Judge | None:
    """Return what says how sure answers are; None, if the index is not calibrated for this way of asking.

    Raises
    ------
    SinonomError
        If it is not, and queries are to be rejected; or if the calibration cannot be read.
    """
    fitted = calibration_of(index, distance, tta)
    if fitted is not None:
        return Judge(fitted, distance, reject)
    if reject:
        raise SinonomError(
            f"{uncalibrated(index, distance, tta)}: --reject cannot know what is near", command(index, distance, tta)
        )
    return None


def uncalibrated(index: Index, distance: str, tta: bool) -> str:
    """Return the words for an index that is not calibrated for a way of asking."""
    return f"{index.path} is not calibrated for {way_of(distance, tta)}"


KEYS = {
    "label": lambda row: row.label or (row.set, row.item),
    "source": lambda row: (row.set, row.source or row.item),
}
"""By what rows are one answer."""


def energies_of(distances: Sequence[float], distance: str) -> np.ndarray:
    """Return distances as energies, float64: Euclidean ones squared; the others add up as they are."""
    far = np.asarray(distances, np.float64)
    return far**2 if distance == "euclidean" else far


class Judge:
    """Says how sure answers are.

    Parameters
    ----------
    calibration : of the index that is searched, for `distance`.
    reject : say of queries, too, whether they show anything in the index.
    """

    def __init__(self, calibration: Calibration, distance: str, reject: bool) -> None:
        self.calibration, self.distance, self.reject = calibration, distance, reject

    def __call__(self, rows: Sequence[Row], distances: Sequence[float]) -> tuple[list[float], bool | None]:
        """Return the probability of each row's label or source, and whether the query is known; None: nobody asks.

        Parameters
        ----------
        rows, distances : nearest first, from a search for `CANDIDATES` rows or `ANSWERS` labels.
        """
        if not rows:
            return [], None
        fitted = self.calibration
        energies = energies_of(distances, self.distance)
        share = np.exp((energies[0] - energies) / fitted.temperature)
        first = nearest(rows, fitted.by)
        total = float(share[list(first.values())[:ANSWERS]].sum())
        key = KEYS[fitted.by]
        known = distances[0] <= fitted.threshold if self.reject else None
        return [float(fitted.found * share[first[key(row)]] / total) for row in rows], known


def wanted_rows(searcher: Searcher) -> int:
    """Return how many answers to search for, so that probability can be shared out among enough labels or sources."""
    return ANSWERS if searcher.each_label_once else CANDIDATES


def nearest(rows: Sequence[Row], by: str) -> dict[Any, int]:
    """Return where in a list of rows, nearest first, each label or source comes first."""
    key = KEYS[by]
    first: dict[Any, int] = {}
    for place, row in enumerate(rows):
        first.setdefault(key(row), place)
    return first
