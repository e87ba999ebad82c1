"""Test levelling: tilt and bend are removed, independently of the ground and of a few bad points."""

import numpy as np
import pytest
from tinymesh import letter_f, likeness, surface, turn

from sinonom_cli.meshes.level import fit_tops, flatten, level, relief, tilt_of
from sinonom_cli.render.render import View, draw


def residual_tilt(rotation: np.ndarray, pose: np.ndarray) -> float:
    """Return the angle between the plate's normal after levelling and the line of sight, in degrees."""
    return float(np.degrees(np.arccos(min(1.0, (rotation @ pose)[2, 2]))))


def gouged(size: int = 48) -> np.ndarray:
    """Return an F whose ground slopes away from it, so that a plane through all points would be tilted."""
    heights = letter_f(size)
    slope = np.linspace(0, -0.12, size)[None, :] + np.random.default_rng(0).normal(0, 0.01, (size, size))
    return np.where(heights > 0, heights + np.random.default_rng(1).normal(0, 0.001, heights.shape), slope)


@pytest.mark.parametrize("tilt", [(0, 0), (4, -3), (-12, 9), (21, -20), (0, 30)])
def test_the_tilt_of_the_stroke_tops_is_found_not_that_of_the_ground(tilt: tuple[float, float]) -> None:
    pose = turn(*tilt)
    rotation = level(surface(gouged(), pose))
    assert residual_tilt(rotation, pose) < 2
    assert tilt_of(rotation) == pytest.approx(residual_tilt(np.eye(3), pose), abs=2)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
    assert np.linalg.det(rotation) == pytest.approx(1)


def test_spikes_and_pits_do_not_tilt_the_plate() -> None:
    heights, pose = gouged(), turn(5, -8)
    rng = np.random.default_rng(2)
    heights[rng.integers(0, 48, 12), rng.integers(0, 24, 12)] += 0.3
    heights[rng.integers(0, 48, 12), rng.integers(0, 24, 12)] -= 0.4
    assert residual_tilt(level(surface(heights, pose)), pose) < 2


def test_bend_is_taken_out_so_that_all_tops_come_to_one_height() -> None:
    size = 64
    letter = letter_f(60)
    letter = np.pad(letter, 2)
    x = np.linspace(-1, 1, size)
    bent = (letter + 0.06 * x**2 - 0.04 * x[:, None] ** 2 + 0.02 * x * x[:, None]).astype(np.float32)
    tops = letter > 0
    assert np.ptp(bent[tops]) > 0.025
    flat = flatten(bent)
    assert np.ptp(flat[tops]) < 0.004
    assert abs(flat[tops].mean()) < 0.002


def test_a_levelled_mesh_looks_as_if_it_had_never_been_tilted() -> None:
    straight = draw(surface(gouged()), View(size=64)).picture
    tilted = surface(gouged(), turn(11, -9))
    mended, tilt = draw(tilted, View(size=64))[:2]
    left, none = draw(tilted, View(size=64, level="off"))[:2]
    assert likeness(straight, mended) > 0.93 > likeness(straight, left)
    assert tilt == pytest.approx(14.2, abs=2) and none == 0


def test_levelling_survives_meshes_with_next_to_nothing_in_them() -> None:
    one = np.array([[[0, 0, 0], [1, 0, 0.1], [0, 1, 0]]], np.float32)
    assert np.isfinite(level(one)).all()
    assert np.isfinite(level(np.zeros((1, 3, 3), np.float32))).all()
    nothing = np.full((32, 32), -np.inf, np.float32)
    assert (flatten(nothing) == -np.inf).all()


@pytest.mark.parametrize("stroke", [(slice(22, 26), slice(4, 44)), (slice(4, 44), slice(22, 26)), (slice(20, 28),) * 2])
def test_across_a_single_stroke_where_tops_cannot_tell_the_ground_does(stroke: tuple[slice, slice]) -> None:
    y, x = np.mgrid[0:48, 0:48]
    inside = np.zeros((48, 48), bool)
    inside[stroke] = True
    rows, columns = np.nonzero(inside)
    away = np.maximum(
        np.maximum(rows.min() - y, y - rows.max()), np.maximum(columns.min() - x, x - columns.max())
    ).clip(0)
    heights = -0.16 * (1 - np.exp(-away / 6)) + np.random.default_rng(0).normal(0, 0.008, (48, 48)) * (away > 0)
    pose = turn(6, -7)
    assert residual_tilt(level(surface(heights, pose)), pose) < 2.5
    picture = draw(surface(heights, pose), View(size=48)).picture
    assert likeness(255 - picture, inside) > 0.6


@pytest.mark.parametrize(
    ("depth", "bars", "facet"),
    [
        (0.15, [(26, 0, 3, 14)], (0.06, -0.05, -0.3)),
        (0.1, [(12, 38, 10, 5), (35, 26, 11, 21)], (0.13, -0.05, -1.1)),
    ],
)
def test_a_facet_broken_off_an_edge_is_not_taken_for_the_tops_though_it_is_flat_and_larger(
    depth: float, bars: list[tuple[int, int, int, int]], facet: tuple[float, float, float]
) -> None:
    # The first facet is taken for the tops if STEEPEST is 2, the second if it is 1.3.
    x = np.tile(np.arange(48) / 47 - 0.5, (48, 1))
    heights = np.full((48, 48), -depth)
    for row, column, down, across in bars:
        heights[row : row + down, column : column + across] = 0
    start, height, slope = facet
    heights = np.where(x > start, height + slope * (x - start), heights)
    slopes = fit_tops(heights.astype(np.float32), tilted=True)[1:3]
    assert np.hypot(*slopes) < 0.05


def test_relief_is_what_remains_beside_bend_and_tilt() -> None:
    y, x = np.mgrid[0:96, 0:96] / 95 - 0.5
    bent = 0.3 * x - 0.2 * y + 0.1 * x * x - 0.05 * x * y
    assert relief(bent.astype(np.float32)) < 1e-6
    assert relief((bent + np.where(letter_f(96) > 0, 0.1, 0)).astype(np.float32)) == pytest.approx(0.1, rel=0.4)
    assert relief(np.full((48, 48), -np.inf, np.float32)) == 0
