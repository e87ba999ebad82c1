"""Test reading order on spreads whose order is known because they are made here."""

import numpy as np
import pytest
from refused import refused
from tinyspread import Spread, spread, turned, without

from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.layout.order import Placed, reading_order


def shuffled(page: Spread, seed: int = 0, **options: object) -> list[tuple[int, Placed]]:
    """Return what is found on the boxes in random order, each with its true place in reading order."""
    mixed = np.random.default_rng(seed).permutation(len(page.boxes))
    found = reading_order(page.boxes[mixed], **options)  # type: ignore[arg-type]
    return [(int(mixed[one.index]), one) for one in found]


def assert_right(page: Spread, **options: object) -> None:
    found = shuffled(page, **options)
    assert [true for true, _ in found] == list(range(len(page.boxes)))
    assert [(one.column, one.place, one.part) for _, one in found] == page.where
    assert all(one.box == tuple(page.boxes[true]) for true, one in found)


@pytest.mark.parametrize("seed", range(4))
def test_a_spread_is_read_from_right_to_left_with_its_notes_headings_and_centre_strip(seed: int) -> None:
    assert_right(spread(seed))


@pytest.mark.parametrize("seed", range(4))
def test_a_spread_that_is_turned_by_3_degrees_with_5_percent_missing_is_read_in_order(seed: int) -> None:
    page = without(spread(seed), 0.05, seed)
    for degrees in (-3.0, 3.0):
        assert_right(turned(page, degrees))


@pytest.mark.parametrize("bend", [-30.0, 30.0])
def test_columns_that_bend_by_half_their_width_are_read_in_order(bend: float) -> None:
    assert_right(turned(spread(1), 2.0, bend))


def test_a_page_without_notes_headings_and_strip_gets_none() -> None:
    page = spread(2, headings=False, notes=False, strip=False)
    assert {part for _, _, part in page.where} == {"text"}
    assert_right(turned(page, 1.0))


def test_a_frame_tells_headings_of_any_size_and_a_strip_like_the_columns() -> None:
    page = spread(3, notes=False)
    centre = np.array([part == "centre" for _, _, part in page.where])
    heading = np.array([part == "heading" for _, _, part in page.where])
    middle = (page.boxes[:, :2] + page.boxes[:, 2:]) / 2
    for chosen, half in ((centre, [22.0, 16.0]), (heading, [21.0, 11.0])):
        page.boxes[chosen] = np.hstack([middle - half, middle + half])[chosen]
    leaning = turned(page, -2.0)
    assert_right(leaning, frame=leaning.frame)
    portrait = np.flatnonzero(np.array([column for column, _, _ in page.where]) <= 9)
    frame = np.array([(520.0, 100.0), (1000.0, 100.0), (1000.0, 730.0), (520.0, 730.0)])
    found = reading_order(page.boxes[portrait], frame=frame)
    assert "centre" not in {one.part for one in found}  # This is one page, not a spread.


def test_a_page_of_notes_alone_is_read_in_pairs_if_its_pitch_is_known() -> None:
    middles = np.arange(5)[::-1] * 60.0 + 40
    page = [(x + side, 30 + 30 * n) for x in middles for side in (14, -14) for n in range(9)]
    boxes = np.array([(x - 12, y - 12, x + 12, y + 12) for x, y in page])
    found = reading_order(boxes, pitch=60.0)
    assert [one.index for one in found] == list(range(len(boxes)))
    assert [one.part for one in found] == (["note-right"] * 9 + ["note-left"] * 9) * 5
    assert found[-1].column == 5


def test_horizontal_text_is_read_from_left_to_right_and_from_top_to_bottom() -> None:
    text = [(30 + 40 * k, 40 + 60 * row) for row in range(6) for k in range(12 - row)]
    boxes = np.array([(x - 17, y - 18, x + 17, y + 18) for x, y in text], float)
    boxes[:, 1::2] += 0.04 * boxes[:, :1]  # Rows that fall by 2 degrees.
    mixed = np.random.default_rng(0).permutation(len(boxes))
    found = reading_order(boxes[mixed], direction="horizontal")
    assert [int(mixed[one.index]) for one in found] == list(range(len(boxes)))
    assert [(one.column, one.place) for one in found] == [(row + 1, k + 1) for row in range(6) for k in range(12 - row)]
    assert {one.part for one in found} == {"text"}


def test_of_boxes_that_show_one_character_the_best_is_kept() -> None:
    page = spread(1)
    extra = np.vstack([page.boxes[5] + [1, 2, 1, 2], page.boxes[9] + [6, 6, -6, -6], page.boxes[20] + [-1, 0, 2, 2]])
    boxes = np.vstack([page.boxes, extra])
    scores = np.full(len(boxes), 0.8)
    scores[len(page.boxes) :] = 0.7, 0.7, 0.9
    found = reading_order(boxes, scores)
    expected = list(range(len(page.boxes)))
    expected[20] = len(boxes) - 1
    assert [one.index for one in found] == expected


def test_false_boxes_do_not_move_the_columns() -> None:
    page = turned(spread(2), 2.0)
    rng = np.random.default_rng(0)
    low = page.boxes[:, :2].min(axis=0) + rng.random((8, 2)) * np.ptp(page.boxes[:, :2], axis=0)
    boxes = np.vstack([page.boxes, np.hstack([low, low + rng.uniform(8, 70, (8, 2))])])
    scores = np.append(np.ones(len(page.boxes)), np.full(8, 0.3))
    found = [one.index for one in reading_order(boxes, scores) if one.index < len(page.boxes)]
    follow = np.diff(found)
    assert len(found) == len(page.boxes) and (follow == 1).mean() > 0.97


def test_a_note_goes_on_after_a_gap_of_one_row_and_begins_anew_after_two_empty_rows() -> None:
    text = [(300.0 - 60 * k, 40 + 42 * n, 44, 38) for k in range(4) for n in range(12)]
    rows = [0, 1, 3, 4], [0, 1, 3], [9, 10], [9]
    notes = [
        (60.0 + side, 40 + 30 * row, 25, 25)
        for side, part in zip((14, -14, 14, -14), rows, strict=True)
        for row in part
    ]
    boxes = np.array([(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in text + notes])
    found = reading_order(boxes)
    assert [one.index for one in found] == list(range(len(boxes)))


def test_a_page_of_few_characters_and_an_empty_one_are_read() -> None:
    assert reading_order(np.empty((0, 4))) == []
    (one,) = reading_order(np.array([[10.0, 20, 50, 60]]))
    assert one == Placed(index=0, column=1, place=1, part="text", box=(10, 20, 50, 60))
    boxes = np.array([[10.0, 20, 50, 60], [70, 20, 110, 60], [70, 62, 110, 100]])
    assert [(one.index, one.column, one.place) for one in reading_order(boxes)] == [(1, 1, 1), (2, 1, 2), (0, 2, 1)]


def test_the_order_depends_neither_on_the_rows_nor_on_the_scale() -> None:
    page = turned(spread(0), 1.5)
    expected = [true for true, _ in shuffled(page, 1)]
    assert [true for true, _ in shuffled(page, 2)] == expected
    assert [true for true, _ in shuffled(Spread(page.boxes * 0.02, page.where), 3)] == expected


def test_boxes_without_area_and_missing_scores_are_refused_with_their_row() -> None:
    good = [10.0, 10, 20, 20]
    for wrong in ([10.0, 10, 10, 20], [10.0, 10, float("nan"), 20], [10.0, 30, 20, 20]):
        with refused(BadInput.exit_code, "box 1"):
            reading_order(np.array([good, wrong]))
    for scores in (np.ones(1), np.array([1, np.nan])):
        with refused(BadInput.exit_code, "2 boxes", "1 scores"):
            reading_order(np.array([good, good]), scores)
    with refused(BadInput.exit_code, "[0.0, 0.0]"):
        reading_order(np.array([good]), frame=np.zeros((2, 2)))
    with refused(BadInput.exit_code, "(4, 5)"):
        reading_order(np.ones((4, 5)))
    with refused(BadInput.exit_code, "box 2"):
        reading_order(np.array([good, [20.0, 10, 30, 20], [1e9, 0, 1e9 + 9, 9]]))


def test_an_unknown_direction_and_a_pitch_far_below_a_character_are_refused() -> None:
    good = np.array([[10.0, 10, 20, 20]])
    with refused(UsageError.exit_code, "upwards"):
        reading_order(good, direction="upwards")  # type: ignore[arg-type]
    for pitch in (0.0, -1.0, 2.0, float("nan")):
        with refused(UsageError.exit_code, pitch):
            reading_order(good, pitch=pitch)


def test_columns_of_small_characters_that_are_far_apart_are_no_half_columns() -> None:
    poem = [(900.0 - 90 * k, 40 + 42 * n, 44, 40) for k in range(9) for n in range(6)]
    title = [
        (600.0 - 200 * k, 100 + (60, 110, 60)[k] * n, size, size)
        for k, size in enumerate((50, 100, 50))
        for n in range(5)
    ]
    for page in (poem, title):
        boxes = np.array([(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in page])
        found = reading_order(boxes)
        assert [one.index for one in found] == list(range(len(boxes)))
        assert {one.part for one in found} == {"text"}


def test_a_band_of_small_headings_across_the_page_is_told_from_notes_that_begin_at_the_top() -> None:
    text = [(970.0 - 60 * k, 110 + 42 * n, 46, 38) for k in range(1, 14) for n in range(12)]
    note = [(970.0 + side, 100 + 30 * n, 25, 25) for side in (14, -14) for n in range(16)]
    band = [(980.0 - 34 * k, 20 + 22 * n, 24, 20) for k in range(24) for n in range(3 if k % 5 else 2)]
    boxes = np.array([(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in band + note + text])
    found = reading_order(boxes)
    assert [one.index for one in found] == list(range(len(boxes)))
    assert [one.part for one in found] == ["heading"] * len(band) + ["note-right"] * 16 + ["note-left"] * 16 + [
        "text"
    ] * len(text)
    found = reading_order(boxes[len(band) :])
    assert [one.part for one in found] == ["note-right"] * 16 + ["note-left"] * 16 + ["text"] * len(text)
