"""Uneven light and blur are corrected where a picture has them; other pictures stay unchanged."""

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tinystrokes import drawn

from sinonom_cli.networks.light import closed, flattened, is_blurred, is_uneven, sharpened
from sinonom_cli.networks.preprocess import mended, prepare
from sinonom_cli.pictures.levels import levels_of

PLAIN = np.clip(drawn().astype(int) * 3 // 4 + 40, 0, 255).astype(np.uint8)
"""Grey values with the contrast of old prints: ink 55, paper 227."""
WANTED = prepare(PLAIN, 48)
Y, X = np.mgrid[:96, :96] / 95


def alike(picture: np.ndarray) -> float:
    return float(np.corrcoef(prepare(picture, 48).ravel(), WANTED.ravel())[0, 1])


def lit(light: np.ndarray) -> np.ndarray:
    return np.round(PLAIN * light).astype(np.uint8)


LIGHT = {
    "falling to the right": 1 - 0.4 * X,
    "falling to a corner": 1 - 0.3 * (X + Y),
    "a shadow from the left": np.where(X < 0.45, 0.5, 1.0),
    "a shadow from above": np.where(Y < 0.6, 0.4, 1.0),
    "a slanting shadow": np.where(X + 0.7 * Y > 0.8, 0.55, 1.0),
    "a soft shadow": 1 - 0.5 / (1 + np.exp(-(X - 0.5) * 30)),
}


@pytest.mark.parametrize("name", LIGHT)
def test_uneven_light_does_not_matter(name: str) -> None:
    assert alike(lit(LIGHT[name])) > 0.93


@pytest.mark.parametrize("name", LIGHT)
def test_light_ink_under_uneven_light_is_left_alone(name: str) -> None:
    picture = np.round((255 - PLAIN) * LIGHT[name]).astype(np.uint8)
    assert flattened(picture) is picture


@pytest.mark.parametrize("side", [48, 64, 96, 127])
def test_even_light_and_sharp_strokes_are_left_as_they_are(side: int) -> None:
    for picture in (drawn(side), 255 - drawn(side), drawn(side) // 2 + 60):
        assert mended(picture, 64).grey is picture
        found = levels_of(picture)
        assert found is not None and not is_blurred(picture, found)
        assert is_uneven(picture, found) == (picture[0, 0] < 100)  # `flattened` detects that the ink is light


def test_a_closing_is_the_least_of_the_greatest() -> None:
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (20, 31), dtype=np.uint8)
    for window in (1, 3, 7, 9):
        reach = window // 2
        wide = np.pad(picture, 2 * reach, mode="edge")
        size = (window, window)
        dilated = np.lib.stride_tricks.sliding_window_view(wide, size).max(axis=(2, 3))
        wanted = np.lib.stride_tricks.sliding_window_view(dilated, size).min(axis=(2, 3))
        assert np.array_equal(closed(picture, window), wanted)


@pytest.mark.parametrize(("side", "looked_at"), [(7, False), (8, True), (10, True)])
def test_light_is_looked_at_from_two_pixels_a_tile_on(side: int, looked_at: bool) -> None:
    picture = np.full((side, side), 220, np.uint8)
    picture[:, : side // 2] = 90  # a shadow
    picture[side // 2, 1:-1] //= 4
    found = levels_of(picture)
    assert found is not None and is_uneven(picture, found) == looked_at


def test_blur_is_seen_and_strokes_become_sharper() -> None:
    soft = np.asarray(Image.fromarray(PLAIN).filter(ImageFilter.GaussianBlur(4)))
    found = levels_of(soft)
    assert found is not None and is_blurred(soft, found)
    steepest = [int(np.abs(np.diff(picture.astype(int), axis=0)).max()) for picture in (soft, sharpened(soft))]
    assert steepest[1] > 1.2 * steepest[0]


def test_an_edge_that_is_just_steep_enough_is_sharp() -> None:
    picture = np.full((64, 64), 200, np.uint8)
    picture[:, 20:40] = 120
    found = levels_of(picture)
    assert found is not None
    for contrast, blurred in ((92.0, False), (92.2, True)):
        assert is_blurred(picture, replace(found, low=200 - contrast, high=200.0)) == blurred


def test_what_is_lighter_than_its_surroundings_becomes_white() -> None:
    picture = lit(LIGHT["falling to the right"])
    picture[48, 88] = 255
    assert flattened(picture).max() == 255


def test_a_small_picture_is_enlarged_smoothly() -> None:
    small = np.asarray(Image.fromarray(PLAIN).resize((14, 14), Image.Resampling.LANCZOS))
    assert min(mended(small, 48).grey.shape) > 40
    assert alike(small) > 0.8


def test_strokes_are_ink_from_where_they_vary_much_more_than_the_light() -> None:
    stroke = (abs(X - 0.25) < 0.05) & (abs(Y - 0.5) < 0.3)
    left_alone = []
    for contrast in (30, 44, 50, 58, 66, 90):
        picture = (60 + 80 * (X > 0.5) + contrast * stroke).astype(np.uint8)  # light strokes beside a shadow's edge
        left_alone.append(flattened(picture) is picture)
    assert left_alone == [False] * 3 + [True] * 3
