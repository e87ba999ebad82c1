"""Find the ink of a whole page: uneven light is evened out, and the dark table around the paper is no ink."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.pictures.levels import ink_of

CELLS = 96
"""Number of cells along the longer side of a page; the lightest pixel of a cell and its neighbours is paper."""
DARK = 0.5
"""Largest brightness of a cell without paper, as a share of the paper's."""
FRINGE = 2
"""Number of pixels beside the table that are blurred with it."""
LIGHTER = 75
"""Percentile of the cells' brightness that gives the paper's: no table fills three quarters of a picture."""


def page_ink(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Return the ink of a page.

    The brightness of the paper is measured in cells of 1/96 of the page. Cells without paper that are connected to the
    picture's edge are the table that the page was photographed on.

    Parameters
    ----------
    grey : (H, W) uint8, dark ink on light paper.

    Returns
    -------
    (H, W) float32 in [0, 1], 1 = ink; None if the page is blank.
    """
    side = -(-max(grey.shape) // CELLS)
    lightest = _cells(grey, side)
    usual = float(np.percentile(lightest, LIGHTER))
    table = _connected_to_edge(lightest < DARK * usual)
    paper = _around(np.where(table, 0, lightest), np.max).astype(np.float32)
    paper[paper < DARK * usual] = usual
    level = _smoothly_enlarged(_around(paper, np.mean), grey.shape, side)
    even = np.minimum(grey.astype(np.float32) * 255 / np.maximum(level, 1), 255).round().astype(np.uint8)
    if table.any():
        near = _enlarged(_around(table, np.max), grey.shape, side) & (even < 255 * DARK)
        outside = _flooded(near, _enlarged(table, grey.shape, side) & near)
        for _ in range(FRINGE):
            outside = _around(outside, np.max)
        even[outside] = 255
    return ink_of(even)


def _cells(grey: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Return the lightest grey level of each square of `side` pixels; the last pixels are repeated at the edges."""
    more = [(0, -length % side) for length in grey.shape]
    rows, columns = ((length + extra) // side for length, (_, extra) in zip(grey.shape, more, strict=True))
    return np.pad(grey, more, mode="edge").reshape(rows, side, columns, side).max(axis=(1, 3))


def _around(cells: NDArray[Any], of: Callable[..., Any]) -> NDArray[Any]:
    """Apply `of` to each cell and its eight neighbours."""
    wide = np.pad(cells, 1, mode="edge")
    rows, columns = cells.shape
    return np.asarray(of([wide[i : i + rows, j : j + columns] for i in range(3) for j in range(3)], axis=0))


def _connected_to_edge(dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found = dark.copy()
    found[1:-1, 1:-1] = False
    while True:
        more = _around(found, np.max) & dark
        if (more == found).all():
            return found
        found = more


def _enlarged(cells: NDArray[np.bool_], shape: tuple[int, ...], side: int) -> NDArray[np.bool_]:
    """Return the values of cells for each pixel of a page, (H, W)."""
    return cells.repeat(side, axis=0).repeat(side, axis=1)[: shape[0], : shape[1]]


def _smoothly_enlarged(cells: NDArray[np.float32], shape: tuple[int, ...], side: int) -> NDArray[np.float32]:
    """Interpolate the values of cells, 0 to 255, for each pixel of a page, (H, W) float32."""
    picture = Image.fromarray(cells.round().astype(np.uint8))
    whole = picture.resize((cells.shape[1] * side, cells.shape[0] * side), Image.Resampling.BILINEAR)
    return np.asarray(whole)[: shape[0], : shape[1]].astype(np.float32)


@numba.njit(cache=True)
def _flooded(free: Any, start: Any) -> Any:
    """Return which pixels of `free`, (H, W) bool, are connected to a pixel of `start`, a part of it."""
    rows, columns = free.shape
    found = start.copy()
    todo = [(0, 0) for _ in range(0)]
    for i in range(rows):
        for j in range(columns):
            if start[i, j]:
                todo.append((i, j))
    while len(todo) > 0:
        i, j = todo.pop()
        for a, b in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
            if 0 <= a < rows and 0 <= b < columns and free[a, b] and not found[a, b]:
                found[a, b] = True
                todo.append((a, b))
    return found
