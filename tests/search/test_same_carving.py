"""The carving that a print was made from is found among other carvings of the character, with any threads."""

import os
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import map_coordinates

from sinonom_cli.search import same_carving
from sinonom_cli.search.same_carving import (
    LEAST,
    SIZE,
    Remains,
    _correlations,
    _smooth_share,
    _starts,
    compared,
    scores,
    views_of,
    views_of_all,
)

ENERGIES = 0.5 * np.array([0.90, 0.98, 0.95, 1.00, 1.02, 1.10, 1.06])
REMAINS = Remains(
    np.array([0.160, 0.130, 0.140, 0.170, 0.125, 0.150, 0.155]), np.array([0.25, 0.30, 0.36, 0.22, 0.24, 0.27, 0.28])
)
BY_HAND = [-10.07, -9.30, -9.68, -11.20, -9.78, -12.24, -11.83]
"""Scores computed by hand with the formula of `scores`; the medians are 0.5, 0.150 and 0.27.

Roughness below 0.903 x 0.150 and a smooth share above 0.27 raise a score."""
ORDER = [1, 2, 4, 0, 3, 6, 5]


def test_a_print_of_one_carving_finds_it_among_others_of_equal_embedding() -> None:
    inks = [ink(carving) for carving in range(6)]
    views = [views_of(one) for one in inks]
    for carving in range(6):
        found = compared(views_of(ink(carving, moved=2, wide=4)), views)
        assert found.roughness.argmin() == carving
        assert scores(np.full(6, 0.5), found).argmax() == carving


def ink(carving: int, moved: float = 0, wide: int = 6) -> np.ndarray:
    """Draw a character of eight strokes; each carving moves their ends a little, and a print moves and shrinks all."""
    rng, own = np.random.default_rng(7), np.random.default_rng(100 + carving)
    image = Image.new("F", (SIZE, SIZE), 0)
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        ends = rng.uniform(12, 52, 4) + own.normal(0, 2.0, 4)
        draw.line(tuple(ends * (1 - 0.02 * moved) + moved), fill=1, width=wide)
    return np.asarray(image, np.float32)


def test_equal_pictures_score_highest_whatever_else_there_is() -> None:
    views = [views_of(ink(carving)) for carving in range(5)]
    found = compared(views[3], views)
    assert found.roughness[3] == LEAST == 1e-6 and (np.delete(found.roughness, 3) > 100 * LEAST).all()
    assert found.smooth[3] == pytest.approx(1) and (np.delete(found.smooth, 3) < 0.9).all()
    assert scores(np.array([0.1, 0.2, 0.3, 2.0, 0.5]), found).argmax() == 3


def test_scores_order_a_made_up_set_as_their_formula_does() -> None:
    assert scores(ENERGIES, REMAINS) == pytest.approx(BY_HAND, abs=0.02)
    assert np.argsort(-scores(ENERGIES, REMAINS), kind="stable").tolist() == ORDER
    # The units of distances and of roughness do not matter.
    other = Remains(3 * REMAINS.roughness, 0.5 * REMAINS.smooth)
    assert scores(7 * ENERGIES, other) == pytest.approx(scores(ENERGIES, REMAINS))


@pytest.mark.parametrize(
    ("name", "factor"),
    [("NEAR", 0.5), ("NEAR", 2), ("LIKELY", 1.2), ("LIKELY", 0.8), ("STEEP", 0.5), ("SMOOTH", 0.5), ("SMOOTH", 2)],
)
def test_a_fault_in_a_weight_of_the_score_is_seen(name: str, factor: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(same_carving, name, factor * getattr(same_carving, name))
    assert np.argsort(-scores(ENERGIES, REMAINS), kind="stable").tolist() != ORDER


SHIFTS_AND_STRETCHES = [(0, 0, 1, 1)]
for along in (0.8, 1.25):
    SHIFTS_AND_STRETCHES += [(0, 0, 1, along), (0, 0, along, 1)]
for shift in (0.07, -0.07):
    SHIFTS_AND_STRETCHES += [(0, shift, 1, 1), (shift, 0, 1, 1), (0, shift, 1, 0.8), (shift, 0, 0.8, 1)]


def test_a_registration_starts_from_whichever_shift_and_stretch_made_the_query() -> None:
    # SciPy samples each query from its candidate by one of the 13 maps that the starts should hold.
    side = 16
    rng = np.random.default_rng(5)
    candidates = np.stack([np.kron(rng.random((8, 8)), np.ones((2, 2))) for _ in range(4)]).astype(np.float32)
    middle = (side - 1) / 2
    y, x = np.mgrid[0:side, 0:side] - middle
    assert len(SHIFTS_AND_STRETCHES) == 13
    for place, (right, down, wide, high) in enumerate(SHIFTS_AND_STRETCHES):
        at = [high * y + down * side + middle, wide * x + right * side + middle]
        source = place % 4
        query = map_coordinates(candidates[source], at, order=1, mode="constant").astype(np.float32)
        found = _starts(query, candidates)
        assert found.shape == (4, 2, 3)
        assert found[source] == pytest.approx(np.array([[wide, 0, right * side], [0, high, down * side]]))


def test_the_smooth_share_is_what_a_blur_of_scipy_leaves_of_the_difference() -> None:
    from scipy.ndimage import gaussian_filter

    rng = np.random.default_rng(9)
    query, others = rng.random((32, 32), np.float32), rng.random((4, 32, 32), np.float32)
    others[1] = query + gaussian_filter(others[1], 4)  # the ink is swollen in places: the difference is smooth
    found = _smooth_share(query, others)
    for share, other in zip(found, others, strict=True):
        difference = (query - query.mean()) / query.std() - (other - other.mean()) / other.std()
        # At the border, the weights that lie inside are scaled to a sum of 1.
        inside = gaussian_filter(np.ones((32, 32)), 2, mode="constant", truncate=8)
        left = gaussian_filter(difference.astype(np.float64), 2, mode="constant", truncate=8) / inside
        assert share == pytest.approx((np.mean(left**2) + 1e-3) / (np.mean(difference**2) + 1e-3), rel=1e-3)
    assert found[1] > 5 * found[[0, 2, 3]].max()


def test_correlations_are_those_of_numpy() -> None:
    rng = np.random.default_rng(6)
    query, others = rng.random((16, 16), np.float32), rng.random((5, 16, 16), np.float32)
    right = [np.corrcoef(query.ravel(), other.ravel())[0, 1] for other in others]
    assert _correlations(query, others) == pytest.approx(right, abs=1e-5)
    assert _correlations(query, np.zeros_like(others)) == pytest.approx(0)


def test_views_are_means_over_squares_of_the_picture_blurred_by_3_and_0_8_pixels() -> None:
    rng = np.random.default_rng(8)
    ink_there = rng.random((SIZE, SIZE)).astype(np.float32)
    found = views_of(ink_there)
    for view, side, deviation in ((found.coarse, 16, 3.0), (found.fine, 32, 0.8)):
        by_hand = np.zeros((SIZE, SIZE))
        for i in range(SIZE):
            weight = np.array([np.exp(-((i - k) ** 2) / (2 * deviation**2)) for k in range(SIZE)])
            by_hand[i] = weight / weight.sum()
        blurred = by_hand @ ink_there @ by_hand.T
        step = SIZE // side
        assert view == pytest.approx(blurred.reshape(side, step, side, step).mean(axis=(1, 3)), abs=1e-5)


def test_views_of_many_pictures_are_those_of_each_alone() -> None:
    inks = np.stack([ink(carving) for carving in range(7)])
    together = views_of_all(inks)
    assert len(together) == 7 and not np.array_equal(together[0].fine, together[1].fine)
    for one, found in zip(inks, together, strict=True):
        alone = views_of(one)
        assert found.coarse.tobytes() == alone.coarse.tobytes() and found.fine.tobytes() == alone.fine.tobytes()
    assert views_of_all(inks[:0]) == []


def test_blank_pictures_and_one_candidate_alone_have_finite_scores() -> None:
    blank = views_of(np.zeros((SIZE, SIZE), np.float32))
    for query in (blank, views_of(ink(0))):
        for others in ([blank], [blank, blank], [blank, views_of(ink(1))]):
            found = scores(np.zeros(len(others)), compared(query, others))
            assert found.shape == (len(others),) and np.isfinite(found).all()


CODE = """
import hashlib
import numpy as np
from sinonom_cli.search.same_carving import compared, views_of
rng = np.random.default_rng(0)
views = [views_of(np.kron(rng.random((16, 16), np.float32), np.ones((4, 4), np.float32))) for _ in range(20)]
found = compared(views[0], views)
print(hashlib.sha256(found.roughness.tobytes() + found.smooth.tobytes()).hexdigest())
"""


def test_the_numbers_are_the_same_whatever_the_threads_and_kernel_of_blas() -> None:
    found = set()
    for threads, kernel in (("1", "Haswell"), ("2", "Prescott")):
        settings = {"OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads, "OPENBLAS_CORETYPE": kernel}
        run = subprocess.run(
            [sys.executable, "-c", CODE], env={**os.environ, **settings}, capture_output=True, check=True, text=True
        )
        found.add(run.stdout)
    assert len(found) == 1
