"""Test the cuts of a column without a detector, by ink, the number of characters and their expected heights."""

import itertools

import numpy as np
import pytest
from tinycolumn import PITCH, column

from sinonom_cli.crops import costs as prices
from sinonom_cli.crops.columns import column_ink, crop_all, cut_column
from sinonom_cli.crops.confidence import judged
from sinonom_cli.crops.costs import costs_of, upside_down
from sinonom_cli.crops.cuts import Cuts, forward, total_cost
from sinonom_cli.crops.ink import border_scraps, ruling_lines, soft_ink
from sinonom_cli.crops.paragraph_marks import circle_scores
from sinonom_cli.pictures.components import components


def assert_between(cuts: Cuts, spans: list[tuple[int, int]], slack: int = 2) -> None:
    """Check that each segment holds its character and none of its neighbours' ink, within `slack` rows."""
    for k, (low, high) in enumerate(spans):
        assert cuts.tops[k] <= low + slack and cuts.bottoms[k] >= high - slack, (k, cuts.tops[k], cuts.bottoms[k])
        if k:
            assert cuts.tops[k] >= spans[k - 1][1] - slack
        if k + 1 < len(spans):
            assert cuts.bottoms[k] <= spans[k + 1][0] + slack


@pytest.mark.parametrize("seed", range(4))
def test_cuts_lie_within_two_pixels_of_the_gaps(seed: int) -> None:
    text = "".join(map(chr, np.random.default_rng(seed).integers(0x4E10, 0x9F00, 5 + 3 * seed)))
    drawn = column(text, seed=seed)
    assert_between(cut_column(drawn.grey, text).cuts, drawn.spans)


def test_a_flat_character_keeps_its_own_room() -> None:
    drawn = column("大一人一山")
    cuts = cut_column(drawn.grey, "大一人一山").cuts
    assert_between(cuts, drawn.spans)
    assert cuts.bottoms[1] - cuts.tops[1] < 0.8 * PITCH


def test_touching_characters_are_cut_at_the_touch() -> None:
    drawn = column("大人山水木", touching=(1, 2))
    assert_between(cut_column(drawn.grey, "大人山水木").cuts, drawn.spans)


def test_paragraph_marks_are_passed_over_though_no_transcript_has_them() -> None:
    for text in ("大人○山水木", "○大人山水", "大人山水○", "大○人山水○木火"):
        drawn = column(text, seed=3)
        assert_between(cut_column(drawn.grey, text.replace("○", "")).cuts, drawn.spans)


def test_a_mouth_shaped_character_is_not_taken_for_a_paragraph_mark() -> None:
    drawn = column("大人○山水木")
    # The transcript has a character at the circle's place, so six characters need six segments.
    cuts = cut_column(drawn.grey, "大人口山水木").cuts
    places = [*drawn.spans[:2], (drawn.spans[1][1] + 4, drawn.spans[2][0] - 4), *drawn.spans[2:]]
    assert_between(cuts, places)


def test_ruling_lines_are_taken_out_and_strokes_are_left() -> None:
    plain, ruled = column("大人山水木", seed=1), column("大人山水木", seed=1, rules=True)
    ink = column_ink(ruled.grey)
    assert ink[:, 0].max() == 0 and ink[:, -1].max() == 0
    inner = slice(3, -3)
    assert np.abs(ink[:, inner] - column_ink(plain.grey)[:, inner]).mean() < 0.03
    assert not ruling_lines(soft_ink(plain.grey), 60)[:, inner].any()


def test_a_piece_of_a_line_at_the_border_is_no_stroke_of_the_character() -> None:
    drawn = column("大人山")
    drawn.grey[30:44, -1] = 60
    assert border_scraps(soft_ink(drawn.grey))[32:42, -1].all()
    crop = crop_all(cut_column(drawn.grey, "大人山"), 32)[1]
    assert crop is not None and crop.box[2] < drawn.grey.shape[1] - 1


def test_crops_are_centred_squares_around_the_ink_alone() -> None:
    text = "大人山水木"
    drawn = column(text, touching=(1,))
    for crop, (low, high) in zip(crop_all(cut_column(drawn.grey, text), 64), drawn.spans, strict=True):
        assert crop is not None and crop.picture.shape == (64, 64) and crop.picture.dtype == np.uint8
        assert abs(crop.box[1] - low) <= 2 and abs(crop.box[3] - high) <= 2 + (low == drawn.spans[1][0]) * 3
        dark = crop.picture < 128
        rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
        assert abs(rows[0] + rows[-1] - 63) <= 6 and abs(columns[0] + columns[-1] - 63) <= 6
        assert max(np.ptp(rows), np.ptp(columns)) >= 48
        assert np.mean([crop.picture[0], crop.picture[-1]]) > 225
        assert len(np.unique(crop.picture)) > 30  # The picture is grey, not black and white.


def test_a_neighbours_stroke_across_the_cut_is_kept_out() -> None:
    drawn = column("大人山", gap=6)
    top = drawn.spans[1][0]
    reach = drawn.grey.copy()
    reach[top - 5 : top, 12:15] = 50  # The second character's stroke reaches up to the first.
    first, second, _ = crop_all(cut_column(reach, "大人山"), 64)
    assert first is not None and second is not None
    assert first.box[3] <= drawn.spans[0][1] + 1
    assert second.box[1] <= top - 3


def test_the_wrong_number_of_characters_is_noticed() -> None:
    drawn = column("大人山水木火土金")
    right = cut_column(drawn.grey, "大人山水木火土金").cuts
    wrong = cut_column(drawn.grey, "大人山水木火土金日月月").cuts
    none = np.zeros(11)
    assert judged(right, "大人山水木火土金", none[:8]).confidence.min() > 0.7
    assert judged(wrong, "大人山水木火土金日月月", none).confidence.max() < 0.5


def brute_force(ink: np.ndarray, circles: np.ndarray, heights: np.ndarray, pitch: float) -> float:
    """Return the least cost of all cuts, computed from the formulas for every choice of boundaries and marks."""
    height = len(ink)
    row = ink.mean(axis=1)
    padded = np.concatenate([[0, 0], row, [0, 0]])

    def cut(y: int) -> float:
        crossing = np.minimum(ink[y - 1], ink[y]).mean() if 0 < y < height else 0.0
        return prices.CROSSING * crossing + prices.CLOSE * padded[y : y + 4].mean()

    def odd(size: int, expected: float) -> float:
        deviation = abs(np.log(size / expected)) / prices.SPREAD
        return deviation**2 / 2 if deviation < 2 else 2 * deviation - 2

    def left_out(low: int, high: int) -> float:
        return prices.SKIPPED * row[low:high].sum() + 0.01 * (high - low)

    def things(kinds: tuple[int, ...], bounds: tuple[int, ...]) -> float:
        cost = left_out(0, bounds[0]) + left_out(bounds[-1], height) + sum(map(cut, bounds[1:-1]))
        for kind, low, high in zip(kinds, bounds, bounds[1:], strict=False):
            size = high - low
            expected = pitch * (prices.CIRCLE_HEIGHT if kind < 0 else heights[kind])
            least, most = prices.mark_span(pitch) if kind < 0 else prices.span(expected)
            if not least <= size <= most:
                return np.inf
            cost += odd(size, expected)
            if kind < 0:
                middle = low + size // 2
                score = max(circles[max(0, middle - 1) : middle + 2], default=0.0)
                cost += max(prices.CIRCLE_COST - prices.CIRCLE_GAIN * score, prices.CIRCLE_LEAST)
            elif row[low:high].mean() < prices.BLANK:
                cost += prices.NOTHING
        return cost

    n = len(heights)
    best = np.inf
    for marks in itertools.product((False, True), repeat=n + 1):
        kinds = tuple(kind for k in range(n + 1) for kind in ((-1,) * marks[k] + ((k,) if k < n else ())))
        for bounds in itertools.combinations(range(height + 1), len(kinds) + 1):
            best = min(best, things(kinds, bounds))
    return float(best)


@pytest.mark.parametrize("seed", range(6))
def test_the_dynamic_programme_finds_the_cheapest_of_all_cuts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    ink = (rng.random((13, 5)) * (rng.random((13, 1)) > 0.3)).astype(np.float32)
    circles = rng.random(13).astype(np.float32)
    heights = rng.uniform(0.6, 1.3, 2)
    costs = costs_of(ink, circles, np.zeros((1, 1)), heights, 4.5)
    assert total_cost(costs, forward(costs)[1]) == pytest.approx(brute_force(ink, circles, heights, 4.5))


def test_a_column_upside_down_costs_the_same() -> None:
    drawn = column("大人山水")
    ink = column_ink(drawn.grey)
    boxes = np.random.default_rng(0).random((len(ink) + 1, 80))
    costs = costs_of(ink, np.zeros(len(ink), np.float32), boxes, np.array([1, 0.5, 1, 1.2]), 25.0)
    turned = upside_down(costs)
    assert total_cost(turned, forward(turned)[1]) == pytest.approx(total_cost(costs, forward(costs)[1]))


def test_circles_score_higher_than_writing() -> None:
    drawn = column("大○人山水")
    scores = circle_scores(column_ink(drawn.grey), np.array([5.0, 6.0, 7.0], np.float32))
    middle = (drawn.spans[0][1] + drawn.spans[1][0]) // 2
    best = scores[middle - 2 : middle + 3].max()
    assert best > 0.6
    assert np.delete(scores, range(middle - 6, middle + 7)).max() < best - 0.1


def test_components_are_those_of_a_flood_fill_with_corners() -> None:
    ink = np.random.default_rng(0).random((20, 15)).astype(np.float32)
    labels, count = components(ink > 0.6)
    parent: dict[tuple[int, int], tuple[int, int]] = {
        (int(y), int(x)): (int(y), int(x)) for y, x in np.argwhere(ink > 0.6)
    }

    def root(point: tuple[int, int]) -> tuple[int, int]:
        while parent[point] != point:
            point = parent[point]
        return point

    for (y, x), (dy, dx) in itertools.product(list(parent), ((0, 1), (1, -1), (1, 0), (1, 1))):
        if (y + dy, x + dx) in parent:
            parent[root((y, x))] = root((y + dy, x + dx))
    roots = {point: root(point) for point in parent}
    assert count == len(set(roots.values()))
    pairs = {(labels[point], found) for point, found in roots.items()}
    assert len(pairs) == count and (labels > 0).sum() == len(parent)
