"""Test on many meshes that the z-buffer shows the same as Open3D's ray casting, to 1e-5 of the unit cube.

Rays are single precision and the z-buffer is double precision. If the centre of a pixel lies on an outline to within
rounding, they may see different surfaces. Such pixels must stay below 0.1 %.
"""

import math
from typing import Any

import hypothesis.strategies as some
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from tinymesh import letter_f, open3d_or_skip, ray_heights, turn

from sinonom_cli.meshes.zbuffer import z_buffer
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span
from sinonom_cli.relief.plate import carve_plate, mesh_of

SIZE, WIDTH = 128, 1.75
seeds = some.integers(0, 2**32 - 1)
angles = some.floats(-40, 40)


@pytest.fixture(scope="module")
def open3d() -> Any:
    return open3d_or_skip()


def check(open3d: Any, triangles: NDArray[np.float32]) -> None:
    fast = z_buffer(triangles, np.eye(3), np.zeros(3), WIDTH, SIZE)
    cast = ray_heights(open3d, triangles, SIZE, WIDTH)
    hit, hit_cast = np.isfinite(fast), np.isfinite(cast)
    both = hit & hit_cast
    assert (hit != hit_cast).mean() < 0.001
    assert (np.abs(fast[both] - cast[both]) > 1e-5).sum() < 0.001 * fast.size


def turned(triangles: NDArray[np.float64], about_x: float, about_y: float) -> NDArray[np.float32]:
    return (triangles @ turn(about_x, about_y).T).astype(np.float32)


@settings(max_examples=12, deadline=None, derandomize=True)
@given(seed=seeds, tilt=some.floats(0, 40), resolution=some.integers(24, 90))
def test_on_carved_meshes(open3d: Any, seed: int, tilt: float, resolution: int) -> None:
    carving = Carving(resolution=resolution, tilt=Span(tilt, tilt))
    check(open3d, mesh_of(carve_plate((letter_f(36) > 0).astype(np.float32), carving, np.random.default_rng(seed))))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(about_x=angles, about_y=angles, rings=some.integers(3, 40), sides=some.floats(0.05, 1))
def test_on_closed_meshes(open3d: Any, about_x: float, about_y: float, rings: int, sides: float) -> None:
    u, v = np.meshgrid(np.linspace(0, 2 * math.pi, 2 * rings + 1), np.linspace(0, math.pi, rings + 1))
    p = 0.5 * np.stack([np.cos(u) * np.sin(v), sides * np.sin(u) * np.sin(v), np.cos(v)], axis=-1)
    a, b, c, d = p[:-1, :-1], p[:-1, 1:], p[1:, :-1], p[1:, 1:]
    faces = [np.stack(corners, axis=-2).reshape(-1, 3, 3) for corners in ((a, c, b), (b, c, d))]
    check(open3d, turned(np.concatenate(faces), about_x, about_y))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=seeds, count=some.integers(1, 40), gap=some.floats(0, 0.2))
def test_on_overlapping_sheets(open3d: Any, seed: int, count: int, gap: float) -> None:
    rng = np.random.default_rng(seed)
    sheets = rng.uniform(-0.5, 0.5, (count, 3, 3)) * (1, 1, 0.3)
    check(open3d, np.concatenate([sheets, sheets[::-1] - (0, 0, gap)]).astype(np.float32))


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=seeds, count=some.integers(1, 300), thin=some.floats(1e-7, 0.1))
def test_on_slivers(open3d: Any, seed: int, count: int, thin: float) -> None:
    rng = np.random.default_rng(seed)
    slivers = rng.uniform(-0.5, 0.5, (count, 3, 3)) * (1, 1, 0.3)
    slivers[:, 2] = slivers[:, 1] + thin * (slivers[:, 2] - slivers[:, 1])
    check(open3d, slivers.astype(np.float32))


steps = some.integers(-8, 8)
corners = some.tuples(steps, steps, steps)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(faces=some.lists(some.tuples(corners, corners, corners), min_size=1, max_size=8))
def test_vertices_and_edges_that_run_through_pixel_centres_belong_to_their_faces(faces: list[Any]) -> None:
    # Coordinates are whole numbers, so rounding does not decide what covers a pixel. Some faces have no area or occur
    # twice.
    got = z_buffer(np.array(faces, np.float32), np.eye(3), np.zeros(3), 17.0, 17)
    want = np.full((17, 17), -np.inf)
    for p, q, r in faces:
        area = (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])
        for y in range(-8, 9) if area else ():
            for x in range(-8, 9):
                b = (x - p[0]) * (r[1] - p[1]) - (y - p[1]) * (r[0] - p[0])
                c = (q[0] - p[0]) * (y - p[1]) - (q[1] - p[1]) * (x - p[0])
                if min(b * area, c * area, (area - b - c) * area) >= 0:
                    z = p[2] + (b * (q[2] - p[2]) + c * (r[2] - p[2])) / area
                    want[8 - y, x + 8] = max(want[8 - y, x + 8], z)
    np.testing.assert_allclose(got, want, atol=1e-5)
