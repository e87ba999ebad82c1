"""Find the table that a plate lies on, or the plane that a scan has around it, and leave it out.

From above, a table is what stands at the rim of the picture: a plane, and what rises from it is a plate: filled, with
steep sides, and with a relief of its own. Strokes that stand on a flat ground are none of that, and keep their ground.
"""

from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.meshes.level import _plane_equations, _residuals, _solved
from sinonom_cli.meshes.look import PROBE, Look, look_at
from sinonom_cli.meshes.zbuffer import extent, z_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

RIM = 0.2
"""Share of the rim that lies in the table's plane, at least: a plate may hang over it on two sides."""
THICKNESS = (1e-4, 0.01)
"""How far from its plane a table may lie, as shares of the picture's width: least and greatest, by how rough it is."""
ROUGH = 16.0
"""How many times the median distance of its rim from the plane that is: pixels show less of the noise than vertices."""
CORE, FILLED = 0.08, 0.35
"""What lies so far inside a plate's outline, as a share of its width, fills at least so much of its box. Real plates
fill 0.75 to 0.85 of it in all; strokes, a sixth of a character wide, have nothing so far inside."""
FINE, AROUND = 128, 1.2
"""Side of the height map on which the plate's edge is looked at, pixels, and what it shows, in plate widths."""
STEP, STEEP = 0.015, 0.8
"""Where table and plate meet, the plate stands so high above it, as a share of its width, in so many places. A relief
that rises from a flat ground begins gently."""
GAP = 8
"""So many pixels may be empty between the two."""
MEET = 128
"""In so many pairs of pixels they meet at least: a quarter of the way around the plate."""
RELIEF = 0.01
"""How much a plate's heights vary there at least, as a share of its width: the top of a block without one is flat."""


def table_faces(triangles: "NDArray[np.float32]", seen: Look) -> "NDArray[np.bool_] | None":
    """Return which faces belong to a table below a plate; None: there is none.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z.
    seen : how they are seen.
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
    """Return whether a plane goes on below what stands on it, as the ground between carved strokes does not."""
    sides = table[:, 1:, :2].astype(np.float64) - table[:, :1, :2]
    area = 0.5 * float(np.abs(sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]).sum())
    above = _above(seen.heights * np.float32(seen.width), seen, seen.width, seen, plane)
    shown = float((above <= THICKNESS[0] * seen.width).sum() - (above == -np.inf).sum()) * (seen.width / PROBE) ** 2
    covered = float((alone.heights > -np.inf).sum()) * (alone.width / PROBE) ** 2
    return area - shown > 0.5 * covered


def _rim_points(heights: "NDArray[np.float32]") -> "NDArray[np.float64]":
    """Return the points of a height map where its surface begins and ends, (N, 3); x and y from -0.5 to 0.5, y up."""
    rows, columns = np.nonzero(rim(heights > -np.inf))
    size = len(heights)
    return np.stack([(columns + 0.5) / size - 0.5, 0.5 - (rows + 0.5) / size, heights[rows, columns]], axis=1)


@numba.njit(cache=True)
def _rim_plane(points: Any) -> Any:
    """Fit a plane to the rim, or to one side of it if more of the rim lies in that.

    Returns
    -------
    plane : (6,) float64, coefficients of 1, x, y; the others are 0.
    thickness : how far from it points may lie and still belong to it.
    share : of the points that do.
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
        share = (np.abs(_residuals(points, plane)) <= thickness).mean()
        if rough < THICKNESS[1] and share > best_share:
            best, best_thickness, best_share = plane, thickness, share
    return best, best_thickness, best_share


@numba.njit(cache=True)
def _fitted(points: Any) -> Any:
    """Fit a plane to points of which nearly half may lie elsewhere; return it and the median distance from it."""
    plane, weights = np.zeros(6), np.ones(len(points))
    for _ in range(8):  # least absolute deviations, by weights
        plane = _solved(_plane_equations(points, weights), plane)
        weights = 1.0 / np.maximum(np.abs(_residuals(points, plane)), 1e-6)
    return plane, np.median(np.abs(_residuals(points, plane)))


def rim(there: "NDArray[np.bool_]") -> "NDArray[np.bool_]":
    """Return the first and last pixel of each row and of each column that shows something, (S, S)."""
    out = np.zeros_like(there)
    for mask, edge in ((there, out), (there.T, out.T)):
        lines = np.flatnonzero(mask.any(axis=1))
        edge[lines, mask[lines].argmax(axis=1)] = True
        edge[lines, mask.shape[1] - 1 - mask[lines, ::-1].argmax(axis=1)] = True
    return out


def _core(there: "NDArray[np.bool_]", depth: int) -> "NDArray[np.bool_]":
    """Return the pixels around which all within `depth` show something, (S, S)."""
    size = len(there)
    padded = np.pad(there, depth)
    across = np.logical_and.reduce([padded[:, k : k + size] for k in range(2 * depth + 1)])
    return np.logical_and.reduce([across[k : k + size] for k in range(2 * depth + 1)])


def _above(
    heights: "NDArray[np.float32]", at: Look, width: float, seen: Look, plane: "NDArray[np.float64]"
) -> "NDArray[np.float64]":
    """Return how high a height map around `at`, `width` wide, is above a plane in the units of `seen`, mesh units."""
    steps = ((np.arange(len(heights)) + 0.5) / len(heights) - 0.5) * width
    shift = at.centre - seen.centre
    x, y = (shift[0] + steps) / seen.width, (shift[1] - steps[:, None]) / seen.width
    return heights + shift[2] - (plane[0] + plane[1] * x + plane[2] * y) * seen.width


def _is_plate(alone: Look, seen: Look, plane: "NDArray[np.float64]") -> bool:
    """Return whether what stands on a table is filled and has a relief, rather than strokes that stand on their ground.

    Parameters
    ----------
    alone : how it is seen without the table.
    seen : how it is seen together with the table.
    plane : the table's, in the units of `seen`.
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
    """Return heights in which the table goes on for GAP pixels where there is no surface: a scan has a gap there."""
    above = above.copy()
    for _ in range(GAP):
        near = np.pad(np.where(table, above, -np.inf), 1, constant_values=-np.inf)
        near = np.max([near[:-2, 1:-1], near[2:, 1:-1], near[1:-1, :-2], near[1:-1, 2:]], axis=0)
        above = np.where(above == -np.inf, near, above)
    return above


def _is_steep(
    triangles: "NDArray[np.float32]", alone: Look, seen: Look, plane: "NDArray[np.float64]", thickness: float
) -> bool:
    """Return whether a plate's edge stands steeply on the table, as far as the two are seen to meet."""
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
