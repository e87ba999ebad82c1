"""Characters: code points, labels, and the Private Use codes of older Nôm texts."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

_LABEL = re.compile(r"U\+(?:[0-9A-F]{4,5}|10[0-9A-F]{4})\Z")
_PRIVATE = ((0xE000, 0xF8FF), (0xF0000, 0xFFFFD), (0x100000, 0x10FFFD))
_ASSETS = Path(__file__).parent / "assets"
_TABLE = _ASSETS / "private_use.csv"


class Reading(NamedTuple):
    """How a character is read and what it means, "" where Unihan does not say; spaces part several readings."""

    vietnamese: str
    mandarin: str
    definition: str


def label_of(char: str) -> str:
    """Return the label of a character: "字" -> "U+5B57".

    Characters are never Unicode-normalised: U+F90A and U+91D1 look alike and are two.

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
        If `label` is not one.
    """
    if not is_label(label):
        raise ValueError(f"{label!r} is not a label such as U+5B57")
    return chr(int(label[2:], 16))


def is_private(char: str) -> bool:
    """Return whether a character is in a Private Use area, where each font draws what it likes."""
    code = ord(char)
    return any(low <= code <= high for low, high in _PRIVATE)


@cache
def private_use_repairs() -> dict[str, str]:
    """Return the Unicode character by Private Use character of the Nom Na Tong font, where one exists now.

    The Unihan property kIRG_VSource names them: `VN-F000B` is the source code of U+313FA
    (Unicode Standard Annex 38; assets/private_use.py makes the table).
    """
    lines = _TABLE.read_text(encoding="utf-8").splitlines()[1:]
    pairs = (line.split(",") for line in lines)
    return {char_of(private): char_of(encoded) for private, encoded in pairs}


def repair(char: str) -> str:
    """Return the Unicode character for a Nom Na Tong Private Use character; any other as it is."""
    return private_use_repairs().get(char, char) if is_private(char) else char


@cache
def _readings() -> bytes:
    return b"\n" + (_ASSETS / "readings.tsv").read_bytes()


def reading(char: str) -> Reading:
    """Return how a character is read in Vietnamese and Mandarin, and its definition in English.

    The Unihan properties kVietnamese, kMandarin and kDefinition (Unicode Standard Annex 38; assets/readings.py makes
    the table).
    """
    table = _readings()
    start = table.find(f"\n{label_of(char)}\t".encode())
    if start < 0:
        return Reading("", "", "")
    line = table[start + 1 : table.index(b"\n", start + 1)].decode("utf-8")
    return Reading(*line.split("\t")[1:])
