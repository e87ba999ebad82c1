"""Which characters to draw: charset files, Han characters, and what becomes of Private Use codes."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sinonom_cli.characters import is_private, repair
from sinonom_cli.errors import SinonomError

HAN = (
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAD9),
    (0x20000, 0x3FFFD),
)
"""Ideographs, their iteration mark, zero and compatibility twins; planes 2 and 3 hold nothing else."""

_CODE = re.compile(r"U\+([0-9A-Fa-f]{4,6})\Z")


@dataclass(frozen=True)
class Charset:
    """The characters asked for, in order, each once.

    Attributes
    ----------
    chars : no Private Use character among them.
    repaired : how many Private Use characters were asked for and are drawn as their Unicode character.
    private : Private Use characters without one: never drawn, since each font may draw something else there.
    """

    chars: tuple[str, ...]
    repaired: int
    private: tuple[str, ...]


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph."""
    code = ord(char)
    return any(low <= code <= high for low, high in HAN)


def charset_of(chars: Iterable[str]) -> Charset:
    """Repair Private Use characters where Unicode has them now, set the others apart, and drop repetitions."""
    asked = dict.fromkeys(chars)
    repaired = {char: repair(char) for char in asked}
    private = tuple(char for char, now in repaired.items() if is_private(now))
    mended = sum(1 for char, now in repaired.items() if now != char)
    return Charset(tuple(dict.fromkeys(now for now in repaired.values() if not is_private(now))), mended, private)


def read_charset(path: Path) -> list[str]:
    """Read the characters of a charset file.

    A line is a table's row, whose first column is a character or `U+5B57`, or running text, of which every Han
    character counts. Blank lines and `# comments` are skipped; `#`, a tab and another column is the row of `#`.

    Raises
    ------
    SinonomError
        If there is no such file, it is not UTF-8, or it names no character.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SinonomError(f"{path} is not UTF-8 (byte {error.start})", "convert it to UTF-8") from error
    except OSError as error:
        raise SinonomError(f"cannot read {path}: {error.strerror}", "check the path of --charset") from error
    chars = [char for line in text.splitlines() for char in parse_line(line)]
    if not chars:
        raise SinonomError(f"{path} names no character", "one character, or U+5B57, at the start of each line")
    return chars


def parse_line(line: str) -> list[str]:
    """Return the characters that one line of a charset file names."""
    columns = line.split()
    if not columns or (line.lstrip().startswith("#") and not line.startswith("#\t")):
        return []
    if "\t" not in line and all(map(wanted, "".join(columns))):
        return list("".join(columns))
    first = line.split("\t", maxsplit=1)[0].strip() if "\t" in line else columns[0]
    if code := _CODE.match(first):
        number = int(code[1], 16)
        return [chr(number)] if number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF else []
    if len(first) == 1:
        return [first]
    return [char for char in (first if "\t" in line else line) if wanted(char)]


def wanted(char: str) -> bool:
    """Return whether a character of running text is one to draw: Han, or a Private Use code that may be repaired."""
    return is_han(char) or is_private(char)
