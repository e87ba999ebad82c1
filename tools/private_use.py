"""Write `private_use.csv`: the Private Use characters of the font Nom Na Tong that Unicode has encoded since.

In Unihan's Vietnamese sources (Unicode Standard Annex 38, kIRG_VSource), a character that was proposed from Nôm texts
has the code that it has in this font: `VN-F000B` is U+F000B. Usage, with Debian's unicode-data or the Unicode Character
Database's own file:

    python tools/private_use.py /usr/share/unicode/Unihan_IRGSources.txt.bz2
"""

import bz2
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from sinonom_cli.assets import ASSETS
from sinonom_cli.storage.atomic import write_text

_SOURCE = re.compile(r"(U\+[0-9A-F]+)\tkIRG_VSource\tVN-(F[0-9A-F]{4})\s*")


def pairs(lines: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield (Private Use label, Unicode label) for the lines of Unihan_IRGSources.txt."""
    for line in lines:
        match = _SOURCE.fullmatch(line)
        if match:
            yield f"U+{match[2]}", match[1]


def main(path: Path) -> None:
    """Read Unihan_IRGSources.txt (or .bz2), and write the table into the package's assets."""
    read = bz2.open if path.suffix == ".bz2" else open
    with read(path, "rt", encoding="utf-8") as file:
        table = sorted(pairs(file))
    text = "".join(f"{private},{encoded}\n" for private, encoded in table)
    write_text(ASSETS / "private_use.csv", "private,unicode\n" + text)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
