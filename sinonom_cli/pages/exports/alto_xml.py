"""Write a reading as ALTO XML, version 4.4, the format of many libraries.

Each character is a glyph with its outline, its confidence and its other names; a tag tells the part of each line.
A glyph has no attribute for the characters that people have checked. Therefore runs of them are strings of their own
with the correction status `CS="true"`; a line that people have checked as a whole has it instead. No space stands
between the strings of a line.

Library of Congress, ALTO: Technical Metadata for Layout and Text Objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement

from sinonom_cli import __version__
from sinonom_cli.layout.parts import Part
from sinonom_cli.pages.exports.lines import Line, around, confidence, corners, regions_of, written
from sinonom_cli.pages.exports.xml_text import as_text
from sinonom_cli.pages.reading import ReadCharacter, Reading

CHECKED = {"CS": "true"}
"""Correction status of a line or a string that people have checked."""
SPACE = "http://www.loc.gov/standards/alto/ns-v4#"


def alto_xml(reading: Reading, changed: str) -> str:
    """Return a reading as ALTO XML; `changed` is the time of processing, ISO 8601."""
    root = Element("alto", {"xmlns": SPACE, "SCHEMAVERSION": "4.4"})
    about = SubElement(root, "Description")
    SubElement(about, "MeasurementUnit").text = "pixel"
    SubElement(SubElement(about, "sourceImageInformation"), "fileName").text = reading.source
    processing = SubElement(about, "Processing", {"ID": "processing_1"})
    SubElement(processing, "processingDateTime").text = changed
    software = SubElement(processing, "processingSoftware")
    SubElement(software, "softwareName").text = "sinonom"
    SubElement(software, "softwareVersion").text = __version__
    regions = regions_of(reading)
    parts = dict.fromkeys(line.part for region in regions for line in region.lines)
    if parts:
        tags = SubElement(root, "Tags")
        for part in parts:
            SubElement(tags, "LayoutTag", {"ID": _tag(part), "LABEL": part})
    direction = {"BASEDIRECTION": "ttb" if reading.direction == "vertical" else "ltr"}
    size = {"WIDTH": str(reading.width), "HEIGHT": str(reading.height)}
    page = SubElement(SubElement(root, "Layout"), "Page", {"ID": "page_1", "PHYSICAL_IMG_NR": "1", **size})
    space = SubElement(page, "PrintSpace", _place((0, 0, reading.width, reading.height)))
    for region in regions:
        characters = [character for line in region.lines for character in line.characters]
        block = SubElement(space, "TextBlock", {"ID": region.name, **_place(around(characters, reading)), **direction})
        for line in region.lines:
            _line(block, line, reading)
    return as_text(root)


def _line(block: Element, line: Line, reading: Reading) -> None:
    whole = all(character.checked for character in line.characters)
    place = _place(around(line.characters, reading))
    element = SubElement(
        block, "TextLine", {"ID": line.name, "TAGREFS": _tag(line.part), **place, **(CHECKED if whole else {})}
    )
    runs = groupby(enumerate(line.characters, 1), key=lambda numbered: numbered[1].checked)
    for count, (checked, run) in enumerate(runs, 1):
        numbered = list(run)
        name = f"{line.name}_string" + (f"_{count}" if count > 1 else "")
        word = _string(element, name, [character for _, character in numbered], reading)
        if checked and not whole:
            word.attrib.update(CHECKED)
        for number, character in numbered:
            _glyph(word, f"{line.name}_glyph_{number}", character, reading)


def _string(line: Element, name: str, characters: Sequence[ReadCharacter], reading: Reading) -> Element:
    """Add a string without its glyphs, and return it."""
    mean = sum(character.probability for character in characters) / len(characters)
    content = {"CONTENT": "".join(character.char for character in characters), "WC": confidence(mean)}
    return SubElement(line, "String", {"ID": name, **content, **_place(around(characters, reading))})


def _glyph(word: Element, name: str, character: ReadCharacter, reading: Reading) -> None:
    place = _place(around([character], reading))
    element = SubElement(
        word, "Glyph", {"ID": name, "CONTENT": character.char, "GC": confidence(character.probability), **place}
    )
    SubElement(SubElement(element, "Shape"), "Polygon", {"POINTS": written(corners(character, reading))})
    others = character.names if character.rejected else character.names[1:]
    for other in others:
        SubElement(element, "Variant", {"CONTENT": other.char, "VC": confidence(other.probability)})


def _tag(part: Part) -> str:
    return f"part_{part}"


def _place(box: tuple[int, int, int, int]) -> dict[str, str]:
    x0, y0, x1, y1 = box
    return {"HPOS": str(x0), "VPOS": str(y0), "WIDTH": str(x1 - x0), "HEIGHT": str(y1 - y0)}
