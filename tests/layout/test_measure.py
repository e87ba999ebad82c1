"""Test figures of found boxes, outlines and orders against pictures of scikit-image and counts by hand."""

import itertools

import numpy as np
import pytest
from skimage.draw import polygon2mask

from sinonom_cli.layout.measure import (
    Agreement,
    box_overlaps,
    common_area,
    neighbours_in_order,
    outline_overlaps,
    pairs,
)


def star(rng: np.random.Generator, points: int) -> np.ndarray:
    """Return a simple polygon that is not convex, in either sense of rotation."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, points))
    radii = rng.uniform(8, 40, points)
    outline = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1) + rng.uniform(40, 80, 2)
    return outline[:: rng.choice([-1, 1])]


def test_overlaps_of_outlines_are_those_of_their_pictures() -> None:
    rng = np.random.default_rng(0)
    one, other = ([star(rng, int(rng.integers(3, 20))) for _ in range(7)] for _ in range(2))
    found = outline_overlaps(one, other)
    scale = 4
    masks = [[polygon2mask((500, 500), outline[:, ::-1] * scale - 0.5) for outline in group] for group in (one, other)]
    for i, j in itertools.product(range(7), range(7)):
        expected = (masks[0][i] & masks[1][j]).sum() / (masks[0][i] | masks[1][j]).sum()
        assert found[i, j] == pytest.approx(expected, abs=8e-3)


def test_common_areas_are_exact_for_squares_and_triangles() -> None:
    square = np.array([(0.0, 0), (4, 0), (4, 4), (0, 4)])
    triangle = np.array([(0.0, 0), (4, 0), (0, 4)])
    assert common_area(square, square + [3, 1]) == pytest.approx(3, abs=1e-12)
    assert common_area(square, triangle) == pytest.approx(8, abs=1e-12)
    assert common_area(triangle, triangle[::-1] * [-1, 1] + [4, 0]) == pytest.approx(4, abs=1e-12)
    assert common_area(square, square + [9, 0]) == 0


def test_overlaps_of_boxes_are_those_of_their_outlines() -> None:
    rng = np.random.default_rng(1)
    low = rng.uniform(0, 50, (12, 2))
    boxes = np.hstack([low, low + rng.uniform(5, 40, (12, 2))])
    outlines = [np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]) for x0, y0, x1, y1 in boxes]
    assert box_overlaps(boxes[:5], boxes[5:]) == pytest.approx(outline_overlaps(outlines[:5], outlines[5:]), abs=1e-12)
    assert box_overlaps(np.empty((0, 4)), boxes).shape == (0, 12)


def test_pairs_are_one_to_one_and_the_best_chooses_first() -> None:
    shared = np.array([[0.9, 0.6, 0.0], [0.8, 0.7, 0.0], [0.0, 0.65, 0.49]])
    assert pairs(shared, np.array([0.5, 0.9, 0.1])).tolist() == [[0, 1], [1, 0]]
    assert pairs(shared, np.array([0.9, 0.5, 0.1])).tolist() == [[0, 0], [1, 1]]
    assert pairs(shared, np.array([0.5, 0.1, 0.9]), 0.4).tolist() == [[0, 0], [2, 1]]
    assert pairs(np.empty((0, 3)), np.empty(0)).shape == (0, 2)
    assert pairs(np.empty((2, 0)), np.zeros(2)).shape == (0, 2)


def test_agreement_is_summed_over_pages_before_it_is_divided() -> None:
    both = Agreement(right=8, found=10, true=16) + Agreement(right=1, found=2, true=4)
    assert both == Agreement(right=9, found=12, true=20)
    assert (both.precision, both.recall) == (0.75, 0.45) and both.f1 == pytest.approx(2 * 0.75 * 0.45 / 1.2)
    assert Agreement().f1 == Agreement().precision == Agreement().recall == 0


def test_neighbours_are_counted_where_both_were_found() -> None:
    # True order 0 1 2 3 4 5; found: 0 1 x 3 2 5, with a false box x.
    matches = np.array([[0, 0], [1, 1], [3, 3], [4, 2], [5, 5]])
    assert neighbours_in_order(matches, 6) == (1, 3)
    assert neighbours_in_order(np.stack([np.arange(6), np.arange(6)], axis=1), 6) == (5, 5)
    assert neighbours_in_order(np.empty((0, 2), np.int64), 6) == (0, 0)


def test_a_pair_counts_each_true_box_once() -> None:
    true = np.array([[0, 0, 10, 10], [20, 0, 30, 10.0]])
    found = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 6, 30, 16.0]])
    assert pairs(box_overlaps(found, true), np.array([0.9, 0.8, 0.7])).tolist() == [[0, 0]]
