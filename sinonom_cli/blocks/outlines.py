"""Outline each character of a block, given its box: a polygon around its own ink."""

from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.polygons import polygon_of
from sinonom_cli.blocks.regions import around, hull, inside, runs
from sinonom_cli.blocks.seams import first_side, pairs_that_meet
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.suppress import overlaps
from sinonom_cli.messages import warn
from sinonom_cli.pictures.components import components

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 0.05
"""Distance of the outline from the ink, as a share of the box's longer side: the flanks of strokes, which in real scans
are 0.025 to 0.047 of a character wide."""
REACH = 0.08
"""How far the ink of a character may go beyond its box, as a share of the box's longer side."""
INKED = 0.5
"""Least ink of a pixel that belongs to a stroke."""
RULE = 1.5
"""Least length of straight ink, in longer sides of the box, that is a rule or a border."""
SAME = 0.7
"""Least intersection over union of two boxes of the same character; such boxes are not parted."""
OWN = 0.5
"""Least share of a piece of ink inside the box that makes it the character's; rules and borders go on outside."""
SMALLEST = 4
"""Shortest side of a box, in pixels."""


def outlines(boxes: "NDArray[np.floating]", ink: "NDArray[np.float32]") -> "list[NDArray[np.float64]]":
    """Return a polygon around each character.

    Characters that touch are parted along the thinnest ink. Otherwise an outline is the convex hull of the character's
    ink, with a margin. A box without ink is its own outline; their number is warned of.

    Parameters
    ----------
    boxes : (N, 4) x0, y0, x1, y1 in pixels; pixel (row, column) spans column..column + 1 and row..row + 1.
    ink : (H, W) float32 from 0 to 1, see `ink`.

    Returns
    -------
    N polygons (K, 2) float64 x, y in pixels, 8 <= K <= 40. None crosses itself, and no two
    overlap by more than a pixel, except those of boxes that are nearly the same (SAME), which are warned of.

    Raises
    ------
    BadInput
        If a box lies outside the map, or a side of it is shorter than SMALLEST.
    """
    whole = _whole(np.asarray(boxes, np.float64).reshape(-1, 4), ink.shape)
    sides = np.maximum(whole[:, 2] - whole[:, 0], whole[:, 3] - whole[:, 1])
    reach = np.ceil(REACH * sides).astype(np.int64)[:, None]
    limits = np.array([ink.shape[1], ink.shape[0]] * 2)
    wide = np.clip(whole + reach * np.array([-1, -1, 1, 1]), 0, limits)
    cells = [np.ones((y1 - y0, x1 - x0), bool) for x0, y0, x1, y1 in wide]
    exact, same = whole.astype(np.float64), set()
    for i, j in pairs_that_meet(wide):
        if overlaps(exact[i], exact[j : j + 1])[0] > SAME:
            same |= {i, j}
            continue
        mine = first_side(ink, wide[i], wide[j])
        x0, y0 = np.maximum(wide[i, :2], wide[j, :2])
        for k, side in ((i, mine), (j, ~mine)):
            left, top = x0 - wide[k, 0], y0 - wide[k, 1]
            cells[k][top : top + side.shape[0], left : left + side.shape[1]] &= side
    black = ink >= INKED
    longest = np.maximum(*runs(black))
    found, empty, covered = [], 0, 0
    for box, outer, cell, side in zip(whole, wide, cells, sides, strict=True):
        x0, y0, x1, y1 = outer
        straight = around(longest[y0:y1, x0:x1] >= RULE * side, np.fmax, max(1, round(MARGIN / 2 * side)))
        own = _own_ink(black[y0:y1, x0:x1] & cell & ~straight, box - np.tile(outer[:2], 2))
        region = _region(own, cell, box - np.tile(outer[:2], 2), MARGIN * side)
        empty, covered = empty + (not own.any()), covered + (not region.any())
        found.append(polygon_of(region if region.any() else np.ones_like(cell)) + outer[:2])
    if same:
        warn(f"{len(same)} of {len(whole)} boxes show the character of another box: their outlines overlap")
    for count, what in ((empty, "hold no ink"), (covered, "lie inside others")):
        if count:
            warn(f"{count} of {len(whole)} boxes {what}: their outlines are the boxes")
    return found


def _whole(boxes: "NDArray[np.float64]", shape: tuple[int, ...]) -> "NDArray[np.int64]":
    """Return the boxes in whole pixels, inside the map."""
    limits = np.array([shape[1], shape[0]] * 2)
    with np.errstate(invalid="ignore"):
        whole = np.clip(np.round(boxes), 0, limits)
    for number, (x0, y0, x1, y1) in enumerate(whole):
        if not (x1 - x0 >= SMALLEST and y1 - y0 >= SMALLEST):  # also for NaN
            given = " ".join(f"{value:g}" for value in boxes[number])
            raise BadInput(
                f"box {number} ({given}) covers less than {SMALLEST} x {SMALLEST} pixels of the map, "
                f"which has {shape[1]} x {shape[0]}",
                "give x0 y0 x1 y1 in pixels of the height map",
            )
    return whole.astype(np.int64)


def _own_ink(ink: "NDArray[np.bool_]", box: "NDArray[np.int64]") -> "NDArray[np.bool_]":
    """Return the pieces of ink that lie mostly inside the box, (h, w) bool."""
    labels, count = components(ink)
    x0, y0, x1, y1 = box
    within = np.bincount(labels[y0:y1, x0:x1].ravel(), minlength=count + 1)
    own = within >= OWN * np.bincount(labels.ravel(), minlength=count + 1)
    own[0] = False
    return own[labels]


def _region(
    own: "NDArray[np.bool_]", cell: "NDArray[np.bool_]", box: "NDArray[np.int64]", margin: float
) -> "NDArray[np.bool_]":
    """Return the convex hull of a character's ink with its margin, as far as the cell goes, in one piece.

    Without ink, it is the box. The result is empty if nothing of the cell is left.
    """
    if own.any():
        region = inside(hull(own, 0.5 + margin), own.shape) & cell
    else:
        region = np.zeros_like(cell)
        region[box[1] : box[3], box[0] : box[2]] = cell[box[1] : box[3], box[0] : box[2]]
    # Without what is a pixel thin: it has no inside, and the tracing follows one piece.
    core = around(around(region, np.fmin), np.fmax) & region
    labels, count = components(core, corners=False)
    ink = np.bincount(labels[own if own.any() else core], minlength=count + 1)
    ink[0] = 0
    return labels == ink.argmax() if ink.any() else np.zeros_like(cell)
