"""Find the table that a plate lies on, or the plane around it in a scan, and leave it out.

Seen from above, a table is a plane that reaches the rim of the picture. The part above it counts as a plate only if it
is filled, has steep sides and has a relief of its own. Strokes on a flat ground meet none of these conditions, so their
ground is kept.
"""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.look import PROBE, Look, look_at
from sinonom_cli.meshes.surfaces import plane_equations, residuals, solution
from sinonom_cli.meshes.zbuffer import extent, z_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIM = 0.2
"""Smallest share of the rim that must lie in the table's plane; a plate may extend beyond the table on two sides."""
THICKNESS = (1e-4, 0.01)
"""Smallest and largest thickness of a table about its plane, as shares of the picture's width; a rougher table is
thicker."""
ROUGH = 16.0
"""Ratio of that thickness to the median distance of the rim from the plane: pixels show less of the noise than
vertices."""
SHARPER, EXACT = 10.0, 0.75
"""Ratio of the thicknesses of two planes at which the thinner one counts more, and factor of the other one's share."""
CORE, FILLED = 0.08, 0.35
"""Depth of a plate's core inside its outline, as a share of its width, and smallest share of its bounding box that the
core fills. Real plates fill 0.75 to 0.85 of the box in all; strokes, a sixth of a character wide, have no such core."""
FINE, AROUND = 128, 1.2
"""Side, in pixels, of the height map in which the plate's edge is examined, and the width that it shows, in plate
widths."""
STEP, STEEP = 0.015, 0.8
"""Smallest step from table to plate that counts as steep, as a share of the plate's width, and smallest share of steep
places. A relief that rises from a flat ground begins gently."""
GAP = 8
"""Largest number of empty pixels between table and plate."""
MEET = 128
"""Smallest number of pixel pairs in which table and plate meet: a quarter of the plate's outline."""
RELIEF = 0.01
"""Smallest variation of heights in a plate's core, as a share of its width: the top of an uncarved block is flat."""


def table_faces(triangles: "NDArray[np.float32]", seen: Look) -> "NDArray[np.bool_] | None":
    """Return which faces belong to a table below a plate, (F,) bool; None if there is no table.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z.
    seen : coarse height map of the triangles.
    """
    plane, thickness, share = _rim_plane(_rim_points(seen.heights))
    if share < RIM:
        return None
    points = (triangles - seen.centre.astype(np.float32)) / np.float32(seen.width)
    above = points[..., 2] - (plane[0] + plane[1] * points[..., 0] + plane[2] * points[..., 1])
    table = above.max(axis=1) <= thickness
    if table.all() or not table.any():
        return None
    rest = triangles[~table]
    alone = look_at(rest, extent(rest, np.eye(3)))
    if not _is_plate(alone, seen, plane):
        return None
    if thickness <= THICKNESS[0] and _goes_on_below(triangles[table], alone, seen, plane):
        return table
    return table if _is_steep(triangles, alone, seen, plane, thickness) else None


def _goes_on_below(table: "NDArray[np.float32]", alone: Look, seen: Look, plane: "NDArray[np.float64]") -> bool:
    """Return whether a plane continues below what stands on it; the ground between carved strokes does not."""
    sides = table[:, 1:, :2].astype(np.float64) - table[:, :1, :2]
    area = 0.5 * float(np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]).sum())
    above = _above(seen.heights * np.float32(seen.width), seen, seen.width, seen, plane)
    shown = float((above <= THICKNESS[0] * seen.width).sum() - (above == -np.inf).sum()) * (seen.width / PROBE) ** 2
    covered = float((alone.heights > -np.inf).sum()) * (alone.width / PROBE) ** 2
    return area - shown > 0.5 * covered


def _rim_points(heights: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Return the points on the outline of a height map's surface, (N, 3); x and y from -0.5 to 0.5, y up."""
    rows, columns = np.nonzero(rim(heights > -np.inf))
    size = len(heights)
    return np.stack([(columns + 0.5) / size - 0.5, 0.5 - (rows + 0.5) / size, heights[rows, columns]], axis=1)


@numba.njit(cache=True)
def _rim_plane(points: Any) -> Any:
    """Fit a plane to the rim, or to one side of the rim if that plane holds a larger share of all its points.

    A much thinner plane counts more: where a plate extends beyond a table, the plane through both is tilted and rough.

    Returns
    -------
    plane : (6,) float64, coefficients of 1, x, y; the others are 0.
    thickness : largest distance from the plane at which points still belong to it.
    share : share of the points that belong to it, 0 to 1.
    """
    x, y = points[:, 0], points[:, 1]
    best, best_thickness, best_share = np.zeros(6), 0.0, 0.0
    for side in range(5):
        if side == 4:
            some = points
        elif side < 2:
            some = points[(np.abs(x) >= np.abs(y)) & ((x > 0) == (side == 0))]
        else:
            some = points[(np.abs(x) < np.abs(y)) & ((y > 0) == (side == 2))]
        if len(some) < 16:
            continue
        plane, rough = _fitted(some)
        thickness = min(max(ROUGH * rough, THICKNESS[0]), THICKNESS[1])
        share = (np.abs(residuals(points, plane)) <= thickness).mean()
        weight, best_weight = share, best_share
        if thickness * SHARPER <= best_thickness:
            best_weight *= EXACT
        elif best_thickness * SHARPER <= thickness:
            weight *= EXACT
        if rough < THICKNESS[1] and weight > best_weight:
            best, best_thickness, best_share = plane, thickness, share
    return best, best_thickness, best_share


@numba.njit(cache=True)
def _fitted(points: Any) -> Any:
    """Fit a plane robustly: nearly half the points may lie elsewhere; return it and the median distance from it."""
    plane, weights = np.zeros(6), np.ones(len(points))
    for _ in range(8):  # least absolute deviations, by iteratively reweighted least squares
        plane = solution(plane_equations(points, weights), plane)
        weights = 1.0 / np.maximum(np.abs(residuals(points, plane)), 1e-6)
    return plane, np.median(np.abs(residuals(points, plane)))


def rim(there: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return the first and last surface pixel of each row and of each column, (S, S) bool."""
    out = np.zeros_like(there)
    for mask, edge in ((there, out), (there.T, out.T)):
        lines = np.flatnonzero(mask.any(axis=1))
        edge[lines, mask[lines].argmax(axis=1)] = True
        edge[lines, mask.shape[1] - 1 - mask[lines, ::-1].argmax(axis=1)] = True
    return out


def _core(there: "NDArray[np.bool_]", depth: int) -> "NDArray[np.bool_]":
    """Return the pixels whose neighbours within `depth` all show a surface, (S, S) bool."""
    size = len(there)
    padded = np.pad(there, depth)
    across = np.logical_and.reduce([padded[:, k : k + size] for k in range(2 * depth + 1)])
    return np.logical_and.reduce([across[k : k + size] for k in range(2 * depth + 1)])


def _above(
    heights: "NDArray[np.float32]", at: Look, width: float, seen: Look, plane: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """Return a height map's heights above a plane, in mesh units; the map is centred at `at` and `width` wide."""
    steps = ((np.arange(len(heights)) + 0.5) / len(heights) - 0.5) * width
    shift = at.centre - seen.centre
    x, y = (shift[0] + steps) / seen.width, (shift[1] - steps[:, None]) / seen.width
    return heights + shift[2] - (plane[0] + plane[1] * x + plane[2] * y) * seen.width


def _is_plate(alone: Look, seen: Look, plane: "NDArray[np.float64]") -> bool:
    """Return whether the part above a table is filled and has a relief, as a plate is, unlike strokes on their ground.

    Parameters
    ----------
    alone : coarse height map of that part without the table.
    seen : coarse height map of that part together with the table.
    plane : coefficients of the table's plane, in the units of `seen`.
    """
    there = alone.heights > -np.inf
    core = _core(there, round(CORE * PROBE))
    rows, columns = np.nonzero(there)
    if not len(rows) or core.sum() < FILLED * (np.ptp(rows) + 1) * (np.ptp(columns) + 1):
        return False
    above = _above(alone.heights * np.float32(alone.width), alone, alone.width, seen, plane)[core]
    low, high = np.percentile(above, (5, 95))
    return bool(high - low > RELIEF * alone.width)


def _widened(above: "NDArray[np.float64]", table: "NDArray[np.bool_]") -> "NDArray[np.float64]":
    """Return heights in which the table extends by GAP pixels into places without surface: scans have gaps there."""
    above = above.copy()
    for _ in range(GAP):
        near = np.pad(np.where(table, above, -np.inf), 1, constant_values=-np.inf)
        near = np.max([near[:-2, 1:-1], near[2:, 1:-1], near[1:-1, :-2], near[1:-1, 2:]], axis=0)
        above = np.where(above == -np.inf, near, above)
    return above


def _is_steep(
    triangles: "NDArray[np.float32]", alone: Look, seen: Look, plane: "NDArray[np.float64]", thickness: float
) -> bool:
    """Return whether a plate's edge rises steeply from the table, at the places where the two are seen to meet."""
    width = AROUND * alone.width
    above = _above(z_buffer(triangles, np.eye(3), alone.centre, width, FINE), alone, width, seen, plane)
    plate = above > thickness * seen.width
    above = _widened(above, ~plate)
    meet = steep = 0
    for one, two, higher, lower in (
        (plate[:-1], plate[1:], above[:-1], above[1:]),
        (plate[:, :-1], plate[:, 1:], above[:, :-1], above[:, 1:]),
    ):
        pairs = (one != two) & np.isfinite(higher) & np.isfinite(lower)
        meet += int(pairs.sum())
        steep += int((np.abs(higher[pairs] - lower[pairs]) > STEP * alone.width).sum())
    return meet >= MEET and steep >= STEEP * meet
