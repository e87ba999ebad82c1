"""PAGE XML and ALTO XML, as kraken and eScriptorium write them: lines and, where they are given, characters."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sinonom_cli.crop_nomnaocr.given import Given, inside
from sinonom_cli.crop_nomnaocr.pages import SUFFIXES
from sinonom_cli.crop_nomnaocr.regions import Box, Region
from sinonom_cli.errors import SinonomError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

Points = tuple[tuple[float, float], ...]


def read_xml(file: Path, name: Path, folder: Path) -> list[Given]:
    """Return the lines of a page.

    Characters' boxes are taken where each holds one character; other lines are the outline and the text.

    Parameters
    ----------
    file : PAGE or ALTO.
    name : its name in messages, relative to what was given.
    folder : where the pictures are.

    Returns
    -------
    The lines, or one with a `fault` that says why there are none.
    """
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    key = name.as_posix()
    try:
        # Entities and DTDs have no place in these files: in hostile ones they fill the memory or read other files.
        root = parse(file, forbid_dtd=True).getroot()
        kind = _tag(root).lower()
        if kind not in ("alto", "pcgts"):
            raise SinonomError(f"it is neither PAGE nor ALTO: its root is <{_tag(root)}>")
        return _alto(root, name, folder) if kind == "alto" else _page(root, name, folder)
    except DefusedXmlException:
        return [Given(key, fault="it declares a DTD or entities, which PAGE and ALTO do not have")]
    except (ParseError, LookupError, ValueError) as error:
        return [Given(key, fault=f"not well-formed XML: {error}")]
    except SinonomError as error:
        return [Given(key, fault=error.message)]


def _page(root: "Element", name: Path, folder: Path) -> list[Given]:
    page = next(_below(root, "Page"), None)
    if page is None:
        raise SinonomError("it has no <Page>")
    picture = _picture(page.get("imageFilename", ""), name, folder)
    size = _sides(page.get("imageWidth"), page.get("imageHeight"))
    lines = []
    for number, line in enumerate(_below(page, "TextLine"), 1):
        words = list(_children(line, "Word"))
        glyphs = [glyph for word in words for glyph in _children(word, "Glyph")]
        text = _text(line) or "".join(_text(word) for word in words) or "".join(map(_text, glyphs))
        spots = [(_bounds(_coords(glyph)), _text(glyph)) for glyph in glyphs]
        outline = _coords(line) or _around(_coords(line, "Baseline"), len(text))
        lines.append(_line(picture, line.get("id") or str(number), text, spots, outline, size))
    return lines


def _alto(root: "Element", name: Path, folder: Path) -> list[Given]:
    unit = next((element.text or "" for element in _below(root, "MeasurementUnit")), "pixel").strip()
    if unit != "pixel":
        raise SinonomError(f"its places are in {unit}, not in pixels")
    written = next((element.text or "" for element in _below(root, "fileName")), "")
    page = next(_below(root, "Page"), None)
    if page is None:
        raise SinonomError("it has no <Page>")
    picture, size = _picture(written, name, folder), _sides(page.get("WIDTH"), page.get("HEIGHT"))
    lines = []
    for number, line in enumerate(_below(page, "TextLine"), 1):
        strings = list(_children(line, "String"))
        glyphs = [glyph for string in strings for glyph in _children(string, "Glyph")]
        text = "".join(string.get("CONTENT", "") for string in strings)
        spots = [(_bounds(_shape(glyph)), glyph.get("CONTENT", "")) for glyph in glyphs]
        outline = _shape(line) or _around(_baseline(line.get("BASELINE", "")), len(text))
        lines.append(_line(picture, line.get("ID") or str(number), text, spots, outline, size))
    return lines


def _line(
    picture: str,
    name: str,
    text: str,
    spots: list[tuple[Box | None, str]],
    outline: Points,
    size: tuple[int, int] | None,
) -> Given:
    text = "".join(text.split())
    boxes = tuple(box for box, _ in spots if box is not None)
    chars = ["".join(char.split()) for _, char in spots]
    region = _bounds(outline)
    if boxes and len(boxes) == len(spots) and all(len(char) == 1 for char in chars):
        return Given(picture, name, "".join(chars), boxes, True, Region(Path(), size=size))
    if region is None:
        return Given(picture, name, text, fault="the line has no outline" if text else "")
    if len(text) > 2 and region[2] - region[0] > 1.5 * (region[3] - region[1]):
        return Given(picture, name, text, fault=f"{len(text)} characters side by side: only columns are cut")
    return Given(picture, name, text, boxes, False, Region(Path(), region, outline, size))


def _picture(written: str, name: Path, folder: Path) -> str:
    """Return the picture that a file is about: by the name in it, or beside it, or called as the file is."""
    plain = written.strip().replace("\\", "/")
    last = plain.rpartition("/")[2]
    beside = name.parent.as_posix()
    candidates = [plain, f"{beside}/{plain}", last, f"{beside}/{last}"]
    candidates += [name.with_suffix(end).as_posix() for end in sorted(SUFFIXES)]
    for candidate in candidates:
        try:
            found = inside(candidate, name.as_posix())
        except SinonomError:
            continue
        if (folder / found).is_file():
            return found
    raise SinonomError(f"its picture {written or name.stem!r} is not in {folder}")


def _tag(element: "Element") -> str:
    return str(element.tag).rpartition("}")[2]


def _below(element: "Element", tag: str) -> Iterator["Element"]:
    return (child for child in element.iter() if _tag(child) == tag)


def _children(element: "Element", tag: str) -> Iterator["Element"]:
    return (child for child in element if _tag(child) == tag)


def _text(element: "Element") -> str:
    """Return PAGE's first reading of a line, word or glyph."""
    readings = sorted(_children(element, "TextEquiv"), key=lambda one: int(one.get("index") or 0))
    for reading in readings:
        for text in _children(reading, "Unicode"):
            return (text.text or "").strip()
    return ""


def _coords(element: "Element", tag: str = "Coords") -> Points:
    return next((_points(coords.get("points", "")) for coords in _children(element, tag)), ())


def _baseline(text: str) -> Points:
    # Older ALTO has one number here, the height of a line that lies.
    return _points(text) if len(text.split()) > 1 or "," in text else ()


def _around(baseline: Points, count: int) -> Points:
    """Return the corners of a column of square characters on a line through their middles; for want of an outline."""
    box = _bounds(baseline)
    if box is None or not count:
        return ()
    x0, y0, x1, y1 = box
    half = 0.55 * max(y1 - y0, x1 - x0) / count
    return (x0 - half, y0), (x1 + half, y0), (x1 + half, y1), (x0 - half, y1)


def _shape(element: "Element") -> Points:
    """Return ALTO's polygon, or the corners of its box."""
    for shape in _children(element, "Shape"):
        for polygon in _children(shape, "Polygon"):
            return _points(polygon.get("POINTS", ""))
    sides = [element.get(name) for name in ("HPOS", "VPOS", "WIDTH", "HEIGHT")]
    if None in sides:
        return ()
    x, y, width, height = (float(side or 0) for side in sides)
    return (x, y), (x + width, y), (x + width, y + height), (x, y + height)


def _points(text: str) -> Points:
    """Read `x,y x,y` (PAGE) or `x y x y` (ALTO)."""
    numbers = [float(number) for number in re.split(r"[\s,]+", text.strip()) if number]
    if len(numbers) % 2:
        raise SinonomError(f"{text[:40]!r} is no list of points")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _bounds(points: Points) -> Box | None:
    if len(points) < 2:
        return None
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs) + 1, max(ys) + 1


def _sides(width: str | None, height: str | None) -> tuple[int, int] | None:
    sides = round(float(width or 0)), round(float(height or 0))
    return sides if min(sides) > 0 else None  # nought is written for "not known"
