"""Promises of carving: reliefs that look like scans, the same for the same seed, and that read as their picture."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymesh import likeness

from sinonom_cli.artifacts.imageset import read_imageset
from sinonom_cli.artifacts.journal import read_table
from sinonom_cli.artifacts.stl import read_stl
from sinonom_cli.carve.distance import distance_to
from sinonom_cli.carve.relief import BORDER, Carving, Pose, carve_heights, mesh_of, pose
from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode

IDEAL = Carving(resolution=64, tilt=0, bend=0, wear=0, noise=0, neighbours=0, register=0)


def strokes(seed: int, size: int = 64) -> Image.Image:
    """Draw a made-up character: dark strokes on light ground."""
    rng = np.random.default_rng(seed)
    picture = Image.new("L", (4 * size, 4 * size), 255)
    draw = ImageDraw.Draw(picture)
    for _ in range(5):
        x0, y0, x1, y1 = rng.integers(size // 2, 4 * size - size // 2, 4).tolist()
        draw.line((x0, y0, x1, y1), fill=0, width=size // 4)
    return picture.resize((size, size), Image.Resampling.BOX)


def ink(seed: int) -> np.ndarray:
    return 1 - np.asarray(strokes(seed), np.float32) / 255


def prints(folder: Path, count: int) -> Path:
    for k in range(count):
        path = folder / f"U+{0x4E00 + k:04X}" / "bản in 𡦂.png"
        path.parent.mkdir(parents=True)
        strokes(k).save(path)
    return folder


def framed(picture: Image.Image, size: int) -> np.ndarray:
    """The picture with the border that carving leaves around it."""
    page = Image.new("L", (size, size), 255)
    inner = round(size * (1 - 2 * BORDER))
    page.paste(picture.resize((inner, inner), Image.Resampling.BOX), (round(size * BORDER),) * 2)
    return np.asarray(page)


def test_distance_agrees_with_looking_at_every_inked_pixel() -> None:
    mask = np.random.default_rng(0).random((17, 23)) > 0.97
    rows, columns = np.nonzero(mask)
    assert 3 < len(rows) < 30
    y, x = np.mgrid[0:17, 0:23]
    slow = np.hypot(y[..., None] - rows, x[..., None] - columns).min(axis=-1)
    np.testing.assert_allclose(distance_to(mask), slow, rtol=1e-6)
    assert (distance_to(np.zeros((3, 4), bool)) == 7).all()


def test_strokes_stand_at_the_face_and_the_ground_lies_deeper_the_farther_it_is() -> None:
    picture = np.zeros((64, 64), np.float32)
    picture[:, 8:12] = picture[:, 18:22] = picture[:, 50:54] = 1
    heights, _ = carve_heights(picture, IDEAL, np.random.default_rng(0))
    at = [round((BORDER + (1 - 2 * BORDER) * column / 64) * 63) for column in (10, 15, 20, 36)]
    row = heights[24:40].mean(axis=0)
    stroke, gap, next_stroke, field = (row[column] for column in at)
    assert stroke == pytest.approx(0, abs=0.01) and next_stroke == pytest.approx(0, abs=0.01)
    assert field < 1.6 * gap < 0
    assert -0.25 < field < -0.08


def test_the_mesh_is_an_open_surface_in_the_unit_cube_facing_up_the_right_way_round() -> None:
    heights, plate = carve_heights(ink(1), Carving(resolution=48), np.random.default_rng(1))
    triangles = mesh_of(heights, plate, Pose(0, 0, 0)).astype(float)
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    np.testing.assert_allclose(low, -high, atol=1e-6)
    assert (high - low).max() == pytest.approx(1)
    assert (np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])[:, 2] > 0).all()
    top = triangles[triangles[..., 1].max(axis=1) > high[1] - 0.02]
    row = np.flatnonzero(plate.any(axis=1))[0]
    scale = (high[2] - low[2]) / np.ptp(heights[plate])
    middle = (heights[plate].min() + heights[plate].max()) / 2
    assert top[..., 2].max() <= (heights[row : row + 3][plate[row : row + 3]].max() - middle) * scale + 1e-6


def test_the_plate_is_cut_out_along_a_ragged_line() -> None:
    _, plate = carve_heights(ink(1), IDEAL, np.random.default_rng(2))
    assert 0.75 < plate.mean() < 0.99
    assert len(set(plate.argmax(axis=1).tolist())) > 2


def test_each_amount_changes_the_relief_and_nothing_changes_without_it() -> None:
    base = carve_heights(ink(3), IDEAL, np.random.default_rng(5))[0]
    np.testing.assert_array_equal(base, carve_heights(ink(3), IDEAL, np.random.default_rng(5))[0])
    for name, amount in (("bend", 0.05), ("wear", 1.0), ("noise", 0.01), ("neighbours", 1.0), ("register", 2.0)):
        other = carve_heights(ink(3), Carving(**{**vars(IDEAL), name: amount}), np.random.default_rng(5))[0]
        assert np.abs(other - base).max() > 0.01, name
    tilts = [pose(Carving(tilt=10), np.random.default_rng(k)) for k in range(40)]
    assert 8 < max(abs(p.x) for p in tilts) <= 10 and 8 < max(abs(p.y) for p in tilts) <= 10


def test_carve_writes_a_mesh_set_that_names_its_characters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "khắc gỗ 𡦂"
    assert run(["carve", str(prints(tmp_path / "in", 3)), str(out), "--resolution", "40", "--workers", "0"]) == 0
    assert capsys.readouterr().out == f"{out}\n"
    columns, rows = read_table(out / "metadata.csv")
    assert columns[:5] == ["file_name", "label", "char", "source", "box"]
    assert [row["label"] for row in rows] == ["U+4E00", "U+4E01", "U+4E02"]
    assert rows[0]["file_name"] == "meshes/U+4E00/bản in 𡦂.stl" and rows[0]["char"] == "一"
    assert rows[0]["source"] == "U+4E00/bản in 𡦂.png"
    assert len(read_stl(out / rows[0]["file_name"])) == int(rows[0]["faces"]) > 1000
    assert abs(float(rows[0]["tilt_x"])) <= 6


def test_the_same_seed_gives_the_same_bytes_whatever_else_is_carved(tmp_path: Path) -> None:
    source = prints(tmp_path / "in", 3)
    command = ["--resolution", "40"]
    for name, *more in (("a",), ("b", "--workers", "2"), ("c", "--limit", "1"), ("d", "--seed", "1")):
        assert run(["carve", str(source), str(tmp_path / name), *command, *more]) == ExitCode.DONE
    first = Path("meshes/U+4E00/bản in 𡦂.stl")
    for path in (tmp_path / "a").rglob("*"):
        if path.is_file():
            assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()
    content = (tmp_path / "a" / first).read_bytes()
    assert content == (tmp_path / "c" / first).read_bytes()
    assert content != (tmp_path / "d" / first).read_bytes()


def test_a_carved_and_rendered_picture_resembles_its_print_and_no_other(tmp_path: Path) -> None:
    source = prints(tmp_path / "in", 5)
    assert run(["carve", str(source), str(tmp_path / "meshes"), "--resolution", "80"]) == 0
    assert run(["render", str(tmp_path / "meshes"), str(tmp_path / "images"), "--size", "80"]) == 0
    rendered = read_imageset(tmp_path / "images").pictures
    pages = [framed(strokes(k), 80) for k in range(5)]
    soft = [np.asarray(Image.fromarray(page).resize((20, 20), Image.Resampling.BOX)) for page in pages]
    for k, picture in enumerate(rendered):
        assert picture.label == f"U+{0x4E00 + k:04X}"
        with Image.open(tmp_path / "images" / picture.file_name) as image:
            small = np.asarray(image.resize((20, 20), Image.Resampling.BOX))
        alike = [likeness(small, page) for page in soft]
        assert int(np.argmax(alike)) == k and alike[k] > 0.5


def test_blank_and_broken_pictures_fail_alone(tmp_path: Path) -> None:
    source = prints(tmp_path / "in", 2)
    Image.new("L", (20, 20), 255).save(source / "U+4E00" / "blank.png")
    (source / "U+4E01" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert run(["carve", str(source), str(tmp_path / "out"), "--resolution", "32"]) == ExitCode.SOME_FAILED
    _, failures = read_table(tmp_path / "out" / "failures.csv")
    assert [row["file"] for row in failures] == ["U+4E00/blank.png", "U+4E01/broken.png"]
    assert "blank" in failures[0]["reason"]
    assert len(read_table(tmp_path / "out" / "metadata.csv")[1]) == 2


def test_pictures_that_differ_by_suffix_alone_become_two_meshes(tmp_path: Path) -> None:
    for name in ("a.png", "a.bmp", "b.png"):
        strokes(1).save(tmp_path / name)
    assert run(["carve", str(tmp_path), str(tmp_path / "out"), "--resolution", "32"]) == ExitCode.DONE
    names = {path.name for path in (tmp_path / "out" / "meshes").iterdir()}
    assert names == {"a.png.stl", "a.bmp.stl", "b.stl"}


def test_what_cannot_be_carved_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["carve", str(tmp_path / "nothing"), str(tmp_path / "out")]) == ExitCode.BAD_INPUT
    (tmp_path / "empty").mkdir()
    assert run(["carve", str(tmp_path / "empty"), str(tmp_path / "out")]) == ExitCode.BAD_INPUT
    assert run(["carve", "a", "b", "c"]) == ExitCode.USAGE
    assert "Traceback" not in capsys.readouterr().err
