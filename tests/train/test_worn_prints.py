"""Test prints of worn blocks, and scans with enhanced contrast."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from sinonom_cli.train.augment import Amounts, print_view  # noqa: E402

STILL = Amounts(
    scale=(1, 1), aspect=0, rotation=0, shear=0, shift=0, perspective=0, elastic=0, wobble=0, neighbour=0, line=0,
    uneven=0, broken=0, print_level=(0.5, 0.5), hardness=(8, 8), print_blur=(0.002, 0.003), contrast=(1, 1), grain=0,
    stain=0, worn=0, enhanced=0,
)  # fmt: skip


@pytest.fixture(scope="module")
def ink():
    """Return (16, 48, 48) pictures of three bars."""
    pictures = np.zeros((16, 48, 48), np.float32)
    for left in (8, 22, 36):
        pictures[:, 6:42, left : left + 5] = 1
    return torch.from_numpy(pictures)


def seen(ink, **amounts):
    return print_view(ink, torch.Generator().manual_seed(0), Amounts(**STILL.__dict__ | amounts)).numpy()


def test_a_worn_print_is_pale_in_places_and_black_in_others(ink):
    strokes = (ink > 0).numpy()
    whole, worn = (np.array([view[s] for view, s in zip(seen(ink, worn=w), strokes, strict=True)]) for w in (0, 0.9))
    assert np.percentile(whole, 90) < 90
    assert np.percentile(worn, 95) > np.percentile(whole, 95) + 30
    assert np.percentile(worn, 10) < np.percentile(whole, 10) + 5
    paper = ~strokes
    assert abs(seen(ink, worn=0.9)[paper].mean() - seen(ink, worn=0)[paper].mean()) < 8


def test_enhanced_contrast_brings_pale_strokes_to_the_depth_of_dark_ones(ink):
    pale = ink.clone()
    pale[:, :, 36:41] *= 0.75  # thinner ink, drawn paler
    soft = {"hardness": (1.0, 1.0)}

    def depths(share):
        views = seen(pale, enhanced=share, **soft)
        paper = views[:, 10:38, 15:20].mean(axis=(1, 2))
        return (paper - views[:, 10:38, 23:26].mean(axis=(1, 2))), (paper - views[:, 10:38, 37:40].mean(axis=(1, 2)))

    dark, light = depths(0)
    dark_now, light_now = depths(1)
    assert (light / dark).mean() < 0.8
    assert (light_now / dark_now).mean() > (light / dark).mean() + 0.1
    assert (light_now > 20).all(), "strokes stay dark"
