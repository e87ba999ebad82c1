"""Write a reading as TEI P5: the text, with a zone of the facsimile for each character (TEI Guidelines, chapter 11).

Characters that people have checked name these people as responsible (`resp`, 3.5).
"""

from __future__ import annotations

import re
from itertools import groupby
from urllib.parse import quote
from xml.etree.ElementTree import Element, SubElement

from sinonom_cli import __version__
from sinonom_cli.pages.exports.lines import around, corners, kind_of, written
from sinonom_cli.pages.exports.xml_text import as_text
from sinonom_cli.pages.reading import UNREADABLE, ReadCharacter, Reading

SPACE = "http://www.tei-c.org/ns/1.0"
HIGH, MEDIUM = 0.95, 0.5
"""Smallest probabilities of a name that is written with `cert="high"`, and with `cert="medium"`."""
FORME = {"heading": "header", "centre": "pageNum"}
"""Type of the forme work of a kind of region, of those that the Guidelines suggest (3.11.3)."""
SURFACE = "page"
"""Identifier of the picture of the page."""
PEOPLE = "people"
"""Identifier of the statement that people have checked characters."""


def tei_xml(reading: Reading, changed: str) -> str:
    """Return a reading as TEI; `changed` is the date of the electronic text, ISO 8601."""
    root = Element("TEI", {"xmlns": SPACE})
    description = SubElement(SubElement(root, "teiHeader"), "fileDesc")
    titles = SubElement(description, "titleStmt")
    SubElement(titles, "title").text = reading.page
    if any(character.checked for character in reading.characters):
        statement = SubElement(titles, "respStmt", {"xml:id": PEOPLE})
        SubElement(statement, "resp").text = "checked the characters that refer to this statement"
        SubElement(statement, "name").text = "people"
    publication = SubElement(description, "publicationStmt")
    SubElement(publication, "p").text = f"Read by sinonom {__version__}; picture of {changed[:10]}."
    SubElement(SubElement(description, "sourceDesc"), "p").text = reading.source
    surface = SubElement(
        SubElement(root, "facsimile"),
        "surface",
        {"xml:id": SURFACE, "ulx": "0", "uly": "0", "lrx": str(reading.width), "lry": str(reading.height)},
    )
    SubElement(surface, "graphic", {"url": _address(reading.source)})
    for character in reading.characters:
        x0, y0, x1, y1 = map(str, around([character], reading))
        zone = {"ulx": x0, "uly": y0, "lrx": x1, "lry": y1, "points": written(corners(character, reading))}
        SubElement(surface, "zone", {"xml:id": _name(character), **zone})
    body = SubElement(SubElement(root, "text"), "body")
    paragraph = SubElement(SubElement(body, "div"), "p")
    SubElement(paragraph, "pb", {"n": reading.page, "facs": f"#{SURFACE}"})
    for column in reading.columns():
        for kind, members in groupby(column, key=lambda character: kind_of(character.part)):
            into = paragraph if kind == "text" else SubElement(paragraph, "fw", {"type": FORME[kind]})
            SubElement(into, "lb", {"n": str(column[0].column)})
            for part, run in groupby(members, key=lambda character: character.part):
                note = part.startswith("note")
                place = SubElement(into, "note", {"place": "inline", "type": part}) if note else into
                for character in run:
                    _write(place, character)
    return as_text(root, mixed={"p", "fw", "note"})


def _name(character: ReadCharacter) -> str:
    return f"c{character.column}.{character.place}"


def _address(source: str) -> str:
    """Return the URI reference (RFC 3986) of a picture; `#k` after a file's name stays the k-th page of the file."""
    name, page = re.fullmatch(r"(.*?\.\w+(?=#\d+$)|.*)(#\d+)?", source, re.DOTALL).groups("")  # type: ignore[union-attr]
    return quote(name, safe="/", errors="surrogateescape") + page


def _write(parent: Element, character: ReadCharacter) -> None:
    zone = {"facs": f"#{_name(character)}", **({"resp": f"#{PEOPLE}"} if character.checked else {})}
    if character.char == UNREADABLE:
        SubElement(parent, "gap", {"reason": "illegible", "quantity": "1", "unit": "chars", **zone})
        return
    certain = character.probability
    level = "high" if certain >= HIGH else "medium" if certain >= MEDIUM else "low"
    SubElement(parent, "c", {**zone, "cert": level}).text = character.char
