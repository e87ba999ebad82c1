"""Test tidying: parts of a scan that do not belong to the character are left out and noted; the character's parts
stay."""

import numpy as np
import pytest
from numpy.typing import NDArray
from tinymesh import letter_f, surface, turn

from sinonom_cli.meshes.look import look_at
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.survey import pieces
from sinonom_cli.meshes.zbuffer import extent
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Relief, Span
from sinonom_cli.relief.plate import carve_plate, mesh_of
from sinonom_cli.render.tidy import without_specks, without_table

INK = (letter_f(48) > 0).astype(np.float32)
NOTHING = Span(0, 0)
WHOLE = Carving(resolution=64, relief=Relief(ragged=NOTHING), tilt=Span(3, 3))
PLATE = mesh_of(carve_plate(INK, WHOLE, np.random.default_rng(1)))


def crumbs(place: tuple[float, float, float], size: float, count: int = 1) -> NDArray[np.float32]:
    """Return a few small triangles around a place."""
    scatter = np.random.default_rng(0).uniform(-size / 2, size / 2, (count, 3, 3))
    return (np.array(place) + scatter).astype(np.float32)


SPECKS = {
    "a width away": [crumbs((1.0, 0, 0), 0.01)],
    "a hundred widths away": [crumbs((100, 0, 0), 0.01)],
    "a million widths away": [crumbs((0, -1e6, 0), 1)],
    "as far as numbers go": [crumbs((0, 0, 3e38), 1e36)],
    "at a corner": [crumbs((0.62, 0.6, 0.1), 0.02, 2)],
    "a cluster": [crumbs((-0.9, 0.3, 0), 0.06, 25)],
    "above the character": [crumbs((0.1, 0.1, 0.45), 0.02, 3)],
    "below it": [crumbs((0.1, 0.1, -0.5), 0.02, 3)],
    "dust all around": [crumbs((np.cos(a), np.sin(a), np.sin(3 * a)), 0.01) for a in range(40)],
    "near and far": [crumbs((1e5, 0, 0), 0.1), crumbs((0.7, 0, 0), 0.01), crumbs((3, 3, 0), 0.01)],
    "a spike": [np.array([[[0, 0, 0], [0.01, 0, 0], [3e4, 3e4, 0]]], np.float32)],
    "a spike near by": [np.array([[[0, 0, 0], [0.01, 0, 0], [x, 0.2, 0.1]] for x in (1.5, -2)], np.float32)],
}


@pytest.mark.parametrize("name", SPECKS)
def test_specks_are_left_out_and_counted_wherever_they_are(name: str) -> None:
    extra = np.concatenate(SPECKS[name])
    notes = Notes()
    stay, found = without_specks(np.concatenate([extra[:1], PLATE, extra[1:]]), notes)
    np.testing.assert_array_equal(stay, PLATE)
    np.testing.assert_allclose(found.box, extent(PLATE, np.eye(3)))
    assert len(notes.left_out) == 1 and f" {len(extra)}" in notes.left_out[0]


def test_a_clean_mesh_comes_back_itself_and_nothing_is_said() -> None:
    notes = Notes()
    stay, found = without_specks(PLATE, notes)
    assert stay is PLATE and notes == Notes()
    seen = look_at(PLATE, found.box)
    assert without_table(PLATE, seen, notes)[0] is PLATE and notes == Notes()


def test_strokes_that_are_pieces_by_themselves_stay() -> None:
    heights = np.zeros((49, 49))
    rows, columns = np.mgrid[0:49, 0:49]
    for row, column, half in ((10, 12, 2), (24, 8, 2), (40, 12, 2), (20, 32, 14)):  # dots and a large block
        heights[(abs(rows - row) <= half) & (abs(columns - column) <= half)] = 0.1
    whole = surface(heights)
    strokes = whole[whole[:, :, 2].min(axis=1) > 0]  # there is no ground between them
    notes = Notes()
    assert pieces(strokes, extent(strokes, np.eye(3)))[0] == 4
    assert without_specks(strokes, notes)[0] is strokes and notes == Notes()


def test_crumbs_at_a_ragged_outline_stay() -> None:
    whole = surface(letter_f(96))
    middle = whole.mean(axis=1)
    notch = (middle[:, 0] < -0.3) & (abs(middle[:, 1]) < 0.25)
    crumb = (abs(middle[:, 0] + 0.43) < 0.01) & (abs(middle[:, 1]) < 0.01)
    ragged = whole[~notch | crumb]
    notes = Notes()
    assert pieces(ragged, extent(ragged, np.eye(3)))[0] == 2
    assert without_specks(ragged, notes)[0] is ragged and notes == Notes()


def test_pieces_of_equal_size_stay() -> None:
    two = np.concatenate([PLATE, PLATE + np.float32([1.5, 0, 0])])
    assert without_specks(two, Notes())[0] is two


def test_long_faces_do_not_part_a_mesh() -> None:
    fan = np.array([[[0, 0, 0], [np.cos(a), np.sin(a), 0], [np.cos(a + 0.1), np.sin(a + 0.1), 0]] for a in range(40)])
    assert pieces(fan.astype(np.float32), extent(fan.astype(np.float32), np.eye(3)))[0] == 1


def plane(side: float, z: float, faces: int = 1, middle: tuple[float, float] = (0, 0), slope: float = 0) -> NDArray:
    """Return a square at height z, made of 2 faces^2 triangles."""
    flat = surface(np.full((faces + 1, faces + 1), 0.075)) * np.float32([side, side, 1])
    flat += np.float32([*middle, z])
    flat[:, :, 2] += np.float32(slope) * flat[:, :, 0]
    return flat.astype(np.float32)


BELOW = float(PLATE[:, :, 2].min()) - 0.02
NOISY = plane(2, BELOW - 0.05, 60) + np.random.default_rng(0).normal(0, 0.002, (7200, 3, 3)).astype(np.float32)
RING = plane(2, BELOW, 60)[abs(plane(2, BELOW, 60)[:, :, :2]).max(axis=(1, 2)) > 0.55]
TABLES = {
    **{f"{side} wide": plane(side, BELOW) for side in (1.05, 1.2, 2, 5, 20, 300)},
    "of many faces": plane(1.6, BELOW, 60),
    "far below": plane(1.5, BELOW - 0.5),
    "to one side": plane(1.4, BELOW, 1, (0.2, -0.3)),
    "where the plate juts out on two sides": plane(1.4, BELOW, 20, (0.35, 0.3)),
    "sloping": plane(1.5, BELOW - 0.2, 1, slope=0.2),
    "a slab": np.concatenate([plane(1.5, BELOW), plane(1.5, BELOW - 0.2)[:, ::-1]]),
    "rough": NOISY,
    "around it": RING,
    "facing away": plane(1.5, BELOW)[:, ::-1],
}


@pytest.mark.parametrize("name", TABLES)
def test_a_table_is_left_out_and_counted_whatever_its_size(name: str) -> None:
    notes = Notes()
    stay, found = without_specks(np.concatenate([PLATE, TABLES[name]]), notes)
    stay, seen = without_table(stay, look_at(stay, found.box), notes)
    np.testing.assert_array_equal(stay, PLATE)
    assert seen.width == pytest.approx(look_at(PLATE, extent(PLATE, np.eye(3))).width)
    assert notes.left_out and f" {len(TABLES[name]):,}" in " ".join(notes.left_out)


def test_a_scan_in_which_plate_and_table_are_one_surface_loses_the_table() -> None:
    heights = np.zeros((97, 97))
    heights[16:81, 16:81] = 0.1 + 0.5 * letter_f(65) + np.random.default_rng(0).normal(0, 0.004, (65, 65))
    notes = Notes()
    whole = surface(heights)
    stay, _ = without_table(whole, look_at(whole, extent(whole, np.eye(3))), notes)
    assert notes.left_out and 0.66 < np.ptp(stay[:, :, 0]) < 0.72


IDEAL = Relief(*[Span(0.15, 0.15), Span(0.02, 0.02)], *[NOTHING] * 9)
GROUNDS = {
    "sharp strokes on a flat ground": surface(letter_f(48)),
    "the same, coarse": surface(letter_f(24), turn(2, -1)),
    "soft strokes on a flat ground": mesh_of(
        carve_plate(
            INK,
            Carving(resolution=80, relief=IDEAL, tilt=NOTHING, bend=NOTHING, neighbours=NOTHING, shift=NOTHING),
            np.random.default_rng(0),
        )
    ),
    "one stroke": surface(np.pad(np.full((8, 40), 0.15), ((20, 20), (4, 4)))),
    "a block without relief": surface(np.pad(np.full((30, 30), 0.2), 9)),
    "a frame": surface(np.pad(np.zeros((24, 24)), 6, constant_values=0.15)),
}


@pytest.mark.parametrize("name", GROUNDS)
def test_the_ground_of_strokes_is_no_table(name: str) -> None:
    triangles = GROUNDS[name]
    notes = Notes()
    seen = look_at(triangles, extent(triangles, np.eye(3)))
    assert without_table(triangles, seen, notes)[0] is triangles and notes == Notes()


def test_carved_plates_of_every_kind_keep_their_ground() -> None:
    for seed in range(40):
        carving = Carving(resolution=64, tilt=Span(0, 25), neighbours=Span(0, 4))
        triangles = mesh_of(carve_plate(INK, carving, np.random.default_rng(seed)))
        notes = Notes()
        stay, found = without_specks(triangles, notes)
        stay, _ = without_table(stay, look_at(stay, found.box), notes)
        assert stay is triangles and notes == Notes(), seed
