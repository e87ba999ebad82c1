"""Test simulated prints: neighbours, coarse scans, JPEG as an encoder makes it, and randomness from the seed alone."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tinyfont
from PIL import Image

from sinonom_cli.fonts.degrade import INTRUSION, Wear, among, degraded, scanned
from sinonom_cli.fonts.draw import Pen, distance_field
from sinonom_cli.fonts.effects import through_jpeg
from sinonom_cli.parallel.batch import item_rng

SIDE = 64


@pytest.fixture
def fields(tmp_path: Path) -> list[np.ndarray]:
    pen = Pen(tinyfont.build(tmp_path / "tiny.ttf"), 0, SIDE)
    glyphs = [pen.glyph(char) for char in tinyfont.CHARS[:6]]
    return [distance_field(glyph, SIDE, 6) for glyph in glyphs if glyph is not None]


def wear(amount: float = 0.0, **changes: object) -> Wear:
    return replace(Wear.drawn(item_rng(0, "wear"), amount, SIDE), **changes)


@pytest.mark.parametrize("size", [(22, 22), (24, 24), (30, 37), (64, 64)])
@pytest.mark.parametrize("quality", [30, 49, 60, 95])
def test_jpeg_is_what_an_encoder_and_a_decoder_make_of_it(size: tuple[int, int], quality: int) -> None:
    rng = np.random.default_rng(quality)
    waves = 60 * np.sin(np.add.outer(0.4 * np.arange(size[0]), 0.9 * np.arange(size[1])))
    picture = np.clip(128 + waves + rng.normal(0, 10, size), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    theirs = np.asarray(Image.open(buffer)).astype(int)
    ours = through_jpeg(picture, quality).astype(int)
    loss = np.abs(theirs - picture).mean()
    assert np.abs(ours - theirs).mean() < 0.1 * loss + 0.3
    assert np.mean(np.abs(ours - theirs) <= 1) > 0.9


@pytest.mark.parametrize("place", range(4))
def test_a_neighbour_reaches_in_from_its_side_and_no_further(fields: list[np.ndarray], place: int) -> None:
    depth = 7.0
    alone = np.full((SIDE, SIDE), -6, np.float32)
    found = among(alone, fields[:1], wear(neighbours=((place, 0.0, depth, 3.0),)))
    ink = np.rot90(found > 0, place)
    rows = np.flatnonzero(ink.any(axis=1))
    assert rows[0] == 0
    assert rows[-1] + 1 == round(depth)
    kept = among(fields[1], fields[:1], wear(neighbours=((place, 0.0, depth, 3.0),)))
    assert (kept >= fields[1]).all()
    assert np.array_equal(np.rot90(kept, place)[40:], np.rot90(fields[1], place)[40:])


def test_neighbours_are_seen_at_the_borders_and_leave_the_middle_alone(fields: list[np.ndarray]) -> None:
    above = 0.0
    middle = round(INTRUSION * SIDE) + 3
    for k in range(30):
        alone = degraded(fields[0], 0.0, 1.0, item_rng(k, "same"))
        beside = degraded(fields[0], 0.0, 1.0, item_rng(k, "same"), fields[1:])
        above = max(above, float(np.abs(alone[:3].astype(float) - beside[:3]).max()))
        # A coarse scan spreads the ink of a border by one of its pixels, and JPEG by a block.
        inner = np.abs(alone.astype(float) - beside)[2 * middle : -2 * middle, 2 * middle : -2 * middle]
        assert inner.mean() < 6
    assert above > 60


def test_a_coarse_scan_keeps_no_detail_finer_than_its_pixels() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8), (SIDE, SIDE // 2))
    clean = {"noise": 0.0, "quality": 0}
    fine = scanned(stripes, wear(scan=SIDE, **clean), item_rng(0, "a"))
    coarse = scanned(stripes, wear(scan=24, **clean), item_rng(0, "a"))
    assert np.array_equal(fine, stripes)
    assert coarse.shape == (SIDE, SIDE)
    assert coarse.std() < 0.2 * fine.std()


def test_thin_strokes_survive_the_coarsest_scan() -> None:
    field = np.full((SIDE, SIDE), -6, np.float32)
    field[:] = 0.4 - np.abs(np.arange(SIDE, dtype=np.float32) - 31)[:, None]
    field = np.clip(field, -6, None)
    dark = []
    for k in range(40):
        picture = degraded(field, 0.0, 1.0, item_rng(k, "line")).astype(float)
        rows = picture[:, 10:-10].mean(axis=1)
        dark.append(np.median(rows) - rows[24:40].min())
    assert np.median(dark) > 35


def test_the_same_seed_face_and_character_give_the_same_print(fields: list[np.ndarray]) -> None:
    once, again, other = (degraded(fields[0], 0.3, 0.8, item_rng(7, key), fields[1:]) for key in ("a", "a", "b"))
    assert np.array_equal(once, again)
    assert not np.array_equal(once, other)
