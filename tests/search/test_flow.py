"""The flow finds known smooth displacements that a registration leaves, and its roughness is the defined mean."""

import numpy as np
import pytest

from sinonom_cli.search import flow as module
from sinonom_cli.search.flow import flow, roughness, standardised

SIDE = 32
PLACE = np.arange(SIDE) - (SIDE - 1) / 2
X, Y = np.meshgrid(PLACE, PLACE)


def texture(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return waves of ink at all places, so that the flow can be estimated everywhere."""
    waves = ((0.7, 0.2, 0), (-0.3, 0.8, 1), (0.5, -0.6, 2), (0.1, 0.5, 3), (0.9, 0.4, 4))
    return np.asarray(sum(np.sin(a * x + b * y + c) for a, b, c in waves), np.float32)


def smooth(strength: float) -> tuple[np.ndarray, np.ndarray]:
    return strength * np.sin(X / 12), strength * np.cos(Y / 12 + X / 20)


def displaced(strength: float) -> np.ndarray:
    """Return a picture that shows at a place plus its displacement what the texture shows at the place."""
    x, y = X, Y
    for _ in range(20):  # the origin of each pixel is found as a fixed point
        x, y = X - strength * np.sin(x / 12), Y - strength * np.cos(y / 12 + x / 20)
    return texture(x, y)


def test_a_known_smooth_displacement_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    u, v = smooth(0.4)
    found = {}
    for ridge in (0.01, module.RIDGE):
        monkeypatch.setattr(module, "RIDGE", ridge)
        found[ridge] = flow(texture(X, Y), displaced(0.4)[None])[0]
    inner = (slice(5, -5), slice(5, -5))
    free, drawn = found[0.01], found[3.0]
    assert np.abs(free[0] - u)[inner].max() < 0.15 and np.abs(free[1] - v)[inner].max() < 0.15
    # The ridge shortens the flow and does not turn it.
    for one, right in zip(drawn, (u, v), strict=True):
        assert np.corrcoef(one[inner].ravel(), right[inner].ravel())[0, 1] > 0.8
    assert 0.1 < np.abs(drawn[:, 5:-5, 5:-5]).mean() / np.abs(free[:, 5:-5, 5:-5]).mean() < 0.5


def test_gain_and_offset_make_no_flow_and_blank_pictures_none() -> None:
    picture = texture(X, Y)
    assert np.abs(flow(picture, np.stack([picture, 0.2 * picture + 3]))).max() < 1e-5
    blank = np.zeros((1, SIDE, SIDE), np.float32)
    assert not flow(blank[0], picture[None]).any() and np.isfinite(flow(picture, blank)).all()


def test_roughness_is_the_mean_root_of_the_gradients_length() -> None:
    still = np.stack([np.full((SIDE, SIDE), 2.0), np.full((SIDE, SIDE), -1.0)])
    sheared = np.stack([0.09 * Y, 0.0 * Y])
    half = sheared * (Y > 0)
    found = roughness(np.stack([still, sheared, half]).astype(np.float32))
    assert found[0] == 0 and found[1] == pytest.approx(0.3, rel=1e-4) and found[2] == pytest.approx(0.15, rel=0.05)


def test_standardised_is_mean_0_and_deviation_1() -> None:
    found = standardised(np.stack([texture(X, Y), 5 * texture(X, Y) + 1, np.full_like(texture(X, Y), 3)]))
    assert found[:2].mean(axis=(1, 2)) == pytest.approx([0, 0], abs=1e-5)
    assert found[:2].std(axis=(1, 2)) == pytest.approx([1, 1], rel=1e-4)
    assert not found[2].any()
