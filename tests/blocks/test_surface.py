"""Test finding the carved face of a scan, in any position, and its height map."""

from pathlib import Path

import numpy as np
import pytest
from tinyblock import Block, carved, coarse, open_face, scan, solid
from tinymesh import turn

from sinonom_cli.blocks.carved_face import SIDES, carved_face, turn_to, upright
from sinonom_cli.blocks.surface import Surface, surface_of_map, surface_of_scan
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.meshes.height_maps import Scale
from sinonom_cli.meshes.read import Notes


@pytest.fixture(scope="module")
def block() -> Block:
    return carved(columns=4, rows=5, size=24, bend=(0, 0, 1.5, -1, 0.5))


@pytest.fixture(scope="module")
def closed(block: Block) -> np.ndarray:
    return solid(block)


def placed(triangles: np.ndarray, side: str, tilt: tuple[float, float] = (0, 0)) -> np.ndarray:
    """Return a scan that was seen from +z, tilted, and then turned so that it looks in the direction of a side."""
    return np.einsum("fvk,jk->fvj", triangles, turn_to(side).T @ turn(*tilt)).astype(np.float32)


def points_above(surface: Surface, triangles: np.ndarray) -> np.ndarray:
    """Return the distance of the scan's vertices from the map's surface at the nearest pixel."""
    points = triangles.reshape(-1, 3) @ surface.rotation.T + surface.shift
    columns, rows = (points[:, 0] / surface.pixel).astype(int), (-points[:, 1] / surface.pixel).astype(int)
    height, width = surface.heights.shape
    return points[:, 2] - surface.heights[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)]


@pytest.mark.parametrize("side", SIDES)
def test_the_carved_face_of_a_solid_is_found_in_all_six_orientations(closed: np.ndarray, side: str) -> None:
    assert np.linalg.det(turn_to(side)) == pytest.approx(1)
    found = carved_face(coarse(placed(closed, side)))
    assert found.side == side and not found.is_open
    assert np.degrees(np.arccos((found.rotation @ turn_to(side).T)[2, 2])) < 0.5


@pytest.mark.parametrize("side", ["+z", "-z", "-x"])
def test_the_windings_tell_an_open_surface_from_its_back(block: Block, side: str) -> None:
    found = carved_face(coarse(placed(open_face(block.heights, block.pixel), side)))
    assert found.side == side and found.is_open


@pytest.mark.parametrize("side", ["+z", "-y"])
def test_without_windings_the_flat_tops_tell_the_face_from_the_back(block: Block, side: str) -> None:
    triangles = placed(open_face(block.heights, block.pixel), side)
    triangles[::2] = triangles[::2, ::-1]
    assert carved_face(coarse(triangles)).side == side


def test_tilt_is_taken_out_of_the_rotation(closed: np.ndarray) -> None:
    tilted = placed(closed, "+z", (11, -9))
    found = carved_face(coarse(tilted))
    assert np.degrees(np.arccos((found.rotation @ turn(11, -9))[2, 2])) < 0.5


def test_a_block_that_lies_askew_is_laid_straight(block: Block) -> None:
    c, s = np.cos(0.4), np.sin(0.4)
    face = open_face(np.where(block.plate, block.heights, np.nan), block.pixel)
    askew = np.einsum("fvk,jk->fvj", face, np.array([[c, -s, 0], [s, c, 0], [0, 0, 1.0]]))
    surface = surface_of_scan(scan(askew.astype(np.float32)))
    assert np.isfinite(surface.heights).mean() > 0.97


@pytest.mark.parametrize("side", ["+z", "-x"])
def test_the_map_shows_the_scan_where_its_rotation_and_shift_say(closed: np.ndarray, side: str) -> None:
    tilted = placed(closed, side, (4, 3))
    surface = surface_of_scan(scan(tilted), pixel=0.125)
    off = points_above(surface, tilted)
    assert np.isfinite(off).mean() > 0.9
    off = off[np.isfinite(off)]
    assert off.max() < 1.5  # nothing of the scan lies above it, but for the slope of a flank within half a pixel
    assert (np.abs(off) < 0.05).mean() > 0.3  # the face; the others are walls and back
    assert surface.heights.dtype == np.float32
    assert max(surface.heights.shape) == pytest.approx(np.ptp(tilted.reshape(-1, 3), axis=0).max() / 0.125, rel=0.1)


def test_the_pixel_is_the_distance_of_the_samples_of_the_scan(block: Block) -> None:
    fine = np.kron(np.nan_to_num(block.heights), np.ones((3, 3), np.float32))
    surface = surface_of_scan(scan(open_face(fine, block.pixel)))
    assert surface.pixel == pytest.approx(block.pixel, rel=0.05)


def test_a_block_that_is_carved_on_both_sides_is_taken_from_the_deeper_one_with_a_remark(block: Block) -> None:
    face = np.nan_to_num(block.heights, nan=float(np.nanmedian(block.heights)))
    back = placed(open_face(face * 0.8 + 8, block.pixel), "-z")
    back[..., 0] += face.shape[1] * block.pixel
    remarks: list[str] = []
    found = carved_face(coarse(np.concatenate([open_face(face, block.pixel), back])), remarks=remarks)
    assert found.side == "+z" and len(remarks) == 1 and "-z" in remarks[0]
    assert carved_face(coarse(np.concatenate([open_face(face, block.pixel), back])), "-z").side == "-z"


def test_a_height_map_keeps_its_samples_and_numbers(tmp_path: Path) -> None:
    heights = np.random.default_rng(0).normal(0, 1, (40, 1500)).astype(np.float32)
    heights[3, 5] = np.nan
    np.save(tmp_path / "a.npy", heights)
    surface = surface_of_map(tmp_path / "a.npy", 0, Scale(0.5), Notes())
    assert surface.pixel == 0.5
    np.testing.assert_allclose(surface.heights, heights - np.nanmedian(heights), atol=1e-6)


def test_heights_without_a_scale_span_three_millimetres(tmp_path: Path) -> None:
    heights = np.random.default_rng(0).integers(1000, 9000, (300, 400)).astype(np.uint16)
    np.save(tmp_path / "a.npy", heights)
    surface = surface_of_map(tmp_path / "a.npy", 0, Scale(0.5), Notes())
    assert np.ptp(np.percentile(surface.heights, (1, 99))) == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("flat", [np.zeros((2, 3, 3)), open_face(np.zeros((60, 80)), 0.5)])
def test_a_scan_without_extent_or_relief_is_refused(flat: np.ndarray) -> None:
    with pytest.raises(BadInput):
        surface_of_scan(scan(flat.astype(np.float32)))


def test_a_wrong_side_and_too_fine_a_pixel_are_refused(closed: np.ndarray) -> None:
    with pytest.raises(UsageError):
        surface_of_scan(scan(closed), side="up")
    with pytest.raises(UsageError):
        surface_of_scan(scan(closed), pixel=1e-4)


def test_a_straight_block_is_not_turned(closed: np.ndarray) -> None:
    np.testing.assert_array_equal(upright(coarse(closed), np.eye(3)), np.eye(3))
