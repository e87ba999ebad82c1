"""A decimated mesh keeps the shape of the whole one, and GLB files say what was written."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from sinonom_cli.meshes.decimate import decimated, welded
from sinonom_cli.meshes.read import read_mesh
from sinonom_cli.meshes.write_glb import glb


def relief(side: int) -> NDArray[np.float32]:
    """Return (F, 3, 3) triangles of a plate with a raised bar."""
    y, x = np.mgrid[0:side, 0:side] / (side - 1)
    z = 0.1 * np.clip((0.12 - abs(x - 0.5)) / 0.04, 0, 1)
    points = np.stack([x, y, z], axis=-1).reshape(-1, 3)
    corner = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).reshape(-1, 1)
    faces = np.concatenate([corner + [0, 1, side], corner + [1, side + 1, side]])
    return points[faces].astype(np.float32)


def test_equal_corners_become_one_vertex_and_faces_stay() -> None:
    vertices, faces = welded(relief(20))
    assert len(vertices) == 400
    np.testing.assert_array_equal(vertices[faces], relief(20))


@pytest.mark.parametrize("most", [200, 2000])
def test_a_decimated_relief_has_the_faces_allowed_and_lies_near_the_whole_one(most: int) -> None:
    vertices, faces = welded(relief(120))
    few, kept = decimated(vertices, faces, most)
    assert most / 2 <= len(kept) <= most
    assert kept.min() == 0 and kept.max() == len(few) - 1
    cell = np.sqrt(2 / most)
    heights = 0.1 * np.clip((0.12 - abs(few[:, 0] - 0.5)) / 0.04, 0, 1)
    assert np.quantile(abs(few[:, 2] - heights), 0.9) < 0.01
    covered, _ = cKDTree(few).query(vertices)
    assert covered.max() < 1.8 * cell
    tops = few[abs(few[:, 0] - 0.5) < 0.05]
    assert np.median(tops[:, 2]) == pytest.approx(0.1, abs=0.005)


def test_faces_keep_the_side_that_they_show() -> None:
    few, kept = decimated(*welded(relief(120)), 2000)
    a, b, c = (few[kept[:, k]] for k in range(3))
    assert (np.cross(b - a, c - a)[:, 2] > 0).mean() > 0.98


def test_a_small_mesh_is_left_as_it_is() -> None:
    vertices, faces = welded(relief(5))
    few, kept = decimated(vertices, faces, 100)
    assert few is vertices and kept is faces


def test_a_glb_is_read_by_the_reader_of_meshes_as_it_was_written(tmp_path: Path) -> None:
    vertices, faces = welded(relief(9))
    (tmp_path / "plate.glb").write_bytes(glb(vertices, faces))
    np.testing.assert_array_equal(read_mesh(tmp_path / "plate.glb"), vertices[faces])


def test_a_glb_has_the_lengths_that_the_specification_asks_for() -> None:
    content = glb(*welded(relief(4)))
    assert content[:4] == b"glTF" and int.from_bytes(content[8:12], "little") == len(content)
    size = int.from_bytes(content[12:16], "little")
    assert size % 4 == 0 and content[16:20] == b"JSON"
    assert int.from_bytes(content[20 + size : 24 + size], "little") == len(content) - 28 - size
