import numpy as np
import pytest
from scipy.interpolate import RBFInterpolator

from sinonom_cli.layout.thin_plate import eliminated, fit_thin_plate


def test_the_spline_equals_that_of_scipy() -> None:
    rng = np.random.default_rng(0)
    points, targets = rng.random((40, 2)) * 300, rng.random((40, 2)) * 50
    found = fit_thin_plate(points, targets, scale=20.0, finest=3.0)
    smoothing = 8 * np.pi * (3.0 / (2 * np.pi)) ** 4
    # SciPy scales polynomials, not kernels: the same spline in units of 20.
    other = RBFInterpolator(points / 20, targets, kernel="thin_plate_spline", smoothing=smoothing)
    at = rng.random((100, 2)) * 400 - 50
    np.testing.assert_allclose(found.points(at), other(at / 20), atol=1e-4)


def test_a_wave_of_the_finest_length_is_followed_by_half() -> None:
    x, y = np.meshgrid(np.arange(48.0), np.arange(48.0), indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)[::1]
    inside = (np.abs(points - 23.5) < 9).all(axis=1)
    near = (np.abs(points - 23.5) < 14).all(axis=1)
    wave = np.stack([np.sin(2 * np.pi * points[:, 0] / 8), np.zeros(len(points))], axis=1)
    found = fit_thin_plate(points[near], wave[near], scale=1.0, finest=8.0)
    share = (found.points(points[inside])[:, 0] * wave[inside, 0]).sum() / (wave[inside, 0] ** 2).sum()
    assert share == pytest.approx(0.5, abs=0.03)


def test_points_of_one_line_leave_what_is_beside_it_unchanged() -> None:
    points = np.stack([np.zeros(9), np.arange(9.0)], axis=1)
    found = fit_thin_plate(points, points, scale=1.0, finest=4.0)
    np.testing.assert_allclose(found.points(np.array([[3.0, 2.0]])), [[0.0, 2.0]], atol=1e-3)


def test_elimination_solves_systems_as_numpy_does() -> None:
    rng = np.random.default_rng(1)
    system, right = rng.normal(size=(30, 30)), rng.normal(size=(30, 3))
    system[0, 0] = 0.0
    np.testing.assert_allclose(eliminated(system, right), np.linalg.solve(system, right), rtol=1e-8)


def test_two_points_are_too_few() -> None:
    with pytest.raises(ValueError, match="three"):
        fit_thin_plate(np.zeros((2, 2)), np.zeros((2, 2)), scale=1.0, finest=4.0)
