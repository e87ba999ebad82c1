"""Simulated prints and reliefs have properties that every view must have."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.relief.physics import Relief, Span  # noqa: E402
from sinonom_cli.train.augment import Amounts, print_view, relief_view, views  # noqa: E402


@pytest.fixture(scope="module")
def ink():
    """Return (24, 48, 48) characters of four strokes each, with soft edges, away from the border."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:48, :48] + 0.5
    pictures = np.zeros((24, 48, 48), np.float32)
    for picture in pictures:
        for k in range(4):
            at, low, high = rng.uniform(10, 38), rng.uniform(5, 15), rng.uniform(30, 43)
            across, along = (x, y) if k % 2 else (y, x)
            inside = np.minimum(2.5 - abs(across - at), np.minimum(along - low, high - along))
            np.maximum(picture, np.clip(inside + 0.5, 0, 1), out=picture)
    return pictures


@pytest.mark.parametrize("view", [print_view, relief_view])
def test_a_view_has_the_shape_range_and_whole_numbers_of_a_file(view, ink):
    seen = view(torch.from_numpy(ink), torch.Generator().manual_seed(0))
    assert seen.shape == ink.shape
    assert seen.dtype == torch.float32
    assert seen.min() >= 0
    assert seen.max() <= 255
    assert (seen == seen.round()).all()
    assert (seen.std(dim=(1, 2)) > 5).all()


STILL = Amounts(
    scale=(1, 1), aspect=0, rotation=0, shear=0, shift=0, perspective=0, elastic=0, wobble=0, neighbour=0, line=0
)


@pytest.mark.parametrize("view", [print_view, relief_view])
def test_strokes_are_darker_than_the_ground(view, ink):
    seen = view(torch.from_numpy(ink), torch.Generator().manual_seed(1), STILL).numpy()
    for picture, source in zip(seen, ink, strict=True):
        assert picture[source > 0.9].mean() < picture[source < 0.1].mean() - 20


def test_a_reliefs_ground_is_deeper_far_from_strokes():
    none = Span(0, 0)
    calm = replace(
        STILL,
        relief=Relief(gouge=none, wear=none, breaks=none, ragged=none, noise=none),
        left=(none, none),
        toned=0,
    )
    ink = np.zeros((8, 48, 48), np.float32)
    ink[:, 8:40, 8:12] = ink[:, 8:40, 16:20] = 1  # two strokes close together on the left, nothing on the right
    seen = relief_view(torch.from_numpy(ink), torch.Generator().manual_seed(1), calm).numpy()
    assert (seen[:, 20:28, 13:15].mean(axis=(1, 2)) < seen[:, 20:28, 36:40].mean(axis=(1, 2)) - 10).all()


def test_the_same_generator_gives_the_same_views_and_another_does_not(ink):
    pictures = (ink * 255).astype(np.uint8)
    relief = np.arange(len(ink)) % 2 == 1
    first, again, other = (views(pictures, relief, np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert first.dtype == np.uint8
    assert first.shape == pictures.shape
    assert (first == again).all()
    assert (first != other).any(axis=(1, 2)).all()


def test_two_views_of_a_character_are_more_alike_than_views_of_two(ink):
    pictures = (ink * 255).astype(np.uint8)
    prints = views(pictures, np.zeros(len(ink), bool), np.random.default_rng(0)).reshape(len(ink), -1).astype(float)
    reliefs = views(pictures, np.ones(len(ink), bool), np.random.default_rng(1)).reshape(len(ink), -1).astype(float)
    nearest = np.corrcoef(prints, reliefs)[: len(ink), len(ink) :].argmax(axis=1)
    assert (nearest == np.arange(len(ink))).mean() > 0.6


def test_neighbours_come_in_at_the_edges_only(ink):
    alone = np.zeros_like(ink)
    alone[1:] = 1  # the first is blank and the others are full, so any ink in it is a neighbour's
    still = {**STILL.__dict__, "neighbour": 1.0, "grain": 0, "stain": 0, "broken": 0, "uneven": 0, "scale": (0.8, 0.8)}
    seen = print_view(torch.from_numpy(alone), torch.Generator().manual_seed(2), Amounts(**still)).numpy()[0]
    dark = seen < (seen.min() + seen.max()) / 2
    assert dark.any()
    assert not dark[12:36, 12:36].any()


def test_one_picture_alone_and_no_picture_at_all_have_views(ink):
    for count in (0, 1):
        pictures = (ink[:count] * 255).astype(np.uint8)
        assert views(pictures, np.ones(count, bool), np.random.default_rng(0)).shape == pictures.shape
