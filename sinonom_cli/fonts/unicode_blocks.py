"""Define the blocks of Han characters by name, as in Unicode's Blocks.txt (Unicode 17)."""

import re
from collections.abc import Iterable

from sinonom_cli.errors import UsageError

BLOCKS = {
    "cjk": (0x4E00, 0x9FFF),
    "cjk-ext-a": (0x3400, 0x4DBF),
    "cjk-ext-b": (0x20000, 0x2A6DF),
    "cjk-ext-c": (0x2A700, 0x2B73F),
    "cjk-ext-d": (0x2B740, 0x2B81F),
    "cjk-ext-e": (0x2B820, 0x2CEAF),
    "cjk-ext-f": (0x2CEB0, 0x2EBEF),
    "cjk-ext-g": (0x30000, 0x3134F),
    "cjk-ext-h": (0x31350, 0x323AF),
    "cjk-ext-i": (0x2EBF0, 0x2EE5F),
    "cjk-ext-j": (0x323B0, 0x3347F),
    "cjk-compat": (0xF900, 0xFAFF),
    "cjk-compat-supplement": (0x2F800, 0x2FA1F),
}
"""First and last code point by short name; full names, as "CJK Unified Ideographs Extension B", are understood too."""

_SHORTER = (
    (r"[\s_-]+", "-"),
    (r"-unified-ideographs|-ideographs", ""),
    (r"extension", "ext"),
    (r"ext-?(?=[a-z]$)", "ext-"),
    (r"compatibility", "compat"),
)


def chars_of_block(name: str) -> Iterable[str]:
    """Return the characters of a block in the order of their code points.

    Raises
    ------
    SinonomError
        With exit code 2 and the names of all blocks, if no block has this name.
    """
    short = name.strip().lower()
    for pattern, shorter in _SHORTER:
        short = re.sub(pattern, shorter, short)
    if short not in BLOCKS:
        raise UsageError(f"--block {name}: no such block of Han characters", f"give one of {', '.join(BLOCKS)}")
    first, last = BLOCKS[short]
    return map(chr, range(first, last + 1))
