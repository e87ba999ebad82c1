"""Test whole blocks: closed solids, mirrored, tilted and bowed as their table says, height maps, the same bytes."""

import tracemalloc
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import open3d
import pytest
from PIL import Image
from refused import naming
from scipy.ndimage import gaussian_filter, map_coordinates
from tinypage import page

from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.meshes.stl import read_stl
from sinonom_cli.pictures.page_ink import page_ink
from sinonom_cli.relief.block_map import map_of
from sinonom_cli.relief.block_mesh import triangles_of
from sinonom_cli.relief.block_options import BlockOptions
from sinonom_cli.relief.block_shape import Crack
from sinonom_cli.relief.char_width import char_width, without_lines
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.page_fields import PageFields
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.plate import Pose
from sinonom_cli.relief.whole_block import Block, carve_block
from sinonom_cli.storage.own_tables import read_table

NONE = Span(0, 0)
PLAIN = Relief(gouge=NONE, uneven=NONE, wear=NONE, breaks=NONE, ragged=NONE, smear=NONE, blur=NONE, noise=NONE)
STILL = Carving(relief=PLAIN, tilt=NONE, turn=NONE, swell=NONE)
IDEAL = BlockOptions(carving=STILL, bow=NONE, cracks=NONE, page_width=100.0)
"""A new block under a perfect scanner, flat and level."""


def ink() -> np.ndarray:
    found = page_ink(page()[0])
    assert found is not None
    return found


def carved(options: BlockOptions, seed: int = 1) -> Block:
    return carve_block(ink(), options, np.random.default_rng(seed))


def mesh(block: Block, thickness: float | None = None) -> np.ndarray:
    return np.concatenate(list(triangles_of(block, thickness)))


def directed_edges(triangles: np.ndarray) -> "Counter[tuple[bytes, bytes]]":
    ends = [(a.tobytes(), b.tobytes()) for t in triangles for a, b in ((t[0], t[1]), (t[1], t[2]), (t[2], t[0]))]
    return Counter(ends)


def inner(block: Block) -> np.ndarray:
    """Return where points are well inside the irregular edge, within the ink of the page."""
    known = block.known
    columns = [round(float(known[name]) / block.step) for name in ("handle_left", "handle_right")]
    there = np.zeros_like(block.inside)
    there[8:-8, columns[0] + 8 : block.inside.shape[1] - columns[1] - 8] = True
    return there & block.inside


def test_a_solid_block_is_closed_and_its_triangles_agree_on_which_side_is_out() -> None:
    options = replace(BlockOptions(page_width=100.0), solid=True)
    triangles = mesh(carved(options, 3), 30.0)
    edges = directed_edges(triangles)
    assert set(edges.values()) == {1}
    assert all((b, a) in edges for a, b in edges)
    assert np.einsum("fi,fi->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) > 0
    vertices, faces = np.unique(triangles.reshape(-1, 3), axis=0, return_inverse=True)
    other = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(vertices.astype(float)), open3d.utility.Vector3iVector(faces.reshape(-1, 3))
    )
    assert other.is_edge_manifold(False) and other.is_vertex_manifold() and other.is_orientable()


def test_a_solid_block_has_the_volume_between_its_face_and_its_flat_back() -> None:
    block = carved(replace(BlockOptions(page_width=100.0), bow=Span(5, 5)), 2)
    triangles = mesh(block, 25.0).astype(float)
    volume = np.einsum("fi,fi->", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6
    h, there = block.heights.astype(float) + 25, block.inside
    loop = 0.0
    for i in range(h.shape[0] - 1):
        for j in range(h.shape[1] - 1):
            if there[i : i + 2, j : j + 2].all():
                first = h[i, j] + h[i + 1, j] + h[i, j + 1]
                loop += (first + h[i, j + 1] + h[i + 1, j] + h[i + 1, j + 1]) / 3 / 2 * block.step**2
    assert volume == pytest.approx(loop, rel=1e-4)


def test_a_solid_blocks_back_is_flat_and_as_far_below_the_face_as_asked() -> None:
    block = replace(carved(IDEAL), pose=Pose(0, 0, 0))
    triangles = mesh(block, 12.0)
    corners = triangles[..., 2]
    back = corners[(corners < -11).all(axis=1)]
    assert len(back) and (back == -12).all()
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert (normals[(corners == -12).all(axis=1), 2] < 0).all()
    assert corners.max() == pytest.approx(0, abs=0.05)


def test_a_block_thinner_than_its_relief_is_refused() -> None:
    with pytest.raises(SinonomError, match="too thin") as caught:
        mesh(carved(replace(IDEAL, bow=Span(20, 20))), 1.0)
    assert caught.value.code == ExitCode.BAD_INPUT and "--thickness" in caught.value.hint


def test_an_open_block_faces_the_viewer_and_is_a_single_sheet() -> None:
    block = carved(IDEAL)
    triangles = mesh(block)
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    assert (normals[:, 2] > 0).all()
    assert max(directed_edges(triangles).values()) == 1


def test_strokes_stand_at_the_face_where_the_table_places_the_pixels_of_the_page() -> None:
    grey, _ = page()
    for mirror in (False, True):
        block = carved(replace(IDEAL, carving=replace(STILL, mirror=mirror), bow=NONE))
        known = {
            name: float(block.known[name]) for name in ("page_x", "page_y", "mm_per_pixel", "depth", "plate_width")
        }
        assert block.known["mirrored"] == ("yes" if mirror else "no")
        rows, columns = np.mgrid[0 : grey.shape[0], 0 : grey.shape[1]]
        right = known["mm_per_pixel"] * (-1 if mirror else 1)
        x, y = known["page_x"] + (columns + 0.5) * right, known["page_y"] - (rows + 0.5) * known["mm_per_pixel"]
        at = [(block.heights.shape[0] - 1) / 2 - y / block.step, (block.heights.shape[1] - 1) / 2 + x / block.step]
        seen = map_coordinates(block.heights, at, order=1, mode="nearest")
        dark = grey < 100
        solid, ground = gaussian_filter(dark.astype(float), 1) > 0.9, gaussian_filter(dark.astype(float), 3) < 0.01
        depth = known["depth"] * known["plate_width"]
        assert np.abs(seen[solid]).max() < 0.1 * depth
        assert seen[ground].max() < -0.6 * depth


def test_a_mirrored_block_is_the_mirror_image_of_the_other() -> None:
    same = replace(IDEAL, handles=Span(0.2, 0.2))
    plain, mirrored = (carved(replace(same, carving=replace(STILL, mirror=mirror))) for mirror in (False, True))
    a, b = plain.heights, mirrored.heights
    middle = inner(plain) & inner(plain)[:, ::-1]
    straight = np.corrcoef(a[middle], b[middle])[0, 1]
    turned = np.corrcoef(a[middle], b[:, ::-1][middle])[0, 1]
    assert turned > 0.98 > straight + 0.3


def test_the_bow_is_the_quadric_that_the_table_names() -> None:
    still, bowed = carved(IDEAL, 4), carved(replace(IDEAL, bow=Span(5, 5)), 4)
    rise = (bowed.heights - still.heights).astype(float)
    rows, columns = rise.shape
    y, x = np.mgrid[0:rows, 0:columns]
    u, v = (x - (columns - 1) / 2) * bowed.step / 150, ((rows - 1) / 2 - y) * bowed.step / 150
    terms = np.stack([t.ravel() for t in (u * u, v * v, u * v, u, v, np.ones_like(u))], axis=1)
    fitted = np.linalg.lstsq(terms, rise.ravel(), rcond=None)[0]
    named = [float(bowed.known[name]) for name in ("bow_xx", "bow_yy", "bow_xy")]
    np.testing.assert_allclose(fitted, [*named, 0, 0, 0], atol=2e-3)
    assert max(abs(named[0]), abs(named[1]), 2 * abs(named[2])) == pytest.approx(5, rel=1e-5)
    assert float(bowed.known["bow"]) == pytest.approx(5)


def test_the_tilt_is_that_of_the_plane_through_the_stroke_tops() -> None:
    block = carved(replace(IDEAL, carving=replace(STILL, tilt=Span(11, 11), turn=Span(2, 2))), 5)
    triangles = mesh(block)
    level = mesh(replace(block, pose=Pose(0, 0, 0)))
    tops = (np.abs(level[..., 2]) < 0.02).ravel()
    points = triangles.reshape(-1, 3)[tops].astype(float)
    a, b, _ = np.linalg.lstsq(np.c_[points[:, :2], np.ones(len(points))], points[:, 2], rcond=None)[0]
    assert np.degrees(np.arctan(np.hypot(a, b))) == pytest.approx(11, abs=0.05)
    assert float(block.known["tilt"]) == pytest.approx(11)
    axis = points[points[:, 1].argmax()] - points[points[:, 1].argmin()]
    assert np.isfinite(axis).all() and float(block.known["turn"]) == pytest.approx(2)


def test_cracks_are_cut_where_the_table_names_them() -> None:
    whole, cracked = carved(IDEAL, 6), carved(replace(IDEAL, cracks=Span(3, 3)), 6)
    lower = whole.heights - cracked.heights
    assert cracked.known["cracks"] == "3"
    rows, columns = lower.shape
    for text in cracked.known["crack_places"].split("; "):
        side, y, length = text.split()
        column = 1 if side == "left" else columns - 2
        row = round((rows - 1) / 2 - float(y) / cracked.step)
        assert lower[max(0, row - 2) : row + 3, column].max() > 0.1
        assert str(Crack(side == "left", float(y), float(length))) == text
    assert 0.0005 < (lower > 0.05).mean() < 0.1


def test_handles_are_as_wide_and_as_low_as_the_table_says_and_smooth() -> None:
    block = carved(replace(IDEAL, handles=Span(0.3, 0.3)))
    x0, x1 = np.flatnonzero((ink() > 0.5).any(axis=0))[[0, -1]]
    assert float(block.known["handle_left"]) == pytest.approx(0.3 * (x1 + 1 - x0) * block.step, abs=block.step)
    depth, drop = float(block.known["depth"]) * float(block.known["plate_width"]), float(block.known["handle_drop"])
    assert 0.02 * 100 < drop / (x1 + 1 - x0) * len(ink()[0]) < 0.05 * 100
    for end in (block.heights[:, :5], block.heights[:, -5:]):
        np.testing.assert_allclose(end, -depth - drop, atol=0.02 * depth)
    assert block.heights[:, len(ink()[0]) // 2].min() > -1.2 * depth
    without = carved(replace(IDEAL, handles=NONE))
    assert without.known["handle_right"] == without.known["handle_drop"] == "0"


def test_a_solid_block_is_sound_and_level_unless_asked(tmp_path: Path) -> None:
    source = prints(tmp_path / "in", 1)
    assert run(["carve", str(source), str(tmp_path / "a"), *COMMAND, "--solid"]) == ExitCode.DONE
    assert run(["carve", str(source), str(tmp_path / "b"), *COMMAND, "--solid", "--tilt", "4"]) == ExitCode.DONE
    row = read_table(tmp_path / "a" / "metadata.csv")[1][0]
    assert [float(row[name]) for name in ("tilt", "bow", "cracks")] == [0, 0, 0]
    assert read_table(tmp_path / "b" / "metadata.csv")[1][0]["tilt"] == "4"
    triangles = read_stl(tmp_path / "a" / row["file_name"])
    assert triangles[..., 2].min() == -20


def test_a_ragged_edge_leaves_all_ink_inside() -> None:
    relief = replace(PLAIN, ragged=Span(0.3, 0.3))
    block = carved(replace(IDEAL, handles=NONE, carving=replace(STILL, relief=relief)))
    assert not block.inside.all()
    tops = block.heights > -0.2 * float(block.known["depth"]) * float(block.known["plate_width"])
    assert tops.any() and block.inside[tops].all()


@pytest.mark.parametrize("side", [20, 34, 60])
def test_the_width_of_characters_is_estimated_from_ink(side: int) -> None:
    found = page_ink(page(columns=6, per_column=8, side=side)[0])
    assert found is not None
    assert char_width(found) == pytest.approx(side, rel=0.1)
    assert char_width(np.zeros((50, 50), np.float32)) is None


def test_only_long_straight_runs_are_lines() -> None:
    strokes = np.zeros((30, 40), bool)
    strokes[5, 2:38] = strokes[8:28, 10] = strokes[20, 3:9] = True
    left = without_lines(strokes, 10)
    expected = np.zeros_like(strokes)
    expected[20, 3:9] = True
    np.testing.assert_array_equal(left, expected)


def test_the_table_around_a_page_is_not_ink_and_a_border_beside_it_is() -> None:
    grey, _ = page()
    alone = page_ink(grey)
    wide = np.pad(grey, 40, constant_values=8)
    on_table = page_ink(wide)
    assert alone is not None and on_table is not None
    np.testing.assert_allclose(on_table[40:-40, 40:-40], alone, atol=0.05)
    outside = on_table.copy()
    outside[40:-40, 40:-40] = 0
    assert outside.max() == 0


def test_uneven_light_does_not_become_ink() -> None:
    grey, _ = page(columns=6, per_column=8)
    shade = np.linspace(1, 0.55, grey.shape[1])
    dim = page_ink((grey * shade).round().astype(np.uint8))
    assert dim is not None
    np.testing.assert_array_equal(dim > 0.5, grey < 128)
    assert page_ink(np.full((60, 80), 200, np.uint8)) is None


def test_fields_of_a_page_have_the_variance_and_the_blur_that_those_of_plates_have() -> None:
    draw = PageFields(np.random.default_rng(0), 300, 500, 40)
    field = draw.smooth(3)[0]
    assert field.shape == (300, 500) and field.std() == pytest.approx(1, abs=0.1)
    spot = np.zeros((1, 300, 500), np.float32)
    spot[0, 150, 250] = 1
    ours = draw.blurred(spot, np.full((1, 1, 1), 0.1, np.float32))[0]
    theirs = gaussian_filter(spot[0].astype(float), 4, truncate=4)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
    flat = draw.blurred(np.ones((1, 300, 500), np.float32), np.full((1, 1, 1), 0.1, np.float32))
    np.testing.assert_allclose(flat, 1, rtol=1e-5)


def test_a_height_map_shows_the_highest_surface_of_the_turned_block() -> None:
    block = carved(replace(BlockOptions(page_width=100.0), cracks=NONE), 7)
    seen = map_of(block)
    triangles = mesh(block)
    scene = open3d.t.geometry.RaycastingScene(nthreads=1)
    count = np.arange(3 * len(triangles), dtype=np.uint32).reshape(-1, 3)
    scene.add_triangles(open3d.core.Tensor(triangles.reshape(-1, 3)), open3d.core.Tensor(count))
    points = triangles.reshape(-1, 3)
    left, top = points[:, 0].min(), points[:, 1].max()
    rows, columns = np.mgrid[3 : seen.values.shape[0] : 7, 3 : seen.values.shape[1] : 7]
    rays = np.zeros((*rows.shape, 6), np.float32)
    rays[..., 0], rays[..., 1], rays[..., 2] = left + columns * seen.pixel, top - rows * seen.pixel, 100
    rays[..., 5] = -1
    hit = 100 - scene.cast_rays(open3d.core.Tensor(rays))["t_hit"].numpy()
    ours = np.where(seen.values > 0, seen.offset + seen.step * seen.values, -np.inf)[3::7, 3::7]
    same = np.isfinite(hit) == np.isfinite(ours)
    assert same.mean() > 0.995
    both = np.isfinite(hit) & np.isfinite(ours)
    assert np.quantile(np.abs(hit[both] - ours[both]), 0.99) < 0.01
    assert seen.corner == pytest.approx((left, top), abs=1e-4)
    assert seen.values[seen.values > 0].min() == 1 and seen.values.max() == 65534


def prints(folder: Path, count: int = 3) -> Path:
    folder.mkdir()
    for k in range(count):
        Image.fromarray(page(seed=k)[0]).save(folder / f"trang {k} 𡦂.png")
    return folder


COMMAND = ("--page", "--page-width", "100", "-q")


def test_pages_become_blocks_of_the_same_bytes_with_any_number_of_workers(tmp_path: Path) -> None:
    source = prints(tmp_path / "in")
    for name, *more in (("a", "--workers", "0"), ("b", "--workers", "2"), ("c", "--limit", "1"), ("d", "--seed", "1")):
        assert run(["carve", str(source), str(tmp_path / name), *COMMAND, *more]) == ExitCode.DONE
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    first = Path("meshes/trang 0 𡦂.stl")
    assert (tmp_path / "a" / first).read_bytes() == (tmp_path / "c" / first).read_bytes()
    assert (tmp_path / "a" / first).read_bytes() != (tmp_path / "d" / first).read_bytes()
    columns, rows = read_table(tmp_path / "a" / "metadata.csv")
    assert {"tilt", "bow", "cracks", "mirrored", "mm_per_pixel"} <= set(columns)
    triangles = read_stl(tmp_path / "a" / rows[0]["file_name"])
    assert len(triangles) == int(rows[0]["faces"])
    assert float(rows[0]["mm_per_pixel"]) == pytest.approx(100 / page()[0].shape[1], rel=1e-5)
    assert all(0 <= float(row["tilt"]) <= 15 and float(row["bow"]) <= 5 for row in rows)


def test_a_run_goes_on_and_bad_pages_fail_alone(tmp_path: Path) -> None:
    source, out = prints(tmp_path / "in"), tmp_path / "out"
    Image.new("L", (90, 90), 255).save(source / "blank.png")
    (source / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    command = ["carve", str(source), str(out), *COMMAND, "--workers", "0"]
    assert run([*command, "--limit", "3"]) == ExitCode.SOME_FAILED
    before = {path: path.stat().st_mtime_ns for path in (out / "meshes").iterdir()}
    assert run(command) == ExitCode.SOME_FAILED
    assert [row["file"] for row in read_table(out / "failures.csv")[1]] == ["blank.png", "broken.png"]
    assert len(read_table(out / "metadata.csv")[1]) == 3
    assert all(path.stat().st_mtime_ns == time for path, time in before.items())
    assert run([*command, "--bow", "0"]) == ExitCode.OUTPUT_IN_THE_WAY


def test_a_map_is_a_picture_that_render_takes_with_the_scale_of_the_table(tmp_path: Path) -> None:
    source, out = prints(tmp_path / "in", 1), tmp_path / "maps"
    assert run(["carve", str(source), str(out), *COMMAND, "--as", "map", "--tilt", "0"]) == ExitCode.DONE
    row = read_table(out / "metadata.csv")[1][0]
    with Image.open(out / row["file_name"]) as picture:
        assert picture.mode.startswith("I;16") or picture.mode == "I"
        values = np.asarray(picture)
    assert float(row["pixel"]) == pytest.approx(float(row["step"]), rel=1e-5)
    heights = float(row["height_offset"]) + float(row["height_step"]) * values[values > 0]
    assert -20 < heights.min() < heights.max() < 20
    scale = ["--pixel", row["pixel"], "--step", row["height_step"]]
    assert run(["render", str(out / row["file_name"]), str(tmp_path / "seen"), *scale, "-q"]) == ExitCode.DONE


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        (("--page", "--neighbours", "2"), "--neighbours"),
        (("--page", "--bend", "0.1"), "--bend"),
        (("--bow", "3"), "--bow"),
        (("--solid",), "--solid"),
        (("--page-width", "200"), "--page-width"),
        (("--page", "--thickness", "9"), "--solid"),
        (("--page", "--solid", "--as", "map"), "--solid"),
        (("--page", "--cracks", "0.5"), "--cracks"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(
    typed: tuple[str, ...], named: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = prints(tmp_path / "in", 1)
    assert run(["carve", str(source), str(tmp_path / "out"), *typed]) == ExitCode.USAGE
    assert "Traceback" not in naming(capsys, named)
    assert not (tmp_path / "out").exists()


def test_pages_that_give_no_width_or_too_many_vertices_say_which_option_helps() -> None:
    line = np.zeros((200, 300), np.float32)
    line[100, 5:290] = 1
    with pytest.raises(SinonomError) as caught:
        carve_block(line, IDEAL, np.random.default_rng(0))
    assert "--char-width" in caught.value.hint
    assert carve_block(line, replace(IDEAL, char_width=20), np.random.default_rng(0)).heights.size > 0
    with pytest.raises(SinonomError) as caught:
        carve_block(ink(), replace(IDEAL, resolution=2048), np.random.default_rng(0))
    assert "--resolution" in caught.value.hint


def test_resolution_is_the_number_of_points_across_a_character() -> None:
    coarse, fine = (carved(replace(IDEAL, resolution=r, char_width=24, handles=NONE)) for r in (24, 48))
    assert float(coarse.known["step"]) == pytest.approx(2 * float(fine.known["step"]), rel=1e-5)
    assert fine.heights.shape[0] == pytest.approx(2 * coarse.heights.shape[0], rel=0.05)


def test_many_breaks_are_cut_for_each_character_without_more_memory_for_each() -> None:
    relief = replace(PLAIN, breaks=Span(30, 30))
    tracemalloc.start()
    broken = carved(replace(IDEAL, carving=replace(STILL, relief=relief)))
    many = tracemalloc.get_traced_memory()[1]
    tracemalloc.reset_peak()
    whole = carved(IDEAL)
    few = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    boxes, left = page()[1], round(float(whole.known["handle_left"]) / whole.step)
    lower = (whole.heights - broken.heights) > 0.1
    x0, y0 = np.argwhere(ink() > 0.5).min(axis=0)[::-1]
    rim = (whole.heights.shape[0] - np.ptp(np.flatnonzero((ink() > 0.5).any(axis=1))) - 1) // 2
    at = boxes + np.array([left + rim - x0, rim - y0] * 2)
    assert all(lower[top:bottom, first:last].any() for first, top, last, bottom in at)
    assert many < 3 * few
