"""Find characters by what is known about them: a reading, a word of the definition, or a code point."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from functools import cache

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import char_named, char_of


def characters_read(text: str) -> frozenset[str]:
    """Return the characters that have a reading, in Vietnamese or Mandarin.

    Parameters
    ----------
    text : one syllable. If it has no diacritics, readings with any diacritics are found too: "nguoi" finds "người".
    """
    wanted = unicodedata.normalize("NFC", text.strip().casefold())
    exact, plain = _by_reading()
    return (exact.get(wanted) or frozenset()) | (
        plain.get(wanted) or frozenset() if _plain(wanted) == wanted else set()
    )


def characters_meaning(text: str) -> frozenset[str]:
    """Return the characters whose English definition in Unihan has all the words of a text, each as a whole word."""
    wanted = set(_words(text))
    return frozenset(char for char, words in _definitions().items() if wanted and wanted <= words)


def characters_found(text: str) -> frozenset[str]:
    """Return the characters that a text names: by themselves, by a code point, or by a reading.

    A text of several characters, such as 人民, names each of them.
    """
    named = char_named(text)
    if named and (len(text.strip()) > 1 or not named.isascii()):
        return frozenset(named)
    read = characters_read(text)
    return read or frozenset(char for char in text if not char.isspace() and ord(char) >= 0x2E80)


@cache
def _by_reading() -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Return the characters of each reading, as it is spelt and without diacritics."""
    exact: dict[str, set[str]] = {}
    plain: dict[str, set[str]] = {}
    for char, vietnamese, mandarin, _ in _lines():
        for syllable in f"{vietnamese} {mandarin}".casefold().replace(",", " ").split():
            spelt = unicodedata.normalize("NFC", syllable)
            exact.setdefault(spelt, set()).add(char)
            plain.setdefault(_plain(spelt), set()).add(char)
    frozen = ({name: frozenset(chars) for name, chars in table.items()} for table in (exact, plain))
    return next(frozen), next(frozen)


@cache
def _definitions() -> dict[str, frozenset[str]]:
    return {char: frozenset(_words(definition)) for char, _, _, definition in _lines() if definition}


def _lines() -> Iterator[tuple[str, str, str, str]]:
    """Yield each character of the table of readings with its Vietnamese and Mandarin readings and its definition."""
    for line in (ASSETS / "readings.tsv").read_text(encoding="utf-8").splitlines():
        label, vietnamese, mandarin, definition = line.split("\t")
        if label.startswith("U+"):
            yield char_of(label), vietnamese, mandarin, definition


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text.casefold()).split()


def _plain(text: str) -> str:
    """Return a text without diacritics: "người" -> "nguoi", "đạo" -> "dao"."""
    parted = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(sign for sign in parted if not unicodedata.combining(sign))
