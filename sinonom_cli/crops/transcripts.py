"""Read the list of patches and transcripts: `book/patch.jpg<TAB>transcript`, as NomNaOCR writes it."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sinonom_cli import messages
from sinonom_cli.characters import UNKNOWN, characters_of
from sinonom_cli.crops.regions import Box, Region
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.names import Spelling, composed
from sinonom_cli.storage.tables import read_lines

LIST = "All.txt"
ILLEGIBLE = frozenset(f"?？□■…〓▢▯{UNKNOWN}")
"""Signs that transcripts write for a character that cannot be read or typed; it takes space but gives no picture."""
NAMELESS = "\0"
"""Sign for the character of a box without text, among boxes that have text."""


@dataclass(frozen=True)
class Line:
    """Data of one column.

    Attributes
    ----------
    transcript : characters of the column from top to bottom.
    fault : reason why the column cannot be used; "" if it can be used.
    picture : name of the column's picture, as the table's column `source` shows it.
    slug : first part of the file names of the crops.
    region : place of the column.
    spots : boxes of the characters from an annotation file, in pixels of the picture.
    read : whether box k of `spots` belongs to character k of `transcript`; otherwise the boxes are aligned to it.
    first : index of the column's first character among the characters of its picture, from 0.
    page : regions and numbers of characters of the columns that share a page of the detector with this one.
    place : index of this column in `page`.
    checked : those of `spots` whose character people have checked.
    """

    transcript: str = ""
    fault: str = ""
    picture: str = ""
    slug: str = ""
    region: Region = field(default_factory=lambda: Region(Path()))
    spots: tuple[Box, ...] = ()
    read: bool = False
    first: int = 0
    page: tuple[tuple[Region, int], ...] = ()
    place: int = 0
    checked: frozenset[Box] = frozenset()


def find_patches(given: Path, transcripts: Path | None) -> tuple[Path, Path]:
    """Return the folder that patch names are relative to, and the list to read.

    Parameters
    ----------
    given : the folder that holds `All.txt` and the books, or its parent.
    transcripts : another list: a path, or the name of a file beside `All.txt`.

    Raises
    ------
    SinonomError
        If there is no such folder or list.
    """
    if not given.is_dir():
        raise SinonomError(f"{given} is not a folder", "give the folder that holds All.txt and the books' folders")
    folder = given / "Patches" if not (given / LIST).is_file() and (given / "Patches").is_dir() else given
    choices = [folder / LIST] if transcripts is None else [transcripts, folder / transcripts]
    for path in choices:
        if path.is_file():
            return folder, path
    raise SinonomError(
        f"{choices[0]} does not exist",
        "give --transcripts FILE (lines of `book/patch.jpg`, a tab, the transcript), or the folder with All.txt",
    )


def read_list(folder: Path, path: Path) -> list[Item]:
    """Return an item for each patch of a list, in the order of the list; its `data` is a `Line`.

    A line that cannot be used becomes an item with a fault, so that it fails alone and the rest is cut.

    Raises
    ------
    SinonomError
        If the list is not UTF-8 or UTF-16 text, or is empty.
    """
    spelling = Spelling(folder)
    found: dict[str, tuple[str, Line]] = {}
    for number, text in enumerate(read_lines(path), 1):
        if not text.strip():
            continue
        name, line = _parsed(text)
        name = spelling(name) if name else name
        key = name if name and not line.fault else f"{path.name}, line {number}"
        if key in found and found[key][1] != line:
            key, line = f"{path.name}, line {number}", Line(fault=f"{name} is listed twice, with two transcripts")
        found.setdefault(key, (name, line))
    if not found:
        raise SinonomError(f"{path} holds no patches", "write lines of `book/patch.jpg`, a tab, the transcript")
    slug = slugs(list(found))
    return [_item(key, folder / name, replace(line, slug=slug[key])) for key, (name, line) in found.items()]


LONGEST = 160
"""Greatest number of letters of a patch's name in a file name; the whole file name must fit into 255 bytes."""


def slugs(keys: list[str]) -> dict[str, str]:
    """Return an ASCII file name for each patch, unique even without case: `Book A/p1_2.jpg` -> `Book-A-p1_2`.

    A name that loses letters outside ASCII, equals another, or is too long ends in digits of a hash of the whole name.
    """
    plain = {key: re.sub(r"[^A-Za-z0-9._]+", "-", str(PurePosixPath(key).with_suffix(""))).strip("-.") for key in keys}
    times = Counter(name.lower() for name in plain.values())
    return {
        key: name
        if key.isascii() and times[name.lower()] == 1 and len(name) <= LONGEST
        else f"{name[:LONGEST]}-{_digits(key)}"
        for key, name in plain.items()
    }


def _digits(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _parsed(text: str) -> tuple[str, Line]:
    name, tab, transcript = text.partition("\t")
    name = name.strip().replace("\\", "/")
    transcript = characters_of(transcript)
    parts = PurePosixPath(name).parts
    if not tab:
        return "", Line(fault="the line has no tab between patch and transcript")
    if not parts or ".." in parts or PurePosixPath(name).is_absolute() or Path(name).is_absolute():
        return "", Line(fault=f"{name!r} is not a path inside the patches' folder")
    if not transcript:
        return name, Line(fault=f"{name} has no transcript")
    return name, Line(transcript)


def _item(key: str, path: Path, line: Line) -> Item:
    try:
        size = path.stat().st_size if not line.fault else -1
    except OSError:
        size = -1
    return Item(key, path, replace(line, picture=key, region=Region(path)), size)


def paged(items: list[Item], columns: int) -> list[Item]:
    """Return the items, each with the list of the up to `columns` items that share its page of the detector.

    What the detector sees of a column depends a little on the other columns of the page: if one of their files has
    changed, or was repaired, the whole page is cut again.
    """
    usable = [item for item in items if not item.data.fault]
    placed: dict[str, Item] = {}
    for start in range(0, len(usable), columns):
        members = usable[start : start + columns]
        page = tuple((member.data.region, len(member.data.transcript)) for member in members)
        about = " ".join(f"{member.key} {len(member.data.transcript)}" for member in members)
        files = tuple(dict.fromkeys(member.path for member in members))
        for place, member in enumerate(members):
            line = replace(member.data, page=page, place=place)
            placed[member.key] = replace(member, data=line, about=about, files=files, made_again=True)
    return [placed.get(item.key, item) for item in items]


def read_exclusions(path: Path) -> list[str]:
    """Return the lines of a file of patches, pages (`book/page`) or books to leave out.

    Raises
    ------
    SinonomError
        If the file cannot be read, because a patch that must be left out would then be used.
    """
    lines = read_lines(path, "give --exclude a UTF-8 text file, one page a line")
    return [line.strip().replace("\\", "/").rstrip("/") for line in lines if line.strip()]


def without(items: Iterable[Item], exclusions: Iterable[str]) -> list[Item]:
    """Return the items that no exclusion names.

    `book/page1` names `book/page1.jpg` and `book/page1_2.jpg`, not `book/page12_2.jpg`.
    """
    items = list(items)
    wanted = dict.fromkeys(map(composed, exclusions), False)
    kept = []
    for item in items:
        hit = [name for name in _names(composed(item.key)) if name in wanted]
        wanted.update(dict.fromkeys(hit, True))
        if not hit:
            kept.append(item)
    idle = [name for name, used in wanted.items() if not used]
    if idle:
        messages.warn(f"{len(idle)} of {len(wanted)} exclusions name no patch; the first: {idle[0]}")
    messages.detail(f"{len(items) - len(kept)} patches left out")
    return kept


def _names(key: str) -> list[str]:
    """Return all names by which an exclusion can refer to a patch: those of the patch, its page and its book."""
    path = PurePosixPath(key)
    stem = str(path.with_suffix(""))
    pages = [stem[:i] for i, char in enumerate(stem) if char == "_" and i > len(str(path.parent))]
    return [key, stem, *pages, *map(str, path.parents)]
