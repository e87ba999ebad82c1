"""Columns of writing, read from their pictures."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.characters import label_of
from sinonom_cli.pages.column import in_context, read_column
from sinonom_cli.pages.context import SURE, shipped_context
from sinonom_cli.pages.sight import names_by_sight, ring
from sinonom_cli.search.naming import Name, shipped_namer

SIDE, GAP, EDGE = 40, 3, 4


def glyph(char: str) -> NDArray[np.uint8]:
    path = sorted((GLYPHS / "wenkai" / "images" / label_of(char)).glob("*.png"))[0]
    return np.asarray(Image.open(path).convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def column_of(parts: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    return np.vstack([np.pad(part, ((GAP, GAP), (EDGE, EDGE)), constant_values=255) for part in parts])


def boxes_of(count: int) -> NDArray[np.float64]:
    tops = GAP + np.arange(count, dtype=np.float64) * (SIDE + 2 * GAP)
    return np.stack([np.full(count, EDGE), tops, np.full(count, EDGE + SIDE), tops + SIDE], axis=1)


def mark() -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(ring(0.12, 1.0, 0)).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def chars() -> list[str]:
    labels = sorted(path.name for path in (GLYPHS / "wenkai" / "images").iterdir())
    return [chr(int(label[2:], 16)) for label in labels][::9][:8]


def test_a_column_is_read_from_top_to_bottom_whatever_the_order_of_its_boxes() -> None:
    text = chars()
    grey = column_of([glyph(char) for char in text])
    boxes, scores = boxes_of(len(text)), np.linspace(0.5, 0.9, len(text))
    mixed = np.random.default_rng(1).permutation(len(text))
    read = read_column(grey, boxes[mixed], scores[mixed])
    assert [one.box for one in read] == [tuple(box) for box in boxes]
    assert [one.score for one in read] == pytest.approx(scores)
    right = sum(one.names[0].char == char for one, char in zip(read, text, strict=True))
    assert right >= len(text) - 1
    assert all(one.names == one.sight for one in read)


def test_the_characters_of_a_column_are_found_without_boxes() -> None:
    text = chars()
    read = read_column(column_of([glyph(char) for char in text]))
    expected = boxes_of(len(text))
    assert len(read) == len(text)
    assert np.abs(np.array([one.box for one in read]) - expected)[:, [1, 3]].max() < 0.25 * SIDE


def test_paragraph_marks_are_no_characters() -> None:
    text = chars()
    parts = [glyph(char) for char in text]
    boxes = boxes_of(len(text) + 1)
    read = read_column(column_of([*parts[:3], mark(), *parts[3:]]), boxes)
    assert [one.box for one in read] == [tuple(box) for k, box in enumerate(boxes) if k != 3]
    assert not names_by_sight(column_of(parts), boxes[:-1], shipped_namer()).marks.any()


@pytest.mark.parametrize("context", [None, shipped_context()])
def test_an_empty_column_has_no_characters(context: object) -> None:
    assert read_column(np.full((300, 30), 255, np.uint8), context=context) == []
    assert read_column(np.full((300, 30), 255, np.uint8), np.zeros((0, 4)), context=context) == []


def name(char: str, probability: float) -> Name:
    return Name(label=label_of(char), char=char, distance=0.5, probability=probability)


def test_context_sorts_names_and_keeps_all_else_of_them() -> None:
    names = [[name("吏", 0.5), name("史", 0.4)], [name("臣", 0.6), name("巨", 0.3)]]
    found = in_context(names, shipped_context())
    assert [one.char for one in found[0]] == ["史", "吏"] and [one.char for one in found[1]] == ["臣", "巨"]
    for before, after in zip(names, found, strict=True):
        assert sum(one.probability for one in after) == pytest.approx(sum(one.probability for one in before))
        assert {(one.char, one.label, one.distance) for one in after} == {
            (one.char, one.label, one.distance) for one in before
        }


def test_a_sure_name_is_never_overruled_and_lends_its_certainty_to_its_neighbours() -> None:
    sure = [name("吏", SURE + 0.01), name("史", 0.005)]
    found = in_context([sure, [name("臣", 0.5), name("巨", 0.5)]], shipped_context())
    assert found[0] == sure
    # With 史 certain, 臣 is much more likely than with 吏 certain.
    other = in_context([[name("史", SURE + 0.01)], [name("臣", 0.5), name("巨", 0.5)]], shipped_context())
    chance = [{one.char: one.probability for one in part[1]}["臣"] for part in (found, other)]
    assert chance[1] > chance[0]


def test_a_character_that_no_text_has_keeps_its_share_against_another() -> None:
    names = [[name("𪚥", 0.6), name("𪚦", 0.4)]]
    found = in_context(names, shipped_context())[0]
    assert [one.char for one in found] == ["𪚥", "𪚦"]
    weights = shipped_context().weights
    assert found[0].probability / found[1].probability == pytest.approx(1.5**weights.sight)


def test_two_boxes_of_one_character_are_joined_and_two_characters_are_not() -> None:
    text = chars()
    grey, boxes = column_of([glyph(char) for char in text]), boxes_of(len(text))
    cut = np.array([EDGE, boxes[4, 1], EDGE + SIDE, boxes[4, 1] + 0.45 * SIDE])
    split = np.vstack([boxes[:4], cut, [EDGE, cut[3], EDGE + SIDE, boxes[4, 3]], boxes[5:]])
    read = read_column(grey, split)
    assert [one.box for one in read] == [tuple(box) for box in boxes]
    assert [one.box for one in read_column(grey, boxes)] == [tuple(box) for box in boxes]
