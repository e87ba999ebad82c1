"""Test meshes that are read in blocks, and the height map of a mesh that comes in blocks."""

import os
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from refused import refused
from tinyfiles import ASCII_STL, CORNERS, OBJ, ascii_ply, binary_ply, binary_stl, ply
from tinymesh import letter_f, open3d_or_skip, surface, turn

from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes import stl, stream
from sinonom_cli.meshes.mesh_text import bytes_of
from sinonom_cli.meshes.read import Notes, read_mesh
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.meshes.stream import HeightMap, blocks_of, scan_heights

PLAIN = np.eye(3)
QUADS = [[0, 1, 2], [0, 1, 2, 3], [3, 2], [3, 2, 1], [3, 0, 1, 2], [0, 1, 3], [1, 2, 3]]
TRIANGLES = [[k % 4, (k + 1) % 4, (k + 2) % 4] for k in range(9)]
FAR = np.array([512_345.5, -2_345_678.25, 91.125]) + 0.025 * np.array([*CORNERS, (9e9, 0, 0)])


def doubles(polygons: list[list[int]]) -> bytes:
    """Return a PLY in doubles far from the origin, with a vertex elsewhere that no face names."""
    head = ply("binary_little_endian", len(FAR), len(polygons), b"").replace(b"float", b"double")
    for colour in (b"red", b"green", b"blue"):
        head = head.replace(b"property uchar " + colour + b"\n", b"")
    faces = b"".join(struct.pack(f"<B{len(face)}i", len(face), *face) for face in polygons)
    return head + FAR.astype("<f8").tobytes() + faces


MESHES: dict[str, bytes] = {
    "binary.stl": binary_stl(np.random.default_rng(0).normal(size=(50, 3, 3)).astype(np.float32)),
    "wrong count.stl": binary_stl(np.random.default_rng(0).normal(size=(50, 3, 3)).astype(np.float32), count=0),
    "text.stl": ASCII_STL.encode(),
    "triangles.ply": binary_ply("<", TRIANGLES),
    "mixed.ply": binary_ply("<", QUADS),
    "big.ply": binary_ply(">", QUADS),
    "far.ply": doubles(TRIANGLES),
    "far and mixed.ply": doubles(QUADS),
    "text.ply": ascii_ply([f"{len(face)} {' '.join(map(str, face))}" for face in QUADS]),
    "quad.obj": (OBJ + "f 1 2 3 4\n").encode(),
}


def in_any_order(triangles: NDArray[np.float32]) -> list[list[Any]]:
    return sorted(triangles.reshape(-1, 9).tolist())


@pytest.mark.parametrize("block", [1, 4, 1000])
@pytest.mark.parametrize("name", MESHES)
def test_blocks_together_are_the_mesh(name: str, block: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_bytes(MESHES[name])
    whole, notes = read_mesh(tmp_path / name, one := Notes()), Notes()
    monkeypatch.setattr(stream, "BLOCK", block)
    blocks = list(blocks_of(tmp_path / name, notes))
    assert all(len(part) and part.dtype == np.float32 and part.shape[1:] == (3, 3) for part in blocks)
    assert in_any_order(np.concatenate(blocks)) == in_any_order(whole)
    assert (notes.remarks, notes.left_out) == (one.remarks, one.left_out)
    assert len(blocks) >= (len(whole) / 2 / block if name in {"binary.stl", "triangles.ply", "mixed.ply"} else 1)


BAD = {
    "empty.stl": b"",
    "short.stl": b"12345",
    "half.stl": MESHES["binary.stl"][:-25],
    "no faces.stl": binary_stl(np.zeros((0, 3, 3), np.float32)),
    "NaN.stl": binary_stl(np.where(np.arange(450).reshape(50, 3, 3) % 50 == 4, np.nan, 1).astype(np.float32)),
    "half.ply": MESHES["mixed.ply"][:-3],
    "names too much.ply": binary_ply("<", [*TRIANGLES, [0, 1, 4]]),
    "edges.ply": binary_ply("<", [[0, 1], [1, 2], [2, 3]]),
    "no faces.ply": binary_ply("<", []),
    "no.obj": b"hello",
    "picture.png": b"\x89PNG",
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_mesh_is_refused_in_blocks_as_it_is_whole(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(BAD[name])
    with refused(ExitCode.BAD_INPUT, name) as whole:
        read_mesh(tmp_path / name)
    monkeypatch.setattr(stream, "BLOCK", 2)
    with refused(ExitCode.BAD_INPUT, name) as caught:
        list(blocks_of(tmp_path / name))
    assert caught.value.message == whole.value.message


def test_a_few_faces_that_are_not_finite_are_left_out_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    triangles = np.random.default_rng(1).normal(size=(100, 3, 3)).astype(np.float32)
    triangles[[7, 8, 60], 0, 0] = np.nan, np.inf, np.nan
    (tmp_path / "a.stl").write_bytes(binary_stl(triangles))
    monkeypatch.setattr(stream, "BLOCK", 2)
    notes = Notes()
    got = np.concatenate(list(blocks_of(tmp_path / "a.stl", notes)))
    np.testing.assert_array_equal(got, np.delete(triangles, [7, 8, 60], axis=0))
    assert len(notes.left_out) == 1 and "3" in notes.left_out[0]


def test_a_file_that_is_cut_off_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 1 << 12)
    path = tmp_path / "a.stl"
    write_stl(path, np.random.default_rng(2).normal(size=(30_000, 3, 3)).astype(np.float32))
    blocks = blocks_of(path)
    next(blocks)
    with path.open("r+b") as file:
        file.truncate(84 + 50 * 20_000)
    with refused(ExitCode.BAD_INPUT, "a.stl", "20,000"):
        list(blocks)


def test_a_whole_mesh_in_several_pieces_is_the_mesh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    triangles = np.random.default_rng(3).normal(size=(50, 3, 3)).astype(np.float32)
    (tmp_path / "a.stl").write_bytes(binary_stl(triangles))
    monkeypatch.setattr(stl, "BLOCK", 7)
    np.testing.assert_array_equal(read_mesh(tmp_path / "a.stl"), triangles)


def test_bytes_that_were_read_stay_when_the_file_is_shortened(tmp_path: Path) -> None:
    """Bytes of a mapped file beyond its new end would end the process."""
    path = tmp_path / "a.obj"
    with path.open("wb") as file:
        file.truncate(65 << 20)
    content = bytes_of(path)
    os.truncate(path, 0)
    assert len(content) == 65 << 20 and not content[:: 1 << 16].any()


def test_memory_does_not_grow_with_the_faces_of_a_binary_stl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "BLOCK", 1 << 13)
    triangles = np.tile(surface(letter_f(24)), (100, 1, 1))
    write_stl(tmp_path / "a.stl", triangles)
    scan_heights(blocks_of(tmp_path / "a.stl"), PLAIN, 0.02)  # compiles
    tracemalloc.start()
    scanned = scan_heights(blocks_of(tmp_path / "a.stl"), PLAIN, 0.02)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert np.isfinite(scanned.heights).mean() > 0.9
    assert peak < 3 * (86 << 13) < triangles.nbytes / 1.3


def slow_map(triangles: NDArray[Any], at: HeightMap) -> NDArray[np.float64]:
    """Return the heights at the centres of a map's pixels, triangle by triangle, by solving for the weights."""
    rows, columns = at.heights.shape
    x = at.left + (np.arange(columns) + 0.5) * at.pixel
    y = at.top - (np.arange(rows) + 0.5) * at.pixel
    heights = np.full(rows * columns, -np.inf)
    pixels = np.stack([np.tile(x, rows), np.repeat(y, columns)])
    for p, q, r in triangles.astype(float):
        sides = np.stack([(q - p)[:2], (r - p)[:2]], axis=1)
        if abs(np.linalg.det(sides)) > 1e-15:
            b, c = np.linalg.solve(sides, pixels - p[:2, None])
            inside = (b >= -1e-9) & (c >= -1e-9) & (b + c <= 1 + 1e-9)
            heights = np.where(inside, np.maximum(heights, p[2] + b * (q - p)[2] + c * (r - p)[2]), heights)
    return heights.reshape(rows, columns)


def wide(seed: int, place: float = 0.0) -> NDArray[np.float32]:
    """Return overlapping triangles, four times as wide as high."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-0.5, 0.5, (60, 1, 3)) * [4, 1, 1] + place
    return (centres + rng.uniform(-0.2, 0.2, (60, 3, 3))).astype(np.float32)


@pytest.mark.parametrize("place", [0.0, -7.3, 250.0])
def test_a_map_of_any_width_and_height_agrees_with_solving_each_pixel(place: float) -> None:
    triangles, rotation = wide(0, place), turn(25, -40)
    scanned = scan_heights([triangles], rotation, 0.05)
    turned = triangles.astype(float) @ rotation.T
    rows, columns = scanned.heights.shape
    around = HeightMap(np.zeros((rows + 20, columns + 20), np.float32), scanned.left - 0.5, scanned.top + 0.5, 0.05)
    want, got = slow_map(turned, around), np.pad(scanned.heights, 10, constant_values=-np.inf)
    np.testing.assert_array_equal(np.isfinite(got), np.isfinite(want))
    seen = np.isfinite(want)
    assert seen.sum() > 200 and rows != columns
    np.testing.assert_allclose(got[seen], want[seen], atol=1e-4)
    for border in (scanned.heights[0], scanned.heights[-1], scanned.heights[:, 0], scanned.heights[:, -1]):
        assert np.isfinite(border).any()


@pytest.mark.parametrize("pieces", [2, 7, 60])
def test_the_bytes_do_not_depend_on_the_blocks_nor_on_their_order(pieces: int) -> None:
    triangles, rotation = wide(1), turn(10, 5)
    one = scan_heights([triangles], rotation, 0.013)
    blocks = np.array_split(triangles[np.argsort(triangles[:, 0, 0])], pieces)
    for order in (blocks, blocks[::-1], [*blocks[1::2], *blocks[::2]]):
        other = scan_heights(iter(order), rotation, 0.013)
        assert other.heights.tobytes() == one.heights.tobytes() and other.heights.shape == one.heights.shape
        assert (other.left, other.top, other.pixel) == (one.left, one.top, one.pixel)


def test_a_map_agrees_with_open3d_ray_casting() -> None:
    open3d: Any = open3d_or_skip()
    triangles = surface(letter_f(24), turn(7, -4)) * np.float32([30, 10, 10])
    scanned = scan_heights([triangles], PLAIN, 0.11)
    rows, columns = scanned.heights.shape
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    scene.add_triangles(
        open3d.core.Tensor(np.ascontiguousarray(triangles.reshape(-1, 3))),
        open3d.core.Tensor(np.arange(3 * len(triangles), dtype=np.uint32).reshape(-1, 3)),
    )
    rays = np.zeros((rows, columns, 6), np.float32)
    rays[..., 0] = scanned.left + (np.arange(columns) + 0.5) * 0.11
    rays[..., 1] = (scanned.top - (np.arange(rows) + 0.5) * 0.11)[:, None]
    rays[..., 2], rays[..., 5] = 50, -1
    cast = 50 - scene.cast_rays(open3d.core.Tensor(rays), nthreads=1)["t_hit"].numpy()
    both = np.isfinite(cast) & np.isfinite(scanned.heights)
    assert (np.isfinite(cast) != np.isfinite(scanned.heights)).mean() < 0.002 and both.mean() > 0.8
    assert np.quantile(np.abs(cast[both] - scanned.heights[both]), 0.999) < 1e-4
    assert columns == pytest.approx(3 * rows, rel=0.1)


@pytest.mark.parametrize("pixel", [0.0, -1.0, np.nan, np.inf])
def test_a_pixel_without_a_width_is_a_usage_error(pixel: float) -> None:
    with refused(ExitCode.USAGE):
        scan_heights([wide(2)], PLAIN, pixel)


@pytest.mark.parametrize("wide_as", [1e3, 1e12, 1e38])
def test_a_map_that_would_be_too_large_is_refused_before_it_is_made(wide_as: float) -> None:
    triangles = wide(3) * np.float32(wide_as)
    tracemalloc.start()
    with refused(ExitCode.BAD_INPUT, "0.01"):
        scan_heights([wide(3), triangles], PLAIN, 0.01)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_a_mesh_seen_edge_on_has_no_map() -> None:
    wall = np.array([[[0, 0, 0], [1, 0, 0], [0, 0, 1]]], np.float32)
    for blocks in ([wall], []):
        with refused(ExitCode.BAD_INPUT):
            scan_heights(blocks, PLAIN, 0.01)
