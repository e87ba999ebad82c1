"""Test the depth image: it is exact, and neither mirrored nor upside down."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from refused import refused
from tinymesh import letter_f, likeness, open3d_or_skip, ray_heights, surface, turn

from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes.zbuffer import cast_rays, extent, z_buffer
from sinonom_cli.render.render import View, depth_map, draw

PLAIN = np.eye(3)


@pytest.fixture
def open3d() -> Any:
    """Return Open3D; skip the test if it, or a system library that it needs, is not installed."""
    return open3d_or_skip()


def slow_depth(triangles: NDArray[np.float32], size: int, width: float) -> NDArray[np.float64]:
    """Return heights triangle by triangle, by solving p + b (q - p) + c (r - p) = (x, y) for every pixel."""
    heights = np.full(size * size, -np.inf)
    at = ((np.arange(size) + 0.5) / size - 0.5) * width
    pixels = np.stack([np.tile(at, size), np.repeat(-at, size)])
    for p, q, r in triangles.astype(float):
        sides = np.stack([(q - p)[:2], (r - p)[:2]], axis=1)
        if abs(np.linalg.det(sides)) > 1e-15:
            b, c = np.linalg.solve(sides, pixels - p[:2, None])
            inside = (b >= -1e-9) & (c >= -1e-9) & (b + c <= 1 + 1e-9)
            z = p[2] + b * (q - p)[2] + c * (r - p)[2]
            heights = np.where(inside, np.maximum(heights, z), heights)
    return heights.reshape(size, size)


def scraps(seed: int, count: int, reach: float) -> NDArray[np.float32]:
    """Return random triangles in the unit cube, up to 2 `reach` wide, that overlap like sheets."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-0.4, 0.4, (count, 1, 3))
    return (centres + rng.uniform(-reach, reach, (count, 3, 3))).astype(np.float32)


def slivers(seed: int, count: int) -> NDArray[np.float32]:
    thin = scraps(seed, count, 0.3)
    thin[:, 2] = thin[:, 1] + np.float32(0.01) * (thin[:, 2] - thin[:, 1])
    return thin


def closed_ball() -> NDArray[np.float32]:
    """Return a closed surface: a ball made of lines of latitude and longitude."""
    u, v = np.meshgrid(np.linspace(0, 2 * math.pi, 25), np.linspace(0, math.pi, 13))
    p = 0.45 * np.stack([np.cos(u) * np.sin(v), np.sin(u) * np.sin(v), np.cos(v)], axis=-1)
    a, b, c, d = p[:-1, :-1], p[:-1, 1:], p[1:, :-1], p[1:, 1:]
    faces = [np.stack(corners, axis=-2).reshape(-1, 3, 3) for corners in ((a, c, b), (b, c, d))]
    return np.concatenate(faces).astype(np.float32)


MESHES = {
    "relief": lambda: surface(letter_f(24), turn(7, -4)),
    "overlapping sheets": lambda: scraps(0, 30, 0.3),
    "slivers": lambda: slivers(1, 400),
    "closed": closed_ball,
}


@pytest.mark.parametrize("name", MESHES)
def test_the_z_buffer_agrees_with_solving_each_pixel(name: str) -> None:
    triangles = MESHES[name]()
    fast = z_buffer(triangles, PLAIN, np.zeros(3), 1.1, 20)
    slow = slow_depth(triangles, 20, 1.1)
    assert np.isfinite(slow).sum() > 20
    np.testing.assert_array_equal(np.isfinite(fast), np.isfinite(slow))
    np.testing.assert_allclose(fast[np.isfinite(fast)], slow[np.isfinite(slow)], atol=1e-6)


@pytest.mark.parametrize("name", MESHES)
def test_the_z_buffer_agrees_with_open3d_ray_casting(name: str, open3d: Any) -> None:
    triangles = MESHES[name]()
    fast, cast = z_buffer(triangles, PLAIN, np.zeros(3), 1.1, 256), ray_heights(open3d, triangles, 256, 1.1)
    hit, hit_cast = np.isfinite(fast), np.isfinite(cast)
    assert (hit != hit_cast).mean() < 0.001
    both = hit & hit_cast
    assert both.mean() > 0.005
    assert np.abs(fast[both] - cast[both]).max() < 1e-5


def test_no_crack_shows_between_faces_whose_edges_run_through_pixel_centres() -> None:
    flat = surface(
        np.full((9, 9), 0.075)
    )  # vertices lie at multiples of 1/8, pixel centres (32 over 2) at multiples of 1/16
    heights = z_buffer(flat, PLAIN, np.array([1 / 32, 1 / 32, 0]), 2.0, 32)
    rows, columns = np.nonzero(np.isfinite(heights))
    assert np.isfinite(heights[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]).all()
    assert len(rows) >= 16 * 16


def test_the_picture_has_the_mesh_s_up_on_top_and_its_right_on_the_right() -> None:
    letter = letter_f(48)
    picture = draw(surface(letter), View(size=48, level="off")).picture
    ink = 255 - picture.astype(float)
    assert likeness(ink, letter) > 0.85
    for other in (letter[::-1], letter[:, ::-1], letter[::-1, ::-1], letter.T):
        assert likeness(ink, other) < 0.6


def test_both_projections_show_a_mesh_the_same_way_round(open3d: Any) -> None:
    triangles = surface(letter_f(48))
    flat = depth_map(triangles, PLAIN, View(size=64))[0]
    seen = depth_map(triangles, PLAIN, View(size=64, projection="perspective"))[0]
    both = np.isfinite(flat) & np.isfinite(seen)
    assert both.mean() > 0.7
    assert likeness(flat[both], seen[both]) > 0.8
    assert np.quantile(np.abs(flat[both] - seen[both]), 0.5) < 1e-3


def test_perspective_shows_what_the_report_s_camera_sees(open3d: Any) -> None:
    point = np.array([0.2, 0.3, 0.1])  # it is 4 - z away from the camera, whose view is 15 degrees wide
    spot = surface(np.zeros((2, 2))) * np.float32([0.02, 0.02, 0]) + point.astype(np.float32)
    heights = cast_rays(spot, PLAIN, np.zeros(3), 1.0, 200)
    row, column = (axis.mean() for axis in np.nonzero(np.isfinite(heights)))
    half = math.tan(math.radians(7.5)) * (4 - point[2])
    assert column == pytest.approx((point[0] / half + 1) * 100 - 0.5, abs=0.5)
    assert row == pytest.approx((1 - point[1] / half) * 100 - 0.5, abs=0.5)
    assert heights[np.isfinite(heights)].mean() == pytest.approx(0.1, abs=1e-4)


def test_the_mesh_fills_the_picture_whatever_its_unit_and_place() -> None:
    triangles = surface(letter_f(24))
    one = draw(triangles, View(size=40)).picture
    other = draw(triangles * np.float32(25) + np.float32([300, -70, 12]), View(size=40)).picture
    assert np.abs(one.astype(int) - other).mean() < 3


def test_mirror_swaps_left_and_right_and_nothing_else() -> None:
    triangles = surface(letter_f(24), turn(3, 2))
    plain, mirrored = (draw(triangles, View(size=32, mirror=mirror))[0] for mirror in (False, True))
    np.testing.assert_array_equal(plain[:, ::-1], mirrored)


def test_extent_is_that_of_the_turned_mesh() -> None:
    triangles, rotation = scraps(3, 20, 0.3), turn(20, 30)
    turned = triangles.reshape(-1, 3).astype(float) @ rotation.T
    np.testing.assert_allclose(extent(triangles, rotation), [turned.min(axis=0), turned.max(axis=0)], atol=1e-6)


def test_a_mesh_seen_edge_on_is_an_error_not_an_empty_picture() -> None:
    wall = np.array([[[0, 0, 0], [1, 0, 0], [0, 0, 1]]], np.float32)
    with refused(ExitCode.BAD_INPUT):
        draw(wall, View(size=32))
    with refused(ExitCode.BAD_INPUT):
        draw(np.zeros((4, 3, 3), np.float32), View(size=32))


def test_a_mesh_whose_file_has_rounded_its_relief_away_is_an_error() -> None:
    flat = surface(letter_f(24))
    assert draw(flat + np.float32([1000, 0, 0]), View(size=32)).picture.min() < 60
    with refused(ExitCode.BAD_INPUT, "0.25"):
        draw(flat + np.float32([1e6, 2e6, 3e6]), View(size=32))
