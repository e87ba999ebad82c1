"""Write `readings.tsv`: Vietnamese and Mandarin readings and English definitions of Han characters.

They come from the Unihan properties kVietnamese, kMandarin and kDefinition (Unicode Standard Annex 38). Usage, with
Debian's unicode-data or the Unicode Character Database's own file:

    python tools/readings.py /usr/share/unicode/Unihan_Readings.txt.bz2
"""

import bz2
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.assets import ASSETS
from sinonom_cli.storage.atomic import write_text

PROPERTIES = ("kVietnamese", "kMandarin", "kDefinition")


def table(lines: Iterable[str]) -> list[tuple[str, str, str, str]]:
    """Return (label, Vietnamese, Mandarin, definition) for the lines of Unihan_Readings.txt, by label.

    Several readings are separated by spaces; "" stands for a missing reading or definition.
    """
    facts: dict[str, dict[str, str]] = defaultdict(dict)
    for line in lines:
        label, _, rest = line.rstrip("\n").partition("\t")
        name, _, value = rest.partition("\t")
        if name in PROPERTIES:
            facts[label][name] = " ".join(value.split())
    return [(label, *(facts[label].get(name, "") for name in PROPERTIES)) for label in sorted(facts)]  # type: ignore[misc]


def main(path: Path) -> None:
    """Read Unihan_Readings.txt (or .bz2), and write the table into the package's assets."""
    read = bz2.open if path.suffix == ".bz2" else open
    with read(path, "rt", encoding="utf-8") as file:
        rows = table(file)
    write_text(ASSETS / "readings.tsv", "".join("\t".join(row) + "\n" for row in rows))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
