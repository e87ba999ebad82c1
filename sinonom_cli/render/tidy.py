"""Leave out the parts of a scan that do not belong to the character: specks, displaced vertices, the table below it."""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.look import Look, look_at
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.survey import CELLS, Survey, across, pieces, survey
from sinonom_cli.render.table import table_faces

if TYPE_CHECKING:
    from numpy.typing import NDArray

FAR, STRAY = 10.0, 0.02
"""Ratio of a mesh's length to the length of most of it above which it has displaced vertices, and largest share of its
faces that such vertices may belong to."""

SPIKE = 0.4
"""Smallest distance of a displaced vertex from most of the mesh, as a share of its length, if each face that reaches so
far has only one such vertex, and none lies half as far; the faces at the border of a plate have two."""

SPECK_AREA = 0.02
"""Largest share of the mesh's area that a speck has."""
SPECK_SIZES = ((0.0, 0.03), (0.02, 0.05), (0.25, 0.2))
"""Pairs of (smallest distance outside the rest, largest length of a speck), both as shares of the rest's diagonal. A
dot of a character whose strokes are separate pieces is longer."""
BESIDE = 0.02
"""Distance outside the rest, as a share of its diagonal, up to which a piece is a speck only if it floats over or under
the rest: ragged outlines end in crumbs."""

ROUNDS = 5
"""Largest number of rounds: beside a distant speck, nearer specks and the character fall into one cell."""


def without_specks(triangles: "NDArray[np.float32]", notes: Notes) -> "tuple[NDArray[np.float32], Survey]":
    """Leave out small separate pieces, and faces with a vertex that is displaced far away.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, finite.
    notes : receives the number of faces that were left out.

    Returns
    -------
    The triangles that remain, and their survey.
    """
    found, before = survey(triangles), len(triangles)
    for _ in range(ROUNDS):
        if not 0 < (found.box[1] - found.box[0]).max() < np.inf:
            break
        stay = _not_far(triangles, found)
        if stay is None:
            count, labels = pieces(triangles, found.box)
            stay = _no_specks(triangles, found, labels, count) if count > 1 else None
        if stay is None or not stay.any():
            break
        triangles = triangles[stay]
        found = survey(triangles)
    if len(triangles) < before:
        notes.left_out.append(f"specks: {before - len(triangles):,}")
    return triangles, found


def without_table(triangles: "NDArray[np.float32]", seen: Look, notes: Notes) -> "tuple[NDArray[np.float32], Look]":
    """Leave out the table that a plate lies on, and specks that only show without the table.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z.
    seen : coarse height map of the triangles.
    notes : receives the number of faces that were left out.

    Returns
    -------
    The triangles that remain, and their coarse height map.
    """
    table = table_faces(triangles, seen)
    if table is None:
        return triangles, seen
    notes.left_out.append(f"table: {int(table.sum()):,}")
    triangles, found = without_specks(triangles[~table], notes)
    return triangles, look_at(triangles, found.box)


def _not_far(triangles: "NDArray[np.float32]", found: Survey) -> "NDArray[np.bool_] | None":
    """Return which faces have no displaced vertex; None if all have none, or too many have one."""
    sample = triangles[:: max(1, len(triangles) // 300), 0].astype(np.float64)
    low, high = np.percentile(sample, (5, 95), axis=0)
    side = float((high - low).max())
    far = (found.box[1] - found.box[0]).max() > FAR * side
    reach = (FAR / 2 if far else SPIKE) * side
    if not side > 0 or ((found.box[0] >= low - reach) & (found.box[1] <= high + reach)).all():
        return None
    beyond = _beyond(triangles, low - reach, high + reach)
    if not far and (beyond.max() > 1 or (_beyond(triangles, low - reach / 2, high + reach / 2) != beyond).any()):
        return None
    stay = beyond == 0
    return stay if 0 < len(stay) - stay.sum() <= STRAY * len(stay) else None


def _beyond(
    triangles: "NDArray[np.float32]", low: "NDArray[np.float64]", high: "NDArray[np.float64]"
) -> "NDArray[np.int64]":
    """Return how many vertices of each face lie outside a box, (F,) int64."""
    return np.asarray(((triangles < low) | (triangles > high)).any(axis=2).sum(axis=1))


def _no_specks(
    triangles: "NDArray[np.float32]", found: Survey, labels: "NDArray[np.int16]", count: int
) -> "NDArray[np.bool_] | None":
    """Return which faces belong to no speck; None if there is no speck."""
    piece, areas, boxes = _measured(triangles, found.box, labels, count)
    large = areas > SPECK_AREA * areas.sum()
    if not large.any():  # only crumbs: no piece is large enough to be the rest
        return None
    low, high = boxes[large, 0].min(axis=0), boxes[large, 1].max(axis=0)
    diagonal = float(np.sqrt(((high - low) ** 2).sum()))
    gaps = np.maximum(0, np.maximum(low - boxes[:, 1], boxes[:, 0] - high)).max(axis=1) / diagonal
    lengths = np.sqrt(((boxes[:, 1] - boxes[:, 0]) ** 2).sum(axis=1)) / diagonal
    most = np.zeros(count)
    for gap, length in SPECK_SIZES:
        most[gaps >= gap] = length
    most[(gaps < BESIDE) & ~_floating(labels, large, across(found))] = 0
    specks = ~large & (lengths <= most)
    return ~specks[piece] if specks.any() else None


def _floating(labels: "NDArray[np.int16]", large: "NDArray[np.bool_]", axis: int) -> "NDArray[np.bool_]":
    """Return which pieces lie in front of or behind a large one, seen along an axis."""
    covered = np.append(False, large)[labels].any(axis=axis, keepdims=True)
    found = np.unique(labels[np.broadcast_to(covered, labels.shape)])
    floating = np.zeros(len(large), bool)
    floating[found[found > 0] - 1] = True
    return floating


@numba.njit(cache=True)
def _measured(triangles: Any, box: Any, labels: Any, count: int) -> Any:
    """Return each face's piece, from 0, and each piece's area and box."""
    scale = CELLS / max(box[1, 0] - box[0, 0], box[1, 1] - box[0, 1], box[1, 2] - box[0, 2])
    ox, oy, oz = box[0, 0] - 1.0 / scale, box[0, 1] - 1.0 / scale, box[0, 2] - 1.0 / scale
    piece = np.empty(len(triangles), np.int64)
    areas, boxes = np.zeros(count), np.empty((count, 2, 3))
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    for f in range(len(triangles)):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        k = labels[int((a[0] - ox) * scale), int((a[1] - oy) * scale), int((a[2] - oz) * scale)] - 1
        piece[f] = k
        for i in range(3):
            boxes[k, 0, i] = min(boxes[k, 0, i], a[i], b[i], c[i])
            boxes[k, 1, i] = max(boxes[k, 1, i], a[i], b[i], c[i])
        x = (b[1] - a[1]) * (c[2] - a[2]) - (b[2] - a[2]) * (c[1] - a[1])
        y = (b[2] - a[2]) * (c[0] - a[0]) - (b[0] - a[0]) * (c[2] - a[2])
        z = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        areas[k] += 0.5 * np.sqrt(x * x + y * y + z * z)
    return piece, areas, boxes
