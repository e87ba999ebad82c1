"""Score whether a print was taken from one carving or from another of the same character.

The strokes of two carvings have different positions; those of a print and of its own carving differ by a smooth map. So
each candidate is registered with the print (`align`), and the displacement that is left is estimated as a flow
(`flow`). The rougher the flow is, the less likely it is that this carving made the print. The difference of grey values
that remains says the same: for the print's own carving most of it is smooth, because the ink is swollen or pale in
places; for another carving it is fine, because edges are displaced. Both numbers also depend on the sharpness of the
print, so they are compared with their medians over the candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.search.align import aligned, believed, blurred, blurring, warped
from sinonom_cli.search.flow import flow, roughness, standardised

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SIZE = 64
"""Side, in pixels, of the ink image that views are made from."""
COARSE, FINE = (16, 3.0, 8), (32, 0.8, 6)
"""Side of each view, standard deviation of its blur in pixels of the ink image, and number of registration steps."""
MOVES = ((0, 1), (0, 0.8), (0, 1.25), (0.07, 1), (-0.07, 1), (0.07, 0.8), (-0.07, 0.8))
"""Shifts, as shares of the side, and scales along one side; the registration starts with one of them along either side.

They are needed because the ink of a neighbouring character shifts and shrinks a picture."""
NEAR, LIKELY, STEEP, SMOOTH = 11.2, 0.903, 24.4, 4.46
"""Weights of the score, fitted on simulated prints and carvings (`benchmarks/rerank.py --fit`).

The simulation was changed after failures on a real scan had been inspected, so figures on that scan are not an
independent test."""
LEAST = 1e-6
"""Smallest roughness of a flow; without this limit, equal pictures would have a roughness of 0."""
BLUR = 0.0625
"""Standard deviation of the Gaussian that separates smooth from fine differences, as a share of the picture's side."""
LEAST_DIFFERENCE = 1e-3
"""Added to both mean squared differences, in units of the picture's variance, so that equal pictures have a share."""


@dataclass(frozen=True)
class Views:
    """Blurred picture at two scales: (16, 16) and (32, 32) float32."""

    coarse: NDArray[np.float32]
    fine: NDArray[np.float32]


def views_of(ink: NDArray[np.float32]) -> Views:
    """Blur and reduce the ink image of a picture, (SIZE, SIZE) float32 in [0, 1], as `prepare` returns it."""
    return views_of_all(ink[None])[0]


def views_of_all(inks: NDArray[np.float32]) -> list[Views]:
    """Blur and reduce the ink images of N pictures, (N, SIZE, SIZE), as `views_of` does, six times as fast."""
    rows = np.ascontiguousarray(inks.swapaxes(0, 1))
    scales = (_reduced(rows, side, deviation) for side, deviation, _ in (COARSE, FINE))
    # Copies do not keep the other pictures in memory.
    return [Views(coarse.copy(), fine.copy()) for coarse, fine in zip(*scales, strict=True)]


@dataclass(frozen=True)
class Remains:
    """What remains between a query and each of N candidates after the registration.

    Attributes
    ----------
    roughness : (N,) float64, > 0, of the flow; inf for candidates that do not match.
    smooth : (N,) float64 in (0, 1], share of the mean squared difference of grey values that a blur by BLUR leaves.
    """

    roughness: NDArray[np.float64]
    smooth: NDArray[np.float64]


def compared(query: Views, candidates: Sequence[Views]) -> Remains:
    """Register candidates with the query, and measure what remains."""
    laid, _ = registered(query, candidates)
    found = np.maximum(roughness(flow(query.fine, laid)), LEAST)
    return Remains(np.where(_correlations(query.fine, laid) > 0, found, np.inf), _smooth_share(query.fine, laid))


def _smooth_share(query: NDArray[np.float32], laid: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return how much of the difference between a picture and each of (N, S, S) others is smooth, (N,) float64."""
    difference = standardised(query) - standardised(laid)
    left = blurred(difference, BLUR * len(query))
    whole, smooth = ((part * part).mean(axis=(1, 2), dtype=np.float64) for part in (difference, left))
    return np.asarray((smooth + LEAST_DIFFERENCE) / (whole + LEAST_DIFFERENCE))


def registered(query: Views, candidates: Sequence[Views]) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Register candidates with the query, first coarsely and then finely.

    Returns
    -------
    (N, 32, 32) float32, the fine views of the candidates as they lie on the query's, and (N, 2, 3) float64, the maps
    between the fine views, see `align.warped`.
    """
    coarse, fine = (np.stack([getattr(one, name) for one in candidates]) for name in ("coarse", "fine"))
    laid, maps = aligned(query.coarse, coarse, _starts(query.coarse, coarse), COARSE[2])
    fits = believed(maps) & (_correlations(query.coarse, laid) > 0)
    maps = np.where(fits[:, None, None], maps, np.eye(2, 3))
    maps[:, :, 2] *= FINE[0] / COARSE[0]
    return aligned(query.fine, fine, maps, FINE[2])


def scores(energies: NDArray[np.float64], remains: Remains) -> NDArray[np.float64]:
    """Score candidates by their embeddings, and by how likely it is that the query was printed from them.

    score = log(1 + (LIKELY median(r) / r) ** STEEP (s / median(s)) ** SMOOTH) - NEAR e / median(e)

    for roughness r, smooth share s and energy e. A rough flow adds nothing to the score: if two carvings both have
    rough flows, neither of them printed the query, and their embeddings alone decide which one is nearer.

    Parameters
    ----------
    energies : (N,) float64, >= 0: distances between embeddings, from `energies_of`.
    remains : of the same N candidates, from `compared`.

    Returns
    -------
    (N,) float64, the higher the better.
    """
    fits = np.isfinite(remains.roughness)
    rough, smooth = (np.median(part[fits]) if fits.any() else 1.0 for part in (remains.roughness, remains.smooth))
    with np.errstate(divide="ignore"):
        likely = STEEP * np.log(LIKELY * rough / remains.roughness) + SMOOTH * np.log(remains.smooth / smooth)
    return np.asarray(np.logaddexp(0, likely) - NEAR * energies / max(float(np.median(energies)), 1e-12))


def _starts(query: NDArray[np.float32], candidates: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the map in `_maps` with which each candidate correlates best with the query, (N, 2, 3) float64."""
    side = len(query)
    weights, found = _moving(side), []
    for goal, rows in ((query, candidates.swapaxes(0, 1)), (query.T, candidates.transpose(2, 0, 1))):
        moved = np.einsum("ki,im->km", weights, np.ascontiguousarray(rows).reshape(side, -1))
        moved = moved.reshape(len(MOVES), *rows.shape)
        parts = (moved * standardised(goal)[:, None], moved, moved * moved)
        shared, mean, square = (np.add.reduce(part, 1).mean(axis=2) / side for part in parts)
        found.append(shared / np.sqrt(np.maximum(square - mean * mean, np.float32(1e-12))))
    return np.asarray(_maps(side)[np.concatenate(found).argmax(axis=0)])


@cache
def _maps(side: int) -> NDArray[np.float64]:
    """Return the starting maps of pictures of a side in pixels: MOVES downwards and then to the right, (M, 2, 3)."""
    downwards = [[[1, 0, 0], [0, scale, shift * side]] for shift, scale in MOVES]
    return np.array(downwards + [[[scale, 0, shift * side], [0, 1, 0]] for shift, scale in MOVES])


@cache
def _moving(side: int) -> NDArray[np.float32]:
    """Return the weights that sample rows at the places to which MOVES point, (MOVES * side, side) float32."""
    rows = np.pad(np.eye(side, dtype=np.float32), ((0, 0), (1, 1)))[:, :, None].repeat(side + 2, axis=2)
    moved = warped(rows.repeat(len(MOVES), axis=0), np.tile(_maps(side)[: len(MOVES)], (side, 1, 1)))
    return np.ascontiguousarray(moved[:, :, 0].reshape(side, -1).T)


def _correlations(query: NDArray[np.float32], others: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the correlation of a picture with each of (N, S, S) others, (N,) float32; 0 for blank ones."""
    return np.asarray((standardised(others) * standardised(query)).mean(axis=(1, 2)))


def _reduced(rows: NDArray[np.float32], side: int, deviation: float) -> NDArray[np.float32]:
    """Blur pictures and average them over squares; return (N, side, side) float32.

    Parameters
    ----------
    rows : (SIZE, N, SIZE) float32, the rows of N pictures.
    """
    weights = _reducing(len(rows), side, deviation)
    for _ in range(2):
        along = np.einsum("ki,im->km", weights, rows.reshape(len(rows), -1)).reshape(side, *rows.shape[1:])
        rows = np.ascontiguousarray(along.T)
    return rows.swapaxes(0, 1)


@cache
def _reducing(size: int, side: int, deviation: float) -> NDArray[np.float32]:
    """Return the weights that blur `size` rows and average them to `side` rows, (side, size) float32."""
    return np.ascontiguousarray(blurring(size, deviation).reshape(side, -1, size).mean(axis=1))
