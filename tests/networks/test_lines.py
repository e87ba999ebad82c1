"""Rules, boxes and grids around a character are removed; strokes that look like them stay."""

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinystrokes import drawn

from sinonom_cli.networks.lines import inside_lines, uncrossed, unframed
from sinonom_cli.networks.preprocess import mended, prepare
from sinonom_cli.pictures.levels import levels_of

SIDE = 96
PLAIN = (drawn(SIDE, 0.25, 0.22, 0.5).astype(int) * 2 // 3 + 70).astype(np.uint8)
"""Picture of grey ink, 83, on grey paper, 236; the lines are darker than the ink."""
WANTED = prepare(PLAIN, 48)


def alike(picture: np.ndarray) -> float:
    return float(np.corrcoef(prepare(picture, 48).ravel(), WANTED.ravel())[0, 1])


def bounds(picture: np.ndarray) -> tuple[int, int, int, int] | None:
    found = levels_of(picture)
    assert found is not None
    return inside_lines(picture, found)


def with_lines(*lines: tuple[float, float, float, float], ink: int = 15, picture: np.ndarray = PLAIN) -> np.ndarray:
    """Draw filled rectangles, in pixels: first column, first row, last column, last row."""
    image = Image.fromarray(picture)
    for line in lines:
        ImageDraw.Draw(image).rectangle(line, fill=ink)
    return np.asarray(image)


def box(inset: int, thick: int, picture: np.ndarray = PLAIN, ink: int = 15) -> np.ndarray:
    image = Image.fromarray(picture)
    far = SIDE - 1 - inset
    ImageDraw.Draw(image).rectangle((inset, inset, far, far), outline=ink, width=thick)
    return np.asarray(image)


@pytest.mark.parametrize(("inset", "thick"), [(0, 4), (0, 9), (2, 5), (4, 8), (6, 2), (7, 6)])
def test_a_box_around_a_character_goes(inset: int, thick: int) -> None:
    assert alike(box(inset, thick)) > 0.98


@pytest.mark.parametrize("lines", [[(0, 0, 6, 95), (90, 0, 95, 95)], [(3, 0, 7, 95), (88, 0, 93, 95)]])
def test_rules_at_both_sides_go(lines: list[tuple[float, float, float, float]]) -> None:
    beside = with_lines(*lines)
    assert alike(beside) > 0.98
    assert bounds(np.ascontiguousarray(beside.T)) is not None
    single = with_lines(lines[0])
    assert alike(single) > 0.98


def test_a_box_that_the_picture_cuts_off_goes() -> None:
    assert alike(with_lines((2, 0, 6, 90), (89, 0, 93, 90), (2, 86, 93, 90))) > 0.98


def strokes_like_lines() -> dict[str, np.ndarray]:
    white = np.full((SIDE, SIDE), 250, np.uint8)
    return {
        "口": box(9, 7, white),
        "囗 filling its picture": box(0, 7, white),
        "日": with_lines((9, 44, 86, 50), picture=box(9, 7, white)),
        "三": with_lines((8, 10, 87, 16), (8, 44, 87, 50), (8, 80, 87, 86), picture=white),
        "十": with_lines((8, 44, 87, 50), (44, 8, 50, 87), picture=white),
        "門": with_lines((8, 8, 14, 90), (80, 8, 86, 90), (8, 8, 40, 14), (55, 8, 86, 14), picture=white),
        "厂": with_lines((9, 9, 15, 95), (9, 9, 88, 15), picture=white),
    }


@pytest.mark.parametrize("name", strokes_like_lines())
def test_strokes_that_look_like_lines_stay(name: str) -> None:
    for picture in (strokes_like_lines()[name], 255 - strokes_like_lines()[name]):
        cut_off = np.subtract(picture.shape, mended(picture, 64).grey.shape)
        assert cut_off.max() <= 2 * 9 + 2  # plain ground around the strokes, and one pixel of them


def crossed(dash: int, ink: int = 60, thick: int = 2, inset: int | None = 2) -> np.ndarray:
    picture = PLAIN if inset is None else box(inset, thick, ink=ink)
    lines = []
    for start in range(inset or 0, SIDE, 2 * dash):
        stop = min(start + dash - 1, SIDE - 1 - (inset or 0))
        lines += [(start, 47, stop, 47 + thick - 1), (47, start, 47 + thick - 1, stop)]
    return with_lines(*lines, ink=ink, picture=picture)


@pytest.mark.parametrize("dash", [5, 200])
@pytest.mark.parametrize("inset", [2, None])
def test_the_cross_of_a_practice_grid_goes(dash: int, inset: int | None) -> None:
    picture = crossed(dash, inset=inset)
    assert alike(picture) > 0.97
    found = levels_of(picture)
    assert found is not None
    if inset is None:
        cleared = uncrossed(picture, found)
        at = np.abs(cleared[:, 47].astype(int) - PLAIN[:, 47])
        assert np.median(at) < 3 and (at > 60).mean() < 0.1


def test_a_cross_alone_is_what_the_picture_shows() -> None:
    cross = with_lines((0, 47, 95, 48), (47, 0, 48, 95), picture=np.full((SIDE, SIDE), 250, np.uint8))
    assert np.array_equal(mended(cross, 64).grey, cross)


@pytest.mark.parametrize("quarters", range(4))
def test_a_single_line_beside_ink_is_a_stroke_on_any_side(quarters: int) -> None:
    """A line counts neither as a single rule nor as one of two if there is ink beside it."""
    white = np.full((SIDE, SIDE), 250, np.uint8)
    stroke = with_lines((3, 0, 8, 95), (9, 20, 30, 40), (40, 30, 70, 60), picture=white)
    assert bounds(np.ascontiguousarray(np.rot90(stroke, quarters))) is None
    free = with_lines((3, 0, 8, 95), (40, 30, 70, 60), picture=white)
    assert bounds(np.ascontiguousarray(np.rot90(free, quarters))) is not None


def test_a_black_frame_is_cut_off_and_one_with_another_corner_is_not() -> None:
    framed = np.pad(PLAIN, 11, constant_values=0)
    assert np.array_equal(unframed(framed), PLAIN[1:-1, 1:-1])
    for corner in ((0, -1), (-1, 0), (-1, -1)):
        other = framed.copy()
        other[corner] = 200
        assert unframed(other) is other


@pytest.mark.parametrize("darkest", range(5))
def test_all_of_a_thick_cross_goes_wherever_it_is_darkest(darkest: int) -> None:
    picture = with_lines((0, 46, 95, 50), (46, 0, 50, 95), ink=110)
    picture = np.minimum(picture, with_lines((46 + darkest, 0, 46 + darkest, 95), ink=90))
    found = levels_of(picture)
    assert found is not None
    cleared = uncrossed(picture, found)
    ground = PLAIN[:9, 44:53].astype(int)
    assert np.abs(cleared[:9, 44:53].astype(int) - ground).max() < 12


def test_a_frame_of_another_grey_is_cut_off_and_a_characters_own_edge_is_not() -> None:
    framed = np.pad(PLAIN, 11, constant_values=120)
    assert np.array_equal(unframed(framed), PLAIN[1:-1, 1:-1])
    assert unframed(PLAIN) is PLAIN
