"""A coarse look at a mesh from +Z: what levelling, tables and the search for the carved side go by."""

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from sinonom_cli.meshes.zbuffer import z_buffer

if TYPE_CHECKING:
    from numpy.typing import NDArray

PROBE = 48
"""Side of the small height map, pixels."""


class Look(NamedTuple):
    """A mesh seen from +Z.

    Attributes
    ----------
    heights : (PROBE, PROBE) float32, in units of `width`, measured from `centre`; -inf where there is no surface.
    centre : (3,) float64, the middle of the mesh's box, mesh units.
    width : what the side of the map shows, mesh units; 0: the mesh has no extent, and there are no heights.
    """

    heights: "NDArray[np.float32]"
    centre: "NDArray[np.float64]"
    width: float


def look_at(
    triangles: "NDArray[np.float32]", box: "NDArray[np.float64]", rotation: "NDArray[np.float64] | None" = None
) -> Look:
    """Look at a mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    box : (2, 3) float64, the extent of the turned mesh.
    rotation : (3, 3) float64, applied first; None: none.
    """
    width, centre = float(max(box[1, 0] - box[0, 0], box[1, 1] - box[0, 1])), box.mean(axis=0)
    if not width > 0:
        return Look(np.full((PROBE, PROBE), -np.inf, np.float32), centre, 0.0)
    heights = z_buffer(triangles, np.eye(3) if rotation is None else rotation, centre, width, PROBE)
    return Look(heights / np.float32(width), centre, width)
