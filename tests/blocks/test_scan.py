"""Test scans that are read again and again, and the coarse model in which the carved side is found."""

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from tinyblock import Block, carved, coarse, open_face, scan, solid
from tinymesh import turn

from sinonom_cli.blocks import coarse as coarse_module
from sinonom_cli.blocks import scan as scan_module
from sinonom_cli.blocks.carved_face import carved_face
from sinonom_cli.blocks.scan import Scan, scan_of
from sinonom_cli.errors import BadInput
from sinonom_cli.meshes import stream
from sinonom_cli.meshes.read import Notes, read_mesh
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.meshes.zbuffer import z_buffer

FACES = np.random.default_rng(0).normal(size=(5000, 3, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def block() -> Block:
    return carved(columns=4, rows=5, size=24)


def test_each_reading_gives_all_faces_from_memory_or_from_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stl(tmp_path / "a.stl", FACES)
    monkeypatch.setattr(stream, "BLOCK", 999)
    opened: list[Path] = []
    monkeypatch.setattr(scan_module, "blocks_of", lambda path, notes: opened.append(path) or stream.blocks_of(path))
    for kept, times in ((4000, 3), (5000, 1)):
        opened.clear()
        monkeypatch.setattr(scan_module, "KEPT", kept)
        found = scan_of(tmp_path / "a.stl", Notes())
        assert found.faces == 5000
        for _ in range(2):
            np.testing.assert_array_equal(np.concatenate(list(found)), read_mesh(tmp_path / "a.stl"))
        np.testing.assert_array_equal(found.box, [FACES.min(axis=(0, 1)), FACES.max(axis=(0, 1))])
        assert len(opened) == times


def test_a_large_scan_is_never_in_memory_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_stl(tmp_path / "a.stl", np.tile(FACES, (40, 1, 1)))  # 7.2 MB
    monkeypatch.setattr(scan_module, "KEPT", 10_000)
    monkeypatch.setattr(scan_module, "SAMPLES", 5_000)
    monkeypatch.setattr(stream, "BLOCK", 10_000)
    coarse(FACES)  # compiled before the memory is measured
    tracemalloc.start()
    found = scan_of(tmp_path / "a.stl", Notes())
    total = sum(len(part) for part in found)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 200_000 and peak < 4e6


def test_a_format_that_cannot_be_read_in_blocks_is_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "KEPT", 10)
    readings: list[int] = []

    def read() -> list[np.ndarray]:
        readings.append(1)
        return [FACES]

    found = Scan(read, Notes())
    assert sum(map(len, found)) == sum(map(len, found)) == 5000 and len(readings) == 1


def test_a_file_that_changes_between_two_readings_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan_module, "KEPT", 10)
    monkeypatch.setattr(stream, "BLOCK", 999)
    write_stl(tmp_path / "a.stl", FACES)
    found = scan_of(tmp_path / "a.stl", Notes())
    write_stl(tmp_path / "a.stl", FACES[:-1])
    with pytest.raises(BadInput, match=r"5,000.*4,999"):
        list(found)


@pytest.mark.parametrize("stray", [np.full((3, 3), 4000.0), np.array([[0, 0, 0], [1, 0, 0], [0, 9e6, 0.0]])])
def test_specks_and_displaced_vertices_far_away_do_not_change_how_the_block_is_seen(
    block: Block, stray: np.ndarray
) -> None:
    face = open_face(block.heights, block.pixel)
    speck = (stray + np.eye(3) * 0.1)[None]
    notes = Notes()
    found = scan(np.concatenate([face[:999], np.tile(speck, (5, 1, 1)), face[999:]]), 7, notes)
    clean = scan(face)
    np.testing.assert_array_equal(found.box, clean.box)
    assert found.faces == clean.faces == sum(map(len, found)) and notes.left_out == ["specks: 5"]


def test_a_coarse_model_shows_the_heights_of_the_scan(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    fine = open_face(np.kron(np.nan_to_num(block.heights), np.ones((2, 2))), block.pixel / 2)
    rotation = turn(5, -7)
    whole = coarse(fine)
    assert not len(whole.small) and len(whole.large) == len(fine)  # all of them are longer than a cell
    size = max(block.heights.shape) // 2
    full, pixel = whole.seen(rotation, size)
    expected = z_buffer(fine, rotation, whole.box(rotation).mean(axis=0), size * pixel, size)
    np.testing.assert_allclose(full, np.where(np.isinf(expected), np.nan, expected))
    monkeypatch.setattr(coarse_module, "CELLS", 2 * size)
    thin = coarse(fine)
    assert 0 < len(thin.small) < len(fine) / 3
    seen, _ = thin.seen(rotation, size)
    assert np.isfinite(seen[np.isfinite(full)]).mean() > 0.99
    off = np.abs(seen - full)[np.isfinite(seen) & np.isfinite(full)]
    assert np.median(off) < 0.05 and np.percentile(off, 90) < 0.5  # mm, of a relief 0.8 deep with steep flanks
    np.testing.assert_allclose(thin.survey.shown, whole.survey.shown, rtol=1e-6)


def test_the_spread_is_the_covariance_of_the_faces_centres(block: Block) -> None:
    face = open_face(block.heights, block.pixel)
    np.testing.assert_allclose(coarse(face).spread, np.cov(face.mean(axis=1).T, bias=True), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("side", ["+z", "-z"])
def test_the_carved_side_is_found_in_a_model_of_few_of_the_faces(
    block: Block, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = solid(carved(columns=4, rows=5, size=30, pixel=0.2))
    around = np.diag([1.0, -1, -1]) if side == "-z" else np.eye(3)
    placed = np.einsum("fvk,jk->fvj", fine, around @ turn(6, 4)).astype(np.float32)
    monkeypatch.setattr(coarse_module, "CELLS", 120)
    few = coarse(placed)
    assert len(few.small) + len(few.large) < len(placed) / 2
    face = carved_face(few)
    assert face.side == side
    assert np.degrees(np.arccos((face.rotation @ around @ turn(6, 4))[2, 2])) < 0.7
