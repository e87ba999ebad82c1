"""Test `render --depth16`: the file gives the heights back, and no command takes depth files for pictures."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymesh import letter_f, surface, turn

from sinonom_cli.cli import run
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.meshes.zbuffer import z_buffer
from sinonom_cli.render.render import sixteen_bits
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES, read_imageset
from sinonom_cli.storage.inputs import find_inputs


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    folder = tmp_path / "bản khắc 𡦂"
    (folder / "images").mkdir(parents=True)
    write_stl(folder / "a.stl", surface(letter_f(24)) * np.float32(25) + np.float32([3, -2, 100]))
    write_stl(folder / "images" / "b.stl", surface(letter_f(24), turn(9, -5)))
    return folder


def rows_of(out: Path) -> dict[str, dict[str, str]]:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def heights_of(out: Path, row: dict[str, str]) -> np.ndarray:
    """Turn a depth file back into heights, as docs/files.md says."""
    with Image.open(out / row["depth_file_name"]) as picture:
        assert picture.mode == "I;16"
        value = np.asarray(picture).astype(float)
    return np.where(value > 0, float(row["depth_offset"]) + float(row["depth_scale"]) * value, np.nan)


def test_heights_in_mesh_units_come_back_from_the_file(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["render", str(scans), str(out), "--size", "50", "--level", "off", "--depth16", "--workers", "0"]) == 0
    row = rows_of(out)["a.stl"]
    heights = heights_of(out, row)
    known = heights[np.isfinite(heights)]
    assert known.min() == pytest.approx(100 - 25 * 0.075, abs=1e-4)  # the mesh's own z: ground and tops of the F
    assert known.max() == pytest.approx(100 + 25 * 0.075, abs=1e-4)
    assert float(row["depth_pixel"]) == pytest.approx(25 * 1.08 / 50, rel=1e-6)  # 25 wide, 4 % of border on each side
    # The ground's width in pixels, times the side of a pixel, is the plate's width, except for at most one pixel.
    across = np.isfinite(heights).any(axis=0).sum() * float(row["depth_pixel"])
    assert across == pytest.approx(25, abs=25 * 1.08 / 50)


def test_heights_and_picture_show_the_same_place_levelled_and_mirrored_alike(scans: Path, tmp_path: Path) -> None:
    got = {}
    for name, *options in (("plain",), ("mirrored", "--mirror"), ("without",)):
        out = tmp_path / name
        more = [*options, *([] if name == "without" else ["--depth16"])]
        assert run(["render", str(scans), str(out), "--size", "64", "--workers", "0", *more]) == 0
        row = rows_of(out)["images/b.stl"]
        got[name] = np.asarray(Image.open(out / row["file_name"])), row, out
    picture, row, out = got["plain"]
    heights = heights_of(out, row)
    tops, ground = heights[picture < 60], heights[(picture > 250) & np.isfinite(heights)]
    assert len(tops) > 100 and tops.min() > ground.max() - 0.02  # the tilt of ten degrees has been removed
    np.testing.assert_array_equal(heights_of(got["mirrored"][2], got["mirrored"][1]), heights[:, ::-1])
    np.testing.assert_array_equal(got["without"][0], picture)
    assert not (got["without"][2] / "depth").exists() and "depth_scale" not in got["without"][1]


def test_sixteen_bits_lose_less_than_one_step_and_keep_holes() -> None:
    heights = z_buffer(surface(letter_f(24), turn(20, 10)), np.eye(3), np.zeros(3), 1.2, 40).astype(float)
    steps, scale, offset = sixteen_bits(heights)
    hole = ~np.isfinite(heights)
    assert hole.any() and (steps[hole] == 0).all() and steps[~hole].min() == 1 and steps.max() == 65535
    assert np.abs(offset + scale * steps[~hole] - heights[~hole]).max() <= 0.501 * scale
    flat, scale, offset = sixteen_bits(np.full((4, 4), 7.0))
    assert (flat > 0).all() and offset + scale * flat[0, 0] == 7.0


def test_depth_files_are_not_taken_for_pictures(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "sets" / "out"
    assert run(["render", str(scans), str(out), "--size", "32", "--depth16", "--workers", "0"]) == 0
    assert sorted(path.relative_to(out).as_posix() for path in out.rglob("*.png")) == [
        *("depth/a.png", "depth/images/b.png", "images/a.png", "images/images/b.png"),
    ]
    assert [picture.file_name for picture in read_imageset(out).pictures] == ["images/a.png", "images/images/b.png"]
    for given in (out, tmp_path / "sets"):
        found = find_inputs([str(given)], PICTURE_SUFFIXES, "pictures")
        assert [item.key.removeprefix("out/") for item in found] == ["images/a.png", "images/images/b.png"]
    (out / "artifact.json").unlink()  # a user's own folder may be called depth
    assert len(find_inputs([str(out)], PICTURE_SUFFIXES, "pictures")) == 4


def test_overwriting_takes_the_depth_files_away_as_well(scans: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["render", str(scans), str(out), "--size", "32", "--workers", "0"]
    assert run([*command, "--depth16"]) == 0
    assert run(command) != 0
    assert run([*command, "--overwrite"]) == 0
    assert not (out / "depth").exists()
