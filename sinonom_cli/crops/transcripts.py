"""The list of patches and transcripts: `book/patch.jpg<TAB>transcript`, as NomNaOCR writes it."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from sinonom_cli import console
from sinonom_cli.characters import UNKNOWN, characters_of
from sinonom_cli.crops.regions import Box, Region
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.inputs import Item
from sinonom_cli.storage.names import Spelling, composed
from sinonom_cli.storage.tables import read_lines

LIST = "All.txt"
ILLEGIBLE = frozenset(f"?？□■…〓▢▯{UNKNOWN}")
"""What transcripts write for a character that cannot be read or typed; it takes room and gives no picture."""
NAMELESS = "\0"
"""What stands here for the character of a box that came without text, among others that came with it."""


@dataclass(frozen=True)
class Line:
    """What is known of one column.

    Attributes
    ----------
    transcript : its characters from top to bottom.
    fault : why it cannot be used.
    picture : name of the picture that it stands in, as `source` shows it.
    slug : how the names of its crops begin.
    region : where it stands.
    spots : boxes of its characters as somebody else found them, in pixels of the picture.
    read : whether these are the transcript's characters one by one; else they are aligned to it.
    first : number of its first character among those of its picture.
    page : regions and numbers of characters of the columns that a detector sees on one page.
    place : which of them this is.
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
    """Return an item for each patch of a list, in its order, `data` its `Line`.

    A line that cannot be used is an item too: it fails by name, and the rest is done.

    Raises
    ------
    SinonomError
        If the list is no UTF-8 or UTF-16 text or is empty.
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
            key, line = f"{path.name}, line {number}", Line(fault=f"{name} stands there twice, with two transcripts")
        found.setdefault(key, (name, line))
    if not found:
        raise SinonomError(f"{path} holds no patches", "lines of `book/patch.jpg`, a tab, the transcript")
    slug = slugs(list(found))
    return [_item(key, folder / name, replace(line, slug=slug[key])) for key, (name, line) in found.items()]


LONGEST = 160
"""Letters of a file name that are of the patch's: what stands behind them must fit into a disk's 255 bytes too."""


def slugs(keys: list[str]) -> dict[str, str]:
    """Return an ASCII file name for each patch, unique whatever the case: `Book A/p1_2.jpg` -> `Book-A-p1_2`.

    Where letters other than ASCII are lost, two names become one, or a name is cut off for its length, digits of the
    whole name tell them apart.
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
    """Return the items, each told with which `columns` - 1 others it lies on a page."""
    usable = [item for item in items if not item.data.fault]
    data: dict[str, Line] = {}
    for start in range(0, len(usable), columns):
        members = usable[start : start + columns]
        page = tuple((member.data.region, len(member.data.transcript)) for member in members)
        for place, member in enumerate(members):
            data[member.key] = replace(member.data, page=page, place=place)
    return [replace(item, data=data.get(item.key, item.data)) for item in items]


def read_exclusions(path: Path) -> list[str]:
    """Return the lines of a file of patches, pages (`book/page`) or books to leave out.

    Raises
    ------
    SinonomError
        If it cannot be read: what must be left out must not slip in.
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
        console.warn(f"{len(idle)} of {len(wanted)} exclusions name no patch; the first: {idle[0]}")
    console.detail(f"{len(items) - len(kept)} patches left out")
    return kept


def _names(key: str) -> list[str]:
    """Return everything an exclusion can call a patch: it, its page, its book."""
    path = PurePosixPath(key)
    stem = str(path.with_suffix(""))
    pages = [stem[:i] for i, char in enumerate(stem) if char == "_" and i > len(str(path.parent))]
    return [key, stem, *pages, *map(str, path.parents)]
