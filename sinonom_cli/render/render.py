"""Draw one mesh: level it, compute its height map and turn the heights into grey tones."""

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
"""Smallest number of steps into which single precision must divide a mesh; with fewer, the file has already lost its
relief."""

SHALLOWEST = 0.004
"""Smallest variation of a mesh's heights that is drawn, as a share of the picture's width. Carvings are 0.1 deep;
anything flatter is rounding, noise or the back of a block."""


@dataclass(frozen=True, kw_only=True)
class View:
    """Options of the view from which meshes are drawn.

    Attributes
    ----------
    size : side of the picture, in pixels.
    projection : "orthographic" or "perspective".
    level : "auto" (make the stroke tops level) or "off".
    tone : a key of TONES.
    mirror : whether to swap left and right.
    depth16 : whether to write the heights as well, as a 16-bit PNG.
    as_is : whether to draw meshes unchanged, without turning them over and without leaving out faces.
    """

    size: int = 256
    projection: str = "orthographic"
    level: str = "auto"
    tone: str = "local"
    mirror: bool = False
    depth16: bool = False
    as_is: bool = False


class Drawn(NamedTuple):
    """A drawing of a mesh.

    Attributes
    ----------
    picture : (S, S) uint8, dark strokes on light ground.
    tilt : tilt that levelling removed, in degrees.
    heights : (S, S) float32, height of the rotated mesh under each pixel, in units of `width`, measured from `middle`;
        -inf where there is no surface.
    width : length that the picture's side shows, in mesh units.
    middle : z of the middle of the rotated mesh, in mesh units.
    """

    picture: "NDArray[np.uint8]"
    tilt: float
    heights: "NDArray[np.float32]"
    width: float
    middle: float


def sixteen_bits(heights: "NDArray[np.float64]") -> "tuple[NDArray[np.uint16], float, float]":
    """Return heights as 16-bit numbers, with the scale and offset that turn them back into heights.

    Parameters
    ----------
    heights : (S, S) float64; -inf where there is no surface; at least one value is finite.

    Returns
    -------
    steps : (S, S) uint16; 0 where there is no surface, else 1 to 65535.
    scale, offset : height = offset + scale * step, with an error of at most scale / 2.
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
    triangles : (F, 3, 3) float32, facing +Z, with y up, in any unit.
    seen : coarse height map of the triangles from +Z (see `look_at`); None: compute it here.

    Raises
    ------
    SinonomError
        If no face of the mesh can be seen from +Z, or it has no relief.
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
    """Return the height of the mesh under each pixel, with the whole mesh inside the picture.

    Returns
    -------
    heights : (S, S) float32 in units of `width`, measured from `middle`; -inf where there is no surface.
    width : length that the picture's side shows, in mesh units.
    middle : z of the middle of the rotated mesh, in mesh units.

    Raises
    ------
    SinonomError
        If no face of the mesh can be seen from +Z.
    """
    box = extent(triangles, rotation)
    centre, sides = box.mean(axis=0), box[1] - box[0]
    width = max(sides[0], sides[1]) * (1 + 2 * MARGIN)
    if not width > 0:
        raise SinonomError("the mesh has no extent: all its vertices lie at one point")
    step = float(np.spacing(np.float32(np.abs(box).max())))
    if step * FEWEST_STEPS > max(sides):
        raise SinonomError(
            f"so far from the origin that coordinates are rounded to {step:g}; the mesh is only {max(sides):g} wide",
            "export it in double precision, or move it to the origin",
        )
    if view.projection == "perspective":
        heights = cast_rays(triangles, rotation, centre, float(max(sides)), view.size)
    else:
        heights = z_buffer(triangles, rotation, centre, width, view.size)
    if not np.isfinite(heights).any():
        raise SinonomError("no face of the mesh can be seen from +Z", "turn the mesh to face +Z, y up")
    return heights / np.float32(width), float(width), float(centre[2])
