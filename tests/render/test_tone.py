"""Test tone: strokes are dark and ground is light, on worn and fresh relief, and single bad points have no effect."""

import numpy as np
import pytest
from tinymesh import letter_f, likeness

from sinonom_cli.render.tone import TONES, _blur, _highest, tone_local, tone_report

LETTER = np.kron(letter_f(48), np.ones((4, 4)))
TOPS = LETTER > 0
FRESH = (LETTER - 0.15).astype(np.float32)


def contrast(picture: np.ndarray) -> float:
    """Return how much darker the strokes are than the ground, 0 to 1."""
    return float((picture[~TOPS].mean() - picture[TOPS].mean()) / 255)


@pytest.mark.parametrize("tone", TONES)
def test_strokes_are_dark_and_ground_is_light(tone: str) -> None:
    picture = TONES[tone](FRESH)
    assert picture.dtype == np.uint8 and picture.shape == FRESH.shape
    assert likeness(255 - picture, TOPS) > 0.95
    assert contrast(picture) > 0.9


@pytest.mark.parametrize("tone", TONES)
def test_where_there_is_no_surface_the_picture_is_light(tone: str) -> None:
    heights = FRESH.copy()
    heights[:, :20] = -np.inf
    assert (TONES[tone](heights)[:, :20] == 255).all()
    assert (TONES[tone](np.full((8, 8), -np.inf, np.float32)) == 255).all()


def test_the_picture_is_soft_not_two_valued() -> None:
    u = np.linspace(0, 1, 256)
    ridge = np.tile(-0.2 * np.abs(u - 0.5) * 2, (256, 1)).astype(np.float32)
    assert len(np.unique(tone_local(ridge))) > 30


@pytest.mark.parametrize(("bad", "by"), [("spike", 1.5), ("gouge", -2.0)])
def test_one_spike_or_gouge_changes_nothing_but_itself(bad: str, by: float) -> None:
    heights = FRESH.copy()
    spot = (slice(30, 33), slice(60, 63))
    heights[spot] += by
    plain, marred = tone_local(FRESH), tone_local(heights)
    away = np.ones_like(TOPS)
    away[8:55, 38:85] = False
    np.testing.assert_allclose(plain[away], marred[away].astype(int), atol=2)
    assert contrast(marred) == pytest.approx(contrast(plain), abs=0.02)
    assert contrast(tone_report(heights)) < 0.6  # this is why the other tone is the default


def test_a_worn_corner_reads_nearly_as_dark_as_a_fresh_one() -> None:
    worn = np.minimum(FRESH, -0.04 * np.linspace(0, 1, 192, dtype=np.float32)[:, None])
    low_tops = TOPS.copy()
    low_tops[:120] = False
    assert tone_local(worn)[low_tops].mean() < tone_local(FRESH)[low_tops].mean() + 40
    assert tone_report(worn)[low_tops].mean() > tone_local(worn)[low_tops].mean() + 40


def test_shallow_and_deep_relief_look_the_same() -> None:
    np.testing.assert_allclose(tone_local(FRESH).astype(int), tone_local(FRESH * np.float32(0.2)), atol=1)


def test_a_flat_plate_makes_a_picture_and_no_noise_of_warnings() -> None:
    with np.errstate(all="raise"):
        assert tone_local(np.zeros((40, 40), np.float32)).shape == (40, 40)
        assert tone_report(np.zeros((40, 40), np.float32)).shape == (40, 40)


@pytest.mark.parametrize("radius", [1, 3, 40])
def test_blur_and_maximum_agree_with_a_loop(radius: int) -> None:
    field = np.random.default_rng(0).normal(size=(12, 15)).astype(np.float32)
    padded = np.pad(field, radius, mode="edge")
    side = 2 * radius + 1
    for i in range(12):
        for j in range(15):
            window = padded[i : i + side, j : j + side]
            assert _blur(field, radius)[i, j] == pytest.approx(window.mean(dtype=np.float64), abs=1e-5)
            assert _highest(field, radius)[i, j] == window.max()
