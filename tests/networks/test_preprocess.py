"""Polarity, contrast, place, size and frames of a picture do not change the network's input."""

import numpy as np
import pytest
from PIL import Image
from tinystrokes import drawn

from sinonom_cli.networks.preprocess import prepare

PLAIN = drawn()


def alike(first, second):
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


WANTED = prepare(PLAIN, 48)


def test_the_result_has_its_shape_and_range_and_ink_is_one():
    for picture in (PLAIN, PLAIN[:, 10:60], PLAIN[:5, :5], np.zeros((1, 1), np.uint8)):
        result = prepare(picture, 48)
        assert result.shape == (48, 48)
        assert result.dtype == np.float32
        assert result.min() >= 0
        assert result.max() <= 1
    assert WANTED.max() > 0.99
    assert 0.2 < WANTED.mean() < 0.5


@pytest.mark.parametrize(
    "changed",
    [
        255 - PLAIN,
        PLAIN // 3 + 90,
        (255 - PLAIN) // 3 + 20,
        np.pad(PLAIN, ((0, 30), (50, 0)), constant_values=250),
        drawn(left=0.1, top=0.35, scale=0.5),
        drawn(160, left=0.3, top=0.2, scale=0.5),
        drawn(256),
        255 - drawn(700),
    ],
    ids=["inverted", "faint", "faint inverted", "padded", "moved", "other size", "larger", "huge inverted"],
)
def test_polarity_contrast_place_and_size_do_not_matter(changed):
    assert alike(prepare(changed, 48), WANTED) > 0.97


@pytest.mark.parametrize("ink", ["dark", "light"])
@pytest.mark.parametrize("frame", [255, 0])
def test_a_plain_frame_around_a_photo_is_cut_off(ink, frame):
    photo = 40 + (PLAIN.astype(int) * 3 // 5)
    photo = photo if ink == "dark" else 255 - photo
    framed = np.pad(photo, 20, constant_values=frame).astype(np.uint8)
    assert alike(prepare(framed, 48), WANTED) > 0.95


def test_a_depth_picture_with_strokes_in_relief_reads_like_its_print():
    rng = np.random.default_rng(0)
    soft = np.asarray(Image.fromarray(255 - PLAIN).resize((24, 24), Image.Resampling.BOX).resize((96, 96)), float)
    height = soft * 0.7 + np.linspace(0, 40, 96) + rng.normal(0, 4, (96, 96))
    assert alike(prepare(np.clip(height, 0, 255).astype(np.uint8), 48), WANTED) > 0.8


@pytest.mark.parametrize("part", [np.s_[:4, 20:80], np.s_[30:60, 93:]], ids=["above", "beside"])
def test_parts_of_neighbours_at_the_border_hardly_move_the_character(part):
    picture = PLAIN.copy()
    picture[part] = 20
    assert alike(prepare(picture, 48), WANTED) > 0.8


def test_grey_stays_soft():
    bars = np.full((96, 96), 235, np.uint8)
    for place, grey in enumerate((20, 60, 100, 140, 180)):
        bars[10:86, 10 + 16 * place : 18 + 16 * place] = grey
    middles = prepare(bars, 96)[48]
    assert len(np.unique(np.round(middles, 1))) > 5


def test_a_box_filled_to_its_edge_keeps_its_polarity():
    ring = np.full((60, 60), 250, np.uint8)
    ring[:9], ring[-9:], ring[:, :9], ring[:, -9:] = 20, 20, 20, 20
    assert prepare(ring, 48)[22:26, 22:26].max() < 0.1


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_is_all_ground(value):
    assert (prepare(np.full((40, 30), value, np.uint8), 32) == 0).all()


def test_only_one_grey_picture_is_taken():
    with pytest.raises(ValueError, match="4, 4, 3"):
        prepare(np.zeros((4, 4, 3), np.uint8), 32)
