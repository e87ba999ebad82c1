"""Turn triangles into a height map: by a z-buffer (orthographic) or by Open3D's ray casting (perspective)."""

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.parallel.products import product

if TYPE_CHECKING:
    from numpy.typing import NDArray

MARGIN = 0.04
"""Empty border on each side of the picture, as a share of its width."""

EDGE = 1e-9
"""Largest distance outside a triangle, in barycentric coordinates, at which a pixel still belongs to it: rounding must
leave no cracks."""

EYE = 4.0
FIELD_OF_VIEW = 15.0
"""Perspective camera: distance from the origin on the z axis, and field of view in degrees. It shows the unit cube."""


@numba.njit(cache=True)
def extent(triangles: Any, rotation: Any) -> Any:
    """Return the bounding box of a rotated mesh.

    Parameters
    ----------
    triangles : (F, 3, 3) float32; also polygons of another number of vertices, or points (N, 1, 3).
    rotation : (3, 3) float64.

    Returns
    -------
    (2, 3) float64: lowest and highest x, y, z.
    """
    box = np.empty((2, 3))
    box[0], box[1] = np.inf, -np.inf
    for f in range(triangles.shape[0]):
        for v in range(triangles.shape[1]):
            x, y, z = triangles[f, v, 0], triangles[f, v, 1], triangles[f, v, 2]
            for k in range(3):
                value = rotation[k, 0] * x + rotation[k, 1] * y + rotation[k, 2] * z
                box[0, k] = min(box[0, k], value)
                box[1, k] = max(box[1, k], value)
    return box


@numba.njit(cache=True, error_model="numpy")
def z_buffer(triangles: Any, rotation: Any, centre: Any, width: float, size: int) -> Any:
    """Return the height of the topmost surface under the centre of each pixel, seen from +Z, with y up.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    rotation : (3, 3) float64, applied to the vertices first.
    centre : (3,) float64, centre of the picture after rotation; heights are measured from its z.
    width : length that the picture's side shows, in mesh units.
    size : S, side of the picture in pixels.

    Returns
    -------
    (S, S) float32 heights, mesh units; row 0 is the top; -inf where there is no surface.
    """
    heights = np.full((size, size), -np.inf, np.float32)
    cover(triangles, rotation, centre, size / width, size / 2 - 0.5, heights, 0, 0)
    return heights


@numba.njit(cache=True, error_model="numpy")
def draw_triangle(
    px: float,
    py: float,
    pz: float,
    qx: float,
    qy: float,
    qz: float,
    rx: float,
    ry: float,
    rz: float,
    heights: Any,
    first_row: int,
    first: int,
) -> None:
    """Raise the heights of the pixels whose centre lies in the triangle p q r.

    Parameters
    ----------
    px, py, qx, qy, rx, ry : columns and rows of the vertices; pixel centres are at whole numbers.
    pz, qz, rz : heights of the vertices.
    heights, first_row, first : as for `cover`.
    """
    left, right = max(first, math.ceil(min(px, qx, rx))), min(first + heights.shape[1] - 1, math.floor(max(px, qx, rx)))
    top = max(first_row, math.ceil(min(py, qy, ry)))
    bottom = min(first_row + len(heights) - 1, math.floor(max(py, qy, ry)))
    area = (qx - px) * (ry - py) - (qy - py) * (rx - px)
    if left > right or top > bottom or area == 0.0:  # between pixels, or seen edge-on
        return
    share = 1.0 / area  # a division for each pixel would take more time than anything else
    for row in range(top, bottom + 1):
        dy = row - py
        for column in range(left, right + 1):
            dx = column - px
            # Barycentric weights: a shared edge belongs to both its faces, so that no crack shows between them.
            b = (dx * (ry - py) - dy * (rx - px)) * share
            c = ((qx - px) * dy - (qy - py) * dx) * share
            if b >= -EDGE and c >= -EDGE and b + c <= 1.0 + EDGE:
                z = np.float32(pz + b * (qz - pz) + c * (rz - pz))
                heights[row - first_row, column - first] = max(heights[row - first_row, column - first], z)


@numba.njit(cache=True, error_model="numpy")
def cover(
    triangles: Any, rotation: Any, origin: Any, scale: float, half: float, heights: Any, first_row: int, first: int
) -> None:
    """Raise the heights of the pixels that triangles cover: those whose centre they hold, seen from +Z, with y up.

    Pixel (row, column) has its centre at x = (column - half) / scale, y = (half - row) / scale from the origin. Where a
    triangle lies relative to it is the same whatever part of all pixels `heights` holds.

    Parameters
    ----------
    triangles : (F, 3, 3) float32.
    rotation : (3, 3) float64, applied to the vertices first.
    origin : (3,) float64, where x, y and heights are measured from, after rotation.
    scale : number of pixels in a mesh unit.
    heights : (H, W) float32, heights so far; -inf where there is no surface. Triangles beyond it are cut off.
    first_row, first : row and column of `heights[0, 0]`.
    """
    # Numbers and tuples stay in registers; a small array would be written and read again for each vertex.
    turn = (
        *(rotation[0, 0], rotation[0, 1], rotation[0, 2]),
        *(rotation[1, 0], rotation[1, 1], rotation[1, 2]),
        *(rotation[2, 0], rotation[2, 1], rotation[2, 2]),
    )
    start = (origin[0], origin[1], origin[2])
    for f in range(triangles.shape[0]):
        px, py, pz = _seen(triangles[f, 0, 0], triangles[f, 0, 1], triangles[f, 0, 2], turn, start, scale, half)
        qx, qy, qz = _seen(triangles[f, 1, 0], triangles[f, 1, 1], triangles[f, 1, 2], turn, start, scale, half)
        rx, ry, rz = _seen(triangles[f, 2, 0], triangles[f, 2, 1], triangles[f, 2, 2], turn, start, scale, half)
        draw_triangle(px, py, pz, qx, qy, qz, rx, ry, rz, heights, first_row, first)


@numba.njit(cache=True)
def _seen(x: float, y: float, z: float, turn: Any, origin: Any, scale: float, half: float) -> Any:
    """Return a vertex's place in the picture (pixel centres at whole numbers, y downwards) and its height."""
    right = (turn[0] * x + turn[1] * y + turn[2] * z - origin[0]) * scale + half
    down = (origin[1] - turn[3] * x - turn[4] * y - turn[5] * z) * scale + half
    return right, down, turn[6] * x + turn[7] * y + turn[8] * z - origin[2]


def cast_rays(
    triangles: "NDArray[np.float32]",
    rotation: "NDArray[np.float64]",
    centre: "NDArray[np.float64]",
    side: float,
    size: int,
) -> "NDArray[np.float32]":
    """Return the height of the surface that the ray through each pixel hits first, seen in perspective from +Z.

    Parameters
    ----------
    triangles, rotation, centre, size : as for `z_buffer`.
    side : longest side of the mesh, in mesh units; it is scaled to the unit cube for the camera at (0, 0, EYE).

    Returns
    -------
    (S, S) float32 heights, mesh units; -inf where a ray hits nothing.

    Raises
    ------
    SinonomError
        With exit code 3, if Open3D cannot be loaded.
    """
    open3d = load_open3d("--projection perspective")
    points = ((product(triangles.reshape(-1, 3), rotation.T) - centre) / side).astype(np.float32)
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        open3d.core.Tensor(points), open3d.core.Tensor(np.arange(len(points), dtype=np.uint32).reshape(-1, 3))
    )
    # We make the rays ourselves: those of create_rays_pinhole(up=[0, 1, 0]) give a picture turned by 180 degrees.
    half = EYE * math.tan(math.radians(FIELD_OF_VIEW / 2))
    at = ((np.arange(size) + 0.5) / size * 2 - 1) * half
    rays = np.zeros((size, size, 6), np.float32)
    rays[..., 2] = EYE
    rays[..., 3], rays[..., 4], rays[..., 5] = at, -at[:, None], -EYE
    hit = scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)["t_hit"].numpy()
    return np.where(np.isfinite(hit), (EYE - EYE * hit) * side, -np.inf).astype(np.float32)


def load_open3d(what: str) -> Any:
    """Import and return open3d, which `what` needs.

    Raises
    ------
    SinonomError
        With exit code 3 and the name of what to install, if the package or a system library that it needs is missing.
    """
    try:
        import open3d
    except ModuleNotFoundError as error:
        raise SinonomError(
            f"{what} needs the Python package {error.name!r}",
            'pip install "sinonom[open3d]"',
            ExitCode.MISSING_EXTRA,
        ) from None
    except Exception as error:  # for a missing system library, ImportError or OSError, depending on Open3D's version
        reason = " ".join(str(error).split())
        raise SinonomError(
            f"{what} needs Open3D, which cannot be loaded: {reason}",
            "apt-get install libusb-1.0-0 libgl1 libgomp1",
            ExitCode.MISSING_EXTRA,
        ) from None
    return open3d
