"""Write `forms.csv`: characters that Unihan calls forms of one character, such as 爲 and 為.

Two characters belong together if Unihan (Unicode Standard Annex 38) names one as a variant of the other that has the
same meaning in most uses (kZVariant, kSemanticVariant), or as its only simplified form, of which it is the only
traditional one (kSimplifiedVariant, kTraditionalVariant). 后 is the simplified form of 後 and a character of its own:
such pairs are left out. Only characters that the index of characters names are kept. Usage, with Debian's unicode-data
or the Unicode Character Database's own file:

    python tools/forms.py /usr/share/unicode/Unihan_Variants.txt.bz2
"""

import bz2
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from sinonom_cli.assets import ASSETS
from sinonom_cli.characters import char_of, is_label
from sinonom_cli.search.opening import open_index
from sinonom_cli.storage.atomic import write_text

ALIKE = ("kZVariant", "kSemanticVariant")
SIMPLE, FULL = "kSimplifiedVariant", "kTraditionalVariant"


def groups(lines: Iterable[str], known: set[str]) -> list[str]:
    """Return groups of known characters that are forms of one character, for the lines of Unihan_Variants.txt."""
    named: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for line in lines:
        label, _, rest = line.rstrip("\n").partition("\t")
        name, _, values = rest.partition("\t")
        if is_label(label) and name in (*ALIKE, SIMPLE, FULL):
            named[name][char_of(label)] |= {char_of(value.partition("<")[0]) for value in values.split()}
    pairs = {(char, other) for name in ALIKE for char, others in named[name].items() for other in others}
    pairs |= {
        (char, other)
        for char, others in named[SIMPLE].items()
        for other in others
        if len(others) == 1 and named[FULL][other] == {char}
    }
    return _joined((char, other) for char, other in pairs if char in known and other in known)


def _joined(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Return the characters that pairs connect, directly or through others, each group in the order of code points."""
    group: dict[str, set[str]] = {}
    for char, other in pairs:
        both = group.get(char, {char}) | group.get(other, {other})
        for each in both:
            group[each] = both
    return sorted({"".join(sorted(each)) for each in group.values() if len(each) > 1})


def main(path: Path) -> None:
    """Read Unihan_Variants.txt (or .bz2), and write the table into the package's assets."""
    read = bz2.open if path.suffix == ".bz2" else open
    known = {row.char for row in open_index(None).rows}
    with read(path, "rt", encoding="utf-8") as file:
        found = groups(file, known)
    write_text(ASSETS / "forms.csv", "".join(f"{group}\n" for group in ["characters", *found]))
    print(f"{len(found)} groups, {sum(map(len, found))} characters")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
