"""Characters are found by their radical, as dictionaries list them."""

import pytest
from refused import refused

from sinonom_cli.errors import ExitCode
from sinonom_cli.search.radicals import characters_with


@pytest.mark.parametrize(
    ("component", "has", "lacks"),
    [
        ("水", "河淚漢", "冰木"), ("氵", "河淚漢", "冰木"), ("85", "河", "木"), ("U+6C34", "河", "木"),
        ("言", "語詩", "音"), ("讠", "語", "音"), ("亻", "𠊛他", "大"), ("阝", "陳都", "木"), ("月", "肝朝", "日"),
    ],
)  # fmt: skip
def test_a_radical_finds_the_characters_that_a_dictionary_lists_under_it(component: str, has: str, lacks: str) -> None:
    found = characters_with(component)
    assert set(has) <= found and not set(lacks) & found


@pytest.mark.parametrize("component", ["也", "0", "215", "abc", "水水"])
def test_what_is_no_radical_is_refused(component: str) -> None:
    with refused(ExitCode.USAGE, component):
        characters_with(component)
