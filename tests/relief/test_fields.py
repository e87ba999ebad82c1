"""Test random fields: numpy and torch give the same fields, and another resolution shows the same field."""

import numpy as np
import pytest

from sinonom_cli.relief.random_fields import RandomFields, numpy_fields, torch_on_both_sides


def test_torch_makes_of_the_same_numbers_the_same_fields() -> None:
    torch = pytest.importorskip("torch")
    ours, source = numpy_fields(np.random.default_rng(0), 20, 3), numpy_fields(np.random.default_rng(0), 20, 3)
    theirs = RandomFields(
        3,
        20,
        torch,
        lambda shape: torch.from_numpy(source.uniform(shape)),
        lambda shape: torch.from_numpy(source.normal(shape)),
        torch.from_numpy,
        torch.matmul,
        torch_on_both_sides,
        torch.exp,
    )
    for make in (
        lambda draw: draw.within(2, 5),
        lambda draw: draw.smooth(4, 7),
        lambda draw: draw.blurred(draw.noise(), draw.within(0.01, 0.1)),
        lambda draw: draw.lines(draw.uniform((3, 2, 5))),
    ):
        np.testing.assert_allclose(make(ours), make(theirs).numpy(), rtol=1e-4, atol=1e-5)


def test_a_blur_agrees_with_summing_weights_pixel_by_pixel() -> None:
    draw = numpy_fields(np.random.default_rng(1), 15, 2)
    pictures, deviation = draw.noise(), np.array([0.05, 0.11], np.float32)[:, None, None]
    blurred = draw.blurred(pictures, deviation)
    for n in range(2):
        for i, j in ((0, 0), (7, 3), (14, 9)):
            total = weight = 0.0
            for y in range(15):
                for x in range(15):
                    w = np.exp(-((y - i) ** 2 + (x - j) ** 2) / (2 * (15 * deviation[n, 0, 0]) ** 2))
                    total, weight = total + w * pictures[n, y, x], weight + w
            assert blurred[n, i, j] == pytest.approx(total / weight, abs=2e-3)


def test_smooth_fields_have_variance_1_everywhere_and_few_hills() -> None:
    fields = numpy_fields(np.random.default_rng(2), 32, 4000).smooth(3)
    np.testing.assert_allclose(fields.std(axis=0), 1, atol=0.06)
    np.testing.assert_allclose(fields.mean(axis=0), 0, atol=0.08)
    assert np.abs(np.diff(fields, axis=1)).mean() < 0.3


def test_another_resolution_shows_the_same_field() -> None:
    small, large = (numpy_fields(np.random.default_rng(3), size).smooth(5) for size in (40, 80))
    halved = large.reshape(1, 40, 2, 40, 2).mean(axis=(2, 4))
    np.testing.assert_allclose(halved, small, atol=0.05)


def test_lines_go_straight_from_corner_to_corner() -> None:
    draw = numpy_fields(np.random.default_rng(4), 50)
    corners = draw.uniform((1, 4, 9))
    at = (np.arange(50) + 0.5) / 50
    for line, corner in zip(draw.lines(corners)[0], corners[0], strict=True):
        np.testing.assert_allclose(line, np.interp(at, np.linspace(0, 1, 9), corner), atol=1e-5)
