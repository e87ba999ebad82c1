"""Claims about `sinonom read`, one function for each figure.

columns: the character error rate (CER) of the columns of NomNaOCR's `Validate.txt`, given as pictures. The detector
finds the characters of a column, the model that ships names them, and a context chooses among the names. Three contexts
are compared: none, counts of the columns of `Train.txt` in *other* books than the column's own, and the counts that
ship (all of `Train.txt`, which names none of these columns). The two editions of Kieu are two books with one poem;
"no Kieu" leaves both out. The peer is PP-OCRv6 (package rapidocr); its recognizer gets the column turned by 90 degrees.

Look-alikes vote among the characters of the column, as if it were the page, or with --whole-pages among those of its
page: all of the page's columns in `All.txt` are then read, most of which the model has learnt from. Errors are counted
on the drawn columns alone.

CER is the number of substitutions, deletions and insertions by which a text differs from the transcript, divided by the
transcript's length; a sign for an illegible character stands for any one character. "Folded" counts forms of one
character (爲 and 為) as equal. --seed 0 to 9 draw columns for figures; settings were chosen on columns of `Train.txt`
(--list Train.txt: the columns that are read are then left out of the counts, but the model has learnt from them).

pages: whole pages with a box for each character (`read_pages.py`): F1 at an intersection over union of 0.5 of the boxes
that `read` gives, neighbours in reading order, time of a page warm and cold, peak memory.

    python benchmarks/read.py [DATA] [--list Validate.txt] [--limit 600] [--seed 0] [--whole-pages] [--peer DIR]
        [--pages PAGES]

DATA is the folder with NomNaOCR's `All.txt` and the books' folders; the lists stand in it or beside it (--lists DIR).
PAGES is a folder of pages in YOLO's layout. Each of the two is measured if it is given.
"""

import argparse
import importlib.metadata
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.characters import form_of, repair
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.pages.column import Seen, in_context, see_column
from sinonom_cli.pages.context import Context, shipped_context
from sinonom_cli.pages.look_alikes import with_look_alikes
from sinonom_cli.pages.ngrams import count
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.search.naming import Name

sys.path[:0] = [str(Path(__file__).parent.parent / "tools"), str(Path(__file__).parent)]
import results  # noqa: E402
from context import columns_in  # noqa: E402
from read_pages import pages  # noqa: E402

VERSE = "Kieu"
BINS = 15
Names = list[list[Name]]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column: its patch, its transcript with an ANY for each illegible character, and its names.

    `names` are by sight, `voted` after the votes of look-alikes.
    """

    path: str
    truth: str
    names: Names
    voted: Names

    @property
    def book(self) -> str:
        return self.path.partition("/")[0]


ANY = "\0"


def steps(truth: str, text: str, same: Callable[[str, str], bool]) -> list[tuple[int | None, int | None]]:
    """Return the cheapest alignment: pairs of places in both, None for a deletion or an insertion."""
    cost = np.zeros((len(truth) + 1, len(text) + 1), int)
    cost[:, 0], cost[0] = range(len(truth) + 1), range(len(text) + 1)
    for i, a in enumerate(truth, 1):
        for j, b in enumerate(text, 1):
            cost[i, j] = min(cost[i - 1, j] + 1, cost[i, j - 1] + 1, cost[i - 1, j - 1] + (not same(a, b)))
    i, j, found = len(truth), len(text), []
    while i or j:
        if i and j and cost[i, j] == cost[i - 1, j - 1] + (not same(truth[i - 1], text[j - 1])):
            i, j = i - 1, j - 1
            found.append((i, j))
        elif i and cost[i, j] == cost[i - 1, j] + 1:
            i -= 1
            found.append((i, None))
        else:
            j -= 1
            found.append((None, j))
    return found[::-1]


def exactly(a: str, b: str) -> bool:
    return a in (b, ANY)


def folded(a: str, b: str) -> bool:
    return a == ANY or form_of(a) == form_of(b)


def errors(truth: str, text: str, same: Callable[[str, str], bool] = exactly) -> NDArray[np.int64]:
    """Return substitutions, deletions and insertions, (3,) int64."""
    pairs = steps(truth, text, same)
    wrong = sum(a is not None and b is not None and not same(truth[a], text[b]) for a, b in pairs)
    return np.array([wrong, sum(b is None for _, b in pairs), sum(a is None for a, _ in pairs)])


Cells = tuple[str | float | None, ...]


def rates(columns: Sequence[Column], texts: Sequence[str]) -> Cells:
    """Return cells of the table: CER, its parts, CER with forms folded, and CER of prose and of verse."""
    exact = np.array([errors(column.truth, text) for column, text in zip(columns, texts, strict=True)])
    loose = np.array([errors(column.truth, text, folded) for column, text in zip(columns, texts, strict=True)])
    lengths = np.array([len(column.truth) for column in columns])
    verse = np.array([VERSE in column.book for column in columns])

    def rate(wrong: NDArray[np.int64], of: NDArray[np.bool_]) -> float | None:
        return float(wrong[of].sum() / lengths[of].sum()) if of.any() else None

    everything = np.ones(len(columns), bool)
    parts = " + ".join(f"{part:.2%}" for part in exact.sum(axis=0) / lengths.sum())
    return rate(exact, everything), parts, rate(loose, everything), rate(exact, ~verse), rate(exact, verse)


def certainty(columns: Sequence[Column], named: Sequence[Names]) -> Cells:
    """Return the calibration of names and what the context changed: expected calibration error, harm, gain."""
    rows = []
    for column, names in zip(columns, named, strict=True):
        text = "".join(several[0].char for several in names)
        for a, b in steps(column.truth, text, exactly):
            if a is not None and b is not None and column.truth[a] != ANY:
                before, after = column.names[b][0].char, names[b][0]
                rows.append((after.probability, after.char == column.truth[a], before == column.truth[a]))
    chance, right, was = (np.array(part, float) for part in zip(*rows, strict=True))
    place = np.minimum((chance * BINS).astype(int), BINS - 1)
    apart = np.bincount(place, chance, BINS) - np.bincount(place, right, BINS)
    harmed = ((was == 1) & (right == 0)).sum() / max((was == 1).sum(), 1)
    mended = ((was == 0) & (right == 1)).sum() / max((was == 0).sum(), 1)
    return float(np.abs(apart).sum() / len(chance)), float(harmed), float(mended)


def columns(given: argparse.Namespace) -> None:
    """Publish the CER of columns that are given as pictures."""
    lists: Path = given.lists or given.data
    learnt = (lists / "Train.txt").read_text(encoding="utf-8-sig").splitlines()
    rows = (lists / given.list).read_text(encoding="utf-8-sig").splitlines()
    chosen = sorted(random.Random(given.seed).sample(rows, min(given.limit or len(rows), len(rows))))
    taken, said = read_columns(given, chosen)
    said += f" Harmed and mended: of the names that were right and wrong by sight. {TRANSCRIPTS}"
    rows_shown = [row("none", taken, [column.names for column in taken])]
    rows_shown.append(row("look-alikes alone", taken, [column.voted for column in taken]))
    used = {line.partition("\t")[0] for line in chosen}
    learnt = [line for line in learnt if line.partition("\t")[0] not in used]
    others = {book: others_of(learnt, lambda name, book=book: name != book) for book in {one.book for one in taken}}
    alone = [in_context(one.names, others[one.book]) for one in taken]
    rows_shown.append(row("columns of other books, no look-alikes", taken, alone))
    rows_shown.append(row("columns of other books", taken, [in_context(one.voted, others[one.book]) for one in taken]))
    verse = [one for one in taken if VERSE in one.book]
    if verse:
        prose = others_of(learnt, lambda name: VERSE not in name)
        rows_shown.append(row("prose alone, on verse", verse, [in_context(one.voted, prose) for one in verse]))
    if given.list == "Train.txt":
        same = others_of(learnt, lambda _: True)
        rows_shown.append(row("other columns", taken, [in_context(one.voted, same) for one in taken]))
    else:
        for name, several in (", no look-alikes", [one.names for one in taken]), ("", [one.voted for one in taken]):
            shipped = [in_context(names, shipped_context()) for names in several]
            rows_shown.append(row(f"what ships: other columns of these books too{name}", taken, shipped))
    theirs, version = peer(given.peer, given.data, taken)
    results.publish(given.result, CLAIM, TITLES, [*rows_shown, *theirs], peer=version, notes=said)


def read_columns(given: argparse.Namespace, chosen: Sequence[str]) -> tuple[list[Column], str]:
    """Return the columns of lines `book/patch.jpg<TAB>transcript` with their names, and what was read, in words."""
    started = time.process_time()
    truths = dict(line.split("\t")[:2] for line in chosen)
    groups = {path: [path] for path in truths}
    if given.whole_pages:
        groups = {}
        for line in (given.data / "All.txt").read_text(encoding="utf-8-sig").splitlines():
            groups.setdefault(page_of(line.partition("\t")[0]), []).append(line.partition("\t")[0])
        groups = {page: groups[page] for page in dict.fromkeys(map(page_of, truths))}
    taken, seen = [], 0
    for paths in groups.values():
        found = [see_column(load_picture(given.data / path, whole=True)) for path in paths]
        seen += sum(len(one.names) for one in found)
        for path, one, voted in zip(paths, found, votes(found), strict=True):
            if path in truths:
                truth = "".join(ANY if char in ILLEGIBLE else repair(char) for char in truths[path])
                taken.append(Column(path=path, truth=truth, names=one.names, voted=voted))
    spent = 1000 * (time.process_time() - started) / seen
    characters = sum(len(column.truth) for column in taken)
    where = f"on {len(groups)} whole pages of {seen:,} characters" if given.whole_pages else "each given alone"
    said = (
        f"{len(taken)} columns of {given.list}, {characters:,} characters, {where}; {spent:.1f} ms of a processor each."
    )
    return taken, said


def page_of(path: str) -> str:
    """Return the page of a patch: `book/page_7.jpg` is a column of `book/page`."""
    return path.rpartition("_")[0]


def votes(columns: Sequence[Seen]) -> list[Names]:
    """Return the names of columns after the votes of look-alikes among all of their characters."""
    together = with_look_alikes(
        [names for column in columns for names in column.names],
        np.concatenate([column.embeddings for column in columns]),
    )
    ends = np.cumsum([len(column.names) for column in columns]).tolist()
    return [together[start:end] for start, end in zip([0, *ends], ends, strict=False)]


CLAIM = (
    "`read` names the characters of columns with fewer errors than PP-OCRv6, and its context mends more than it harms."
)
TRANSCRIPTS = "Some 3 to 5 % of the transcripts' characters are not what the print shows."
TITLES = [
    results.Column("context"),
    results.Column("CER", ".2%"),
    results.Column("substitutions + deletions + insertions"),
    *(results.Column(name, ".2%") for name in ("forms folded", "prose", "verse")),
    results.Column("ECE", ".3f"),
    results.Column("harmed", ".2%"),
    results.Column("mended", ".1%"),
]


def others_of(lines: Sequence[str], wanted: Callable[[str], bool]) -> Context:
    """Return a context from the lines of some books."""
    return Context(count(columns_in(line for line in lines if wanted(line.partition("/")[0]))))


def row(name: str, taken: Sequence[Column], named: Sequence[Names]) -> Cells:
    """Return a row of the table."""
    texts = ["".join(several[0].char for several in names) for names in named]
    return name, *rates(taken, texts), *certainty(taken, named)


def peer(folder: Path | None, data: Path, taken: Sequence[Column]) -> tuple[list[Cells], str]:
    """Return the row of PP-OCRv6's recognizer on the same columns, and its version; neither if it is not installed."""
    if folder is not None:
        sys.path.append(str(folder))  # Last: its folder has packages of its own that would hide those of sinonom.
    try:
        from rapidocr import RapidOCR
    except ImportError:
        print("PP-OCRv6 was not measured: pip install --target DIR rapidocr, and give --peer DIR")
        return [], ""
    engine = RapidOCR(params={"Global.log_level": "error"})
    texts = []
    for column in taken:
        grey = load_picture(data / column.path, whole=True)
        turned = np.repeat(np.rot90(grey)[:, :, None], 3, axis=2)
        found = engine(np.ascontiguousarray(turned), use_det=False, use_cls=False, use_rec=True)
        texts.append("".join(found.txts or ()))
    name = "PP-OCRv6, the same columns turned by 90 degrees"
    return [(name, *rates(taken, texts), None, None, None)], f"rapidocr {importlib.metadata.version('rapidocr')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--list", default="Validate.txt")
    parser.add_argument("--lists", type=Path)
    parser.add_argument("--limit", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--whole-pages", action="store_true", help="also read the other columns of each column's page")
    parser.add_argument("--peer", type=Path, help="folder into which pip has installed rapidocr")
    parser.add_argument("--pages", type=Path, help="folder with images/{train,val} and labels/{train,val}")
    results.result_option(parser)
    given = parser.parse_args()
    if given.data is None and given.pages is None:
        parser.error("give DATA, --pages or both")
    if given.data is not None:
        columns(given)
    if given.pages is not None:
        pages(given.pages)


if __name__ == "__main__":
    main()
