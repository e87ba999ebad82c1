"""Make tiny meshes for tests: height maps as open surfaces, built without the code under test."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.zbuffer import load_open3d


def open3d_or_skip() -> Any:
    """Return Open3D; where it or a system library that it needs is missing, skip the test and name what is missing."""
    try:
        return load_open3d("this test")
    except SinonomError as error:
        pytest.skip(f"{error.message}; {error.hint}")


def letter_f(size: int = 48) -> NDArray[np.float64]:
    """Return the height map of a raised F, which no rotation or mirror maps to itself; (size, size), tops at 0.15."""
    heights = np.zeros((size, size))
    u = size // 12
    heights[2 * u : 10 * u, 3 * u : 5 * u] = 0.15
    heights[2 * u : 4 * u, 3 * u : 9 * u] = 0.15
    heights[5 * u : 6 * u, 3 * u : 7 * u] = 0.15
    return heights


def surface(heights: NDArray[np.float64], rotation: NDArray[np.float64] | None = None) -> NDArray[np.float32]:
    """Return a height map as rotated triangles, (F, 3, 3) float32; it is 1 wide, and row 0 has the greatest y."""
    size = len(heights)
    points = [
        (j / (size - 1) - 0.5, 0.5 - i / (size - 1), heights[i, j] - 0.075) for i in range(size) for j in range(size)
    ]
    turned = np.array(points) @ (np.eye(3) if rotation is None else rotation).T
    faces = []
    for i in range(size - 1):
        for j in range(size - 1):
            a, b, c, d = i * size + j, i * size + j + 1, (i + 1) * size + j, (i + 1) * size + j + 1
            faces += [(a, c, b), (b, c, d)]
    return turned[faces].astype(np.float32)


def turn(about_x: float, about_y: float) -> NDArray[np.float64]:
    """Return the (3, 3) rotation about x, then about y, by angles in degrees."""
    a, b = np.radians([about_x, about_y])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return y @ x


def likeness(one: NDArray[np.generic], other: NDArray[np.generic]) -> float:
    """Return the correlation of two pictures."""
    return float(np.corrcoef(one.ravel().astype(float), other.ravel().astype(float))[0, 1])


def ray_heights(open3d: Any, triangles: NDArray[np.float32], size: int, width: float) -> NDArray[np.float64]:
    """Return the heights that Open3D's ray casting finds from above, (size, size); +-inf where it finds nothing."""
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    corners = np.arange(3 * len(triangles), dtype=np.uint32).reshape(-1, 3)
    scene.add_triangles(open3d.core.Tensor(triangles.reshape(-1, 3)), open3d.core.Tensor(corners))
    at = (((np.arange(size) + 0.5) / size - 0.5) * width).astype(np.float32)
    rays = np.zeros((size, size, 6), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2], rays[..., 5] = at, -at[:, None], 2, -1
    return 2.0 - scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)["t_hit"].numpy().astype(np.float64)
