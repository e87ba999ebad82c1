"""Test triangulation: concave polygons keep their shape in every format, and no polygon hangs or crashes it."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tinymesh import turn

from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.meshes.triangulate import split
from sinonom_cli.meshes.zbuffer import z_buffer

L = [(0, 0), (4, 0), (4, 1), (1, 1), (1, 4), (0, 4)]
COMB = [(0, 0), (7, 0), (7, 4), (6, 4), (6, 1), (5, 1), (5, 4), (4, 4), (4, 1), (3, 1), (3, 4), (0, 4)]
RING = [(0, 0), (6, 0), (6, 6), (0, 6), (0, 0), (2, 2), (2, 4), (4, 4), (4, 2), (2, 2)]  # a hole, joined by a line
STAR = [(np.cos(a) * r, np.sin(a) * r) for a, r in zip(np.arange(10) * np.pi / 5, [3, 1] * 5, strict=True)]
STRAIGHT = [(0, 0), (1, 0), (2, 0), (4, 0), (4, 1), (1, 1), (1, 1.5), (1, 4), (0, 4), (0, 2)]
SHAPES = {"L": L, "comb": COMB, "ring": RING, "star": STAR, "corners in a line": STRAIGHT}


def polygon(name: str, backwards: bool) -> NDArray[np.float64]:
    corners = np.array(SHAPES[name], float)
    return corners[::-1].copy() if backwards else corners


def inside(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which points lie in a polygon, by counting the edges to their right (even-odd rule)."""
    a, b = corners, np.roll(corners, -1, axis=0)
    y, x = points[:, None, 1], points[:, None, 0]
    crosses = (a[:, 1] > y) != (b[:, 1] > y)
    with np.errstate(divide="ignore", invalid="ignore"):
        at = a[:, 0] + (y - a[:, 1]) / (b[:, 1] - a[:, 1]) * (b[:, 0] - a[:, 0])
    return (crosses & (x < at)).sum(axis=1) % 2 == 1


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("name", SHAPES)
def test_triangles_cover_a_concave_polygon_and_nothing_else(name: str, backwards: bool) -> None:
    corners = polygon(name, backwards)
    rng = np.random.default_rng(0)
    for start in range(len(corners)):
        rolled = np.roll(corners, start, axis=0)
        triangles = split(np.c_[rolled, np.zeros(len(rolled))], np.arange(len(rolled))[None])
        assert triangles.shape == (len(rolled) - 2, 3)
        points = rng.uniform(corners.min(), corners.max(), (400, 2))
        covered = np.array([[inside(rolled[t], points)] for t in triangles])[:, 0].sum(axis=0)
        np.testing.assert_array_equal(covered, inside(rolled, points).astype(int))
        sides = rolled[triangles[:, 1:]] - rolled[triangles[:, :1]]
        turns = sides[:, 0, 0] * sides[:, 1, 1] - sides[:, 0, 1] * sides[:, 1, 0]
        assert (turns <= 1e-9).all() if backwards else (turns >= -1e-9).all()


def test_a_concave_polygon_that_stands_anywhere_or_is_not_flat_is_split_in_its_own_plane() -> None:
    rng = np.random.default_rng(1)
    flat = np.array(COMB, float)
    for tilt in ((0, 0), (80, 10), (90, 0), (0, 90), (170, 33)):
        corners = np.c_[flat, rng.normal(0, 0.05, len(flat))] @ turn(*tilt).T + 5
        triangles = split(corners.astype(np.float32), np.arange(len(flat))[None])
        areas = [0.5 * np.linalg.norm(np.cross(b - a, c - a)) for a, b, c in (corners @ turn(*tilt))[triangles]]
        assert sum(areas) == pytest.approx(7 * 4 - 3 * 2, rel=0.02)  # 28 minus two notches of 1 x 3


def test_convex_polygons_are_fans_around_their_first_corner() -> None:
    angles = np.arange(7) * 2 * np.pi / 7
    ring = np.stack([np.cos(angles), np.sin(angles), 0.1 * np.cos(2 * angles)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(split(ring, np.arange(7)[None]), [(0, k, k + 1) for k in range(1, 6)])
    quads = np.array([[0, 1, 2, 3], [3, 4, 5, 6]])
    np.testing.assert_array_equal(split(ring, quads), [(0, 1, 2), (0, 2, 3), (3, 4, 5), (3, 5, 6)])


@pytest.mark.parametrize(
    "kind", ["all in one place", "in a line", "crossing", "back and forth", "no numbers", "one twice"]
)
def test_a_polygon_that_is_none_still_gives_its_triangles(kind: str) -> None:
    rng = np.random.default_rng(2)
    corners = {
        "all in one place": np.ones((9, 3)),
        "in a line": np.arange(9.0)[:, None] * [1, 2, 3],
        "crossing": rng.normal(size=(60, 3)),
        "back and forth": np.array([[k % 2, k // 2 % 2, 0.0] for k in range(9)]),
        "no numbers": np.where(np.arange(27).reshape(9, 3) == 13, np.nan, rng.normal(size=(9, 3))),
        "one twice": np.repeat(np.c_[np.array(L, float), np.zeros(6)], 2, axis=0),
    }[kind]
    triangles = split(corners, np.arange(len(corners))[None])
    assert triangles.shape == (len(corners) - 2, 3)
    assert triangles.min() >= 0 and triangles.max() < len(corners)


def test_a_polygon_of_thousands_of_corners_takes_no_minutes() -> None:
    rng = np.random.default_rng(3)
    angles = np.arange(3000) * 2 * np.pi / 3000
    reach = rng.uniform(0.5, 1, 3000)
    jagged = np.stack([reach * np.cos(angles), reach * np.sin(angles), 0 * angles], axis=1)
    split(jagged[:5], np.arange(5)[None])  # the function is compiled first
    for corners in (jagged, rng.normal(size=(3000, 3))):
        start = time.process_time()
        assert len(split(corners, np.arange(3000)[None])) == 2998
        assert time.process_time() - start < 20


def files(corners: NDArray[np.float64]) -> dict[str, str]:
    """Return one polygon in every format that has polygons."""
    points = "".join(f"{x} {y} {z}\n" for x, y, z in corners)
    count, vertices = len(corners), " ".join(map(str, range(len(corners))))
    head = f"ply\nformat ascii 1.0\nelement vertex {count}\nproperty float x\nproperty float y\nproperty float z\n"
    head += "element face 1\nproperty list uchar int vertex_indices\nend_header\n"
    return {
        "a.obj": points.replace("\n", "\nv ").join(("v ", "")).removesuffix("v ")
        + "f " + " ".join(str(k + 1) for k in range(count)) + "\n",
        "a.off": f"OFF\n{count} 1 0\n{points}{count} {vertices}\n",
        "a.ply": f"{head}{points}{count} {vertices}\n",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.obj", "a.off", "a.ply"])
def test_every_format_shows_a_concave_polygon_as_it_is(name: str, tmp_path: Path) -> None:
    corners = np.c_[np.array(COMB, float), np.zeros(len(COMB))]
    (tmp_path / name).write_text(files(corners)[name], encoding="utf-8")
    heights = z_buffer(read_mesh(tmp_path / name), np.eye(3), np.array([3.5, 2.0, 0.0]), 8.1, 40)
    at = (np.arange(40) + 0.5) / 40 * 8.1 - 4.05
    points: Any = np.stack([np.tile(3.5 + at, 40), np.repeat(2.0 - at, 40)], axis=1)
    want = inside(corners[:, :2], points).reshape(40, 40)
    assert (np.isfinite(heights) != want).mean() < 0.01  # a pixel on an edge belongs to it
