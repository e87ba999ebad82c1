"""Make the height map of a block's carved face from a scan: a height map as it is, or triangles by a z-buffer."""

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.carved_face import carved_face, upright
from sinonom_cli.blocks.coarse import coarse_of
from sinonom_cli.blocks.plates import limits_of_block
from sinonom_cli.blocks.scan import Scan
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.meshes.height_maps import Limits, Scale, averaged, read_heights
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stream import scan_heights

if TYPE_CHECKING:
    from numpy.typing import NDArray

BLOCKS = Limits(samples=100_000_000, longest=None, span=3.0, single=True)
"""Limits for height maps of whole blocks: they are never averaged. Heights of unknown scale span 3 mm, since relief is
1 to 2 mm deep where characters are 9 mm wide."""
LONGEST, SHORTEST = 4096, 512
"""Limits of the longer side of a map that is made from triangles, in pixels, if no pixel is given. 4,096 pixels show a
character of a block with 20 in a column by more than 100."""
ROUNDS = 3
"""Largest number of times that what lies around the block, such as a table, is cut off; each shows the block finer."""
LOOKED_AT = 4_500
"""Longest side of a map in which characters are looked for, in pixels; they are cut out of the whole map."""
MOST_PIXELS = 16_384
"""Largest side of a map that is made from triangles."""


@dataclass(frozen=True)
class Surface:
    """Height map of the carved face of a block.

    A point p of the scan is at `q = rotation @ p + shift` in the map's coordinates: x to the right, y up, z towards the
    viewer, with the map's upper left corner at x = y = 0. Pixel (row, column) has its centre at x = (column + 0.5)
    pixel, y = -(row + 0.5) pixel, and the surface has z = heights[row, column] there.

    Attributes
    ----------
    heights : (H, W) float32, in the scan's units; NaN where there is no surface.
    pixel : side of a pixel, in the same units.
    rotation : (3, 3) float64.
    shift : (3,) float64.
    is_open : whether it is an open surface of triangles, which may be seen from behind.
    """

    heights: "NDArray[np.float32]"
    pixel: float
    rotation: "NDArray[np.float64]" = field(default_factory=lambda: np.eye(3))
    shift: "NDArray[np.float64]" = field(default_factory=lambda: np.zeros(3))
    is_open: bool = False

    def coarser(self) -> "tuple[Surface, int]":
        """Return a surface whose sides have LOOKED_AT pixels at most, and the number of pixels averaged to one."""
        times = -(-max(self.heights.shape) // LOOKED_AT)
        if times == 1:
            return self, 1
        heights = averaged(self.heights, times).astype(np.float32, copy=False)
        return replace(self, heights=heights, pixel=self.pixel * times), times

    def behind(self) -> "Surface":
        """Return the same surface, seen from behind: left and right, and front and back, are swapped."""
        over = np.diag([-1.0, 1.0, -1.0])
        shift = np.einsum("ij,j->i", over, self.shift) + np.array([self.heights.shape[1] * self.pixel, 0, 0])
        heights = np.ascontiguousarray(-self.heights[:, ::-1])
        return replace(self, heights=heights, rotation=np.einsum("ij,jk->ik", over, self.rotation), shift=shift)


def surface_of_map(path: Path, number: int, scale: Scale, notes: Notes) -> Surface:
    """Read one height map of a file at its full resolution; see `read_heights`.

    The scan's coordinates are those of the map.
    """
    heights, pixel = read_heights(path, number, scale, notes, BLOCKS)
    return Surface(heights.astype(np.float32, copy=False), pixel)


def surface_of_scan(
    scan: Scan, pixel: float | None = None, side: str = "auto", remarks: list[str] | None = None
) -> Surface:
    """Find the carved face of a scan, turn it to the viewer and draw its height map (orthographic z-buffer).

    The scan is read twice: for a coarse model, in which the face is found, and for the map.

    Parameters
    ----------
    scan : a closed solid or an open surface in any position.
    pixel : side of a pixel in the scan's units; None: the distance of the scan's samples, within LONGEST and SHORTEST.
    side : direction in which the carved face looks, "+x" to "-z"; "auto": the side with most relief.
    remarks : receives what is uncertain.

    Raises
    ------
    BadInput
        If the scan has no extent or no relief.
    UsageError
        If `side` is none of these, or the map would have a side of more than MOST_PIXELS.
    """
    if not (scan.box[1] - scan.box[0]).max() > 0:
        raise BadInput("the scan has no extent", "give a scan of a whole block")
    coarse = coarse_of(scan)
    for _ in range(ROUNDS):
        limits = limits_of_block(coarse)
        if limits is None:
            break
        scan.crop(limits)
        coarse = coarse_of(scan)
    face = carved_face(coarse, side, remarks)
    rotation = upright(coarse, face.rotation)
    box = coarse.box(rotation)
    across, up = float(box[1, 0] - box[0, 0]), float(box[1, 1] - box[0, 1])
    if pixel is None:
        seen = coarse.survey.shown["xyz".index(face.side[1])]
        pixel = math.sqrt(2 * seen / scan.faces)  # a scan has two triangles for each sample
        pixel = min(max(pixel, max(across, up) / LONGEST), max(across, up) / SHORTEST)
    del coarse
    width, height = (max(1, math.ceil(length / pixel - 1e-6)) for length in (across, up))
    if max(width, height) > MOST_PIXELS:
        raise UsageError(
            f"at {pixel:g} a pixel the map would have {width:,} x {height:,} pixels, more than {MOST_PIXELS:,} a side",
            f"give a pixel of {max(across, up) / MOST_PIXELS:.3g} or more",
        )
    seen_from_front = scan_heights(scan, rotation, pixel)
    middle = float(box[:, 2].mean())
    heights = seen_from_front.heights
    heights -= np.float32(middle)
    heights[np.isinf(heights)] = np.nan
    corner = np.array([seen_from_front.left, seen_from_front.top, middle])
    return Surface(heights, pixel, rotation, -corner, face.is_open)
