"""Test outlines: each character's own ink in a simple polygon, neighbours parted where they touch."""

import itertools

import numpy as np
import pytest
from scipy import ndimage
from skimage.draw import polygon2mask
from tinyblock import Block, carved

from sinonom_cli.blocks.outlines import outlines
from sinonom_cli.blocks.polygons import polygon_of
from sinonom_cli.blocks.seams import first_side
from sinonom_cli.errors import BadInput

FINE = 4
"""Points across a pixel at which polygons are compared."""


def filled(polygon: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Return the points inside a polygon, FINE to a pixel."""
    return polygon2mask((shape[0] * FINE, shape[1] * FINE), polygon[:, ::-1] * FINE - 0.5)


def crosses_itself(polygon: np.ndarray) -> bool:
    """Return whether two edges that are no neighbours meet."""

    def side(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
        return np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))

    edges = list(zip(polygon, np.roll(polygon, -1, axis=0), strict=True))
    for (i, (a, b)), (j, (c, d)) in itertools.combinations(enumerate(edges), 2):
        if (j - i) % len(edges) in (1, len(edges) - 1):
            continue
        if side(a, b, c) != side(a, b, d) and side(c, d, a) != side(c, d, b):
            return True
    return False


@pytest.fixture(scope="module", params=[4, 0], ids=["apart", "touching"])
def page(request: pytest.FixtureRequest) -> tuple[Block, list[np.ndarray], list[np.ndarray]]:
    """Return a block, its outlines from the true ink and boxes, and these filled."""
    made = carved(columns=3, rows=5, gap=request.param)
    found = outlines(made.boxes, made.ink.astype(np.float32))
    return made, found, [filled(polygon, made.ink.shape) for polygon in found]


def test_an_outline_holds_the_ink_of_its_character(page: tuple[Block, list, list]) -> None:
    made, _, masks = page
    fine = np.kron(made.owner, np.ones((FINE, FINE), int))
    held = [masks[k][fine == k].mean() for k in range(len(masks))]
    # Where bars of neighbours lie against each other, no ink is thinner than other ink.
    assert np.mean(held) > 0.96 and min(held) > 0.9


def test_an_outline_holds_little_else_and_no_rule(page: tuple[Block, list, list]) -> None:
    made, _, masks = page
    fine = np.kron(made.owner, np.ones((FINE, FINE), int))
    ink = np.kron(made.ink, np.ones((FINE, FINE), bool))
    for k, mask in enumerate(masks):
        assert mask[ink & (fine != k)].sum() < 0.05 * mask[fine == k].sum()


def test_outlines_are_simple_and_have_8_to_40_corners(page: tuple[Block, list, list]) -> None:
    for polygon in page[1]:
        assert 8 <= len(polygon) <= 40
        assert not crosses_itself(polygon)


def test_no_two_outlines_overlap_by_more_than_a_pixel(page: tuple[Block, list, list]) -> None:
    for one, other in itertools.combinations(page[2], 2):
        both = np.pad(one & other, 1)
        assert (
            not both.any() or 2 * ndimage.distance_transform_edt(both).max() <= FINE + 1.5
        )  # a pixel, and half a point on each side


def test_the_seam_is_the_cheapest_path_that_dynamic_programming_would_find_by_trying_all() -> None:
    rng = np.random.default_rng(0)
    ink = (rng.random((5, 7)) > 0.5).astype(np.float32)
    mine = first_side(ink, np.array([0, -3, 7, 5]), np.array([0, 0, 7, 9]))
    cheapest = min(
        sum(ink[row, column] for column, row in enumerate(path))
        for path in itertools.product(range(5), repeat=7)
        if max(abs(a - b) for a, b in itertools.pairwise(path)) <= 1
    )
    # The ink between the sides: of each column, the sample at the seam, which is the last of one or the first of other.
    last = mine.sum(axis=0)
    cut = sum(min(ink[max(0, n - 1), k], ink[min(4, n), k]) for k, n in enumerate(last))
    assert cut <= cheapest
    assert (np.diff(mine.astype(int), axis=0) <= 0).all()  # upper part only


def test_a_character_with_a_bridge_to_its_neighbour_is_cut_at_the_thin_bridge() -> None:
    ink = np.zeros((60, 30), np.float32)
    ink[4:28, 4:26] = ink[32:56, 4:26] = 1
    ink[28:32, 14:16] = 1
    upper, lower = (filled(one, ink.shape) for one in outlines(np.array([[4, 4, 26, 30.0], [4, 30, 26, 56]]), ink))
    assert upper[5 * FINE : 28 * FINE, 5 * FINE : 25 * FINE].mean() > 0.99
    assert lower[32 * FINE : 55 * FINE, 5 * FINE : 25 * FINE].mean() > 0.99
    assert not upper[33 * FINE :].any() and not lower[: 27 * FINE].any()


def test_a_box_without_ink_is_its_own_outline_and_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    ink = np.zeros((40, 40), np.float32)
    (found,) = outlines(np.array([[10, 12, 30, 30]]), ink)
    assert filled(found, ink.shape).sum() / FINE**2 == pytest.approx(20 * 18, rel=0.05)
    assert "1 of 1" in capsys.readouterr().err


def test_two_boxes_of_one_character_get_whole_outlines_and_a_warning(capsys: pytest.CaptureFixture[str]) -> None:
    ink = np.zeros((40, 40), np.float32)
    ink[10:30, 10:30] = 1
    for found in outlines(np.array([[9, 9, 31, 31], [8, 10, 31, 31]]), ink):
        assert filled(found, ink.shape)[10 * FINE : 30 * FINE, 10 * FINE : 30 * FINE].mean() > 0.98
    assert "2 of 2" in capsys.readouterr().err


@pytest.mark.parametrize("box", [[50, 50, 60, 60], [5, 5, 7, 20], [np.nan, 0, 9, 9], [9, 9, 2, 2]])
def test_a_box_that_covers_nothing_of_the_map_is_refused_with_its_number(box: list[float]) -> None:
    with pytest.raises(BadInput, match="box 1 "):
        outlines(np.array([[1.0, 1, 9, 9], box]), np.zeros((40, 40), np.float32))


@pytest.mark.parametrize("seed", range(6))
def test_a_polygon_covers_its_region_to_within_a_pixel(seed: int) -> None:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).random((50, 60)), 7)
    labels, _ = ndimage.label(noise > np.median(noise))
    region = ndimage.binary_fill_holes(labels == 1 + np.bincount(labels.ravel())[1:].argmax())
    region = np.pad(region, 2)
    polygon = polygon_of(region)
    drawn, wanted = filled(polygon, region.shape), np.kron(region, np.ones((FINE, FINE), bool))
    far = np.where(wanted, ndimage.distance_transform_edt(wanted), ndimage.distance_transform_edt(~wanted))
    limit = 1.0 if len(polygon) < 40 else 2.5  # a ragged region is taken coarser for the sake of 40 corners
    assert far[drawn != wanted].max() <= limit * FINE + 1
    assert not crosses_itself(polygon)
