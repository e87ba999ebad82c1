"""Find characters by their radical: the component under which dictionaries list them."""

from __future__ import annotations

from functools import cache

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import char_named
from sinonom_cli.errors import UsageError


def characters_with(component: str) -> frozenset[str]:
    """Return the characters that Unihan lists under a radical (property kRSUnicode).

    Parameters
    ----------
    component : the radical in any of its forms (水, 氵), its code point, or its number in the Kangxi dictionary. A form
        of two radicals (阝) means both.

    Raises
    ------
    UsageError
        If it is no radical.
    """
    asked = component.strip()
    forms, chars = _radicals()
    numbered = asked.isascii() and asked.isdecimal() and len(asked) < 4
    numbers = {int(asked)} & chars.keys() if numbered else forms.get(char_named(asked), set())
    if not numbers:
        raise UsageError(f"{component[:40]!r} is no radical", "give one of the 214 radicals, such as 水, 氵 or 85")
    return frozenset().union(*(chars[number] for number in numbers))


@cache
def _radicals() -> tuple[dict[str, set[int]], dict[int, frozenset[str]]]:
    """Return the numbers of each form of a radical, and the characters of each number."""
    forms: dict[str, set[int]] = {}
    chars: dict[int, frozenset[str]] = {}
    for line in (ASSETS / "radicals.tsv").read_text(encoding="utf-8").splitlines():
        number, shapes, listed = line.split("\t")
        chars[int(number)] = frozenset(listed)
        for shape in shapes:
            forms.setdefault(shape, set()).add(int(number))
    return forms, chars
