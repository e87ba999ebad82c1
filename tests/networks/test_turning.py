"""Prepared pictures are turned as Pillow turns the picture before it is prepared."""

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.networks.preprocess import prepare
from sinonom_cli.networks.turning import turned
from sinonom_cli.pictures.loading import load_picture

SIZE = 64


@pytest.fixture(scope="module")
def glyphs() -> list[np.ndarray]:
    paths = sorted(GLYPHS.glob("wenkai/images/*/*.png"))[::10]
    return [np.pad(load_picture(path), 20, constant_values=255) for path in paths]


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])


@pytest.mark.parametrize("degrees", [-12, -4, 4, 12])
def test_turns_clockwise_as_pillow_does(degrees: int, glyphs: list[np.ndarray]) -> None:
    upright = np.stack([prepare(glyph, SIZE) for glyph in glyphs])
    wanted = []
    for glyph in glyphs:
        large = Image.fromarray(glyph).resize((4 * glyph.shape[1], 4 * glyph.shape[0]), Image.Resampling.BICUBIC)
        wanted.append(prepare(np.asarray(large.rotate(-degrees, Image.Resampling.BICUBIC, fillcolor=255)), SIZE))
    got, back = turned(upright, degrees), turned(upright, -degrees)
    assert got.shape == upright.shape
    assert got.dtype == np.float32
    assert 0 <= got.min() <= got.max() <= 1
    alike = np.array([likeness(one, other) for one, other in zip(got, wanted, strict=True)])
    assert alike.mean() > 0.8
    assert (alike > [likeness(one, other) for one, other in zip(back, wanted, strict=True)]).all()


def test_a_blank_picture_stays_blank() -> None:
    assert not turned(np.zeros((2, SIZE, SIZE), np.float32), 8).any()
