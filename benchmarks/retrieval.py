"""What benchmarks of retrieval share: arguments, truth tables, HOG, and how alike a teacher finds pictures."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from results import result_option
from skimage.feature import hog

from sinonom_cli.storage.own_tables import TableRow, rows_of

SIDE = 64
"""Side of the pictures that HOG describes."""


def arguments(parser: argparse.ArgumentParser, first: str) -> tuple[argparse.Namespace, list[TableRow]]:
    """Add the arguments FIRST, QUERIES and TRUTH and the option `--result`; return them, and the rows of the truth."""
    for name in (first, "queries", "truth"):
        parser.add_argument(name, type=Path)
    result_option(parser)
    given = parser.parse_args()
    return given, list(rows_of(given.truth))


def hog_features(inks: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Return the HOG features of pictures of `SIDE` pixels, (N, D), each scaled to length 1."""
    found = [hog(ink, orientations=9, pixels_per_cell=(8, 8), cells_per_block=(2, 2)) for ink in inks]
    return unit(np.stack(found).astype(np.float64))


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return vectors (N, D), each scaled to length 1."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)


def likeness(asked: NDArray[np.void], gallery: NDArray[np.void]) -> NDArray[np.float64]:
    """Return the products, (Q, N), of what a teacher keeps of its output for two sets of pictures."""
    width = 1 + max(int(answer["column"].max()) for answer in (asked, gallery))
    whole = [np.zeros((len(answer), width)) for answer in (asked, gallery)]
    for dense, answer in zip(whole, (asked, gallery), strict=True):
        np.put_along_axis(dense, answer["column"].astype(np.int64), answer["value"].astype(float), axis=1)
    return np.asarray(whole[0] @ whole[1].T)
