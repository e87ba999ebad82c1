"""Read which characters to draw from charset files, blocks and typed characters, and repair Private Use codes."""

import csv
import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import UNKNOWN, char_named, characters_of, is_private, repair
from sinonom_cli.errors import SinonomError, UsageError
from sinonom_cli.fonts.unicode_blocks import chars_of_block
from sinonom_cli.storage.tables import read_lines

BUILT_IN = "nomnaocr"
"""Name by which `--charset` selects the characters of NomNaOCR, which are part of the package."""
HAN = (
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAD9),
    (0x20000, 0x3FFFD),
)
"""First and last code points of Han characters: ideographs, their iteration mark, zero and compatibility ideographs.
Planes 2 and 3 hold only ideographs."""

_TABLE = ASSETS / "nomnaocr_characters.csv"
_CELL = re.compile(r"&#\w+;|[^\s,;\"']+")
_RANGE = re.compile(r"(?:U\+|0x)?([0-9A-F]{4,6})(?:\.\.\.?|[-–~…])(?:U\+|0x)?([0-9A-F]{4,6})", re.IGNORECASE)


@dataclass(frozen=True)
class Charset:
    """Requested characters, in order and without repetitions.

    Attributes
    ----------
    chars : characters to draw, without Private Use characters.
    repaired : Unicode character that is drawn in place of each requested Private Use character that has one.
    private : requested Private Use characters that have none; they are never drawn, as each font may draw another
        character there.
    """

    chars: tuple[str, ...]
    repaired: dict[str, str]
    private: tuple[str, ...]

    @property
    def identity(self) -> str:
        """Number and SHA-256 of the characters, as text."""
        digest = hashlib.sha256("".join(self.chars).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{len(self.chars)} characters, sha256 {digest}"


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph."""
    code = ord(char)
    return any(low <= code <= high for low, high in HAN)


def charset_of(chars: Iterable[str]) -> Charset:
    """Return the charset of some characters: Private Use ones that Unicode has now are repaired, others set apart."""
    asked = dict.fromkeys(chars)
    now = {char: repair(char) for char in asked}
    private = tuple(char for char, after in now.items() if is_private(after))
    mended = {char: after for char, after in now.items() if after != char}
    return Charset(tuple(dict.fromkeys(after for after in now.values() if not is_private(after))), mended, private)


def charset_asked(charset: str | None, chars: str, blocks: Sequence[str]) -> Charset | None:
    """Return the characters that the options `--charset`, `--chars` and `--block` name together; None without options.

    Parameters
    ----------
    charset : "nomnaocr", or the path of a charset file.
    chars : characters themselves, or code points; white space is ignored.
    blocks : names of Unicode blocks.

    Raises
    ------
    SinonomError
        If a file or block does not exist, or no character is left to draw.
    """
    if charset is None and not chars and not blocks:
        return None
    listed: list[str] = []
    if charset is not None:
        listed += nomnaocr_characters() if charset == BUILT_IN else read_charset(Path(charset))
    listed += chars_typed(chars)
    for block in blocks:
        listed += chars_of_block(block)
    found = charset_of(listed)
    if not found.chars:
        raise UsageError("no character is left to draw", "give --charset nomnaocr, or --chars 字")
    return found


def chars_typed(text: str) -> list[str]:
    """Return the characters that `--chars` names, as characters or as code points and ranges between white space."""
    codes = [chars_of_code(cell) for cell in text.split()]
    found = "".join(codes) if codes and all(codes) else characters_of(text)
    if UNKNOWN in found:
        messages.warn(f"--chars: descriptions of characters that have no code point: {found.count(UNKNOWN)}, not drawn")
    return [char for char in found if char != UNKNOWN]


@cache
def nomnaocr_characters() -> tuple[str, ...]:
    """Return the characters of NomNaOCR's transcripts, the most frequent first, with Private Use ones unchanged."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(char for row in csv.DictReader(file) for char in row["characters"])


def read_charset(path: Path) -> list[str]:
    """Read the characters of a charset file.

    A line may be a row of a table, whose first column is a character, a code point (U+5B57, 0x5B57, &#x5B57;) or a
    range of them (U+4E00..U+4E05). It may also hold several of these, or running text, of which every Han character
    counts. Blank lines and `# comments` are skipped; `#`, a tab and another column is the row of the character `#`.
    A warning gives the number of other lines.

    Raises
    ------
    SinonomError
        If there is no such file, it is neither UTF-8 nor UTF-16, or it names no character.
    """
    lines = read_lines(path, f"give a file of characters, or --charset {BUILT_IN} for the built-in ones")
    chars: dict[str, None] = {}  # ranges of many lines may name all of Unicode each time
    unread = []
    for number, line in enumerate(lines):
        named = parse_line(line)
        chars.update(dict.fromkeys(named))
        if not named and not _says_nothing(line):
            unread.append(number)
    if not chars:
        raise SinonomError(f"{path} names no character", "write one character, or U+5B57, at the start of each line")
    if unread:
        first = f"line {unread[0] + 1}: {lines[unread[0]].strip()[:40]}"
        messages.warn(f"{path}: lines that name no character: {len(unread)}; the first is {first}")
    return list(chars)


def _says_nothing(line: str) -> bool:
    return not line.strip() or (line.lstrip().startswith("#") and not line.startswith("#\t"))


def parse_line(line: str) -> list[str]:
    """Return the characters that one line of a charset file names."""
    if _says_nothing(line):
        return []
    text = characters_of(line)
    if "\t" not in line and all(map(wanted, text)):
        return list(text)
    cells = _CELL.findall(line)
    first = line.split("\t", maxsplit=1)[0].strip() if "\t" in line else (cells or [""])[0]
    codes = [chars_of_code(cell) for cell in cells]
    if cells and all(codes):
        return list(dict.fromkeys(char for found in codes for char in found))
    single = [char_named(cell) for cell in cells]
    if "\t" not in line and all(single) and not all(map(str.isdecimal, single[1:])):
        return single
    if found := chars_of_code(first) or char_named(first):
        return list(found)
    return [char for char in characters_of(first if "\t" in line else line) if wanted(char)]


@lru_cache(64)
@lru_cache(16)
def chars_of_code(text: str) -> str:
    """Return the characters of a code point or of a range such as U+4E00..U+4E05; "" for any other text."""
    ends = _RANGE.fullmatch(text)
    if ends is None:
        return char_named(text) if len(text) > 1 and text.isascii() else ""
    low, high = int(ends[1], 16), int(ends[2], 16)
    kinds = ((chr(code), unicodedata.category(chr(code))) for code in range(low, min(high, 0x10FFFF) + 1))
    return "".join(char for char, kind in kinds if kind not in ("Cc", "Cf", "Cs") and kind[0] not in "MZ")


def wanted(char: str) -> bool:
    """Return whether a character of running text counts: Han characters do, and Private Use codes may be repaired."""
    return is_han(char) or is_private(char)
