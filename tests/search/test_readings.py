"""Characters are found by their readings, with and without diacritics, by meaning and by code point."""

import pytest

from sinonom_cli.assets import ASSETS
from sinonom_cli.search.readings import characters_found, characters_meaning, characters_read


def in_the_table(column: int, word: str) -> set[str]:
    """Return the characters whose cell of the table has a word, by a plain loop."""
    found = set()
    for line in (ASSETS / "readings.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        cells = line.split("\t")
        if word in cells[column].split():
            found.add(chr(int(cells[0][2:], 16)))
    return found


def test_a_reading_with_diacritics_finds_only_its_own_spelling() -> None:
    assert characters_read("người") == in_the_table(1, "người") != set()
    assert characters_read("NGƯỜI") == characters_read("người")


def test_a_reading_without_diacritics_finds_all_spellings() -> None:
    assert characters_read("nguoi") >= in_the_table(1, "người") | in_the_table(1, "ngươi")
    assert characters_read("dao") >= in_the_table(1, "đạo") | in_the_table(2, "dào")


def test_decomposed_letters_are_the_same_reading() -> None:
    assert characters_read("ngu\u031bo\u031b\u0300i") == characters_read("người")


def test_a_meaning_needs_all_its_words_as_whole_words() -> None:
    assert "字" in characters_meaning("letter character")
    assert "字" not in characters_meaning("charact")
    assert characters_meaning("  ") == frozenset()


@pytest.mark.parametrize("text", ["字", "U+5B57", "u+5b57", "0x5B57"])
def test_a_character_is_found_by_itself_and_by_its_code_point(text: str) -> None:
    assert characters_found(text) == {"字"}


def test_several_characters_are_each_found() -> None:
    assert characters_found("人民") == {"人", "民"}


def test_what_names_nothing_finds_nothing() -> None:
    assert characters_found("zzzz") == frozenset()
