"""A transcript names the characters of a block, mends their number, and is not believed where it does not fit."""

from functools import cache

import numpy as np
import pytest

from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.judge_text import Judged, judge_text
from sinonom_cli.blocks.text_alignment import EXTRA, FLOOR, MISSING, align_text
from sinonom_cli.characters import label_of
from sinonom_cli.search.naming import Name

TEXT = ("天地玄黃宇宙洪荒", "日月盈昃辰宿列張")


def name(char: str, probability: float = 0.9) -> list[Name]:
    return [Name(label=label_of(char), char=char, distance=0.5, probability=probability)]


def found(text: tuple[str, ...] = TEXT) -> tuple[np.ndarray, list[int], list[list[Name]]]:
    """Return boxes of 40 x 40, columns and names of characters that are found and read as they are."""
    boxes, columns = [], []
    for column, chars in enumerate(text):
        for place in range(len(chars)):
            x, y = 500 - 60 * column, 50 * place
            boxes.append((x, y, x + 40, y + 40))
            columns.append(column + 1)
    return np.array(boxes, float), columns, [name(char) for char in "".join(text)]


def reasons(judged: Judged) -> list[tuple[str, int | None, str]]:
    return [(doubt.reason, doubt.number, doubt.known) for doubt in judged.doubts]


def test_names_are_those_of_the_transcript_and_other_forms_count_as_agreement() -> None:
    boxes, columns, names = found(("屬為天地玄黃",))
    judged = judge_text(boxes, columns, names, ("属爲天地玄黃",))
    assert "".join(judged.chars) == "属爲天地玄黃"
    assert judged.doubts == [] and judged.share == 1.0
    assert judged.probabilities == pytest.approx([0.9] * 6)


def test_a_character_that_is_read_wrong_gets_its_name_and_is_doubtful() -> None:
    boxes, columns, names = found()
    names[5] = name("富")
    judged = judge_text(boxes, columns, names, TEXT)
    assert "".join(judged.chars) == "".join(TEXT)
    assert reasons(judged) == [(doubts.DISAGREES, 5, "宙")]


def test_a_character_without_outline_is_doubtful_and_the_others_keep_their_names() -> None:
    boxes, columns, names = found()
    kept = [k for k in range(16) if k != 6]
    judged = judge_text(boxes[kept], [columns[k] for k in kept], [names[k] for k in kept], TEXT)
    assert "".join(judged.chars) == "天地玄黃宇宙荒日月盈昃辰宿列張"
    assert reasons(judged) == [(doubts.NO_OUTLINE, None, "洪")]
    assert judged.doubts[0].column == 1


def test_an_outline_that_the_transcript_lacks_gets_no_name_from_it() -> None:
    boxes, columns, names = found()
    judged = judge_text(boxes, columns, names, ("天地玄黃宇宙荒", TEXT[1]))
    assert judged.chars[6] == "" and judged.chars[7] == "荒"
    assert reasons(judged) == [(doubts.NOT_IN_TEXT, 6, "")]


def test_two_characters_in_one_outline_and_one_in_two_are_found() -> None:
    boxes, columns, names = found()
    glued = np.vstack([boxes[:3], [*boxes[3, :2], *boxes[4, 2:]], boxes[5:]])
    judged = judge_text(glued, columns[:3] + columns[4:], names[:3] + [name("亶", 0.3)] + names[5:], TEXT)
    assert judged.divide == [3] and judged.join == []
    upper, lower = boxes[10].copy(), boxes[10].copy()
    upper[3], lower[1] = upper[1] + 18, upper[1] + 22
    halves = np.vstack([boxes[:10], upper, lower, boxes[11:]])
    judged = judge_text(
        halves, columns[:10] + [2] + columns[10:], names[:10] + [name("又", 0.4), name("皿", 0.6)] + names[11:], TEXT
    )
    assert judged.join == [10] and judged.divide == []


def test_a_transcript_of_another_block_gives_no_names_and_says_how_many_agree() -> None:
    boxes, columns, names = found()
    judged = judge_text(boxes, columns, names, ("寒來暑往秋收冬藏", "閏餘成歲天呂調陽"))
    assert judged.chars == [""] * 16
    [doubt] = judged.doubts
    assert doubt.reason.startswith(doubts.OTHER_TEXT) and "0 of 16" in doubt.reason and doubt.number is None


def test_where_a_passage_of_another_text_stands_the_transcript_is_not_believed() -> None:
    text = TEXT * 2 + ("寒來暑往秋收冬藏閏餘成歲律呂調陽",)
    boxes, columns, names = found(text)
    other = TEXT * 2 + ("雲騰致雨露結爲霜金生麗水玉出崑岡",)
    judged = judge_text(boxes, columns, names, other)
    assert "".join(judged.chars[:32]) == "".join(TEXT * 2)
    assert "".join(judged.chars[34:]) == ""
    assert sum(reason == doubts.NOT_FITTING for reason, _, _ in reasons(judged)) >= 14


def test_signs_for_what_cannot_be_read_take_a_place_but_give_no_name() -> None:
    boxes, columns, names = found()
    names[2] = name("玄", 0.02)
    judged = judge_text(boxes, columns, names, ("天地□黃宇宙洪荒", TEXT[1]))
    assert judged.chars[2] == "" and judged.doubts == []
    assert judged.chars[3] == "黃"


def test_the_alignment_costs_as_little_as_that_of_a_search_through_all() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        chars = "".join(rng.choice(list("天地玄黃"), 6))
        names = [name(str(rng.choice(list("天地玄黃"))), float(rng.uniform(0.2, 0.99))) for _ in range(5)]
        boxes = np.array([(0, 50 * k, 40, 50 * k + 40) for k in range(5)], float)

        def cost(i: int, j: int, names: list[list[Name]] = names, chars: str = chars) -> float:
            only = names[i][0]
            return float(-np.log(max(FLOOR, only.probability if only.char == chars[j] else 0.0)))

        @cache
        def least(i: int, j: int, chars: str = chars) -> float:
            if i == 5 or j == len(chars):
                return EXTRA * (5 - i) + MISSING * (len(chars) - j)
            return min(
                cost(i, j) + least(i + 1, j + 1),
                EXTRA + least(i + 1, j),
                MISSING + least(i, j + 1),
            )

        steps = align_text(boxes, [1] * 5, names, (chars,), mend=False)
        total = sum(
            cost(step.first, step.start)
            if step.last > step.first and step.end > step.start
            else (EXTRA if step.last > step.first else MISSING)
            for step in steps
        )
        assert total == pytest.approx(least(0, 0))
        assert (steps[-1].last, steps[-1].end) == (5, len(chars))
