"""Find the side of a mesh that is carved, and turn it to face +Z with its character upright.

The axis that most of the surface is seen along, and the side that its faces look to, nearly always tell; a mesh that
faces +Z by them is left as it is. Where they say something else, pictures decide: of the front and of the back, each
turned four ways, the one that looks most like a character that is known. Windings alone cannot be believed: a mesh
that was mirrored without turning its faces over looks away by them and is carved in front.
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
"""Takes pictures to their distances from what is known; None: it knows nothing."""

THICK = 0.01
"""A mesh whose front and back are so far apart, as a share of its width, is a solid; both sides are outsides."""
MARGIN = 0.05
"""How much nearer to a known character one side's picture must be than the other's for the side to be sure."""
KNOWN = 0.9
"""How near a known character is at most to a picture that shows one; of real scans 95 % are within 0.78."""
TURNED = 0.1
"""How much nearer a picture turned in its plane must be than the one that stands as the axes say."""
STEEP = 0.77
"""Cosine of the tilt that levelling finds by itself, 40 degrees."""
SIZE = 128
"""Side of the pictures that are compared, pixels."""

# x, y, z of the turned mesh are these of the mesh, with these signs. What looked along +-Y or -Z is turned about x,
# as programs with y up and with z up do it; what looked along +-X is turned about y.
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
    side : where that side looked.
    triangles : (F, 3, 3) float32, turned, without a table.
    seen : how they are seen.
    notes : what was left out.
    distances : (4,) float64, how far from a known character is what is seen as it stands, turned by 90, 180 and 270
        degrees counter-clockwise; mirrored or not; infinite: nothing is seen.
    """

    side: str
    triangles: "NDArray[np.float32]"
    seen: Look
    notes: Notes
    distances: "NDArray[np.float64]"


def upright(
    triangles: "NDArray[np.float32]", found: Survey, judge: Judge, notes: Notes, check: bool = False
) -> "tuple[NDArray[np.float32], Look]":
    """Turn a mesh so that its carved side faces +Z, where it does not already, and leave out a table below it.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    found : what they are like.
    judge : how far pictures are from characters that are known.
    notes : where it is said if the mesh was turned, and if that is not sure.
    check : whether pictures are asked even where the mesh leaves no doubt; what they say is only noted.

    Returns
    -------
    The triangles, turned and without a table; they are the very same where nothing was done. And how they are seen.
    """
    axis = across(found)
    agreed = float(found.facing[axis] / found.shown[axis]) if found.shown[axis] > 0 else 0.0
    if axis == 2 and (agreed > AGREED or (agreed > -AGREED and _is_solid(triangles, found.box))):
        plain = Notes()
        stay, seen = without_table(triangles, look_at(triangles, found.box), plain)
        if relief(seen.heights) >= SHALLOWEST:
            notes.left_out += plain.left_out
            if check:
                _check(triangles, found, judge, notes)
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


def _check(triangles: "NDArray[np.float32]", found: Survey, judge: Judge, notes: Notes) -> None:
    """Note if the back of a mesh looks more like a character than its front: its heights may be upside down."""
    front, back = (float(_tried(triangles, found, side, judge).distances.min()) for side in ("+Z", "-Z"))
    if back < front - MARGIN and back < KNOWN:
        notes.remarks.append(
            "the back looks more like a character than the front: is it inside out? Of a height map --deeper says so"
        )


def _better(likely: Tried, other: Tried, notes: Notes) -> Tried:
    """Return the side that shows a character, or else the one that is likely by how the faces look."""
    one, two = float(likely.distances.min()), float(other.distances.min())
    if (two < one - MARGIN and two < KNOWN) or one == np.inf > two:
        return other
    if two < np.inf and not one < two - MARGIN:
        notes.remarks.append(f"it is not sure that {likely.side} is the carved side, and not {other.side}")
    return likely


def _is_solid(triangles: "NDArray[np.float32]", box: "NDArray[np.float64]") -> bool:
    """Return whether a mesh has another surface behind the one that is seen."""
    about_x = np.diag([1.0, -1.0, -1.0])
    front, back = look_at(triangles, box), look_at(triangles, extent(triangles, about_x), about_x)
    depth = (front.heights + back.heights[::-1])[np.isfinite(front.heights) & np.isfinite(back.heights[::-1])]
    return bool(len(depth) and np.median(depth) > THICK)


def _tried(triangles: "NDArray[np.float32]", found: Survey, side: str, judge: Judge) -> Tried:
    """Turn one side of a mesh to +Z and see how much it looks like a character."""
    order, signs = TURNS[side]
    turned = triangles if side == "+Z" else _straightened(_as(triangles, order, signs), found, order, signs)
    notes = Notes()
    turned, seen = without_table(turned, look_at(turned, extent(turned, np.eye(3))), notes)
    distances = np.full(4, np.inf)
    try:
        picture = draw(turned, View(size=SIZE), seen).picture
    except SinonomError:  # nothing is to be seen from there, or no relief
        return Tried(side, turned, seen, notes, distances)
    ways = [np.rot90(way, quarters) for way in (picture, picture[:, ::-1]) for quarters in (0, 1, 2, 3)]
    judged = judge(ways)
    # A mirror image that is turned by n quarters is that of the mesh turned by 4 - n.
    distances = np.ones(4) if judged is None else np.minimum(judged[:4], judged[4:][[0, 3, 2, 1]])
    return Tried(side, turned, seen, notes, distances)


def _as(
    triangles: "NDArray[np.float32]", order: tuple[int, int, int], signs: tuple[int, int, int]
) -> "NDArray[np.float32]":
    return np.ascontiguousarray(triangles[:, :, list(order)] * np.array(signs, np.float32))


def _straightened(
    triangles: "NDArray[np.float32]", found: Survey, order: tuple[int, int, int], signs: tuple[int, int, int]
) -> "NDArray[np.float32]":
    """Turn a mesh by what levelling could not find: its faces look to +Z or -Z on the whole."""
    x, y, z = found.facing[list(order)] * signs
    length = float(np.sqrt(x * x + y * y + z * z))
    if abs(z) > STEEP * length or length < AGREED * found.shown.max():
        return triangles
    return product(triangles.reshape(-1, 3), turn_up(-x / z, -y / z).T).astype(np.float32).reshape(-1, 3, 3)


def _in_plane(triangles: "NDArray[np.float32]", quarters: int) -> "NDArray[np.float32]":
    """Turn a mesh about z, counter-clockwise, by so many quarters."""
    order, signs = (((0, 1, 2), (1, 1, 1)), ((1, 0, 2), (-1, 1, 1)), ((0, 1, 2), (-1, -1, 1)), ((1, 0, 2), (1, -1, 1)))[
        quarters
    ]
    return _as(triangles, order, signs) if quarters else triangles
