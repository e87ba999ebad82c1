"""Test what is no single, whole, well-scanned block: it is cut as a clean scan is, refused in a line, or doubted."""

import csv
import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from refused import naming
from tinyblock import carved, open_face, scan
from tinymesh import turn
from tinyscan import scans

from sinonom_cli import cli
from sinonom_cli.blocks.level import level
from sinonom_cli.blocks.plates import refuse_two_blocks
from sinonom_cli.blocks.surface import surface_of_scan
from sinonom_cli.blocks.whole_doubts import unit_of
from sinonom_cli.errors import BadInput
from sinonom_cli.meshes.stl import read_stl, write_stl


class Result(NamedTuple):
    """What `cut` made of a scan."""

    code: int
    names: list[str]
    record: dict[str, object]


def cut(folder: Path, name: str, *options: str) -> Result:
    """Cut the scan `name` in a folder."""
    out = folder / "cut"
    code = cli.run(["cut", str(folder / name), str(out), "--workers", "0", "-q", *options])
    if not (out / "metadata.csv").exists():
        return Result(code, [], {})
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    record = json.loads((out / rows[0]["record_file_name"]).read_text(encoding="utf-8"))
    return Result(code, [row["names"].split(" ")[0] for row in rows], record)


@pytest.fixture(scope="module")
def mesh(tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """Return the mesh of a block of 12 characters, (F, 3, 3) float32, in mm, open, mirrored and tilted."""
    folder = tmp_path_factory.mktemp("blocks")
    scans(folder, columns=3, rows=4)
    [path] = (folder / "scans" / "meshes").glob("*.stl")
    return read_stl(path, [])


@pytest.fixture(scope="module")
def clean(mesh: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the names that a clean scan gets."""
    folder = tmp_path_factory.mktemp("clean")
    write_stl(folder / "a.stl", mesh)
    result = cut(folder, "a.stl")
    assert result.code == 0 and len(result.names) == 12
    assert result.record["remarks"] == result.record["left_out"] == [] and result.record["unit"] == "mm"
    return result.names


def same(names: list[str], clean: list[str]) -> int:
    """Return the number of names at their places."""
    return sum(one == other for one, other in zip(names, clean, strict=False)) if len(names) == len(clean) else 0


def table(mesh: np.ndarray, beyond: float, below: float) -> np.ndarray:
    """Return a flat table that reaches beyond the scan on all sides, `below` its lowest point."""
    low, high = mesh.min(axis=(0, 1)), mesh.max(axis=(0, 1))
    count = [int((high[k] - low[k] + 2 * beyond) / 20) for k in (1, 0)]
    face = open_face(np.full(count, low[2] - below), 20.0)
    return (face + np.array([low[0] - beyond, high[1] + beyond, 0])).astype(np.float32)


@pytest.mark.parametrize("change", ["face down in metres", "on its side with specks", "inside out", "on a table"])
def test_the_block_is_cut_as_a_clean_scan_is(
    change: str, mesh: np.ndarray, clean: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rng = np.random.default_rng(0)
    broken = mesh.copy()
    broken[rng.integers(0, len(mesh), 500), 0, 1] = np.nan
    specks = (rng.uniform(-5000, 5000, (50, 1, 3)) + rng.normal(0, 0.1, (50, 3, 3))).astype(np.float32)
    made, left_out, remark = {
        "face down in metres": (np.concatenate([mesh, mesh]) * np.float32([1, -1, -1]) / 1000, [], "in m"),
        "on its side with specks": (np.concatenate([specks, broken])[..., [2, 0, 1]], ["NaN", "specks: 50"], ""),
        "inside out": (mesh[:, ::-1], [], "wrong way"),
        "on a table": (np.concatenate([mesh, table(mesh, 2000, 15)]), [], ""),
    }[change]
    write_stl(tmp_path / "a.stl", made.astype(np.float32))
    result = cut(tmp_path, "a.stl")
    assert result.code == 0 and same(result.names, clean) >= 11
    assert all(one in str(result.record["left_out"]) for one in left_out)
    said = capsys.readouterr().err
    assert (remark in said and remark in str(result.record["remarks"])) if remark else result.record["remarks"] == []


def test_half_a_block_is_cut_into_its_characters(mesh: np.ndarray, tmp_path: Path) -> None:
    write_stl(tmp_path / "a.stl", mesh[mesh[..., 1].mean(axis=1) > np.median(mesh[..., 1])])
    result = cut(tmp_path, "a.stl")
    assert result.code == 0 and 5 <= len(result.names) <= 9


def test_holes_cost_only_the_characters_that_they_reach(mesh: np.ndarray, clean: list[str], tmp_path: Path) -> None:
    middles = mesh.mean(axis=1)
    rng = np.random.default_rng(1)
    holes = [np.sum((middles - middles[rng.integers(len(mesh))]) ** 2, axis=1) < 2**2 for _ in range(15)]
    write_stl(tmp_path / "a.stl", mesh[~np.any(holes, axis=0)])
    assert same(cut(tmp_path, "a.stl").names, clean) >= 10


def test_noise_is_refused_although_places_in_it_look_like_characters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).normal(0, 0.05, (200, 260))
    write_stl(tmp_path / "noise.stl", open_face(noise, 0.5))
    assert cut(tmp_path, "noise.stl").code == 4
    naming(capsys, "noise.stl")
    assert not list((tmp_path / "cut").rglob("*.stl"))


def test_a_vase_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    around, up = np.linspace(0, 2 * np.pi, 200)[None], np.linspace(0, 200, 150)[:, None]
    radius = 40 + 15 * np.sin(up / 30) + 0.5 * np.sin(2 * up)
    points = np.stack([radius * np.cos(around), radius * np.sin(around), up + 0 * around], axis=-1)
    a, b, c, d = points[:-1, :-1], points[:-1, 1:], points[1:, :-1], points[1:, 1:]
    write_stl(
        tmp_path / "vase.stl",
        np.concatenate([np.stack([a, b, c], 2).reshape(-1, 3, 3), np.stack([b, d, c], 2).reshape(-1, 3, 3)]).astype(
            np.float32
        ),
    )
    assert cut(tmp_path, "vase.stl").code == 4
    naming(capsys, "vase.stl")


@pytest.mark.parametrize("where", ["right", "above", "6 mm above", "tilted", "on one table"])
def test_two_blocks_in_a_file_are_refused_with_the_sizes_of_both(where: str) -> None:
    made = carved(columns=4, rows=4, size=24, depth=0.11)
    one = open_face(made.heights, made.pixel).astype(float)
    wide, high, _ = np.ptp(one.reshape(-1, 3), axis=0)
    moved = {
        "right": one + [wide + 10, 0, 0],
        "above": one + [0, high + 10, 0],
        "6 mm above": one + [0, high + 1, 0],
        "tilted": one @ turn(7, -6).T + [wide + 8, 0, 2],
        "on one table": one + [0, high + 10, 0],
    }[where]
    both = np.concatenate([one, moved])
    if where == "on one table":
        both = np.concatenate([both, table(both, 20, 12)])
    with pytest.raises(BadInput, match="two blocks") as error:
        level(surface_of_scan(scan(both)))
    sizes = [float(word) for word in error.value.message.replace(" x ", " ").split() if word[0].isdigit()]
    np.testing.assert_allclose(sizes, [wide, high] * 2, rtol=0.08)


@pytest.mark.parametrize("bend", [(), (0, 0, 3, -2, 1), (6, 4)])
def test_a_whole_block_with_handles_and_blanks_is_one(bend: tuple[float, ...]) -> None:
    made = carved(columns=6, rows=8, size=24, bend=bend, handles=-6, table=-20)
    refuse_two_blocks(made.heights, made.pixel)
    made = carved(columns=6, rows=8, size=24, bend=bend)
    split = made.heights.copy()
    split[:, 100] = np.nan  # a crack through which nothing is seen
    split[50:60, 40:90] = np.nan
    refuse_two_blocks(split[:, 20:], made.pixel)


def test_a_height_map_of_the_wrong_sign_is_refused_and_the_option_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans_of = tmp_path / "made"
    scans(scans_of, columns=3, rows=4)
    options = ["--page", "--mirror", "--as", "map", "--tilt", "3", "--cracks", "0", "--breaks", "0", "-q"]
    assert cli.run(["carve", str(scans_of / "pages"), str(scans_of / "maps"), *options]) == 0
    [path] = (scans_of / "maps" / "maps").glob("*.png")
    values = np.asarray(Image.open(path))
    Image.fromarray(np.where(values > 0, 65535 - values, 0).astype(np.uint16)).save(tmp_path / "a.png")
    result = cut(tmp_path, "a.png", "--pixel", "1")
    assert result.code == 4 and not result.names
    naming(capsys, "a.png", "12", "--deeper light")
    right = cut(tmp_path, "a.png", "--pixel", "1", "--deeper", "light", "--overwrite")
    assert right.code == 0 and len(right.names) == 12 and right.record["remarks"] == []
    holes = values.copy()
    for k, hole in enumerate((0, 65535, 0, 65535)):
        holes[40 + 50 * k :, 60 + 40 * k :][:5, :5] = hole
    Image.fromarray(holes).save(tmp_path / "b.png")
    (tmp_path / "other").mkdir()
    (tmp_path / "b.png").rename(tmp_path / "other" / "b.png")
    assert same(cut(tmp_path / "other", "b.png", "--pixel", "1").names, right.names) >= 11
    (tmp_path / "scale").mkdir()
    np.save(tmp_path / "scale" / "c.npy", np.where(values > 0, values / 30_000, np.nan).astype(np.float32))
    odd = cut(tmp_path / "scale", "c.npy", "--pixel", "30")
    assert "--pixel" in str(odd.record["remarks"])


def test_a_truncated_scan_of_three_gigabytes_is_refused_before_its_faces_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from sinonom_cli.blocks.scan import scan_of
    from sinonom_cli.meshes.read import Notes

    with (tmp_path / "a.stl").open("wb") as file:
        file.write(b"x" * 80 + (80_000_000).to_bytes(4, "little"))
        file.truncate(3_000_000_000)
    started = time.process_time()
    with pytest.raises(BadInput, match="80,000,000"):
        scan_of(tmp_path / "a.stl", Notes())
    assert time.process_time() - started < 1


def test_units_follow_from_the_size_of_a_character() -> None:
    heights = {
        9.0: "mm",
        31.4: "mm",
        0.9: "cm or inches",
        0.354: "cm or inches",
        0.009: "m",
        9000.0: "µm",
        1e-6: "",
        1e9: "",
    }
    assert {height: unit_of(height) for height in heights} == heights
