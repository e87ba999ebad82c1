"""Test coloured marks: seals and ruled grids on black ink are removed, and ink that is red itself is kept."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from tinystrokes import drawn

from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.pictures.colours import _coloured, _has_ink_under, _levelled, _saturation, without_marks
from sinonom_cli.pictures.loading import load_picture

SIDE = 120
GREY = (drawn(SIDE, 0.25, 0.22, 0.55).astype(int) * 2 // 3 + 70).astype(np.uint8)
WANTED = prepare(GREY, 48)
RED, GREEN = (205, 40, 45), (50, 160, 80)


def on_paper(grey: np.ndarray = GREY, paper: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    return np.round(grey[..., None] / 255 * np.array(paper)).astype(np.uint8)


def stamped(shape: str, colour: tuple[int, int, int] = RED, covers: bool = False, side: float = 0.7) -> np.ndarray:
    """Draw a mark over the character: half opaque if `covers`, otherwise transparent like coloured glass."""
    mask = Image.new("L", (SIDE, SIDE))
    draw, far = ImageDraw.Draw(mask), round(side * SIDE)
    if shape == "filled":
        draw.rectangle((8, 14, 8 + far, 14 + far), fill=255)
        draw.line((40, 30, 40, 60), fill=0, width=4)
    elif shape == "rim":
        draw.rectangle((8, 14, 8 + far, 14 + far), outline=255, width=8)
    else:
        draw.rectangle((1, 1, SIDE - 2, SIDE - 2), outline=255, width=2)
        draw.line((0, 60, SIDE, 60), fill=255, width=2)
        draw.line((60, 0, 60, SIDE), fill=255, width=2)
    page = on_paper().astype(float)
    over = (page + np.array(colour)) / 2 if covers else page * np.array(colour) / 255
    share = np.asarray(mask)[..., None] / 255
    return np.round(page + share * (over - page)).astype(np.uint8)


def alike(grey: np.ndarray) -> float:
    return float(np.corrcoef(prepare(grey, 48).ravel(), WANTED.ravel())[0, 1])


@pytest.mark.parametrize("covers", [False, True])
@pytest.mark.parametrize("shape", ["filled", "rim", "grid"])
@pytest.mark.parametrize("colour", [RED, GREEN])
def test_coloured_marks_on_black_ink_go(tmp_path: Path, shape: str, covers: bool, colour: tuple[int, int, int]) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(stamped(shape, colour, covers)).save(path)
    assert alike(load_picture(path)) > 0.95
    if shape == "filled" and not covers:
        assert alike(np.asarray(Image.open(path).convert("L"))) < 0.9


def test_a_seal_over_all_of_the_ink_goes(tmp_path: Path) -> None:
    Image.fromarray(stamped("filled", side=0.86)).save(tmp_path / "a.png")
    assert alike(load_picture(tmp_path / "a.png")) > 0.9


@pytest.mark.parametrize("quality", [None, 30])
def test_ink_that_is_all_red_stays(tmp_path: Path, quality: int | None) -> None:
    paper = np.array((250, 240, 215))
    ink = np.array((170, 35, 30))
    share = (250 - drawn(SIDE, 0.25, 0.22, 0.55).astype(float))[..., None] / 230
    rubric = np.round(paper + share * (ink - paper)).astype(np.uint8)
    path = tmp_path / ("a.jpg" if quality else "a.png")
    Image.fromarray(rubric).save(path, **({"quality": quality} if quality else {}))
    assert alike(load_picture(path)) > 0.97
    boxed = rubric.copy()
    boxed[:, :5], boxed[:, -5:] = 20, 20  # a black box printed around a rubric
    Image.fromarray(boxed).save(path)
    assert alike(load_picture(path)) > 0.97


@pytest.mark.parametrize("paper", [(255, 255, 255), (225, 190, 130), (235, 215, 190), (150, 160, 150)])
def test_paper_of_any_colour_is_no_mark(paper: tuple[int, int, int]) -> None:
    assert without_marks(on_paper(paper=paper)) is None


def test_marks_are_kept_where_a_picture_may_show_more_than_one_character(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(stamped("filled")).save(path)
    assert np.array_equal(load_picture(path, whole=True), np.asarray(Image.open(path).convert("L")))


def test_a_large_photo_keeps_its_colours_until_marks_are_gone(tmp_path: Path) -> None:
    large = Image.fromarray(stamped("filled")).resize((2400, 2400))
    large.save(tmp_path / "a.jpg", quality=80)
    read = load_picture(tmp_path / "a.jpg")
    assert max(read.shape) < 2400
    assert alike(read) > 0.9


def test_transparent_pictures_have_colours_too(tmp_path: Path) -> None:
    page = stamped("filled", covers=True)
    opacity = np.full((SIDE, SIDE, 1), 255, np.uint8)
    Image.fromarray(np.concatenate([page, opacity], axis=2)).save(tmp_path / "a.png")
    assert alike(load_picture(tmp_path / "a.png")) > 0.95


def test_a_pixel_is_coloured_from_12_levels_and_0_15_above_the_saturation_of_the_paper() -> None:
    bright, dark = (each.astype(np.uint8) for each in np.mgrid[0:256, 0:256])
    bright, dark = np.maximum(bright, dark), np.minimum(bright, dark)
    for paper in (0.0, 0.1, 0.9):
        found = _coloured(bright, dark, paper)
        least = min(int(255 * (paper + 0.15)), 255) / 255
        for high, low, coloured in zip(bright[::7].ravel(), dark[::7].ravel(), found[::7].ravel(), strict=True):
            range_ = int(high) - int(low)
            # Exact fractions decide; a difference of 1e-9 keeps equal ones from being rounded apart.
            assert coloured == (range_ >= 12 and range_ > least * int(high) + 1e-9)


def test_saturation_is_the_range_of_channels_over_the_brightest() -> None:
    bright, dark = np.array([0, 1, 100, 255], np.uint8), np.array([0, 0, 50, 255], np.uint8)
    assert _saturation(bright, dark).tolist() == [0, 1, 0.5, 0]


def test_a_seal_of_11_levels_is_no_mark_and_one_of_14_is() -> None:
    for levels, marked in ((11, False), (14, True)):
        picture = np.repeat(np.full((40, 40, 1), 60, np.uint8), 3, axis=2)
        picture[5:35, 5:35, 0] = 60 + levels
        picture[10:30, 18:22] = 5
        picture[12:28, 8:12] = 5
        assert (without_marks(picture) is not None) == marked


@pytest.mark.parametrize(("missing", "filled"), [(4, True), (5, False)])
@pytest.mark.parametrize("turned", [False, True])
def test_a_seal_fills_its_box_from_0_7_on(missing: int, filled: bool, turned: bool) -> None:
    coloured, bright = np.zeros((24, 40), bool), np.full((24, 40), 250, np.uint8)
    coloured[3:7, 30:34] = True
    bright[3:7, 30:34] = 200
    bright[3:7, 30:32] = 20
    coloured[4, 31:33] = coloured[5, 31:33] = False
    if missing == 5:
        coloured[4, 30] = False
    if turned:
        coloured, bright = coloured.T, bright.T
    assert _has_ink_under(bright, coloured) == filled


def test_a_mark_without_ink_under_it_takes_the_level_of_the_paper_beside_it() -> None:
    values = np.full((20, 20), 240, np.uint8)
    values[4:8, 2:18] = 10
    mark = np.zeros((20, 20), bool)
    mark[12:18] = True
    values[12:18] = 120
    found = _levelled(values, mark)
    assert np.array_equal(found[~mark], values[~mark])
    assert np.unique(found[mark]).tolist() == [240]
