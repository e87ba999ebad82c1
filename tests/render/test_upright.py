"""Test orientation: the carved side is found, turned to the viewer and noted; unambiguous meshes stay unchanged."""

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from tinymesh import letter_f, likeness, surface, turn

from sinonom_cli.assets import GLYPHS
from sinonom_cli.errors import SinonomError
from sinonom_cli.meshes.read import Notes
from sinonom_cli.meshes.survey import survey
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import Span
from sinonom_cli.relief.plate import carve_plate, mesh_of
from sinonom_cli.render.render import View, draw
from sinonom_cli.render.upright import upright
from sinonom_cli.search.familiar import Familiar

VIEW = View(size=64)


def carved(label: str) -> NDArray[np.float32]:
    ink = ink_of(load_picture(next((GLYPHS / "wenkai" / "images" / label).glob("*.png"))))
    assert ink is not None
    return mesh_of(carve_plate(ink, Carving(resolution=72, tilt=Span(2, 6)), np.random.default_rng(0)))


PLATE = carved("U+5B57")  # 字
PICTURE = draw(PLATE, VIEW).picture


def unasked(pictures: Any) -> Any:
    raise AssertionError("nothing is in doubt, and pictures were asked for")


FAMILIAR = Familiar()


def seen(triangles: NDArray[np.float32], judge: Any = FAMILIAR, check: bool = False) -> tuple[NDArray[np.uint8], Notes]:
    notes = Notes()
    turned, look = upright(triangles, survey(triangles), judge, notes, check)
    return draw(turned, VIEW, look).picture, notes


def test_a_mesh_that_faces_the_viewer_is_left_as_it_is_without_a_look_at_pictures() -> None:
    for pose in (turn(0, 0), turn(25, -20), turn(0, 38)):
        triangles = (PLATE @ pose.T).astype(np.float32)
        notes = Notes()
        assert upright(triangles, survey(triangles), unasked, notes)[0] is triangles
        assert notes == Notes()


ROTATIONS = [
    (order, signs)
    for order in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
    if np.linalg.det(np.eye(3)[list(order)] * np.array(signs)[:, None]) > 0
]


def side_of(triangles: NDArray[np.float32]) -> str:
    """Return the direction in which most faces look."""
    normal = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]).sum(axis=0)
    axis = int(abs(normal).argmax())
    return ("+" if normal[axis] > 0 else "-") + "XYZ"[axis]


def rotated(order: tuple[int, ...], signs: tuple[int, ...]) -> NDArray[np.float32]:
    return np.ascontiguousarray(PLATE[:, :, list(order)] * np.float32(signs))


BY_SIDE = {side_of(rotated(*rotation)): rotation for rotation in ROTATIONS}
TWO_A_SIDE = [*BY_SIDE.values(), *{side_of(rotated(*rotation)): rotation for rotation in ROTATIONS[::-1]}.values()]


def test_the_examples_face_all_six_sides() -> None:
    assert BY_SIDE.keys() == {"+X", "-X", "+Y", "-Y", "+Z", "-Z"} and len({*TWO_A_SIDE}) == 12


@pytest.mark.parametrize(("order", "signs"), TWO_A_SIDE)
def test_wherever_a_scan_faces_its_carved_side_is_shown_upright_and_said(
    order: tuple[int, int, int], signs: tuple[int, int, int]
) -> None:
    triangles = rotated(order, signs)
    picture, notes = seen(triangles)
    side = side_of(triangles)
    assert notes.turned[:2] == ("" if side == "+Z" else side) and not notes.remarks
    if side != "+Z":
        assert likeness(picture, PICTURE) > 0.9
    else:  # a side that faces the viewer is never rotated in its plane
        assert max(likeness(picture, np.rot90(PICTURE, quarters)) for quarters in range(4)) > 0.9


@pytest.mark.parametrize("faces_turned_over", [False, True])
@pytest.mark.parametrize(
    ("order", "signs"),
    [((0, 1, 2), (-1, 1, 1)), ((0, 2, 1), (1, 1, 1)), ((2, 1, 0), (1, 1, 1)), ((0, 1, 2), (1, 1, -1))],
)
def test_a_mirrored_scan_stays_mirrored_and_is_no_negative_unsaid(
    order: tuple[int, int, int], signs: tuple[int, int, int], faces_turned_over: bool
) -> None:
    triangles = np.ascontiguousarray(PLATE[:, :, list(order)] * np.float32(signs))
    if faces_turned_over:
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    picture, notes = seen(triangles, check=True)
    mirrored = max(likeness(picture, np.rot90(PICTURE[:, ::-1], quarters)) for quarters in range(4))
    assert mirrored > 0.9 or notes.remarks
    if signs == (-1, 1, 1):  # a program swapped left and right without reversing the faces: the mesh stays as it is
        np.testing.assert_array_equal(picture, draw(triangles, VIEW).picture)
        assert not notes.turned


def test_a_tilt_beyond_what_levelling_finds_is_taken_out_of_a_mesh_that_lies_on_its_side() -> None:
    on_its_side = np.ascontiguousarray(PLATE[:, :, [0, 2, 1]] * np.float32([1, 1, -1]))
    picture, notes = seen((on_its_side @ turn(0, 0).T @ turn(36, 5).T).astype(np.float32))
    assert likeness(picture, PICTURE) > 0.8 and notes.turned


def test_faces_wound_at_random_hide_nothing() -> None:
    rng = np.random.default_rng(0)
    over = rng.random(len(PLATE)) < 0.5
    for signs in ((1, 1, 1), (1, -1, -1)):
        triangles = PLATE * np.float32(signs)
        triangles[over] = triangles[over][:, ::-1]
        picture, notes = seen(np.ascontiguousarray(triangles))
        assert likeness(picture, PICTURE) > 0.9
        assert bool(notes.turned) == (signs != (1, 1, 1))


def solid(back: float = 0.3) -> NDArray[np.float32]:
    """Return a plate as thick as a block: carved in front, flat behind, closed all around."""
    heights = np.pad(letter_f(48) * 0.8, 0) + 0.01 * np.random.default_rng(0).normal(size=(48, 48))
    front = surface(heights)
    rear = surface(np.full((48, 48), -back))[:, ::-1]
    return np.concatenate([front, rear])


def test_a_solid_is_shown_from_the_side_that_has_a_relief() -> None:
    block = solid()
    notes = Notes()
    assert upright(block, survey(block), unasked, notes)[0] is block and notes == Notes()
    want = draw(block, VIEW).picture
    for order, signs, side in (((0, 1, 2), (1, -1, -1), "-Z"), ((0, 2, 1), (1, 1, -1), "+Y")):
        turned = np.ascontiguousarray(block[:, :, list(order)] * np.float32(signs))
        picture, notes = seen(turned)
        assert notes.turned[:2] in {side, "-Y" if side == "+Y" else side}
        assert max(likeness(picture, np.rot90(want, quarters)) for quarters in range(4)) > 0.9


def test_a_flat_mesh_has_no_relief_however_it_lies() -> None:
    flat = surface(np.full((30, 30), 0.0))
    for pose in (turn(0, 0), turn(17, 0), turn(90, 0), turn(0, 180), turn(30, 60)):
        triangles = (flat @ pose.T).astype(np.float32)
        with pytest.raises(SinonomError):
            seen(triangles)
        with pytest.raises(SinonomError):
            draw((flat @ turn(17, 0).T).astype(np.float32), View(size=64, level="off"))


def distances(front: list[float], back: list[float]) -> Any:
    """Return a judge that gives `front` for pictures like PICTURE, `back` for others and 9 for mirrored ones."""

    def judge(pictures: list[NDArray[np.uint8]]) -> NDArray[np.float64]:
        here = likeness(pictures[0], np.kron(PICTURE, np.ones((2, 2)))) > 0.7
        return np.array([*(front if here else back), 9, 9, 9, 9])

    return judge


DOWN = np.ascontiguousarray(PLATE * np.float32([1, -1, -1]))
SAME = [0.8, 0.8, 0.8, 0.8]


@pytest.mark.parametrize(
    ("front", "back", "turned", "sure"),
    [
        ([0.5, 0.9, 0.9, 0.9], SAME, "-Z", True),
        ([0.78, 0.8, 0.8, 0.8], SAME, "-Z", False),
        (SAME, [0.78, 0.8, 0.8, 0.8], "-Z", False),
        (SAME, [0.5, 0.5, 0.5, 0.5], "", True),
        ([0.9, 0.9, 0.5, 0.9], SAME, "-Z 180", True),
        ([0.6, 0.9, 0.55, 0.9], SAME, "-Z", True),
    ],
)
def test_pictures_overrule_how_faces_are_wound_only_where_they_are_clear(
    front: list[float], back: list[float], turned: str, sure: bool
) -> None:
    _, notes = seen(DOWN, distances(front, back))
    assert notes.turned == turned and bool(notes.remarks) is not sure


def test_where_no_character_is_known_windings_decide_and_the_doubt_is_said() -> None:
    picture, notes = seen(DOWN, lambda pictures: None)
    np.testing.assert_array_equal(picture, PICTURE)
    assert notes.turned == "-Z" and notes.remarks


def test_a_table_below_a_plate_on_its_side_is_left_out() -> None:
    low = float(PLATE[:, :, 2].min()) - 0.05
    table = surface(np.full((2, 2), 0.075)) * np.float32([1.4, 1.4, 1]) + np.float32([0, 0, low])
    scene = np.concatenate([PLATE, table])
    for order, signs in (((0, 1, 2), (1, 1, 1)), ((0, 1, 2), (1, -1, -1)), ((0, 2, 1), (1, 1, -1))):
        picture, notes = seen(np.ascontiguousarray(scene[:, :, list(order)] * np.float32(signs)))
        assert likeness(picture, PICTURE) > 0.95 and len(notes.left_out) == 1


@pytest.mark.parametrize(
    ("change", "mirror", "said"),
    [
        ((1, 1), False, ""),
        ((-1, -1), False, "180 degrees"),
        ((-1, 1), False, "with --mirror"),
        ((-1, 1), True, ""),
        ((1, 1), True, "without --mirror"),
    ],
)
def test_a_mesh_that_is_checked_is_remarked_on_if_it_seems_turned_or_mirrored(
    change: tuple[int, int], mirror: bool, said: str
) -> None:
    triangles = PLATE * np.array([*change, 1], np.float32)
    triangles = triangles if change[0] == change[1] else np.ascontiguousarray(triangles[:, ::-1])
    notes = Notes()
    stays, _ = upright(triangles, survey(triangles), FAMILIAR, notes, check=True, mirror=mirror)
    assert stays is triangles and notes.turned == ""
    assert len(notes.remarks) == bool(said) and all(said in remark for remark in notes.remarks)
