"""Composed pages have their boxes around the characters, and damage keeps a picture a picture."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from sinonom_cli.assets import GLYPHS
from sinonom_cli.layout.compose import HEIGHTS, Composed, compose
from sinonom_cli.layout.damage import blurred, damaged
from sinonom_cli.layout.glyph_bank import GlyphBank, glyph_of
from sinonom_cli.storage.image_set import read_imageset

SIDE = 192


@pytest.fixture(scope="module")
def bank() -> GlyphBank:
    return GlyphBank([read_imageset(GLYPHS / "wenkai")], 0)


def page(bank: GlyphBank, seed: int) -> Composed:
    rng = np.random.default_rng(seed)
    return compose(rng, bank.picker(rng), SIDE)


def test_boxes_are_as_large_as_characters_and_hold_ink(bank: GlyphBank) -> None:
    inked = sizes = 0
    pages = [page(bank, seed) for seed in range(30)]
    assert sum(len(each.boxes) for each in pages) > 600
    for each in pages:
        assert each.ink.shape == (SIDE, SIDE) and each.ink.min() >= 0 and each.ink.max() <= 1
        assert HEIGHTS[0] <= each.height <= HEIGHTS[1]
        for x0, y0, x1, y1 in each.boxes:
            assert 0 < x0 + x1 < 2 * SIDE and 0 < y0 + y1 < 2 * SIDE
            part = each.ink[max(0, int(y0)) : int(np.ceil(y1)), max(0, int(x0)) : int(np.ceil(x1))]
            inked += part.max() > 0.5
            sizes += 0.3 * each.height < max(x1 - x0, y1 - y0) < 1.3 * each.height
    total = sum(len(each.boxes) for each in pages)
    assert inked > 0.99 * total and sizes > 0.99 * total


def test_ink_outside_boxes_is_lines_only(bank: GlyphBank) -> None:
    # Pages without rules, frame, picture and fish-tail have no ink outside the boxes, apart from the turn's rounding.
    clean = 0
    for seed in range(120):
        each = page(bank, seed)
        covered = np.zeros((SIDE, SIDE), bool)
        for x0, y0, x1, y1 in each.boxes:
            covered[max(0, int(y0) - 3) : int(y1) + 4, max(0, int(x0) - 3) : int(x1) + 4] = True
        band = np.zeros((SIDE, SIDE), bool)
        band[40:-40, 40:-40] = True  # characters whose middle lies outside may reach into the edge
        clean += not (each.ink[~covered & band] > 0.5).any()
    assert clean > 20


def test_the_same_seed_gives_the_same_page(bank: GlyphBank) -> None:
    one, other = page(bank, 5), page(bank, 5)
    assert np.array_equal(one.ink, other.ink) and np.array_equal(one.boxes, other.boxes)
    assert not np.array_equal(one.ink, page(bank, 6).ink)


def test_damage_is_a_picture_and_leaves_most_characters_visible(bank: GlyphBank) -> None:
    likeness = []
    for seed in range(40):
        each = page(bank, seed)
        found = damaged(np.random.default_rng(seed), each.ink, each.height)
        assert found.shape == each.ink.shape and found.dtype == np.float32
        assert found.min() >= 0 and found.max() <= 1
        if each.ink.std() > 0.05:
            likeness.append(float(np.corrcoef(found.ravel(), each.ink.ravel())[0, 1]))
    assert np.median(likeness) > 0.5 and max(likeness) < 0.999


def test_a_blur_is_that_of_scipy() -> None:
    picture = np.random.default_rng(1).random((40, 50)).astype(np.float32)
    right = gaussian_filter(picture, 1.7, mode="nearest", truncate=3.0)
    assert blurred(picture, 1.7) == pytest.approx(right, abs=0.01)


def test_a_glyph_is_cut_to_its_ink_and_a_faint_one_is_left_out() -> None:
    grey = np.full((64, 64), 240, np.uint8)
    grey[28:34, 6:58] = 20
    glyph = glyph_of(grey)
    assert glyph is not None
    ink, body = glyph
    assert ink.shape == (6, 52) and ink.min() == 255 and body == pytest.approx(0.85 * 64)
    assert glyph_of(np.full((64, 64), 240, np.uint8)) is None
