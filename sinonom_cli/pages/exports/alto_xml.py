"""Write a reading as ALTO XML, version 4.4, the format of many libraries.

Each character is a glyph with its outline, its confidence and its other names; a tag tells the part of each line.
Library of Congress, ALTO: Technical Metadata for Layout and Text Objects.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from sinonom_cli import __version__
from sinonom_cli.layout.parts import Part
from sinonom_cli.pages.exports.lines import Line, around, confidence, corners, regions_of, written
from sinonom_cli.pages.exports.xml_text import as_text
from sinonom_cli.pages.reading import ReadCharacter, Reading

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
    place = _place(around(line.characters, reading))
    element = SubElement(block, "TextLine", {"ID": line.name, "TAGREFS": _tag(line.part), **place})
    mean = sum(character.probability for character in line.characters) / len(line.characters)
    word = SubElement(
        element, "String", {"ID": f"{line.name}_string", "CONTENT": line.text, "WC": confidence(mean), **place}
    )
    for number, character in enumerate(line.characters, 1):
        _glyph(word, f"{line.name}_glyph_{number}", character, reading)


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
