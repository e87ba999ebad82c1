"""Find characters by what is known about them: a reading, a word of the definition, or a code point."""

from __future__ import annotations

import unicodedata
from functools import cache

from sinonom_cli.characters import all_readings, char_named


def characters_read(text: str) -> frozenset[str]:
    """Return the characters that have a reading, in Vietnamese or Mandarin.

    Parameters
    ----------
    text : one syllable. If it has no diacritics, readings with any diacritics are found too: "nguoi" finds "người".
    """
    wanted = unicodedata.normalize("NFC", text.strip().casefold())
    exact, plain = _by_reading()
    found = exact.get(wanted, frozenset())
    return found | plain.get(wanted, frozenset()) if _plain(wanted) == wanted else found


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
    for char, read in all_readings():
        for syllable in f"{read.vietnamese} {read.mandarin}".casefold().replace(",", " ").split():
            spelt = unicodedata.normalize("NFC", syllable)
            exact.setdefault(spelt, set()).add(char)
            plain.setdefault(_plain(spelt), set()).add(char)
    return _frozen(exact), _frozen(plain)


def _frozen(table: dict[str, set[str]]) -> dict[str, frozenset[str]]:
    return {name: frozenset(chars) for name, chars in table.items()}


@cache
def _definitions() -> dict[str, frozenset[str]]:
    return {char: frozenset(_words(read.definition)) for char, read in all_readings() if read.definition}


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text.casefold()).split()


def _plain(text: str) -> str:
    """Return a text without diacritics: "người" -> "nguoi", "đạo" -> "dao"."""
    parted = unicodedata.normalize("NFD", text.replace("đ", "d"))
    return "".join(sign for sign in parted if not unicodedata.combining(sign))
