"""Registration finds known affine maps of analytic pictures, at any contrast and with missing parts."""

import numpy as np
import pytest

from sinonom_cli.search import align
from sinonom_cli.search.align import MISFIT, STRETCH, _step, aligned, believed, blurred, blurring, slopes, warped

SIDE = 32
IDENTITY = np.eye(2, 3)
CORNERS = np.array([[x, y, 1] for x in (-12, 12) for y in (-12, 12)], float)


def picture(maps: np.ndarray = IDENTITY, seed: int = 0, drop: int = 0) -> np.ndarray:
    """Return Gaussian blobs seen through an affine map: the value at `maps @ (x, y, 1)` is drawn at (x, y)."""
    rng = np.random.default_rng(seed)
    place = np.arange(SIDE) - (SIDE - 1) / 2
    x, y = np.meshgrid(place, place)
    u, v = (maps[k, 0] * x + maps[k, 1] * y + maps[k, 2] for k in (0, 1))
    blobs = [(*rng.uniform(-8, 8, 2), rng.uniform(1.5, 2.5), rng.uniform(0.5, 1)) for _ in range(14)]
    total = sum(h * np.exp(-((u - a) ** 2 + (v - b) ** 2) / (2 * s * s)) for a, b, s, h in blobs[drop:])
    return np.asarray(total, np.float32)


def inverse(maps: np.ndarray) -> np.ndarray:
    whole = np.linalg.inv(np.vstack([maps, [0, 0, 1]]))
    return whole[:2]


MAPS = [
    np.array([[1, 0, 2.5], [0, 1, -1.5]]),
    np.array([[1.12, 0.05, 0.5], [-0.04, 0.9, 1.0]]),
    np.array([[np.cos(0.12), -np.sin(0.12), 1], [np.sin(0.12), np.cos(0.12), 0]]),
]


def off(found: np.ndarray, right: np.ndarray) -> float:
    """Return the greatest distance, in pixels, between the corners of the character under two maps."""
    return float(np.abs((found - right) @ CORNERS.T).max())


def test_known_maps_are_found_whatever_the_gain() -> None:
    # `picture(inverse(m))` shows at m(x) what the query shows at x, so m is the correct map.
    others = np.stack([0.4 * picture(inverse(m)) for m in MAPS])
    laid, found = aligned(picture(), others, np.tile(IDENTITY, (3, 1, 1)), 12)
    for one, right in zip(found, MAPS, strict=True):
        assert off(one, right) < 0.1 < off(IDENTITY, right)
    inner = (slice(4, -4), slice(4, -4))
    assert np.abs(laid[1][inner] - 0.4 * picture()[inner]).max() < 0.05


def test_a_missing_part_and_ink_of_a_neighbour_do_not_draw_the_map_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = picture(inverse(MAPS[1]), drop=2)
    other[:3] = 1
    found = {}
    for misfit in (MISFIT, 1e9):  # with 1e9, every place has the same weight
        monkeypatch.setattr(align, "MISFIT", misfit)
        found[misfit] = off(aligned(picture(), other[None], IDENTITY[None], 15)[1][0], MAPS[1])
    assert found[MISFIT] < 0.7 * found[1e9]


def test_each_candidate_is_found_as_if_it_were_alone() -> None:
    others = np.stack([picture(inverse(m), seed) for seed, m in enumerate(MAPS)])
    together = aligned(picture(), others, np.tile(IDENTITY, (3, 1, 1)), 5)
    for k in range(3):
        alone = aligned(picture(), others[k : k + 1], IDENTITY[None], 5)
        assert alone[0].tobytes() == together[0][k : k + 1].tobytes()
        assert alone[1].tobytes() == together[1][k : k + 1].tobytes()


def test_warped_is_bilinear_and_everything_outside_is_0() -> None:
    rng = np.random.default_rng(1)
    image = rng.random((6, 6), np.float32)
    maps = np.array([[0.7, 0.3, 1.3], [-0.4, 1.1, -2.2]])

    def at(i: int, j: int) -> float:
        return float(image[i, j]) if 0 <= i < 6 and 0 <= j < 6 else 0.0

    found = warped(np.pad(image, 1)[None], maps[None])[0]
    for i in range(6):
        for j in range(6):
            x, y = maps @ (j - 2.5, i - 2.5, 1) + 2.5
            left, top = int(np.floor(x)), int(np.floor(y))
            fx, fy = x - left, y - top
            upper = (1 - fx) * at(top, left) + fx * at(top, left + 1)
            lower = (1 - fx) * at(top + 1, left) + fx * at(top + 1, left + 1)
            assert found[i, j] == pytest.approx((1 - fy) * upper + fy * lower, abs=2e-3)


def test_maps_that_stretch_too_far_are_not_believed() -> None:
    turn = np.array([[0, -1, 0], [1, 0, 0]])
    maps = np.stack(
        [IDENTITY, turn, np.diag([1 + 1.1 * STRETCH, 1]) @ IDENTITY, np.diag([1, 0.9 - STRETCH]) @ IDENTITY]
    )
    maps = np.concatenate([maps, np.full((1, 2, 3), np.nan)])
    assert believed(maps).tolist() == [True, True, False, False, False]
    _, kept = aligned(picture(), np.stack([picture(np.diag([2.5, 0.4]) @ IDENTITY)]), IDENTITY[None], 12)
    assert believed(kept).all()


def test_a_step_is_the_weighted_least_squares_solution_of_numpy() -> None:
    rng = np.random.default_rng(2)
    residual, dx, dy = rng.normal(size=(3, 12, 2, 12)).astype(np.float32)
    weights = rng.random((12, 2, 12), np.float32)
    found = _step(residual, dx, dy, weights)
    place = np.arange(12) - 5.5
    x, y = np.meshgrid(place, place)
    for n in range(2):
        # Residuals have an offset of their own, as both pictures are brought to mean 0.
        right_of, below = dx[:, n], dy[:, n]
        terms = [right_of * x, right_of * y, right_of, below * x, below * y, below, np.ones_like(x)]
        root = np.sqrt(weights[:, n]).ravel()
        design = np.stack([term.ravel() for term in terms], axis=1) * root[:, None]
        right = np.linalg.lstsq(design, residual[:, n].ravel() * root, rcond=None)[0]
        assert found[n] == pytest.approx(right[:6], rel=1e-3, abs=1e-4)


def test_a_blur_is_gaussian_and_works_along_both_sides() -> None:
    weights = blurring(9, 1.7)
    for i in range(9):
        row = np.array([np.exp(-((i - k) ** 2) / (2 * 1.7**2)) for k in range(9)])
        assert weights[i] == pytest.approx(row / row.sum(), abs=1e-6)
    weights = blurring(10, 1.7).astype(np.float64)
    fields = np.random.default_rng(4).random((2, 10, 10)).astype(np.float32)
    for field, found in zip(fields, blurred(fields, 1.7), strict=True):
        assert found == pytest.approx(weights @ field @ weights.T, rel=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slopes_are_those_of_numpy_whatever_the_order_of_the_values_in_memory(axis: int) -> None:
    fields = np.random.default_rng(5).random((6, 4, 8)).astype(np.float32)
    for one in (fields, np.asfortranarray(fields), np.ascontiguousarray(fields.T).T):
        assert slopes(one, axis) == pytest.approx(np.gradient(fields, axis=axis), abs=1e-6)


def test_blank_pictures_stay_where_they_are() -> None:
    blank = np.zeros((2, SIDE, SIDE), np.float32)
    blank[1] = 0.7
    for query in (picture(), blank[0]):
        laid, maps = aligned(query, blank, np.tile(IDENTITY, (2, 1, 1)), 4)
        assert np.isfinite(laid).all() and np.isfinite(maps).all() and believed(maps).all()
