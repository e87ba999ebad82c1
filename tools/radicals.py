"""Write `radicals.tsv`: the radical of each Han character.

They come from the Unihan property kRSUnicode (Unicode Standard Annex 38), the forms of the radicals from
CJKRadicals.txt and the table below. Each line has the number of a radical in the
Kangxi dictionary, the characters that are the radical itself in one of its forms, and all characters that have it. Of
two radicals of a character, both count. Usage, with Debian's unicode-data or the Unicode Character Database's files:

    python tools/radicals.py /usr/share/unicode/Unihan_IRGSources.txt.bz2 /usr/share/unicode/CJKRadicals.txt
"""

import bz2
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import char_of
from sinonom_cli.storage.atomic import write_text

SHAPES = {
    "阝": (163, 170), "亻": (9,), "刂": (18,), "⺈": (18,), "㔾": (26,), "⺌": (42,), "⺍": (42,), "巛": (47,),
    "川": (47,), "彐": (58,), "彑": (58,), "忄": (61,), "⺗": (61,), "扌": (64,), "攵": (66,), "氵": (85,),
    "氺": (85,), "灬": (86,), "爫": (87,), "⺧": (93,), "牜": (93,), "犭": (94,), "王": (96,), "疋": (103,),
    "礻": (113,), "⺮": (118,), "糹": (120,), "纟": (120,), "罒": (122,), "⺶": (123,), "⺷": (123,), "月": (130,),
    "艹": (140,), "衤": (145,), "覀": (146,), "讠": (149,), "⻊": (157,), "辶": (162,), "釒": (167,), "钅": (167,),
    "镸": (168,), "飠": (184,), "饣": (184,),
}  # fmt: skip
"""Forms that radicals take inside characters, which CJKRadicals.txt does not name as such."""


def radicals(sources: Iterable[str], named: Iterable[str]) -> list[tuple[int, str, str]]:
    """Return number, forms and characters of each radical.

    Parameters
    ----------
    sources : lines of Unihan_IRGSources.txt.
    named : lines of CJKRadicals.txt.
    """
    forms: dict[int, set[str]] = defaultdict(set)
    for line in named:
        fields = [field.strip() for field in line.partition("#")[0].split(";")]
        if len(fields) == 3:
            number = int(fields[0].rstrip("'"))
            forms[number] |= {chr(int(code, 16)) for code in fields[1:] if code}
    for shape, numbers in SHAPES.items():
        for number in numbers:
            forms[number] |= {shape, unicodedata.normalize("NFKC", shape)}
    chars: dict[int, set[str]] = defaultdict(set)
    for line in sources:
        label, _, rest = line.rstrip("\n").partition("\t")
        name, _, values = rest.partition("\t")
        if name == "kRSUnicode":
            for value in values.split():
                chars[int(value.partition(".")[0].rstrip("'"))].add(char_of(label))
    return [(number, "".join(sorted(forms[number])), "".join(sorted(chars[number]))) for number in sorted(chars)]


def main(sources: Path, named: Path) -> None:
    """Read both files (or .bz2), and write the table into the package's assets."""
    read = bz2.open if sources.suffix == ".bz2" else open
    with read(sources, "rt", encoding="utf-8") as one, named.open(encoding="utf-8") as other:
        rows = radicals(one, other)
    write_text(ASSETS / "radicals.tsv", "".join(f"{number}\t{forms}\t{chars}\n" for number, forms, chars in rows))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
