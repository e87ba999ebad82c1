"""Test height maps in place of meshes: every format gives the same picture, and other files are refused in one line."""

import csv
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refused import refused
from tinymesh import letter_f, likeness

from sinonom_cli.assets import GLYPHS
from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode, SinonomError
from sinonom_cli.meshes.height_maps import Limits, Scale, read_height_map, read_heights
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.stl import write_stl
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.plate import Carved, carve_plate, mesh_of

FLAT = Span(0, 0)
CARVING = Carving(resolution=96, relief=Relief(ragged=Span(0, 0.08)), tilt=FLAT, turn=FLAT, neighbours=FLAT)
WIDE, PIXEL = 9.0, 9.0 / 95
"""Width of the plate and side of a pixel, in mm."""


@pytest.fixture(scope="module")
def carved() -> Carved:
    return carve_plate((letter_f(48) > 0).astype(np.float32), CARVING, np.random.default_rng(4))


@pytest.fixture(scope="module")
def heights(carved: Carved) -> np.ndarray:
    """Return heights in mm, (96, 96) float32; NaN outside the plate."""
    return np.where(carved.plate, carved.heights * WIDE, np.nan).astype(np.float32)


@pytest.fixture(scope="module")
def of_mesh(carved: Carved, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the image set that `render` makes of the mesh."""
    folder = tmp_path_factory.mktemp("mesh")
    write_stl(folder / "a.stl", mesh_of(carved))
    assert run(["render", str(folder / "a.stl"), str(folder / "out"), "-q", "--workers", "0"]) == 0
    return folder / "out"


@pytest.fixture(scope="module")
def expected(of_mesh: Path) -> np.ndarray:
    """Return the picture that `render` draws of the mesh."""
    return np.asarray(Image.open(of_mesh / "images" / "a.png"))


def sixteen(heights: np.ndarray, low: int = 500, high: int = 60_000, hole: int = 0) -> np.ndarray:
    """Return heights as 16-bit whole numbers."""
    least, most = np.nanmin(heights), np.nanmax(heights)
    steps = np.nan_to_num(low + (heights - least) * ((high - low) / (most - least)), nan=hole)
    return np.round(steps).astype(np.uint16)


def step_of(heights: np.ndarray) -> float:
    return float((np.nanmax(heights) - np.nanmin(heights)) / 59_500)


def rendered(folder: Path, *options: str) -> list[dict[str, str]]:
    given = ["--pixel", str(PIXEL), "-q", "--workers", "0", *options]
    assert run(["render", str(folder), str(folder.parent / "out"), *given]) == 0
    return table(folder.parent / "out")


def table(out: Path) -> list[dict[str, str]]:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def save(heights: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, heights)
    else:
        Image.fromarray(heights).save(path)


KEPT = {
    "float.npy": lambda h: h,
    "double.npy": lambda h: h.astype(np.float64),
    "float.tif": lambda h: h,
    "sixteen bits.png": sixteen,
    "mười sáu.tiff": sixteen,
    "holes are 65535.png": lambda h: sixteen(h, hole=65535),
    "holes are -9999.npy": lambda h: np.nan_to_num(h, nan=-9999.0),
    "holes are huge.tif": lambda h: np.nan_to_num(h, nan=3.4e38),
    "holes are infinite.npy": lambda h: np.nan_to_num(h, nan=np.inf),
    "signed.npy": lambda h: (sixteen(h).astype(np.int32) - 30_000) * np.isfinite(h) - 9_000_000 * np.isnan(h),
}


@pytest.mark.parametrize("name", KEPT)
def test_a_height_map_is_drawn_as_the_mesh_is(
    name: str, heights: np.ndarray, of_mesh: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    save(KEPT[name](heights), tmp_path / "bản khắc" / name)
    (row,) = rendered(tmp_path / "bản khắc")
    picture = np.asarray(Image.open(tmp_path / "out" / row["file_name"]))
    assert likeness(picture, expected) > 0.98
    assert row["source"] == name and not row["turned"]
    assert row["remarks"] == table(of_mesh)[0]["remarks"]  # what is said of any mesh that shows no Chinese character


def test_great_numbers_are_deep_where_it_is_said(heights: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    save(-heights, tmp_path / "in" / "a.npy")
    (row,) = rendered(tmp_path / "in", "--deeper", "light")
    assert likeness(np.asarray(Image.open(tmp_path / "out" / row["file_name"])), expected) > 0.98


def test_the_height_of_a_step_is_believed(heights: np.ndarray, tmp_path: Path) -> None:
    save(sixteen(heights), tmp_path / "a.png")
    known = read_height_map(tmp_path / "a.png", 0, Scale(PIXEL, step=step_of(heights)), Notes())
    true = read_height_map_of(heights, tmp_path)
    np.testing.assert_allclose(np.ptp(known[..., 2]), np.ptp(true[..., 2]), rtol=1e-3)
    assert len(known) == len(true)
    np.testing.assert_allclose(np.ptp(known[..., 0]), np.ptp(true[..., 0]), rtol=1e-6)


def read_height_map_of(heights: np.ndarray, folder: Path) -> np.ndarray:
    np.save(folder / "b.npy", heights)
    return read_height_map(folder / "b.npy", 0, Scale(PIXEL), Notes())


def test_the_surface_is_that_through_the_samples(tmp_path: Path) -> None:
    heights = np.random.default_rng(0).normal(0, 0.02, (5, 7))
    heights[2, 3] = heights[0, 0] = np.nan
    triangles = read_height_map_of(heights, tmp_path).astype(float)
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    across = np.cross(b - a, c - a)
    assert (across[:, 2] > 0).all(), "all face +Z"
    covered = across[:, 2].sum() / 2 / PIXEL**2
    assert covered == pytest.approx(4 * 6 - 4 * 0.5 - 0.5)  # half of each square with a hole at its corner
    columns, rows = np.round(a[:, 0] / PIXEL + 3).astype(int), np.round(2 - a[:, 1] / PIXEL).astype(int)
    np.testing.assert_allclose(a[:, 2], heights[rows, columns] - np.nanmedian(heights), atol=1e-6)


@pytest.mark.parametrize("name", ["many.npy", "many.tif"])
def test_a_file_of_many_maps_becomes_as_many_pictures(
    name: str, heights: np.ndarray, of_mesh: Path, expected: np.ndarray, tmp_path: Path
) -> None:
    layers = [heights.T.copy(), heights, heights[:, ::-1].copy()]
    (tmp_path / "in").mkdir()
    if name.endswith("npy"):
        np.save(tmp_path / "in" / name, np.stack(layers))
    else:
        first, *rest = [Image.fromarray(layer) for layer in layers]
        first.save(tmp_path / "in" / name, save_all=True, append_images=rest)
    rows = rendered(tmp_path / "in")
    assert [row["file_name"] for row in rows] == [f"images/many/{k}.png" for k in (1, 2, 3)]
    assert [row["source"] for row in rows] == [f"{name}#{k}" for k in (1, 2, 3)]
    pictures = [np.asarray(Image.open(tmp_path / "out" / row["file_name"])) for row in rows]
    assert likeness(pictures[1], expected) > 0.98
    assert likeness(pictures[2][:, ::-1], expected) > 0.95
    again = run(["render", str(tmp_path / "in"), str(tmp_path / "out"), "--pixel", str(PIXEL), "-q", "--workers", "0"])
    assert again == ExitCode.DONE


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_a_height_beyond_float32_is_left_out_without_a_warning(heights: np.ndarray, tmp_path: Path) -> None:
    beyond = heights.astype(np.float64)
    beyond[40, 40] = -1e220
    save(beyond, tmp_path / "in" / "a.npy")
    (row,) = rendered(tmp_path / "in")
    assert int(row["faces"]) > 0


def test_a_map_of_two_heights_has_no_holes(tmp_path: Path) -> None:
    drawn = np.where(letter_f(24) > 0, 0.0, -0.12)
    assert len(read_height_map_of(drawn, tmp_path)) == 2 * (drawn.shape[0] - 1) * (drawn.shape[1] - 1)


def test_a_finer_map_is_averaged_and_it_is_said(heights: np.ndarray, expected: np.ndarray, tmp_path: Path) -> None:
    fine = np.repeat(np.repeat(heights, 12, axis=0), 12, axis=1)
    save(fine, tmp_path / "in" / "a.npy")
    given = ["render", str(tmp_path / "in"), str(tmp_path / "out"), "--pixel", str(PIXEL / 12), "-q", "--workers", "0"]
    assert run(given) == ExitCode.DONE
    assert likeness(np.asarray(Image.open(tmp_path / "out" / "images" / "a.png")), expected) > 0.95
    assert "2 x 2" in (tmp_path / "out" / "metadata.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", [(12, 20), (13, 19), (29, 29)])
def test_an_averaged_sample_is_the_mean_of_the_known_samples_of_its_block(
    shape: tuple[int, int], tmp_path: Path
) -> None:
    rng = np.random.default_rng(0)
    heights = np.where(rng.random(shape) < 0.3, np.nan, rng.random(shape))
    np.save(tmp_path / "a.npy", heights)
    got, pixel = read_heights(tmp_path / "a.npy", 0, Scale(1.0), Notes(), Limits(longest=7))
    times = -(-max(shape) // 7)
    assert pixel == times
    blocks = [
        [heights[r : r + times, c : c + times] for c in range(0, shape[1], times)] for r in range(0, shape[0], times)
    ]
    means = [[np.nanmean(b) if np.isfinite(b).sum() * 2 >= times**2 else np.nan for b in row] for row in blocks]
    np.testing.assert_allclose(got, np.array(means) - np.nanmedian(means), atol=1e-12)


def test_a_map_of_one_long_row_takes_little_memory(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", np.random.default_rng(0).random((400_000, 2)))
    tracemalloc.start()
    with refused(ExitCode.BAD_INPUT, "a.npy"):
        read_heights(tmp_path / "a.npy", 0, Scale(1.0), Notes())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10 * 400_000 * 2 * 8


def test_a_map_of_the_wrong_sign_is_remarked_on_and_one_of_the_right_sign_is_not(tmp_path: Path) -> None:
    (glyph,) = GLYPHS.glob("wenkai/images/U+5B57/*.png")
    with Image.open(glyph) as image:
        ink = 1 - np.asarray(image.convert("L").resize((48, 48)), np.float32) / 255
    carved = carve_plate(ink, CARVING, np.random.default_rng(4))
    heights = np.where(carved.plate, carved.heights * WIDE, np.nan).astype(np.float32)
    for name, sign in (("right", 1), ("wrong", -1)):
        save(sign * heights, tmp_path / "in" / f"{name}.npy")
    remarks = {row["source"]: row["remarks"] for row in rendered(tmp_path / "in")}
    assert "--deeper" in remarks["wrong.npy"] and "--deeper" not in remarks["right.npy"]


def test_meshes_and_height_maps_go_together(heights: np.ndarray, carved: Carved, tmp_path: Path) -> None:
    save(heights, tmp_path / "in" / "map.npy")
    write_stl(tmp_path / "in" / "mesh.stl", mesh_of(carved))
    rows = rendered(tmp_path / "in", "--depth16")
    assert [row["source"] for row in rows] == ["map.npy", "mesh.stl"]
    # The output of --depth16 can be read as a height map again.
    depth = tmp_path / "out" / rows[0]["depth_file_name"]
    scale = Scale(float(rows[0]["depth_pixel"]), step=float(rows[0]["depth_scale"]))
    again = read_height_map(depth, 0, scale, Notes())
    first = read_height_map_of(heights, tmp_path)
    assert np.ptp(again[..., 2]) == pytest.approx(np.ptp(first[..., 2]), rel=0.2)
    assert np.ptp(again[..., 0]) == pytest.approx(np.ptp(first[..., 0]), rel=0.05)


def test_pictures_in_folders_are_no_height_maps_unless_a_scale_is_given(
    heights: np.ndarray, carved: Carved, tmp_path: Path
) -> None:
    save(sixteen(heights), tmp_path / "in" / "texture.png")
    write_stl(tmp_path / "in" / "mesh.stl", mesh_of(carved))
    assert run(["render", str(tmp_path / "in"), str(tmp_path / "out"), "-q", "--workers", "0"]) == ExitCode.DONE
    assert not (tmp_path / "out" / "images" / "texture.png").exists()
    alone = ["render", str(tmp_path / "in" / "texture.png"), str(tmp_path / "alone"), "-q", "--workers", "0"]
    assert run(alone) == ExitCode.BAD_INPUT


def test_options_of_height_maps_mean_nothing_without_their_scale(tmp_path: Path) -> None:
    for options in (["--deeper", "light"], ["--step", "0.1"]):
        assert run(["render", str(tmp_path), str(tmp_path / "out"), *options]) == ExitCode.USAGE


def header_of(shape: tuple[int, ...]) -> bytes:
    text = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


BAD = {
    "print.png": np.full((40, 40), 200, np.uint8),
    "photo.tif": np.full((40, 40, 3), 200, np.uint8),
    "holes.png": np.zeros((40, 40), np.uint16),
    "nothing.npy": np.full((40, 40), np.nan),
    "line.npy": np.zeros(40),
    "four.npy": np.zeros((2, 2, 8, 8)),
    "empty.npy": np.zeros((0, 40)),
    "words.npy": np.array([["a", "b"]]),
    "flat.npy": np.zeros((40, 40), np.float32),
    "micrometres.npy": np.random.default_rng(0).normal(0, 500, (40, 40)),
    "huge.npy": header_of((30_000, 30_000)),
    "cut off.npy": header_of((64, 64)),
    "a thousand million.npy": header_of((10**9, 4, 4)),
    "a thousand million of nothing.npy": header_of((10**9, 0, 4)),
    "negative.npy": header_of((-1, 4, 4)),
    "no array.npy": b"hello",
    "no picture.tif": b"II*\0hello",
    "pickled.npy": None,
}


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_height_map_is_refused_in_one_line_and_the_rest_is_done(
    name: str, heights: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, path = BAD[name], tmp_path / "in" / name
    path.parent.mkdir()
    if content is None:
        np.save(path, np.array([{"a": 1}, 2], dtype=object), allow_pickle=True)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        save(content, path)
    with pytest.raises(SinonomError):
        from sinonom_cli.render.render import View
        from sinonom_cli.render.run import Render, targets
        from sinonom_cli.search.familiar import Familiar
        from sinonom_cli.storage.inputs import Item

        (item,) = targets([Item(name, path)], {})
        Render(tmp_path, View(), Familiar(), Scale(PIXEL))(item)
    command = ["render", str(tmp_path / "in"), str(tmp_path / "out"), "--pixel", str(PIXEL), "-q", "--workers", "0"]
    assert run(command) == ExitCode.BAD_INPUT
    said = capsys.readouterr().err.strip().splitlines()
    assert 1 <= len(said) <= 2 and said[0].startswith("error: ")
    save(heights, tmp_path / "in" / "good.npy")
    assert run(command) == ExitCode.SOME_FAILED
    assert (tmp_path / "out" / "images" / "good.png").exists() and path.exists()
