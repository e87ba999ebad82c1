"""Turn distances into probabilities with the index's calibration, which `--calibrate` has fitted.

A calibration is valid for one search mode (a distance, with or without `--tta`) and for the rows that it was fitted on;
a change of the rows removes it. Its probabilities are those of labels if the truth table decided relevance by label
(every picture of the right character is relevant), otherwise those of sources (meshes, files).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.search.doubt import Doubt, signs_of
from sinonom_cli.search.index import Index
from sinonom_cli.search.integrity import quoted
from sinonom_cli.search.rows import KEYS, Row, nearest
from sinonom_cli.search.searcher import Searcher

ANSWERS = 50
"""Number of nearest labels or sources whose probabilities together make up `Calibration.found`."""
CANDIDATES = 160
"""Number of rows that are searched to find these if an answer is a row: three of each, and a few more."""


@dataclass(frozen=True)
class Calibration:
    """Fitted parameters of a calibration; see `search.calibrate`.

    Attributes
    ----------
    by : "label" or "source", to which a probability belongs.
    temperature : temperature in the unit of energies, > 0.
    found : share of queries that have a relevant answer among the `ANSWERS` nearest, in [0, 1].
    threshold : distance of the nearest row beyond which a picture looks like nothing in the index, where the distance
        alone must decide.
    doubt : decides which queries are rejected; None: older calibrations have only `threshold`.
    """

    by: str
    temperature: float
    found: float
    threshold: float
    doubt: Doubt | None = None


@dataclass(frozen=True)
class Way:
    """Search mode, for which a calibration is valid.

    Attributes
    ----------
    distance : name of the distance.
    tta : queries are embedded as several views.
    names : the characters that query and row show count too.
    no_names : the user turned them off; this is repeated where the command for a calibration is given.
    """

    distance: str
    tta: bool = False
    names: bool = False
    no_names: bool = False

    @property
    def key(self) -> str:
        """Name in the index's record and in messages."""
        return f"{self.distance}{' names' * self.names}{' --tta' * self.tta}"


def calibration_of(index: Index, way: Way) -> Calibration | None:
    """Return the calibration of an index for a search mode; None if there is none.

    Raises
    ------
    SinonomError
        If the calibration in the record is not valid.
    """
    kept = index.record.calibration
    try:
        known: dict[str, Any] | None = kept.get(way.key)
        if known is None:
            return None
        numbers = [float(known[name]) for name in ("temperature", "found", "threshold")]
        if known["by"] not in KEYS or not np.isfinite(numbers).all() or numbers[0] <= 0:
            raise ValueError
        doubt = Doubt.from_record(known["doubt"], way.tta) if "doubt" in known else None
    except (KeyError, TypeError, ValueError, AttributeError):
        raise SinonomError(
            f"the calibration in {index.path}.json cannot be read", f"{command(index, way)} fits it again"
        ) from None
    temperature, found, threshold = numbers
    return Calibration(known["by"], temperature, found, threshold, doubt)


def command(index: Index, way: Way) -> str:
    """Return the command that calibrates an index for a search mode."""
    options = "" if way.distance == index.distance else f" --distance {way.distance}"
    options += " --tta" * way.tta + " --no-names" * way.no_names
    return f"sinonom query QUERIES --index {quoted(index.path)} --truth truth.csv{options} --calibrate"


def judge_of(index: Index, way: Way, reject: bool) -> Judge | None:
    """Return a judge with the calibration for a search mode; None if the index has none for it.

    Raises
    ------
    SinonomError
        If there is none and queries are to be rejected, or if the calibration cannot be read.
    """
    fitted = calibration_of(index, way)
    if fitted is not None:
        return Judge(fitted, way.distance, reject)
    if reject:
        raise SinonomError(f"{uncalibrated(index, way)}: --reject needs the calibration", command(index, way))
    return None


def uncalibrated(index: Index, way: Way) -> str:
    """Return the message that an index is not calibrated for a search mode."""
    return f"{index.path} is not calibrated for {way.key}"


def energies_of(distances: ArrayLike, distance: str) -> NDArray[np.float64]:
    """Return distances as energies, float64: Euclidean distances are squared, and others are additive already."""
    far = np.asarray(distances, np.float64)
    return far**2 if distance == "euclidean" else far


class Judge:
    """Computes the probabilities of answers.

    Parameters
    ----------
    calibration : calibration of the searched index for `distance`.
    distance : name of the distance.
    reject : also decide whether a query shows anything in the index.
    """

    def __init__(self, calibration: Calibration, distance: str, reject: bool) -> None:
        self.calibration, self.distance, self.reject = calibration, distance, reject

    def __call__(
        self, rows: Sequence[Row], energies: NDArray[np.float64], spread: float | None = None, sure: float = 1.0
    ) -> tuple[list[float], bool | None]:
        """Return the probability of each row's label or source, and whether the query is known (None without `reject`).

        Parameters
        ----------
        rows, energies : in ascending order of energies, from a search for `CANDIDATES` rows or `ANSWERS` labels.
        spread : of the query's views, see `spread_of_views`; None without `--tta`.
        sure : factor of all probabilities, see `turning.Turns`.
        """
        if not rows:
            return [], None
        fitted = self.calibration
        share = np.exp((energies[0] - energies) / fitted.temperature)
        first = nearest(rows, fitted.by)
        total = float(share[list(first.values())[:ANSWERS]].sum())
        key = KEYS[fitted.by]
        known = self._known(rows, energies, spread) if self.reject else None
        return [float(sure * fitted.found * share[first[key(row)]] / total) for row in rows], known

    def _known(self, rows: Sequence[Row], energies: NDArray[np.float64], spread: float | None) -> bool:
        doubt = self.calibration.doubt
        if doubt is None:
            return bool(energies[0] <= energies_of(self.calibration.threshold, self.distance))
        return doubt(signs_of(rows, energies, spread)) <= doubt.limit


def wanted_rows(searcher: Searcher) -> int:
    """Return how many answers to search for, so that they contain enough labels or sources for probabilities."""
    return ANSWERS if searcher.each_label_once else CANDIDATES
