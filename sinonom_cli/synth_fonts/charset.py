"""Which characters to draw: charsets, blocks, Han characters, and what becomes of Private Use codes."""

import csv
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sinonom_cli.characters import is_private, repair
from sinonom_cli.errors import SinonomError, usage_error
from sinonom_cli.synth_fonts.blocks import chars_of_block

BUILT_IN = "nomnaocr"
"""The name that `--charset` takes for the characters of NomNaOCR that ship."""
HAN = (
    (0x3005, 0x3005),
    (0x3007, 0x3007),
    (0x3400, 0x4DBF),
    (0x4E00, 0x9FFF),
    (0xF900, 0xFAD9),
    (0x20000, 0x3FFFD),
)
"""Ideographs, their iteration mark, zero and compatibility twins; planes 2 and 3 hold nothing else."""

_TABLE = Path(__file__).parent.parent / "assets" / "nomnaocr_characters.csv"
_CODE = re.compile(r"U\+([0-9A-Fa-f]{4,6})\Z")


@dataclass(frozen=True)
class Charset:
    """The characters asked for, in order, each once.

    Attributes
    ----------
    chars : no Private Use character among them.
    repaired : Unicode character by Private Use character that was asked for and is drawn as that.
    private : Private Use characters without one: never drawn, since each font may draw something else there.
    """

    chars: tuple[str, ...]
    repaired: dict[str, str]
    private: tuple[str, ...]

    @property
    def identity(self) -> str:
        """How many characters, and a checksum that changes with them."""
        digest = hashlib.sha256("".join(self.chars).encode("utf-8", "surrogatepass")).hexdigest()
        return f"{len(self.chars)} characters, sha256 {digest}"


def is_han(char: str) -> bool:
    """Return whether a character is a Han ideograph."""
    code = ord(char)
    return any(low <= code <= high for low, high in HAN)


def charset_of(chars: Iterable[str]) -> Charset:
    """Repair Private Use characters where Unicode has them now, set the others apart, and drop repetitions."""
    asked = dict.fromkeys(chars)
    now = {char: repair(char) for char in asked}
    private = tuple(char for char, after in now.items() if is_private(after))
    mended = {char: after for char, after in now.items() if after != char}
    return Charset(tuple(dict.fromkeys(after for after in now.values() if not is_private(after))), mended, private)


def charset_asked(charset: str | None, chars: str, blocks: Sequence[str]) -> Charset | None:
    """Return the characters that the options `--charset`, `--chars` and `--block` name together; None if they do not.

    Parameters
    ----------
    charset : "nomnaocr", or the path of a charset file.
    chars : the characters themselves; white space counts for nothing.
    blocks : names of Unicode blocks.

    Raises
    ------
    SinonomError
        If there is no such file or block, or nothing is left to draw.
    """
    if charset is None and not chars and not blocks:
        return None
    listed: list[str] = []
    if charset is not None:
        listed += nomnaocr_characters() if charset == BUILT_IN else read_charset(Path(charset))
    listed += [char for char in chars if not char.isspace()]
    for block in blocks:
        listed += chars_of_block(block)
    found = charset_of(listed)
    if not found.chars:
        raise usage_error("no character is left to draw", "--charset nomnaocr, or --chars 字")
    return found


@cache
def nomnaocr_characters() -> tuple[str, ...]:
    """Return the characters of NomNaOCR's transcripts that ship, the commonest first, Private Use ones as they are."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(char for row in csv.DictReader(file) for char in row["characters"])


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
        hint = f"a file of characters, or --charset {BUILT_IN} for those that ship"
        raise SinonomError(f"cannot read {path}: {error.strerror}", hint) from error
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
