"""Write `context.npz`: how often characters follow each other in the columns of NomNaOCR's `Train.txt`.

The input is a list of transcripts (`book/patch.jpg<TAB>transcript`); a patch `page_7.jpg` follows `page_6.jpg` on the
same page. Illegible characters (`?`) end a line. The table has numbers of n-grams of one to three characters and no
text. Usage:

    python tools/context.py NomNaOCR/Patches/Train.txt
"""

import re
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.characters import repair
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.pages.ngrams import SHIPPED, count, write_counts

_NUMBERED = re.compile(r"(.*)_(\d+)\.\w+")


def columns_in(lines: Iterable[str]) -> list[list[str]]:
    """Return the columns of transcript lines; those that follow each other on a page are in one list, in order."""
    pages: dict[str, dict[int, str]] = defaultdict(dict)
    for line in lines:
        path, _, text = line.rstrip("\r\n").partition("\t")
        match = _NUMBERED.fullmatch(path)
        page, number = (match[1], int(match[2])) if match else (path, 0)
        pages[page][number] = "".join(map(repair, text))
    runs: list[list[str]] = []
    for columns in pages.values():
        for number in sorted(columns):
            if number - 1 not in columns or not runs:
                runs.append([])
            first, *others = re.split(f"[{re.escape(''.join(sorted(ILLEGIBLE)))}]", columns[number])
            runs[-1].append(first)
            runs += [[other] for other in others]
    return runs


def main(path: Path) -> None:
    """Count the n-grams of a list of transcripts, and write them into the package's assets."""
    with path.open(encoding="utf-8-sig") as file:
        counts = count(columns_in(file))
    write_counts(SHIPPED, counts)
    print(f"{len(counts.tokens):,} tokens, {len(counts.words):,} bigrams, {len(counts.third_words):,} trigrams")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
