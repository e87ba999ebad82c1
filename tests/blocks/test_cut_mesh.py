"""Test cutting: every triangle of the face goes where its centre lies, whole and in its order."""

import numpy as np
import pytest
from skimage.measure import points_in_poly
from tinyblock import carved, open_face, solid
from tinyblock import scan as as_scan
from tinymesh import turn

from sinonom_cli.blocks.cut_mesh import cut, cut_samples
from sinonom_cli.blocks.outlines import outlines
from sinonom_cli.blocks.surface import Surface, surface_of_scan

SHAPES = [
    np.array([[3.2, 4.1], [20.7, 2.5], [25.1, 18.3], [14.0, 12.0], [6.6, 24.9]]),
    np.array([[25.1, 18.3], [20.7, 2.5], [44.0, 6.0], [40.2, 30.9]]),
]


@pytest.fixture(scope="module")
def scan() -> np.ndarray:
    """Return a closed block, tilted, with its face to -z."""
    return np.einsum("fvk,jk->fvj", solid(carved(columns=3, rows=4, size=20)), turn(5, 176)).astype(np.float32)


def test_triangles_belong_to_the_polygon_that_holds_their_centre(scan: np.ndarray) -> None:
    surface = surface_of_scan(as_scan(scan), pixel=0.4)
    meshes = cut(surface, SHAPES, [scan])
    turned = np.einsum("fvk,jk->fvj", scan.astype(float), surface.rotation) + surface.shift
    centres = turned.mean(axis=1)
    at = centres[:, :2] / surface.pixel * (1, -1)
    seen = centres[:, 2] > centres[:, 2].max() - 4  # the back is 8 mm behind
    for shape, mesh in zip(SHAPES, meshes, strict=True):
        wanted = turned[points_in_poly(at, shape) & seen]
        assert len(wanted) > 100
        np.testing.assert_allclose(mesh, wanted, atol=1e-4)


def test_blocks_of_triangles_give_what_the_whole_scan_gives(scan: np.ndarray) -> None:
    surface = surface_of_scan(as_scan(scan), pixel=0.4)
    for one, other in zip(cut(surface, SHAPES, [scan]), cut(surface, SHAPES, np.array_split(scan, 7)), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_centre_in_two_polygons_belongs_to_the_first() -> None:
    face = open_face(np.zeros((30, 50)), 1.0)
    whole = np.array([[5.0, 5], [40, 5], [40, 25], [5, 25]])
    part = np.array([[10.0, 10], [45, 10], [45, 20], [10, 20]])
    surface = Surface(np.zeros((30, 50), np.float32), 1.0)
    first, second = cut(surface, [whole, part], [face])
    alone = next(cut(surface, [part], [face]))
    assert len(first) == len(next(cut(surface, [whole], [face])))
    assert len(second) == (alone.mean(axis=1)[:, 0] > 40).sum() > 0


def test_the_face_looks_up_and_the_mesh_has_its_relief(scan: np.ndarray) -> None:
    surface = surface_of_scan(as_scan(scan))
    mesh = next(cut(surface, [SHAPES[0] / 0.4 * surface.pixel * 3], [scan]))
    normals = np.cross(mesh[:, 1] - mesh[:, 0], mesh[:, 2] - mesh[:, 0])
    assert (normals[:, 2] > 0).mean() > 0.99


def test_a_polygon_without_triangles_gives_an_empty_mesh() -> None:
    surface = Surface(np.zeros((30, 50), np.float32), 1.0)
    (mesh,) = cut(surface, SHAPES[:1], [])
    assert mesh.shape == (0, 3, 3) and mesh.dtype == np.float32


def test_the_samples_of_a_height_map_become_the_surface_through_them() -> None:
    made = carved(columns=2, rows=3, size=24)
    surface = Surface(made.heights, made.pixel)
    polygons = outlines(made.boxes, made.ink.astype(np.float32))
    for polygon, mesh in zip(polygons, cut_samples(surface, polygons), strict=True):
        points = np.unique(mesh.reshape(-1, 3), axis=0)
        columns, rows = points[:, 0] / made.pixel - 0.5, -points[:, 1] / made.pixel - 0.5
        np.testing.assert_allclose(columns, columns.round(), atol=1e-3)
        np.testing.assert_allclose(points[:, 2], made.heights[rows.round().astype(int), columns.round().astype(int)])
        grid = np.stack(np.meshgrid(np.arange(made.heights.shape[1]), np.arange(made.heights.shape[0])), -1) + 0.5
        assert len(points) == pytest.approx(points_in_poly(grid.reshape(-1, 2), polygon).sum(), rel=0.02)
