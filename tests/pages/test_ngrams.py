"""N-grams with modified Kneser-Ney smoothing, worked out by hand."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sinonom_cli.characters import form_of, forms_of
from sinonom_cli.errors import BadInput
from sinonom_cli.pages.context import Context
from sinonom_cli.pages.ngrams import (
    NAMEABLE,
    SHIPPED,
    START,
    Table,
    count,
    discounts,
    place_of,
    read_counts,
    table_of,
    write_counts,
)


def chance(table: Table, before: int, last: int, char: int) -> float:
    """Return the probability of a token after two others."""
    place = place_of(table.words, table.starts[last], table.starts[last + 1], char)
    two = float(table.chance[place]) if place >= 0 else float(table.left[last] * table.alone[char])
    bigram = place_of(table.words, table.starts[before], table.starts[before + 1], last)
    if bigram < 0:
        return two
    third = place_of(table.third_words, table.third_starts[bigram], table.third_starts[bigram + 1], char)
    return float(table.third_chance[third] if third >= 0 else table.third_left[bigram] * two)


def test_probabilities_equal_kneser_ney_worked_out_by_hand() -> None:
    """The columns 山水, 山水, 山石: too few n-grams for discounts of their own, so each loses half of a count."""
    counts = count([["山水"], ["山水"], ["山石"]])
    table = table_of(counts)
    mountain, water, stone = (counts.tokens.tolist().index(ord(char)) for char in "山水石")
    # Alone: each was seen after one token of three such pairs (start 山, 山 水, 山 石), and half a pair each is left.
    unseen = Fraction(3, 2) / 3 / NAMEABLE
    alone = Fraction(1, 2) / 3 + unseen
    assert table.alone[stone] == pytest.approx(float(alone))
    assert table.alone[len(counts.tokens)] == pytest.approx(float(unseen))
    # After 山: 水 and 石 were each seen after one token before it (the start), and half of each is left: 1 of 2.
    after = Fraction(1, 2) / 2 + Fraction(1, 2) * alone
    assert table.chance[place_of(table.words, table.starts[mountain], table.starts[mountain + 1], stone)] == (
        pytest.approx(float(after))
    )
    # After the start and 山: 水 twice, 石 once, of three; 1 of 3 is left to the probabilities after 山.
    assert chance(table, START, mountain, water) == pytest.approx(float(Fraction(3, 2) / 3 + Fraction(1, 3) * after))
    assert chance(table, START, mountain, stone) == pytest.approx(float(Fraction(1, 2) / 3 + Fraction(1, 3) * after))
    # 山 after 水 and 山 was never seen: what is left of the contexts, where there are any.
    assert chance(table, mountain, water, mountain) == pytest.approx(float(table.alone[mountain]))


def test_discounts_follow_chen_and_goodman() -> None:
    counts = np.array([1] * 60 + [2] * 20 + [3] * 9 + [4] * 4 + [7] * 5)
    share = 60 / (60 + 2 * 20)
    expected = [0, 1 - 2 * share * 20 / 60, 2 - 3 * share * 9 / 20, 3 - 4 * share * 4 / 9]
    assert discounts(counts) == pytest.approx(expected)


def test_probabilities_after_any_context_add_up_to_one() -> None:
    counts = read_counts(SHIPPED)
    table = table_of(counts)
    size = len(counts.tokens)
    others = NAMEABLE - size + 1  # START is a token, but no character
    for before, last in ((START, 300), (1500, 1501), (size // 2, 7)):
        known = sum(chance(table, before, last, char) for char in range(1, size))
        assert known + others * chance(table, before, last, size) == pytest.approx(1, abs=1e-9)


def test_lines_of_a_page_are_counted_across_their_ends() -> None:
    apart, joined = count([["天地", "玄黃"][:1], ["玄黃"]]), count([["天地", "玄黃"]])
    assert len(joined.words) == len(apart.words) + 1  # 地 玄
    assert len(joined.third_words) == len(apart.third_words) + 2  # 天 地 玄, 地 玄 黃


def test_forms_of_one_character_share_their_counts() -> None:
    counts = count([["以爲"], ["以為"]])
    assert sorted(map(chr, counts.tokens[1:])) == sorted({"以", form_of("爲")})
    assert form_of("為") == form_of("爲") and set("為爲") <= set(forms_of("爲"))
    assert form_of("后") != form_of("後")


def test_counts_are_read_as_they_were_written(tmp_path: Path) -> None:
    counts = count([["天地玄黃", "宇宙洪荒"], ["天地"]])
    write_counts(tmp_path / "counts.npz", counts)
    for one, other in zip(read_counts(tmp_path / "counts.npz"), counts, strict=True):
        assert one.dtype == other.dtype and (one == other).all()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive"])
def test_a_damaged_table_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "counts.npz"
    path.write_bytes(content or SHIPPED.read_bytes()[:5000])
    with pytest.raises(BadInput, match="counts.npz"):
        read_counts(path)


def test_the_table_that_ships_is_small_and_knows_a_phrase() -> None:
    assert SHIPPED.stat().st_size < 4_000_000
    names = [[("大", 0.5), ("太", 0.5)], [("越", 0.5), ("趙", 0.5)], [("史", 0.5), ("吏", 0.5)], [("記", 0.9)]]
    found = Context(read_counts(SHIPPED)).decode(names)
    assert found[2].argmax() == 0 and found[2, 0] > 0.6
