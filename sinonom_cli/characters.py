"""Characters: code points, labels, and the Private Use codes of older Nôm texts."""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from sinonom_cli.assets import ASSETS

_LABEL = re.compile(r"U\+(?:[0-9A-F]{4,5}|10[0-9A-F]{4})\Z")
_PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
_CODE = re.compile(r"(?:U[+-]|0x|\\[ux])\{?([0-9A-F]{4,8})\}?|&#x([0-9A-F]{1,6});|&#([0-9]{1,7});", re.IGNORECASE)
UNKNOWN = "\ufffd"
"""Replacement for a character that has no code point; other programs use U+FFFD too."""
_DESCRIPTION = {
    **dict.fromkeys(map(chr, (*range(0x2FF0, 0x2FFE), 0x31EF)), 2),
    **dict.fromkeys("\u2ff2\u2ff3", 3),
    **dict.fromkeys("\u2ffe\u2fff", 1),
}
"""Number of parts that each ideographic description character takes (Unicode Standard, section 18.2)."""
_IGNORED = frozenset("\u034f\u115f\u1160\u303e\u3164\uffa0")
"""Invisible characters whose Unicode category does not say so: grapheme joiner, Hangul fillers, variation indicator."""
_INVISIBLE = ((0xFFF0, 0xFFF8), (0xE0000, 0xE0FFF))
"""Ranges that Unicode reserves for invisible characters: unassigned ones, tags, further variation selectors."""
_TABLE = ASSETS / "private_use.csv"
_FORMS = ASSETS / "forms.csv"


class Reading(NamedTuple):
    """Readings and definition of a character; "" where Unihan has none. Spaces separate several readings."""

    vietnamese: str
    mandarin: str
    definition: str


def label_of(char: str) -> str:
    """Return the label of a character: "字" -> "U+5B57".

    Characters are never Unicode-normalised: U+F90A and U+91D1 look alike but have different labels.

    Raises
    ------
    ValueError
        If `char` is not exactly one code point.
    """
    if len(char) != 1:
        raise ValueError(f"{char!r} is not one character")
    return f"U+{ord(char):04X}"


def is_label(text: str) -> bool:
    """Return whether `text` is a label such as "U+5B57"."""
    return bool(_LABEL.match(text))


def char_of(label: str) -> str:
    """Return the character of a label: "U+5B57" -> "字".

    Raises
    ------
    ValueError
        If `label` is not a label.
    """
    if not is_label(label):
        raise ValueError(f"{label!r} is not a label such as U+5B57")
    return chr(int(label[2:], 16))


def char_named(text: str) -> str:
    """Return the one character that a text names, or "" if it names none or several.

    The text is the character itself, also with marks and invisible characters (see `characters_of`), or its code point
    in a usual notation: U+5B57, u+5b57, U-00005B57, 0x5B57, \\u5B57, &#x5B57; or &#23383;.
    """
    code = _CODE.fullmatch(text.strip())
    if code is None:
        chars = characters_of(text)
        return chars if len(chars) == 1 and chars != UNKNOWN else ""
    number = int(code[3]) if code[3] else int(code[1] or code[2], 16)
    return characters_of(chr(number)) if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else ""


def characters_of(text: str) -> str:
    """Return the characters of a text, each one code point, without marks and invisible characters.

    - White space, control characters, byte order marks, variation selectors, zero-width and other invisible characters
      are dropped.
    - A combining mark joins its base where Unicode has one code point for both (か and U+3099: が), and is dropped
      elsewhere. Nothing else is normalised: U+F90A stays U+F90A.
    - An ideographic description (⿰木口) describes one character that has no code point; it becomes `UNKNOWN`.
    """
    found: list[str] = []
    marks = [char for char in text if char not in _IGNORED]
    place = 0
    while place < len(marks):
        char, end = marks[place], _end_of_description(marks, place)
        kind = unicodedata.category(char)
        if end > place:
            found.append(UNKNOWN)
        elif kind.startswith("M"):
            joined = unicodedata.normalize("NFC", found[-1] + char) if found else ""
            if len(joined) == 1 and unicodedata.normalize("NFC", found[-1]) == found[-1]:
                found[-1] = joined
        elif not (char in _DESCRIPTION or char.isspace() or kind in ("Cc", "Cf", "Cs") or _is_no_character(char)):
            found.append(char)
        place = max(end, place + 1)
    return "".join(found)


def _end_of_description(chars: list[str], start: int) -> int:
    """Return the end of the ideographic description at `start`; `start` if there is none or it is unfinished."""
    wanted, place = 1, start
    while place < len(chars) and wanted:
        wanted += _DESCRIPTION.get(chars[place], 0) - 1
        place += 1
    return place if place > start + 1 and not wanted else start


def _is_no_character(char: str) -> bool:
    code = ord(char)
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code <= 0xFDEF or any(low <= code <= high for low, high in _INVISIBLE)


def is_private(char: str) -> bool:
    """Return whether a character is in a Private Use area, where each font defines its own characters."""
    code = ord(char)
    return any(low <= code <= high for low, high in _PRIVATE)


@cache
def private_use_repairs() -> dict[str, str]:
    """Return the Unicode characters that now exist for Private Use characters of the font Nom Na Tong.

    The keys are the Private Use characters. The pairs are from the Unihan property kIRG_VSource: `VN-F000B` is the
    source code of U+313FA (Unicode Standard Annex 38; tools/private_use.py makes the table).
    """
    lines = _TABLE.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.split(",") for line in lines)
    return {char_of(private): char_of(encoded) for private, encoded in pairs}


def repair(char: str) -> str:
    """Return the Unicode character for a Private Use character of Nom Na Tong; return any other character unchanged."""
    return private_use_repairs().get(char, char) if is_private(char) else char


@cache
def _forms() -> dict[str, str]:
    groups = _FORMS.read_text(encoding="utf-8").split()[1:]
    return {char: group for group in groups for char in group}


def forms_of(char: str) -> str:
    """Return all forms of a character by code point, itself among them: 為 and 爲 both give 为為爲.

    The forms are from the Unihan properties kZVariant, kSemanticVariant, kSimplifiedVariant and kTraditionalVariant
    (Unicode Standard Annex 38; tools/forms.py makes the table and says which pairs it leaves out).
    """
    return _forms().get(char, char)


def form_of(char: str) -> str:
    """Return the first, by code point, of the forms of a character, which is the same for all of them."""
    return forms_of(char)[0]


def all_readings() -> Iterator[tuple[str, Reading]]:
    """Yield every character that Unihan has a reading or a definition of, with these."""
    for line in _readings().decode("utf-8").split("\n"):
        if line.startswith("U+"):
            label, *read = line.split("\t")
            yield char_of(label), Reading(*read)


@cache
def _readings() -> bytes:
    return b"\n" + (ASSETS / "readings.tsv").read_bytes()


def reading(char: str) -> Reading:
    """Return the Vietnamese and Mandarin readings and the English definition of a character; "" where Unihan has none.

    The data are the Unihan properties kVietnamese, kMandarin and kDefinition (Unicode Standard Annex 38;
    tools/readings.py makes the table).
    """
    if len(char) != 1:
        return Reading("", "", "")
    table = _readings()
    start = table.find(f"\n{label_of(char)}\t".encode())
    if start < 0:
        return Reading("", "", "")
    line = table[start + 1 : table.index(b"\n", start + 1)].decode("utf-8")
    return Reading(*line.split("\t")[1:])
