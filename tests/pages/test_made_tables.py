"""The tables of `pages` that tools make: forms of characters, and counts of columns."""

import bz2
from pathlib import Path

import context
import forms
import pytest

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import form_of, forms_of
from sinonom_cli.pages.ngrams import SHIPPED, count, read_counts
from sinonom_cli.search.opening import open_index

LINES = [
    "# comment",
    "U+70BA\tkSemanticVariant\tU+7232<kMatthews",
    "U+4E3A\tkTraditionalVariant\tU+70BA",
    "U+70BA\tkSimplifiedVariant\tU+4E3A",
    "U+540E\tkTraditionalVariant\tU+540E U+5F8C",
    "U+5F8C\tkSimplifiedVariant\tU+540E",
    "U+6236\tkZVariant\tU+6237",
    "U+6236\tkSpoofingVariant\tU+7232",
]


def test_forms_are_joined_through_others_and_simplified_forms_only_where_there_is_one() -> None:
    assert forms.groups(LINES, set("為爲为后後户戶")) == ["为為爲", "戶户"]
    assert forms.groups(LINES, set("爲为户戶")) == ["戶户"]  # 為, which joins 爲 and 为, is not known.


def test_the_table_of_forms_is_what_unihan_says() -> None:
    source = Path("/usr/share/unicode/Unihan_Variants.txt.bz2")
    if not source.exists():
        pytest.skip("Debian's unicode-data is not installed")
    with bz2.open(source, "rt", encoding="utf-8") as file:
        expected = forms.groups(file, {row.char for row in open_index(None).rows})
    assert (ASSETS / "forms.csv").read_text(encoding="utf-8").split() == ["characters", *expected]


def test_every_form_of_a_character_has_the_same_first_form() -> None:
    assert forms_of("爲") == forms_of("為") and form_of("爲") == min(forms_of("爲"))
    assert form_of("字") == "字" == forms_of("字")
    assert form_of("后") != form_of("後")


def test_columns_that_follow_each_other_are_one_run_and_illegible_characters_end_it() -> None:
    lines = ["b/p1_2.jpg\t玄黃\n", "b/p1_1.jpg\t天地\n", "b/p1_4.jpg\t宇?宙\n", "b/p2_5.jpg\t洪荒\n", "c/odd.jpg\t日\n"]
    assert context.columns_in(lines) == [["天地", "玄黃"], ["宇"], ["宙"], ["洪荒"], ["日"]]


def test_the_counts_that_ship_are_those_of_the_training_columns(shared_data: Path) -> None:
    with (shared_data / "nomnaocr" / "Train.txt").open(encoding="utf-8") as file:
        expected = count(context.columns_in(file))
    for kept, counted in zip(read_counts(SHIPPED), expected, strict=True):
        assert (kept == counted).all()
