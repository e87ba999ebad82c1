"""Test composed pages: every character is where its box says, nothing else but lines is there, in reading order."""

from dataclasses import replace

import numpy as np
import pytest
from refused import refused
from scipy.ndimage import label
from tinystrokes import drawn

from sinonom_cli.errors import ExitCode
from sinonom_cli.relief.compose import INK, PAPER, compose_page
from sinonom_cli.relief.composition import HEADING, NOTES, STRIP, TEXT, Composition, Page
from sinonom_cli.relief.physics import Span

GLYPHS = {"字": [drawn(48), drawn(64, scale=0.7)], "喃": [drawn(64, left=0.1)], "一": [drawn(40)[::-1].copy()]}


def page(seed: int, **amounts: object) -> Page:
    return compose_page(GLYPHS, np.random.default_rng(seed), replace(Composition(), **amounts))


@pytest.mark.parametrize("seed", range(12))
def test_there_is_ink_at_all_edges_of_each_box_and_none_outside_but_lines(seed: int) -> None:
    done = page(seed)
    inked = done.picture < PAPER
    covered = done.lines.copy()
    for found in done.characters:
        x0, y0, x1, y1 = found.box
        part = inked[y0:y1, x0:x1]
        assert part[0].any() and part[-1].any() and part[:, 0].any() and part[:, -1].any()
        assert not covered[y0:y1, x0:x1].any(), "boxes overlap each other or a line"
        covered[y0:y1, x0:x1] = True
    assert not (inked & ~covered).any()
    assert (done.picture[done.lines] == INK).all()
    assert done.picture.dtype == np.uint8 and len(done.characters) > 3


def test_equal_random_numbers_give_equal_pages_and_others_do_not() -> None:
    first, again, other = page(3), page(3), page(4)
    np.testing.assert_array_equal(first.picture, again.picture)
    assert first.characters == again.characters and first.characters != other.characters


def test_columns_go_from_right_to_left_and_places_downwards() -> None:
    for seed in range(8):
        done = page(seed, notes=0.0, heading=0.0, strip=0.0)
        middles: dict[int, list[float]] = {}
        for found in done.characters:
            x0, _, x1, _ = found.box
            assert found.kind == TEXT and found.char == list(GLYPHS)[found.index]
            middles.setdefault(found.column, []).append((x0 + x1) / 2)
            assert found.place == len(middles[found.column])
        means = [np.mean(middles[column]) for column in sorted(middles)]
        assert (np.diff(means) < 0).all()
        for a, b in zip(done.characters, done.characters[1:], strict=False):
            assert b.column > a.column or (b.column == a.column and b.box[1] >= a.box[3])


def test_notes_stand_in_two_half_columns_and_the_right_one_is_read_first() -> None:
    done = page(1, notes=1.0, note_rows=Span(3, 3), columns=Span(3, 3), rows=Span(12, 12), short=0.0, strip=0.0)
    notes = [found for found in done.characters if found.kind == NOTES]
    texts = [found for found in done.characters if found.kind == TEXT]
    assert len(notes) > 9
    for found in notes:
        middle = np.mean([(t.box[0] + t.box[2]) / 2 for t in texts if t.column == found.column])
        assert found.box[0] >= middle - 4 or found.box[2] <= middle + 4
    run = [found for found in notes if found.column == 1][:4]
    assert all(found.box[0] > run[3].box[2] - 4 for found in run[:3])
    assert run[3].box[1] < run[1].box[1]
    heights = [[found.box[3] - found.box[1] for found in some] for some in (notes, texts)]
    assert np.median(heights[0]) < 0.9 * np.median(heights[1])


def test_headings_stand_above_the_border_and_the_strip_has_a_fish_tail() -> None:
    done = page(2, heading=1.0, strip=1.0, borders=(0.0, 1.0, 0.0), ruled=0.0, columns=Span(6, 6))
    border = np.flatnonzero(done.lines.any(axis=1))[0]
    for found in done.characters:
        assert (found.box[3] <= border) == (found.kind == HEADING)
    assert {found.kind for found in done.characters} >= {TEXT, HEADING, STRIP}
    pieces, count = label(done.lines)
    assert count == 2
    tail = np.argwhere(pieces == 2)
    strip = [found.box for found in done.characters if found.kind == STRIP]
    assert tail[:, 1].min() <= min(box[0] for box in strip) and tail[:, 1].max() >= max(box[2] for box in strip) - 1


@pytest.mark.parametrize(("kind", "pieces"), [(0, 0), (1, 1), (2, 2)])
def test_the_border_is_absent_single_or_double(kind: int, pieces: int) -> None:
    chosen = tuple(float(k == kind) for k in range(3))
    done = page(5, borders=chosen, ruled=0.0, strip=0.0)
    assert label(done.lines, np.ones((3, 3)))[1] == pieces


def test_rules_stand_between_columns() -> None:
    done = page(6, borders=(1.0, 0.0, 0.0), ruled=1.0, strip=0.0, columns=Span(7, 7))
    assert label(done.lines)[1] == 6


def test_pages_without_glyphs_and_blank_glyphs_are_refused() -> None:
    for nothing in ({}, {"字": []}):
        with refused(ExitCode.BAD_INPUT):
            compose_page(nothing, np.random.default_rng(0))
    with refused(ExitCode.BAD_INPUT, "喃"):
        compose_page({"喃": [np.full((20, 20), 255, np.uint8)]}, np.random.default_rng(0))
