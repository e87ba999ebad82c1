"""Find the carved side of a mesh, and turn it to face +Z with its character upright.

Two things nearly always show the carved side: the axis along which most of the surface is seen, and the direction that
the faces look in. A mesh that faces +Z by both is left unchanged. Otherwise pictures decide: front and back are each
drawn in four rotations, and the picture most similar to a known character wins. Face windings alone are not reliable: a
mesh that was mirrored without reversing its faces looks away from the viewer, although it is carved in front.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.level import relief, turn_up
from sinonom_cli.meshes.look import Look, look_at
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.survey import AGREED, Survey, across
from sinonom_cli.meshes.zbuffer import extent
from sinonom_cli.parallel.products import product
from sinonom_cli.render.render import SHALLOWEST, View, draw
from sinonom_cli.render.tidy import without_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

Judge = Callable[[Sequence["NDArray[np.uint8]"]], "NDArray[np.float64] | None"]
"""Function from pictures to their distances from the known characters; None if no characters are known."""

THICK = 0.01
"""Smallest distance between front and back of a solid, as a share of its width; both sides of a solid are outsides."""
MARGIN = 0.05
"""Smallest difference of distances from a known character at which one side is clearly preferred to the other."""
KNOWN = 0.9
"""Largest distance from a known character at which a picture counts as a character; 95 % of real scans are within
0.78."""
TURNED = 0.1
"""Smallest gain in distance for which a picture is rotated in its plane, compared with the rotation that the axes
give."""
STEEP = 0.77
"""Cosine of the largest tilt that levelling finds by itself, 40 degrees."""
SIZE = 128
"""Side of the pictures that are compared, in pixels."""

# Axes of the original mesh, and their signs, that become x, y, z of the turned mesh. Sides that looked along +-Y or -Z
# are turned about x, as programs convert between y up and z up; sides that looked along +-X are turned about y.
TURNS = {
    "+X": ((2, 1, 0), (-1, 1, 1)),
    "-X": ((2, 1, 0), (1, 1, -1)),
    "+Y": ((0, 2, 1), (1, -1, 1)),
    "-Y": ((0, 2, 1), (1, 1, -1)),
    "+Z": ((0, 1, 2), (1, 1, 1)),
    "-Z": ((0, 1, 2), (1, -1, -1)),
}


class Tried(NamedTuple):
    """A mesh with one of its sides turned to +Z.

    Attributes
    ----------
    side : direction in which that side looked, such as "-Z".
    triangles : (F, 3, 3) float32, turned, without a table.
    seen : coarse height map of the triangles.
    notes : the faces that were left out.
    distances : (4,) float64, distance from the nearest known character of the picture turned by 0, 90, 180 and 270
        degrees counter-clockwise, mirrored or not; infinite if nothing is seen.
    mirrored : by how much nearer the nearest mirror image is than the nearest picture that is none.
    """

    side: str
    triangles: "NDArray[np.float32]"
    seen: Look
    notes: Notes
    distances: "NDArray[np.float64]"
    mirrored: float = 0.0


def upright(
    triangles: "NDArray[np.float32]",
    found: Survey,
    judge: Judge,
    notes: Notes,
    check: bool = False,
    mirror: bool = False,
) -> "tuple[NDArray[np.float32], Look]":
    """Turn a mesh so that its carved side faces +Z, if it does not already, and leave out a table below it.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    found : survey of the triangles.
    judge : function that gives the distances of pictures from known characters.
    notes : receives the turn of the mesh, and a remark if the carved side is uncertain.
    check : whether to compare pictures of front and back even where the mesh is clear; the result is only noted.
    mirror : whether the mesh will be drawn as a mirror image; this only matters for what `check` notes.

    Returns
    -------
    The triangles, turned and without a table (the same array if nothing was done), and their coarse height map.
    """
    axis = across(found)
    agreed = float(found.facing[axis] / found.shown[axis]) if found.shown[axis] > 0 else 0.0
    if axis == 2 and (agreed > AGREED or (agreed > -AGREED and _is_solid(triangles, found.box))):
        plain = Notes()
        stay, seen = without_table(triangles, look_at(triangles, found.box), plain)
        if relief(seen.heights) >= SHALLOWEST:
            notes.left_out += plain.left_out
            if check:
                _check(triangles, found, judge, notes, mirror)
            return stay, seen
    sides = [f"{sign}{'XYZ'[axis]}" for sign in ("+-" if agreed >= -AGREED else "-+")]
    chosen = _better(_tried(triangles, found, sides[0], judge), _tried(triangles, found, sides[1], judge), notes)
    notes.left_out += chosen.notes.left_out
    if chosen.side == "+Z":
        return chosen.triangles, chosen.seen
    nearest = int(chosen.distances.argmin())
    quarters = nearest if chosen.distances[nearest] < chosen.distances[0] - TURNED else 0
    notes.turned = chosen.side + (f" {90 * quarters}" if quarters else "")
    turned = _in_plane(chosen.triangles, quarters)
    return turned, look_at(turned, extent(turned, np.eye(3)))


def _check(triangles: "NDArray[np.float32]", found: Survey, judge: Judge, notes: Notes, mirror: bool) -> None:
    """Note if the front of a mesh seems to be turned or mirrored, or if its back looks more like a character.

    Where the back does, the heights may be inverted.
    """
    seen = _tried(triangles, found, "+Z", judge)
    ways = seen.distances
    front, back = float(ways.min()), float(_tried(triangles, found, "-Z", judge).distances.min())
    quarters = int(ways.argmin())
    if front < min(float(ways[0]) - TURNED, KNOWN, back):
        notes.remarks.append(f"it looks more like a character when it is turned by {90 * quarters} degrees to the left")
    if front < min(KNOWN, back) and (-seen.mirrored if mirror else seen.mirrored) > TURNED:
        notes.remarks.append(f"it looks more like a character {'without' if mirror else 'with'} --mirror")
    if back < front - MARGIN and back < KNOWN:
        notes.remarks.append(
            "the back looks more like a character than the front: is it inside out? For a height map, check --deeper"
        )


def _better(likely: Tried, other: Tried, notes: Notes) -> Tried:
    """Return the side that shows a character, or else the side that is likely from the directions of its faces."""
    one, two = float(likely.distances.min()), float(other.distances.min())
    if (two < one - MARGIN and two < KNOWN) or one == np.inf > two:
        return other
    if two < np.inf and not one < two - MARGIN:
        notes.remarks.append(f"it is uncertain whether {likely.side} is the carved side, or {other.side}")
    return likely


def _is_solid(triangles: "NDArray[np.float32]", box: "NDArray[np.float64]") -> bool:
    """Return whether a mesh has another surface behind the visible one."""
    about_x = np.diag([1.0, -1.0, -1.0])
    front, back = look_at(triangles, box), look_at(triangles, extent(triangles, about_x), about_x)
    depth = (front.heights + back.heights[::-1])[np.isfinite(front.heights) & np.isfinite(back.heights[::-1])]
    return bool(len(depth) and np.median(depth) > THICK)


def _tried(triangles: "NDArray[np.float32]", found: Survey, side: str, judge: Judge) -> Tried:
    """Turn one side of a mesh to +Z and measure its distance from known characters."""
    order, signs = TURNS[side]
    turned = triangles if side == "+Z" else _straightened(_as(triangles, order, signs), found, order, signs)
    notes = Notes()
    turned, seen = without_table(turned, look_at(turned, extent(turned, np.eye(3))), notes)
    distances = np.full(4, np.inf)
    try:
        picture = draw(turned, View(size=SIZE), seen).picture
    except SinonomError:  # no face can be seen from this side, or it has no relief
        return Tried(side, turned, seen, notes, distances)
    ways = [np.rot90(way, quarters) for way in (picture, picture[:, ::-1]) for quarters in (0, 1, 2, 3)]
    judged = judge(ways)
    # A mirror image turned by n quarters is the mirror image of the mesh turned by 4 - n quarters.
    distances = np.ones(4) if judged is None else np.minimum(judged[:4], judged[4:][[0, 3, 2, 1]])
    mirrored = 0.0 if judged is None else float(judged[:4].min() - judged[4:].min())
    return Tried(side, turned, seen, notes, distances, mirrored)


def _as(
    triangles: "NDArray[np.float32]", order: tuple[int, int, int], signs: tuple[int, int, int]
) -> "NDArray[np.float32]":
    return np.ascontiguousarray(triangles[:, :, list(order)] * np.array(signs, np.float32))


def _straightened(
    triangles: "NDArray[np.float32]", found: Survey, order: tuple[int, int, int], signs: tuple[int, int, int]
) -> "NDArray[np.float32]":
    """Remove a tilt too large for levelling, using the average direction of the faces along +Z or -Z."""
    x, y, z = found.facing[list(order)] * signs
    length = float(np.sqrt(x * x + y * y + z * z))
    if abs(z) > STEEP * length or length < AGREED * found.shown.max():
        return triangles
    return product(triangles.reshape(-1, 3), turn_up(-x / z, -y / z).T).astype(np.float32).reshape(-1, 3, 3)


def _in_plane(triangles: "NDArray[np.float32]", quarters: int) -> "NDArray[np.float32]":
    """Turn a mesh about z, counter-clockwise, by `quarters` quarter turns."""
    order, signs = (((0, 1, 2), (1, 1, 1)), ((1, 0, 2), (-1, 1, 1)), ((0, 1, 2), (-1, -1, 1)), ((1, 0, 2), (1, -1, 1)))[
        quarters
    ]
    return _as(triangles, order, signs) if quarters else triangles
