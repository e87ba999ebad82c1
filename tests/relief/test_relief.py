"""Test carving: reliefs look like scans, depend on their seed alone, and show the same character as their picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinymesh import likeness

from sinonom_cli.cli import run
from sinonom_cli.errors import ExitCode
from sinonom_cli.meshes.level import level
from sinonom_cli.meshes.stl import read_stl
from sinonom_cli.relief.distance import distance_to
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.plate import KNOWN, Carved, Pose, carve_plate, mesh_of, rotation
from sinonom_cli.relief.strokes import BORDER
from sinonom_cli.storage.image_set import read_imageset
from sinonom_cli.storage.own_tables import read_table

NONE, ONE = Span(0, 0), Span(1, 1)
PLAIN = Relief(gouge=NONE, uneven=NONE, wear=NONE, breaks=NONE, ragged=NONE, smear=NONE, blur=NONE, noise=NONE)
IDEAL = Carving(
    resolution=64,
    relief=PLAIN,
    tilt=NONE,
    bend=NONE,
    neighbours=NONE,
    shift=NONE,
    stretch=ONE,
    turn=NONE,
    swell=NONE,
)


def strokes(seed: int, size: int = 64) -> Image.Image:
    """Draw an invented character: dark strokes on light ground."""
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
    """Return the picture with the border that carving leaves around it."""
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


def carve(seed: int, carving: Carving, rng: int = 5) -> Carved:
    return carve_plate(ink(seed), carving, np.random.default_rng(rng))


def with_relief(**amounts: Span) -> Carving:
    return replace(IDEAL, relief=replace(PLAIN, **amounts))


def test_strokes_stand_at_the_face_and_the_ground_lies_deeper_the_farther_it_is() -> None:
    picture = np.zeros((64, 64), np.float32)
    picture[:, 8:12] = picture[:, 18:22] = picture[:, 50:54] = 1
    heights = carve_plate(picture, IDEAL, np.random.default_rng(0)).heights
    at = [round((BORDER + (1 - 2 * BORDER) * column / 64) * 63) for column in (10, 15, 20, 36)]
    row = heights[24:40].mean(axis=0)
    stroke, gap, next_stroke, field = (row[column] for column in at)
    assert stroke == pytest.approx(0, abs=0.01) and next_stroke == pytest.approx(0, abs=0.01)
    assert field < 1.2 * gap < 0
    assert -0.21 < field < -0.1


def test_the_mesh_is_an_open_surface_in_the_unit_cube_facing_up_the_right_way_round() -> None:
    carved = carve(1, Carving(resolution=48), 1)
    triangles = mesh_of(replace(carved, pose=Pose(0, 0, 0))).astype(float)
    low, high = triangles.min(axis=(0, 1)), triangles.max(axis=(0, 1))
    np.testing.assert_allclose(low, -high, atol=1e-6)
    assert (high - low).max() == pytest.approx(1)
    assert (np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])[:, 2] > 0).all()
    heights, plate = carved.heights, carved.plate
    top = triangles[triangles[..., 1].max(axis=1) > high[1] - 0.02]
    row = np.flatnonzero(plate.any(axis=1))[0]
    scale = (high[2] - low[2]) / np.ptp(heights[plate])
    middle = (heights[plate].min() + heights[plate].max()) / 2
    assert top[..., 2].max() <= (heights[row : row + 3][plate[row : row + 3]].max() - middle) * scale + 1e-6


def test_the_plate_is_cut_out_along_a_ragged_polygon() -> None:
    assert carve(1, IDEAL).plate.all()
    plate = carve(1, with_relief(ragged=Span(0, 0.1))).plate
    assert 0.75 < plate.mean() < 0.99
    assert len(set(plate.argmax(axis=1).tolist())) > 2


def test_each_amount_changes_the_relief_and_nothing_changes_without_it() -> None:
    base = carve(3, IDEAL).heights
    np.testing.assert_array_equal(base, carve(3, IDEAL).heights)
    surface = {"depth": Span(0.3, 0.3), "flank": Span(0.1, 0.1), "deepening": ONE, "gouge": Span(0.3, 0.3)}
    surface |= {"wear": ONE, "breaks": Span(4, 4), "noise": Span(0.01, 0.01), "uneven": Span(0.2, 0.2)}
    surface |= {"smear": Span(0.1, 0.1), "blur": Span(0.02, 0.02)}
    for name, span in surface.items():
        assert np.abs(carve(3, with_relief(**{name: span})).heights - base).max() > 0.01, name
    places = {"bend": Span(0.05, 0.05), "neighbours": Span(4, 4), "shift": Span(0.1, 0.1), "stretch": Span(1.1, 1.1)}
    places |= {"swell": Span(0.02, 0.02), "mirror": True}
    for name, span in places.items():
        assert np.abs(carve(3, replace(IDEAL, **{name: span})).heights - base).max() > 0.01, name


def test_all_that_was_drawn_is_known_and_lies_within_its_range() -> None:
    carving = Carving(resolution=32, tilt=Span(10, 20), bend=Span(0.01, 0.02), neighbours=Span(1, 3))
    known = [carve(1, carving, k).known for k in range(60)]
    for name in KNOWN:
        assert len({values[name] for values in known}) >= (3 if name in ("neighbours", "breaks") else 60), name
    for values in known:
        assert 10 <= values["tilt"] <= 20
        assert max(abs(values["bend_xx"]), abs(values["bend_yy"]), 2 * abs(values["bend_xy"])) <= 0.02
        assert 1 <= values["neighbours"] <= 3
        assert np.hypot(values["shift_x"], values["shift_y"]) <= 0.04
        for name in KNOWN[KNOWN.index("depth") :]:
            span = getattr(Relief(), name)
            assert span.low <= values[name] <= span.high
    tilted = np.array([[values["tilt_x"], values["tilt_y"]] for values in known])
    assert (tilted.min(axis=0) < -10).all() and (tilted.max(axis=0) > 10).all()
    for (x, y), values in zip(tilted, known, strict=True):
        upright = np.cos(np.radians(x)) * np.cos(np.radians(y))
        assert np.degrees(np.arccos(upright)) == pytest.approx(values["tilt"], abs=1e-3)


def test_neighbours_come_in_as_far_as_asked_on_as_many_sides() -> None:
    spot = np.zeros((64, 64), np.float32)
    spot[28:36, 28:36] = 1
    for sides in (1, 2, 4):
        carving = replace(IDEAL, neighbours=Span(sides, sides), intrusion=Span(0.1, 0.1))
        high = carve_plate(spot, carving, np.random.default_rng(sides)).heights > -0.02
        edges = [view[:20] for view in (high, high[::-1], high.T, high.T[::-1])]
        reach = [int(edge[:, 20:-20].any(axis=1).sum()) for edge in edges]  # two sides meet in the corners
        assert sum(depth > 0 for depth in reach) == sides
        if sides == 1:
            assert max(int(edge.any(axis=1).sum()) for edge in edges) in (5, 6, 7, 8)


def test_breaks_go_through_strokes_and_nothing_else() -> None:
    bar = np.zeros((64, 64), np.float32)
    bar[30:33, 4:60] = 1
    for seed in range(5):
        whole = carve_plate(bar, IDEAL, np.random.default_rng(seed)).heights
        broken = carve_plate(bar, with_relief(breaks=Span(2, 2)), np.random.default_rng(seed))
        tops = broken.heights[31:33, 10:54].max(axis=0)
        assert tops.max() > -0.01 and tops.min() < -0.3 * broken.known["depth"]
        changed = np.abs(broken.heights - whole) > 0.002
        assert 0.002 < changed.mean() < 0.2
        assert not changed[:22].any() and not changed[42:].any()  # only the bar has changed


def test_meshes_read_back_by_render_are_level_whatever_their_tilt() -> None:
    carving = Carving(resolution=64, tilt=Span(0, 30))
    left = []
    for seed in range(12):
        carved = carve(seed, carving, seed)
        turned = level(mesh_of(carved)) @ rotation(carved.pose)
        left.append(np.degrees(np.arccos(min(1.0, turned[2, 2]))))
    assert np.sort(left)[-2] < 4 and np.median(left) < 1.7


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
    assert columns[5] == "faces" and tuple(columns[6:]) == KNOWN
    assert 0 <= float(rows[0]["tilt"]) <= 8


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


def test_a_mirrored_carving_reads_like_its_print_when_it_is_rendered_mirrored(tmp_path: Path) -> None:
    strokes(2).save(tmp_path / "a.png")
    source, plain, mirrored = tmp_path / "a.png", tmp_path / "plain", tmp_path / "mirrored"
    for out, more in ((plain, []), (mirrored, ["--mirror"])):
        assert run(["carve", str(source.parent), str(out), "--resolution", "64", "--neighbours", "0", *more]) == 0
        assert run(["render", str(out), str(out / "depth"), "--size", "64", *more]) == 0
        assert run(["render", str(out), str(out / "unturned"), "--size", "64"]) == 0
    page = framed(strokes(2), 64)

    def alike(path: Path) -> float:
        with Image.open(path / "images" / "a.png") as image:
            return likeness(np.asarray(image), page)

    assert alike(mirrored / "depth") > 0.6 > alike(mirrored / "unturned") + 0.2
    assert alike(plain / "unturned") == pytest.approx(alike(mirrored / "depth"), abs=0.25)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (("--tilt", "3:1"), "1:3"),
        (("--tilt", "some"), "0:60"),
        (("--tilt", "0:90"), "0:60"),
        (("--wear", "nan"), "0:1"),
        (("--breaks", "0.5"), "whole"),
        (("--depth", "0.1:0.2:0.3"), "range"),
    ],
)
def test_a_range_typed_wrongly_is_said_in_one_line(
    typed: tuple[str, str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = prints(tmp_path / "in", 1)
    assert run(["carve", str(source), str(tmp_path / "out"), *typed]) == ExitCode.USAGE
    error = capsys.readouterr().err
    assert typed[0] in error and said in error and "Traceback" not in error
    assert not (tmp_path / "out").exists()


def test_one_number_fixes_an_amount_and_the_record_says_so(tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["carve", str(prints(tmp_path / "in", 2)), str(out), "--resolution", "32"]
    assert run([*command, "--tilt", "5", "--turn", "-9:-8"]) == ExitCode.DONE
    rows = read_table(out / "metadata.csv")[1]
    assert [float(row["tilt"]) for row in rows] == pytest.approx([5, 5])
    assert all(-9 <= float(row["turn"]) <= -8 for row in rows)
    assert run([*command, "--tilt", "6", "--turn", "-9:-8"]) == ExitCode.OUTPUT_IN_THE_WAY
