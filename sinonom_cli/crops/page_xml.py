"""Read PAGE XML and ALTO XML, as kraken and eScriptorium write them: lines and, where given, characters."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.characters import characters_of
from sinonom_cli.crops.annotations import Given, inside
from sinonom_cli.crops.regions import Box, Region
from sinonom_cli.crops.transcripts import NAMELESS
from sinonom_cli.crops.xml_points import Points, around, bounds, number_of, points_of, sides_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.storage.image_set import PICTURE_SUFFIXES
from sinonom_cli.storage.names import Spelling

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

CHECKED = "checked {by:people;}"
"""What `custom` says, in PAGE, of a glyph whose character people have checked."""
CORRECTED = ("true", "1")
"""Correction status `CS`, in ALTO, of a block, line or string whose characters people have checked."""


def read_xml(file: Path, name: Path, folder: Path, pictures: Collection[str] = ()) -> list[Given]:
    """Return the lines of a file's pages.

    The boxes of characters are used if each holds one character; other lines are given by outline and text.

    Parameters
    ----------
    file : PAGE or ALTO file.
    name : name of the file in messages, relative to the folder that the user gave.
    folder : folder of the pictures.
    pictures : names of the pictures; those with a page's number, such as `two.tif#2`, are no files of their own.

    Returns
    -------
    The lines; a page, line or character that cannot be used gives one with a `fault` that says why.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    key = name.as_posix()
    try:
        # These formats need no DTD or entities, which in hostile files fill the memory or read other files.
        root = parse(file, forbid_dtd=True).getroot()
        kind = _tag(root).lower()
        if kind not in ("alto", "pcgts"):
            raise SinonomError(f"it is neither PAGE nor ALTO: its root is <{_tag(root)}>")
        return _pages(root, kind == "alto", name, folder, pictures)
    except DefusedXmlException:
        return [Given(key, fault="it declares a DTD or entities, which PAGE and ALTO do not have")]
    except (ParseError, LookupError, ValueError, OSError) as error:
        return [Given(key, fault=f"not well-formed XML: {error}")]
    except SinonomError as error:
        return [Given(key, fault=error.message)]


def _pages(root: "Element", alto: bool, name: Path, folder: Path, pictures: Collection[str]) -> list[Given]:
    """Return the lines of all pages of a file, each page matched to its own picture."""
    pages = list(_below(root, "Page"))
    if not pages:
        raise SinonomError("it has no <Page>")
    unit = next((element.text or "" for element in _below(root, "MeasurementUnit")), "pixel").strip()
    if alto and unit != "pixel":
        raise SinonomError(f"its coordinates are in {unit}, not in pixels")
    if alto:
        written = [element.text or "" for element in _below(root, "fileName")] or [""]
    else:
        written = [page.get("imageFilename", "") for page in pages]
    spelling = Spelling(folder)
    found: list[Given] = []
    for number, page in enumerate(pages, 1):
        where = "" if number == 1 else f"page {number}"
        try:
            if len(pages) == 1 or number <= len(written):
                picture = _picture(written[number - 1], name, folder, spelling, pictures, alone=len(pages) == 1)
                found += _lines_of(page, alto, picture, where)
            elif next(_below(page, "TextLine"), None) is not None:
                raise SinonomError(f"its picture is not named: pages {len(pages)}, names of pictures {len(written)}")
        except SinonomError as error:
            found.append(Given(name.as_posix(), where, fault=error.message))
    return found


def _lines_of(page: "Element", alto: bool, picture: str, where: str) -> list[Given]:
    sides = (page.get("WIDTH"), page.get("HEIGHT")) if alto else (page.get("imageWidth"), page.get("imageHeight"))
    size = sides_of(*sides)
    if alto:
        _status_to_lines(page)
    found = []
    for number, line in enumerate(_below(page, "TextLine"), 1):
        key = f"{where} {line.get('ID' if alto else 'id') or number}".strip()
        try:
            found += (_alto_line if alto else _page_line)(line, picture, key, size)
        except SinonomError as error:
            found.append(Given(picture, key, fault=error.message))
    return found


def _page_line(line: "Element", picture: str, name: str, size: tuple[int, int] | None) -> list[Given]:
    words = list(_children(line, "Word"))
    glyphs = [glyph for word in words for glyph in _children(word, "Glyph")]
    text = _text(line) or "".join(_text(word) for word in words) or "".join(map(_text, glyphs))
    spots = [(_box(_coords, glyph), _text(glyph)) for glyph in glyphs]
    found = _line(
        *(picture, name, text, spots),
        lambda: _coords(line) or around(_coords(line, "Baseline"), len(text)),
        size,
    )
    return _marked(found, spots, [glyph.get("custom") == CHECKED for glyph in glyphs])


def _marked(found: list[Given], spots: list[tuple[Box | None, str]], checked: list[bool]) -> list[Given]:
    """Return lines that know which of their boxes have a character that people have checked."""
    sure = frozenset(box for (box, _), by_people in zip(spots, checked, strict=True) if by_people and box is not None)
    return [replace(one, checked=sure) for one in found]


def _status_to_lines(page: "Element") -> None:
    """Write the correction status of each block of an ALTO page to its lines, and that of each line to its strings."""
    for outer, inner in (("TextBlock", "TextLine"), ("TextLine", "String")):
        for parent in _below(page, outer):
            for child in _children(parent, inner):
                child.set("CS", child.get("CS") or parent.get("CS") or "")


def _alto_line(line: "Element", picture: str, name: str, size: tuple[int, int] | None) -> list[Given]:
    strings = list(_children(line, "String"))
    glyphs = [glyph for string in strings for glyph in _children(string, "Glyph")]
    text = "".join(string.get("CONTENT", "") for string in strings) or "".join(g.get("CONTENT", "") for g in glyphs)
    spots = [(_box(_shape, glyph), glyph.get("CONTENT", "")) for glyph in glyphs]
    found = _line(
        *(picture, name, text, spots),
        lambda: _shape(line) or around(_baseline(line.get("BASELINE", "")), len(text)),
        size,
    )
    checked = [string.get("CS") in CORRECTED for string in strings for _ in _children(string, "Glyph")]
    return _marked(found, spots, checked)


def _box(read: Callable[["Element"], Points], element: "Element") -> Box | None:
    """Return the box of a character; None, so that its line stays usable, if it cannot be read or has no area."""
    try:
        box = bounds(read(element))
    except SinonomError:
        return None
    return box if box and box[2] - box[0] > 1 and box[3] - box[1] > 1 else None


def _line(
    picture: str,
    name: str,
    text: str,
    spots: list[tuple[Box | None, str]],
    outlined: Callable[[], Points],
    size: tuple[int, int] | None,
) -> list[Given]:
    """Return a line as characters in their boxes, or as a column to be cut; only the latter needs the outline."""
    text = characters_of(text)
    chars = [characters_of(char) for _, char in spots]
    if len(text) == len(chars):  # The line names the characters that the boxes do not name.
        chars = [char or text[k] for k, char in enumerate(chars)]
    boxes = tuple(box for box, _ in spots if box is not None)
    named = [char for char in chars if char]
    # Boxes that each name a character are used as they are; other boxes are aligned to the text.
    one_each = all(len(char) <= 1 for char in chars) and len(named) in (len(chars), len(text))
    if named and one_each and boxes:
        kept = [char or NAMELESS for char, (box, _) in zip(chars, spots, strict=True) if box]
        lost = [
            Given(picture, f"{name}, character {k}", fault=f"the box of its character {k}, {char or '?'}, is not valid")
            for k, (char, (box, _)) in enumerate(zip(chars, spots, strict=True), 1)
            if box is None
        ]
        return [Given(picture, name, "".join(kept), boxes, True, Region(Path(), size=size)), *lost]
    outline = outlined()
    region = bounds(outline)
    if region is None:
        return [Given(picture, name, text, fault="the line has no outline" if text else "")]
    if len(text) > 2 and region[2] - region[0] > 1.5 * (region[3] - region[1]):
        return [Given(picture, name, text, fault=f"{len(text)} characters side by side: only columns are cut")]
    return [Given(picture, name, text, boxes, False, Region(Path(), region, outline, size))]


def _picture(written: str, name: Path, folder: Path, spelling: Spelling, pictures: Collection[str], alone: bool) -> str:
    """Return the picture of a page: the one named in the file or, if `alone`, the one with the file's own name."""
    plain = written.strip().replace("\\", "/")
    last = plain.rpartition("/")[2]
    beside = name.parent.as_posix()
    candidates = [plain, f"{beside}/{plain}", last, f"{beside}/{last}"] if last else []
    candidates += [name.with_suffix(end).as_posix() for end in sorted(PICTURE_SUFFIXES) if alone]
    for candidate in candidates:
        try:
            found = spelling(inside(candidate))
        except SinonomError:
            continue
        if (folder / found).is_file():
            return found
        file, sign, number = found.rpartition("#")
        if sign and file and (page := f"{spelling(file)}#{number}") in pictures:
            return page
    raise SinonomError(f"its picture {written or name.stem!r} is not in {folder}")


def _tag(element: "Element") -> str:
    return str(element.tag).rpartition("}")[2]


def _below(element: "Element", tag: str) -> Iterator["Element"]:
    return (child for child in element.iter() if _tag(child) == tag)


def _children(element: "Element", tag: str) -> Iterator["Element"]:
    return (child for child in element if _tag(child) == tag)


def _text(element: "Element") -> str:
    """Return the first reading that PAGE gives for a line, word or glyph."""
    readings = sorted(_children(element, "TextEquiv"), key=lambda one: number_of(one.get("index") or "0"))
    for reading in readings:
        for text in _children(reading, "Unicode"):
            return (text.text or "").strip()
    return ""


def _coords(element: "Element", tag: str = "Coords") -> Points:
    """Return the points of a PAGE outline or baseline: an attribute, or elements <Point> until PAGE 2010."""
    for coords in _children(element, tag):
        old = [(number_of(point.get("x", "")), number_of(point.get("y", ""))) for point in _children(coords, "Point")]
        return tuple(old) or points_of(coords.get("points", ""))
    return ()


def _baseline(text: str) -> Points:
    # Older ALTO has one number here: the height of a horizontal line.
    return points_of(text) if len(text.split()) > 1 or "," in text else ()


def _shape(element: "Element") -> Points:
    """Return the polygon of an ALTO element, or the corners of its box if it has no polygon."""
    for shape in _children(element, "Shape"):
        for polygon in _children(shape, "Polygon"):
            return points_of(polygon.get("POINTS", ""))
    sides = [element.get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    if None in sides:
        return ()
    x, y, width, height = (number_of(side or "0") for side in sides)
    if min(width, height) < 0:
        raise SinonomError(f"its box is {width:g} wide and {height:g} high")
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)
