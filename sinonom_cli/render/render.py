"""One mesh, from triangles to a picture: level, depth, tone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.level import flatten, level, relief, tilt_of
from sinonom_cli.meshes.look import Look, look_at
from sinonom_cli.meshes.zbuffer import MARGIN, cast_rays, extent, z_buffer
from sinonom_cli.render.tone import TONES

if TYPE_CHECKING:
    from numpy.typing import NDArray


FEWEST_STEPS = 500
"""Into how many steps single precision must divide a mesh; below, its relief is lost in the file already."""

SHALLOWEST = 0.004
"""How much the heights of a mesh vary at least, as a share of the picture's width; carvings are 0.1 deep, and what is
flatter is rounding, noise or the back of a block."""


@dataclass(frozen=True, kw_only=True)
class View:
    """How meshes are looked at.

    Attributes
    ----------
    size : side of the picture, pixels.
    projection : "orthographic" or "perspective".
    level : "auto" or "off".
    tone : a key of TONES.
    mirror : whether to swap left and right.
    depth16 : whether to write the heights as well.
    as_is : whether to draw meshes as they are: nothing turned over, nothing left out.
    """

    size: int = 256
    projection: str = "orthographic"
    level: str = "auto"
    tone: str = "local"
    mirror: bool = False
    depth16: bool = False
    as_is: bool = False


class Drawn(NamedTuple):
    """A mesh drawn.

    Attributes
    ----------
    picture : (S, S) uint8, dark strokes on light ground.
    tilt : what was taken out, degrees.
    heights : (S, S) float32, of the turned mesh under each pixel, in units of `width`, measured from `middle`; -inf
        where there is no surface.
    width : what the picture's side shows, mesh units.
    middle : z of the middle of the turned mesh, mesh units.
    """

    picture: "NDArray[np.uint8]"
    tilt: float
    heights: "NDArray[np.float32]"
    width: float
    middle: float


def sixteen_bits(heights: "NDArray[np.float64]") -> "tuple[NDArray[np.uint16], float, float]":
    """Return heights as 16-bit numbers, and the scale and offset that turn them back.

    Parameters
    ----------
    heights : (S, S) float64; -inf where there is no surface; some are finite.

    Returns
    -------
    steps : (S, S) uint16; 0 where there is no surface, else 1 to 65535.
    scale, offset : a height is offset + scale * step, to within half a scale.
    """
    surface = heights > -np.inf
    known = heights[surface]
    low, high = float(known.min()), float(known.max())
    scale = (high - low) / 65534 or 1.0
    steps = np.zeros(heights.shape, np.uint16)
    steps[surface] = np.round((known - low) / scale) + 1
    return steps, scale, low - scale


def draw(triangles: "NDArray[np.float32]", view: View, seen: Look | None = None) -> Drawn:
    """Draw a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32, facing +Z, y up, any units.
    seen : how they are seen from +Z; None: they have not been looked at.

    Raises
    ------
    SinonomError
        If nothing of the mesh is to be seen from +Z, or it has no relief.
    """
    seen = seen or look_at(triangles, extent(triangles, np.eye(3)))
    rotation = level(triangles, seen) if view.level == "auto" else np.eye(3)
    heights, width, middle = depth_map(triangles, rotation, view)
    varies = relief(seen.heights)
    if varies < SHALLOWEST:
        raise SinonomError(
            f"no relief: its heights vary by {varies:.2g} of its width, and less than {SHALLOWEST:g} is not drawn",
            "give the carved side of a plate",
        )
    picture = TONES[view.tone](flatten(heights) if view.level == "auto" else heights)
    if view.mirror:
        picture, heights = np.ascontiguousarray(picture[:, ::-1]), heights[:, ::-1]
    return Drawn(picture, tilt_of(rotation), heights, width, middle)


def depth_map(
    triangles: "NDArray[np.float32]", rotation: "NDArray[np.float64]", view: View
) -> "tuple[NDArray[np.float32], float, float]":
    """Return how high the mesh is under each pixel, the whole of it in the picture.

    Returns
    -------
    heights : (S, S) float32 in units of `width`, measured from `middle`; -inf where there is no surface.
    width : what the picture's side shows, mesh units.
    middle : z of the middle of the turned mesh, mesh units.

    Raises
    ------
    SinonomError
        If nothing of the mesh is to be seen from +Z.
    """
    box = extent(triangles, rotation)
    centre, sides = box.mean(axis=0), box[1] - box[0]
    width = max(sides[0], sides[1]) * (1 + 2 * MARGIN)
    if not width > 0:
        raise SinonomError("the mesh has no extent: all its vertices fall together")
    step = float(np.spacing(np.float32(np.abs(box).max())))
    if step * FEWEST_STEPS > max(sides):
        raise SinonomError(
            f"so far from the origin that coordinates are rounded to {step:g}, while the mesh is {max(sides):g} wide",
            "export it in double precision, or move it to the origin",
        )
    if view.projection == "perspective":
        heights = cast_rays(triangles, rotation, centre, float(max(sides)), view.size)
    else:
        heights = z_buffer(triangles, rotation, centre, width, view.size)
    if not np.isfinite(heights).any():
        raise SinonomError("nothing of the mesh is to be seen from +Z", "turn the mesh to face +Z, y up")
    return heights / np.float32(width), float(width), float(centre[2])
