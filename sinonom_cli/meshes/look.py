"""Compute a coarse height map of a mesh from +Z, for levelling, finding tables and finding the carved side."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.meshes.zbuffer import z_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = 48
"""Side of the coarse height map, in pixels."""


class Look(NamedTuple):
    """Coarse height map of a mesh, seen from +Z.

    Attributes
    ----------
    heights : (PROBE, PROBE) float32, in units of `width`, measured from `centre`; -inf where there is no surface.
    centre : (3,) float64, middle of the mesh's bounding box, in mesh units.
    width : length that the map's side shows, in mesh units; 0 if the mesh has no extent, and so no heights.
    """

    heights: "NDArray[np.float32]"
    centre: "NDArray[np.float64]"
    width: float


def look_at(
    triangles: "NDArray[np.float32]", box: "NDArray[np.float64]", rotation: "NDArray[np.float64] | None" = None
) -> Look:
    """Return the coarse height map of a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    box : (2, 3) float64, bounding box of the rotated mesh.
    rotation : (3, 3) float64, applied first; None: the identity.
    """
    width, centre = float(max(box[1, 0] - box[0, 0], box[1, 1] - box[0, 1])), box.mean(axis=0)
    if not width > 0:
        return Look(np.full((PROBE, PROBE), -np.inf, np.float32), centre, 0.0)
    heights = z_buffer(triangles, np.eye(3) if rotation is None else rotation, centre, width, PROBE)
    return Look(heights / np.float32(width), centre, width)
