"""Find which side of a scanned block is carved, and the rotation that turns it to the viewer.

The carved side is the one with most relief: heights that change over a short way. A closed solid shows it from one of
six directions. An open surface shows the same relief from behind, inverted; there the windings of the faces decide, or
the flatness: tops were one plane before carving, the ground never was.
"""

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.blocks.coarse import Coarse
from sinonom_cli.blocks.regions import hull
from sinonom_cli.blocks.relief_cells import CELLS, relief_of, tops_of
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.meshes.level import turn_up
from sinonom_cli.meshes.survey import AGREED, Survey

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDES = ("+x", "-x", "+y", "-y", "+z", "-z")
PROBE = 2 * CELLS
"""Side of the coarse height maps, in pixels."""
PLATE = 0.5
"""Greatest ratio of the spread of a scan across its thinnest direction to that across the next, at which it is a plate;
then only the two sides across this direction can be the carved one."""
THIN = 0.002
"""Greatest usual thickness of an open surface, as a share of its length: 0.6 mm on 30 cm."""
RIVAL = 0.5
"""Least relief of the opposite side of a solid, as a share of the carved side's, for a remark."""
FLATTER = 0.7
"""Greatest ratio of the tops' deviations, seen from the carved side and from behind, that is clear."""

ROUNDS = 3
"""Number of turns by which the tilt is taken out; each sees the tops better."""
SNUG = 0.98
"""Greatest ratio of the area of the smallest rectangle around a scan to the straight one's that makes it turned."""


class Face(NamedTuple):
    """The carved side of a scan.

    Attributes
    ----------
    side : direction in which it looks, "+x" to "-z".
    rotation : (3, 3) float64; `rotation @ p` turns it to +Z and takes its tilt out.
    is_open : whether the scan is an open surface.
    """

    side: str
    rotation: "NDArray[np.float64]"
    is_open: bool


def carved_face(scan: Coarse, side: str = "auto", remarks: list[str] | None = None) -> Face:
    """Return the carved side of a scan.

    Parameters
    ----------
    scan : coarse model of the scan.
    side : "+x" to "-z" if it is known; "auto": find it. Both sides of a solid may be carved; then the one with more
        relief is chosen, with a remark.
    remarks : receives what is uncertain.

    Raises
    ------
    BadInput
        If the scan has no extent, or no side has relief.
    UsageError
        If `side` is none of these.
    """
    if side not in (*SIDES, "auto"):
        raise UsageError(f"no side {side!r}", f"give one of {' '.join(SIDES)}, or auto")
    remarks = [] if remarks is None else remarks
    lengths = scan.survey.box[1] - scan.survey.box[0]
    if not np.sort(lengths)[1] > 0:
        raise BadInput("the scan has no extent", "give a scan of a whole block")
    views = {name: scan.seen(turn_to(name), PROBE)[0] for name in likely_sides(scan, side)}
    reliefs = {name: relief_of(view, float(lengths.max())) for name, view in views.items()}
    best = max(reliefs, key=lambda name: reliefs[name]) if side == "auto" else side
    if not reliefs[best] > 0:
        raise BadInput("no side of the scan has relief", "give a scan of a whole block")
    other = best.translate(str.maketrans("+-", "-+"))
    thickness = views[best] + views[other][:, ::-1]
    is_open = bool(np.median(thickness[np.isfinite(thickness)]) < THIN * lengths.max())
    if side == "auto" and is_open:
        best = _outer(scan.survey, best, other, views, remarks)
    elif side == "auto" and reliefs[other] > RIVAL * reliefs[best]:
        remarks.append(f"two sides of the scan have relief, {best} and {other}: {best}, which has more, is taken")
    return Face(best, _straightened(scan, turn_to(best)), is_open)


def turn_to(side: str) -> "NDArray[np.float64]":
    """Return the rotation, (3, 3) float64, that turns the given side ("+x" to "-z") to +Z."""
    axis, sign = "xyz".index(side[1]), 1.0 if side[0] == "+" else -1.0
    rotation = np.zeros((3, 3))
    rotation[2, axis] = sign
    rotation[0, (axis + 1) % 3] = sign
    rotation[1, (axis + 2) % 3] = 1.0
    return rotation


def likely_sides(scan: Coarse, side: str = "auto") -> list[str]:
    """Return the sides that may be carved: the two along a plate's normal, or all six, each with its opposite.

    From the side, the face of a tilted plate is seen at a grazing angle and has much relief.
    """
    spread, ways = np.linalg.eigh(scan.spread)
    axes = [int(np.abs(ways[:, 0]).argmax())] if spread[0] < PLATE**2 * spread[1] else [0, 1, 2]
    axes = axes if side == "auto" else [SIDES.index(side) // 2]
    return [name for axis in axes for name in SIDES[2 * axis : 2 * axis + 2]]


def _outer(found: Survey, best: str, other: str, views: "dict[str, NDArray[np.float64]]", remarks: list[str]) -> str:
    """Return the side of an open surface that is not its back."""
    axis = SIDES.index(best) // 2
    if abs(found.facing[axis]) > AGREED * found.shown[axis]:
        return SIDES[2 * axis + (0 if found.facing[axis] > 0 else 1)]
    spread = {name: tops_of(views[name], float((found.box[1] - found.box[0]).max())).spread for name in (best, other)}
    best, other = sorted(spread, key=lambda name: spread[name])
    if not spread[best] < FLATTER * spread[other]:
        remarks.append(f"the windings do not tell the carved side of the surface from its back: {best} is taken")
    return best


def _straightened(scan: Coarse, rotation: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the rotation without the tilt of the tops."""
    for _ in range(ROUNDS):
        heights, pixel = scan.seen(rotation, PROBE)
        tops = tops_of(heights, pixel * PROBE)
        x0, y0, x1, y1 = tops.surface.box
        slope = tops.surface.coefficients[[0, 1], [1, 0]] * 2 / (np.array([x1 - x0, y1 - y0]) * tops.side * pixel)
        rotation = np.einsum("ij,jk->ik", turn_up(slope[0], -slope[1]), rotation)
    return rotation


def upright(scan: Coarse, rotation: "NDArray[np.float64]") -> "NDArray[np.float64]":
    """Return the rotation after a turn in the plane of the map, of 45 degrees at most, that lays its sides straight.

    The sides are those of the smallest rectangle around the scan; nothing is turned if it is hardly smaller (SNUG) than
    the one that stands straight.
    """
    heights, _ = scan.seen(rotation, PROBE)
    corners = hull(np.isfinite(heights), 0.5)
    best, angle = SNUG * _area(corners, 0.0), 0.0
    for way in np.diff(corners, axis=0, append=corners[:1]):
        # The map's y goes down: this is the turn that lays the edge along x, or along y if that is nearer.
        turn = (math.atan2(way[1], way[0]) + math.pi / 4) % (math.pi / 2) - math.pi / 4
        if _area(corners, turn) < best:
            best, angle = _area(corners, turn), turn
    turned = np.array([[math.cos(angle), -math.sin(angle), 0], [math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    return np.einsum("ij,jk->ik", turned, rotation)


def _area(corners: "NDArray[np.float64]", turn: float) -> float:
    """Return the area of the box around points that are turned by -`turn`."""
    x, y = corners.T
    return float(np.ptp(math.cos(turn) * x + math.sin(turn) * y) * np.ptp(math.cos(turn) * y - math.sin(turn) * x))
