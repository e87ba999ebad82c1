"""Test the results of levelling to six digits, so that a changed constant or sign is noticed: it changes pictures.

The surfaces of the tops are those of the levelling that made the depth images on which the shipped model was trained.
Since then, the ground takes part in how a mesh is turned; the expected rotations are those of that change.
"""

import numpy as np
import pytest
from tinymesh import letter_f, surface, turn

from sinonom_cli.meshes.ground import with_ground
from sinonom_cli.meshes.level import fit_tops, flatten, level, relief

SIZE = 48


def grain(seed: int, size: int = SIZE) -> np.ndarray:
    """Return uniform noise from -0.5 to 0.5, computed from integers alone, so that it is the same on every machine."""
    row, column = np.mgrid[0:size, 0:size]
    return ((row * 7919 + column * 104729 + seed * 1299709) % 997) / 997 - 0.5


def plate(*strokes: tuple[int, int, int, int], down: float = 0.0, across: float = 0.0, bend: float = 0.0) -> np.ndarray:
    """Return a rough ground with strokes (top, bottom, left, right) 0.15 above it, the whole sloping and bent."""
    heights = 0.03 * grain(1) - 0.15
    for top, bottom, left, right in strokes:
        heights[top:bottom, left:right] = 0.002 * grain(2)[top:bottom, left:right]
    y, x = np.mgrid[0:SIZE, 0:SIZE] / SIZE - 0.5
    return heights + down * y + across * x + bend * (x * x - 0.5 * y * y + 0.7 * x * y)


def falling(heights: np.ndarray) -> np.ndarray:
    """Return the same strokes on a ground that falls to the right: a plane leaning on it is near many points."""
    ground = heights - 1.851 * np.maximum(np.linspace(0, 1, SIZE) - 0.598, 0)
    return np.where(heights < -0.05, ground, heights)


CROSS = ((4, 44, 22, 26), (10, 14, 6, 42))
PLATES = {
    "steep": plate(*CROSS, (36, 40, 10, 40), down=0.4, across=-0.5),
    "bent": plate(*CROSS, (36, 40, 10, 40), bend=0.08),
    "one stroke": plate((20, 25, 3, 45), down=0.2, across=0.3),
    "a corner": plate((3, 8, 3, 20), (3, 22, 3, 7), down=-0.3, across=0.2),
    "holes": np.where(grain(5) > 0.3, -np.inf, plate(*CROSS, down=0.1)),
    "a short stroke": plate((26, 31, 26, 41), down=0.1, across=-0.3),
    "three marks": plate((14, 19, 19, 27), (32, 35, 8, 13), (14, 19, 33, 39), down=0.5, across=0.6),
    "falling": falling(plate((12, 15, 30, 36), (16, 20, 8, 12))),
    "spikes": plate(*CROSS, across=0.15) + 0.3 * (grain(7) > 0.49) - 0.4 * (grain(8) > 0.49),
}
FOUND = {
    ("steep", True): [0.0009654, -0.5002874, -0.4002406, 0.0001074, -0.0002703, 0.0017419],
    ("steep", False): [0.0049221, -0.4838125, -0.3873343, -0.3281292, -0.3880653, -0.0968831],
    ("bent", True): [-9.32e-05, -0.0025101, -0.000423, 0.0780378, -0.0558266, -0.0369916],
    ("bent", False): [-9.26e-05, -0.0024988, -0.0004291, 0.0780379, -0.0558315, -0.037001],
    ("one stroke", True): [-0.0053107, 0.3008174, -0.1963949, 4.45e-05, -0.0013223, -0.0014594],
    ("one stroke", False): [-0.0081549, 0.2939405, -0.1003723, -0.0019175, 0.0908128, -0.0759564],
    ("a corner", True): [-0.0083927, 0.1710714, 0.3315729, -0.0186582, 0.0548198, -0.0221437],
    ("a corner", False): [-0.1486517, 0.1997636, 0.2989138, -0.0062251, -0.0044656, -0.0007989],
    ("holes", True): [-0.0011186, -0.000754, -0.0996076, -0.002563, 0.0013006, 0.0028848],
    ("holes", False): [-0.0011724, -0.0011307, -0.0985341, -0.0046507, 0.003013, 0.0025228],
    ("a short stroke", True): [-0.1423757, -0.2984909, -0.1008506, -0.0087526, -0.0097158, -0.0051186],
    ("a short stroke", False): [-0.1470071, -0.2994101, -0.0993709, -0.0083087, -0.00709, -0.0013658],
    ("three marks", True): [-0.1562443, 0.5999791, -0.4973896, -0.0075483, -0.0053474, -0.0051034],
    ("three marks", False): [-0.1610985, 0.5989198, -0.4994017, -0.0025104, -0.0035, -0.0020697],
    ("falling", True): [0.1321484, -0.6740951, 0.0084832, 0.0012866, 0.000986, -0.0003219],
    ("falling", False): [-0.1544796, -0.0627712, -0.0011497, -0.1264089, -0.0115866, -0.0036419],
    ("spikes", True): [-0.0016567, 0.1494819, 0.000429, -0.0027865, 0.0007793, 0.0014293],
    ("spikes", False): [-0.0015809, 0.1000168, 0.0002403, -0.0022962, 0.1909359, 0.0002745],
}


@pytest.mark.parametrize("name", PLATES)
@pytest.mark.parametrize("tilted", [True, False])
def test_the_surface_of_the_tops_is_found_to_six_digits(name: str, tilted: bool) -> None:
    found = fit_tops(PLATES[name].astype(np.float32), tilted)
    assert found.tolist() == pytest.approx(FOUND[name, tilted], abs=2e-6)


SLOPES = {"one stroke": (0.3, -0.2), "a corner": (0.2, 0.3)}
"""True slopes along x and y of plates whose strokes do not determine them."""


@pytest.mark.parametrize("name", SLOPES)
def test_the_ground_corrects_a_slope_that_the_strokes_do_not_determine(name: str) -> None:
    heights = PLATES[name].astype(np.float32)
    tops = fit_tops(heights, True)
    row, column = np.nonzero(heights > -np.inf)
    points = np.stack([(column + 0.5) / SIZE - 0.5, 0.5 - (row + 0.5) / SIZE, heights[row, column]], axis=1)
    found = with_ground(points.astype(np.float64), tops)
    assert np.abs(found[1:3] - SLOPES[name]).max() < 0.8 * np.abs(tops[1:3] - SLOPES[name]).max()


def test_a_surface_without_ground_is_left_as_it_is() -> None:
    points = np.stack([*np.mgrid[0:4, 0:4].reshape(2, -1) / 4, np.zeros(16)], axis=1)
    assert with_ground(points, np.zeros(6)).tolist() == [0.0] * 6


TURNED = {
    (0, 0): [[0.999992, 1.03e-05, -0.0039983], [1.03e-05, 0.9999866, 0.0051713], [0.0039983, -0.0051713, 0.9999786]],
    (12, -9): [[0.9882882, -0.0165716, 0.1516964], [-0.0156177, 0.977882, 0.2085736], [-0.1517976, -0.2085, 0.9661704]],
    (-25, 20): [
        [0.9479583, -0.0692351, -0.3107759],
        [-0.0723339, 0.9037189, -0.4219714],
        [0.3100693, 0.4224909, 0.8516798],
    ],
    (3, 35): [
        [0.8194199, 0.0165367, -0.5729551],
        [0.0168825, 0.9984538, 0.0529623],
        [0.5729451, -0.0530712, 0.8178737],
    ],
}


@pytest.mark.parametrize("tilt", TURNED)
def test_a_mesh_is_turned_to_six_digits(tilt: tuple[float, float]) -> None:
    heights = np.where(letter_f(SIZE) > 0, 0.15 + 0.002 * grain(3), 0.03 * grain(4))
    found = level(surface(heights, turn(*tilt)))
    np.testing.assert_allclose(found, TURNED[tilt], atol=2e-6)


RELIEF = {"steep": 0.1827117, "bent": 0.1827117, "holes": 0.1760863, "one stroke": 0.1633055}


@pytest.mark.parametrize("name", RELIEF)
def test_how_much_a_surface_varies_is_found_to_six_digits(name: str) -> None:
    assert relief(PLATES[name].astype(np.float32)) == pytest.approx(RELIEF[name], abs=2e-6)


def test_fewer_than_sixteen_points_have_no_relief_and_no_surface() -> None:
    few = np.full((SIZE, SIZE), -np.inf, np.float32)
    few[::2, 0][:15] = np.arange(15) % 2
    assert relief(few) == 0 and (fit_tops(few, True) == 0).all()
    few[::2, 0][15] = 1
    assert relief(few) > 0 and (fit_tops(few, True) != 0).any()


def test_heights_are_measured_from_the_surface_of_the_tops() -> None:
    fine = np.kron(PLATES["bent"], np.ones((2, 2))).astype(np.float32)
    c = FOUND["bent", False]
    at = (np.arange(2 * SIZE) + 0.5) / (2 * SIZE) - 0.5
    for i, j in ((0, 0), (40, 70), (95, 3), (60, 44)):
        x, y = at[j], -at[i]
        tops = c[0] + c[1] * x + c[2] * y + c[3] * x * x + c[4] * x * y + c[5] * y * y
        assert flatten(fine)[i, j] == pytest.approx(fine[i, j] - tops, abs=2e-6)


@pytest.mark.parametrize("name", ["steep", "bent", "a corner", "spikes"])
def test_where_heights_are_measured_from_does_not_matter(name: str) -> None:
    heights = PLATES[name]
    for offset in (5.0, -40.0):
        moved = fit_tops((heights + offset).astype(np.float32), True)
        assert moved == pytest.approx(fit_tops(heights.astype(np.float32), True) + [offset, 0, 0, 0, 0, 0], abs=2e-3)
