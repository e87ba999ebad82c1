"""`--boxes`: where characters or columns stand, as found elsewhere -> columns to crop."""

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np

from sinonom_cli import console
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.crop_nomnaocr.pages import SUFFIXES
from sinonom_cli.crop_nomnaocr.regions import Box, Region
from sinonom_cli.crop_nomnaocr.transcripts import Line, slugs
from sinonom_cli.errors import SinonomError

FORMS = (
    "a CSV file (picture,x0,y0,x1,y1,text), a folder of YOLO .txt files, PAGE or ALTO .xml files or a folder of them"
)


@dataclass(frozen=True)
class Given:
    """One column as a file of boxes has it, or one picture's boxes that are in no order yet.

    Attributes
    ----------
    picture : its name, relative to the folder of pictures.
    name : what tells it from others in the picture; "" if it is alone there.
    text : its characters; "" if the file does not say.
    spots : boxes of its characters; with `read`, those of `text` one by one.
    region : where it stands, if the file says.
    fault : why it cannot be used.
    """

    picture: str
    name: str = ""
    text: str = ""
    spots: tuple[Box, ...] = ()
    read: bool = False
    region: Region | None = None
    fault: str = ""


def read_boxes(path: Path, folder: Path, texts: Mapping[str, str]) -> list[Item]:
    """Return an item for each column that a file of boxes knows.

    Parameters
    ----------
    path : CSV, YOLO, PAGE XML or ALTO XML; see `FORMS`.
    folder : what pictures' names are relative to.
    texts : transcript by picture, for boxes that come without.

    Raises
    ------
    SinonomError
        If it is none of these, or holds nothing to crop.
    """
    given = [_with_text(one, texts) for one in _read(path, folder)]
    silent = [one for one in given if not one.text and not one.fault]
    if silent:
        console.warn(f"{len(silent)} columns have no text and are left out; the first: {_key(silent[0])}")
    given = [one for one in given if one.text or one.fault]
    if not given:
        raise SinonomError(
            f"{path} holds no characters that are known",
            "give their text in it, or --transcripts FILE with pictures' text",
        )
    idle = len(set(texts) - {one.picture for one in given})
    if idle:
        console.say(f"{idle} pictures have a transcript and no boxes: they are left out")
    return _items(given, folder)


def digest(path: Path) -> str:
    """Return a SHA-256 of a file of boxes, or of all of a folder's."""
    found = hashlib.sha256()
    for file in [path] if path.is_file() else _files(path, ".txt", ".xml"):
        found.update(f"{file.relative_to(path) if file != path else ''}\0".encode("utf-8", "surrogatepass"))
        found.update(hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()


def _read(path: Path, folder: Path) -> Iterable[Given]:
    if path.is_dir():
        texts, xmls = _files(path, ".txt"), _files(path, ".xml")
        if bool(texts) == bool(xmls):
            what = "both .txt and .xml files" if texts else "neither .txt nor .xml files"
            raise SinonomError(f"{path} holds {what}", f"--boxes takes {FORMS}")
        if texts:
            return _yolo(path, texts, folder)
    elif not path.is_file():
        raise SinonomError(f"{path} does not exist", f"--boxes takes {FORMS}")
    elif path.suffix.lower() == ".csv":
        return _table(path)
    elif path.suffix.lower() != ".xml":
        raise SinonomError(f"{path} is of no form that is known", f"--boxes takes {FORMS}")
    from sinonom_cli.crop_nomnaocr.page_xml import read_xml

    root, files = (path, _files(path, ".xml")) if path.is_dir() else (path.parent, [path])
    return [one for file in files for one in read_xml(file, file.relative_to(root), folder)]


def _files(path: Path, *suffixes: str) -> list[Path]:
    return sorted(file for file in path.rglob("*") if file.suffix.lower() in suffixes and file.is_file())


def _table(path: Path) -> list[Given]:
    """Read `picture,x0,y0,x1,y1,text`: one character, the box is its own; several, it is a column's; none, unknown."""
    wanted = ("picture", "x0", "y0", "x1", "y1")
    columns: list[Given] = []
    loose: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in wanted if name not in (reader.fieldnames or ())]
            if lacking:
                raise SinonomError(f"{path} has no column {lacking[0]!r}", "its first line is picture,x0,y0,x1,y1,text")
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                picture = inside(row["picture"] or "", where)
                box = _box([row[name] for name in wanted[1:]], where)
                text = "".join((row.get("text") or "").split())
                if len(text) > 1:
                    columns.append(Given(picture, str(reader.line_num), text, region=Region(Path(), box)))
                else:
                    loose[picture].append((box, text))
    except UnicodeDecodeError as error:
        raise SinonomError(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    return columns + [_loose(picture, spots) for picture, spots in loose.items()]


def _yolo(path: Path, files: list[Path], folder: Path) -> list[Given]:
    """Read `class x y w h` lines; `classes.txt` may name the classes, one a line: then those are the characters."""
    names: list[str] = []
    classes = path / "classes.txt"
    if classes.is_file():
        names = classes.read_text(encoding="utf-8-sig").splitlines()
    found = []
    for file in files:
        if file == classes:
            continue
        stem = file.relative_to(path).with_suffix("").as_posix()
        picture = next((f"{stem}{end}" for end in sorted(SUFFIXES) if (folder / f"{stem}{end}").is_file()), "")
        if not picture:
            found.append(Given(f"{stem}.txt", fault=f"no picture {stem}.jpg, .png, ... in {folder}"))
            continue
        try:
            found.append(_loose(picture, _yolo_spots(file, names, _size(folder / picture))))
        except SinonomError as error:
            found.append(Given(picture, fault=error.message))
    return found


def _yolo_spots(file: Path, names: list[str], size: tuple[int, int]) -> list[tuple[Box, str]]:
    spots = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        where = f"{file.name}, line {number}"
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (5, 6) or not parts[0].isdigit():
            raise SinonomError(f"{where}: not `class x y w h`", "correct the line")
        x, y, w, h = (float(part) if re.fullmatch(r"[0-9.eE+-]+", part) else -1.0 for part in parts[1:5])
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1 and 0 < h <= 1):
            raise SinonomError(f"{where}: not `class x y w h` with parts of the picture", "correct the line")
        name = names[int(parts[0])].strip() if int(parts[0]) < len(names) else ""
        sides = ((x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1])
        spots.append((sides, name if len(name) == 1 else ""))
    return spots


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5
            return (picture.height, picture.width) if turned else picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise SinonomError(f"{path.name} is no picture: {error}") from None


def _loose(picture: str, spots: list[tuple[Box, str]]) -> Given:
    """Return boxes in reading order: columns from right to left, each from top to bottom."""
    boxes = tuple(spots[k][0] for k in reading_order([box for box, _ in spots]))
    chars = dict(spots)
    text = "".join(chars[box] for box in boxes)
    read = bool(boxes) and all(chars[box] for box in boxes)
    return Given(picture, text=text if read else "", spots=boxes, read=read, region=None if read else _around(boxes))


def _around(boxes: tuple[Box, ...]) -> Region | None:
    """Return where a column stands of which these are some of the characters: others may be missed at its ends."""
    if not boxes:
        return None
    x0, y0, x1, y1 = np.array(boxes).T
    wide, tall = 0.3 * float(np.median(x1 - x0)), 1.5 * float(np.median(y1 - y0))
    return Region(Path(), (x0.min() - wide, y0.min() - tall, x1.max() + wide, y1.max() + tall))


def columns_of(boxes: list[Box]) -> list[list[int]]:
    """Return which boxes stand in one column, from right to left, each column from top to bottom."""
    columns: list[list[int]] = []
    for k in sorted(range(len(boxes)), key=lambda k: -(boxes[k][0] + boxes[k][2])):
        middle = (boxes[k][0] + boxes[k][2]) / 2
        for column in columns:
            lefts, rights = zip(*((boxes[j][0], boxes[j][2]) for j in column), strict=True)
            if np.median(lefts) < middle < np.median(rights):
                column.append(k)
                break
        else:
            columns.append([k])
    return [sorted(column, key=lambda k: boxes[k][1] + boxes[k][3]) for column in columns]


def reading_order(boxes: list[Box]) -> list[int]:
    """Return the order in which boxes are read."""
    return [k for column in columns_of(boxes) for k in column]


def _with_text(one: Given, texts: Mapping[str, str]) -> Given:
    """Give boxes that came without text the transcript of their picture, if that can be done."""
    text = texts.get(one.picture, "")
    if one.text or one.fault or one.name or not text:
        return one
    if len(one.spots) == len(text):
        return replace(one, text=text, read=True, region=None)
    if len(columns_of(list(one.spots))) == 1:
        return replace(one, text=text)
    return replace(
        one, fault=f"{len(one.spots)} boxes in several columns, and {len(text)} characters: nobody knows which is which"
    )


def inside(name: str, where: str) -> str:
    """Return the name of a picture with "/" on every system.

    Raises
    ------
    SinonomError
        If it leads out of the folder.
    """
    path = PurePosixPath(name.strip().replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", str(path)):
        raise SinonomError(f"{where}: {name!r} is not a path inside the pictures' folder", "correct the line")
    return str(path)


def _box(values: list[str | None], where: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(value or "") for value in values)
    except ValueError:
        raise SinonomError(f"{where}: x0, y0, x1, y1 are not all numbers", "correct the line") from None
    if not (0 <= x0 < x1 < np.inf and 0 <= y0 < y1 < np.inf):
        raise SinonomError(f"{where}: not a box with x0 < x1 and y0 < y1 in pixels", "correct the line")
    return x0, y0, x1, y1


def _key(one: Given) -> str:
    return f"{one.picture}:{one.name}" if one.name else one.picture


def _items(given: list[Given], folder: Path) -> list[Item]:
    names = Counter(_key(one) for one in given)
    again = [key for key, times in names.items() if times > 1]
    if again:
        raise SinonomError(f"two columns are both called {again[0]}", "give each another id")
    slug = slugs(list(dict.fromkeys(one.picture for one in given)))
    first: Counter[str] = Counter()
    items = []
    for one in given:
        path = folder / one.picture
        region = replace(one.region, path=path) if one.region else Region(path)
        line = Line(
            one.text, one.fault, one.picture, slug[one.picture], region, one.spots, one.read, first[one.picture]
        )
        first[one.picture] += len(one.text)
        items.append(Item(_key(one), path, line, path.stat().st_size if path.is_file() else -1))
    return items
