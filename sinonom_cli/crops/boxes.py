"""Read the boxes of characters or columns that `--boxes` gives, and return the columns to crop."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from sinonom_cli import messages
from sinonom_cli.crops.annotations import Given, columns_of
from sinonom_cli.crops.box_tables import read_table, read_yolo
from sinonom_cli.crops.page_xml import read_xml
from sinonom_cli.crops.regions import Region
from sinonom_cli.crops.transcripts import NAMELESS, Line, slugs
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.inputs import Item, Items, find_inputs
from sinonom_cli.storage.tables import TABLES
from sinonom_cli.storage.walk import Holding, said, walk

FORMS = (
    "a CSV file (picture,x0,y0,x1,y1,text), a folder of YOLO .txt files, PAGE or ALTO .xml files or a folder of them"
)

FILES = (".txt", ".xml")
"""Endings of annotation files in a folder."""


def read_boxes(path: Path, folder: Path, texts: Mapping[str, str], pictures: Sequence[str]) -> list[Item]:
    """Return an item for each column of an annotation file.

    Parameters
    ----------
    path : CSV, YOLO, PAGE XML or ALTO XML; see `FORMS`.
    folder : folder that the names of pictures are relative to.
    texts : transcript of each picture, for boxes without text.
    pictures : names of the pictures in `folder`.

    Raises
    ------
    SinonomError
        If the file has none of these formats, or holds nothing to crop.
    """
    given = [_with_text(one, texts) for one in given_in(path, folder, pictures)]
    silent = [one for one in given if not one.text and not one.fault]
    if silent:
        messages.warn(f"{len(silent)} columns have no text and are left out; the first: {_key(silent[0])}")
    unused = sorted(set(pictures) - {one.picture for one in given})
    given = [one for one in given if one.text or one.fault]
    if not given:
        raise SinonomError(
            f"{path} names no characters",
            "add the text of the boxes to it, or give --transcripts FILE with the text of each picture",
        )
    nameless = [one for one in given if NAMELESS in one.text]
    if nameless:
        count = sum(one.text.count(NAMELESS) for one in nameless)
        messages.say(f"boxes without text, listed in doubtful.csv: {count}; the first is in {nameless[0].picture}")
    if unused:
        messages.say(f"pictures without boxes, left out: {len(unused)}; the first: {unused[0]}")
    return _items(given, folder)


def pictures_in(folder: Path, skip: Sequence[Path] = ()) -> Items:
    """Return the pictures of a folder, and print which other files are passed over.

    Parameters
    ----------
    folder : folder that is searched.
    skip : files and folders that the command writes, which are no input.
    """
    try:
        found = find_inputs([str(folder)], PICTURE_SUFFIXES, "pictures", skip=skip)
    except SinonomError:  # The folder holds no pictures; each column then fails with its own message.
        return Items([])
    return Items([item for item in found if not item.fault], found.passed_over)


def digest(path: Path) -> str:
    """Return the SHA-256 of an annotation file or a folder of them, without files that cannot be read.

    A file that cannot be read fails later with a message that names it.
    """
    found = hashlib.sha256()
    for file in [path] if path.is_file() else _files(walk(str(path), FILES), *FILES):
        found.update(f"{file.relative_to(path) if file != path else ''}\0".encode("utf-8", "surrogatepass"))
        with suppress(OSError):
            found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def given_in(path: Path, folder: Path, pictures: Sequence[str]) -> Iterable[Given]:
    """Return the columns and boxes that an annotation file describes, with or without text.

    Parameters
    ----------
    path : CSV, YOLO, PAGE XML or ALTO XML; see `FORMS`.
    folder : folder that the names of pictures are relative to.
    pictures : names of the pictures in `folder`.

    Raises
    ------
    SinonomError
        If the file has none of these formats.
    """
    if path.is_dir():
        holding = walk(str(path), (*FILES, *PICTURE_SUFFIXES))
        if holding.passed_over and not path.samefile(folder):
            messages.say(said(holding.passed_over))
        texts, xmls = _files(holding, ".txt"), _files(holding, ".xml")
        if bool(texts) == bool(xmls):
            what = "both .txt and .xml files" if texts else "neither .txt nor .xml files"
            raise SinonomError(f"{path} holds {what}", f"--boxes takes {FORMS}")
        if texts:
            return read_yolo(path, texts, folder, pictures)
    elif not path.exists():
        raise SinonomError(f"{path} does not exist", f"--boxes takes {FORMS}")
    elif path.suffix.lower() in TABLES:
        return read_table(path, folder)
    elif path.suffix.lower() != ".xml":
        raise SinonomError(f"{path} has an unknown format", f"--boxes takes {FORMS}")
    root, files = (path, xmls) if path.is_dir() else (path.parent, [path])
    return [one for file in files for one in read_xml(file, file.relative_to(root), folder, pictures)]


def _files(holding: Holding, *suffixes: str) -> list[Path]:
    return sorted(Path(entry.path) for entry in holding.entries if Path(entry.path).suffix.lower() in suffixes)


def _with_text(one: Given, texts: Mapping[str, str]) -> Given:
    """Return a column with the transcript of its picture, if it has no text and the two can be matched."""
    text = texts.get(one.picture, "")
    if NAMELESS in one.text and len(text) == len(one.text):
        named = zip(one.text, text, strict=True)
        return replace(one, text=text) if all(char in (NAMELESS, other) for char, other in named) else one
    if one.text or one.fault or one.name or not text:
        return one
    if len(one.spots) == len(text):
        return replace(one, text=text, read=True, region=None)
    if len(columns_of(list(one.spots))) == 1:
        return replace(one, text=text)
    return replace(one, fault=f"{len(one.spots)} boxes in several columns cannot be matched to {len(text)} characters")


def _key(one: Given) -> str:
    return f"{one.picture}:{one.name}" if one.name else one.picture


def _items(given: list[Given], folder: Path) -> list[Item]:
    names = Counter(_key(one) for one in given)
    again = [key for key, times in names.items() if times > 1]
    if again:
        raise SinonomError(f"two columns are both called {again[0]}", "give each column its own id")
    slug = slugs(list(dict.fromkeys(one.picture for one in given)))
    first: Counter[str] = Counter()
    items = []
    for one in given:
        path = folder / one.picture
        region = replace(one.region, path=path) if one.region else Region(path)
        line = Line(
            one.text,
            one.fault,
            one.picture,
            slug[one.picture],
            region,
            one.spots,
            one.read,
            first[one.picture],
            checked=one.checked,
        )
        first[one.picture] += len(one.text)
        items.append(Item(_key(one), path, line, path.stat().st_size if path.is_file() else -1))
    return items
