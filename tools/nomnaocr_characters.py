"""Write `nomnaocr_characters.csv`: the characters that occur in NomNaOCR's transcripts, and how often.

The inputs are transcripts of NomNaOCR (`All.txt`: `book/patch.jpg<TAB>transcript`) or tables of counts
(`character<TAB>count`), any number of them; the counts are added. Usage:

    python tools/nomnaocr_characters.py NomNaOCR/Patches/All.txt

The table has a row for each count, the greatest first, with all characters of this count in the order of their code
points. Illegible characters (`?`), punctuation and everything else that is not a character are left out.
"""

import csv
import io
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.assets import ASSETS
from sinonom_cli.storage.atomic import write_text

_PICTURES = (".jpg", ".jpeg", ".png")
_KEPT = {"Lo", "Lm", "Nl", "Co", "Cn"}  # letters, 々, 〇, Private Use, and characters newer than this Python


def counts_in(lines: Iterable[str]) -> Counter[str]:
    """Count the characters of transcript lines, or add up the lines of a table of counts."""
    found: Counter[str] = Counter()
    for line in lines:
        first, tab, second = line.rstrip("\r\n").partition("\t")
        if not tab:
            continue
        if first.lower().endswith(_PICTURES):
            found.update(second)
        elif len(first) == 1 and second.strip().isdecimal():
            found[first] += int(second)
    return Counter({char: n for char, n in found.items() if unicodedata.category(char) in _KEPT and char != "\ufffd"})


def table_of(counts: Counter[str]) -> str:
    """Return the table as CSV with the columns `count,characters`, the greatest count first."""
    rows: dict[int, list[str]] = {}
    for char, count in counts.items():
        rows.setdefault(count, []).append(char)
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(("count", "characters"))
    writer.writerows((count, "".join(sorted(rows[count]))) for count in sorted(rows, reverse=True))
    return buffer.getvalue()


def main(paths: list[Path]) -> None:
    """Read transcripts or tables, and write the table into the package's assets."""
    counts: Counter[str] = Counter()
    for path in paths:
        with path.open(encoding="utf-8-sig") as file:
            counts += counts_in(file)
    write_text(ASSETS / "nomnaocr_characters.csv", table_of(counts))
    print(f"{len(counts)} characters, {counts.total()} occurrences")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main([Path(name) for name in sys.argv[1:]])
