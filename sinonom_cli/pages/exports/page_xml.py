"""Write a reading as PAGE XML, version 2019-07-15, which eScriptorium, Transkribus and kraken read.

Each character is a glyph with its outline, its names and their probabilities. Pletschacher and Antonacopoulos 2010,
"The PAGE (Page Analysis and Ground-truth Elements) format framework".
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from sinonom_cli import __version__
from sinonom_cli.crops.page_xml import CHECKED
from sinonom_cli.pages.exports.lines import Line, Region, around, confidence, corners, rectangle, regions_of, written
from sinonom_cli.pages.exports.xml_text import as_text
from sinonom_cli.pages.reading import ReadCharacter, Reading

SPACE = "http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15"
TYPES = {"text": "paragraph", "heading": "heading", "centre": "header"}
"""Type of a PAGE region by kind."""


def page_xml(reading: Reading, changed: str) -> str:
    """Return a reading as PAGE XML; `changed` is its time of creation, ISO 8601."""
    root = Element("PcGts", {"xmlns": SPACE})
    about = SubElement(root, "Metadata")
    SubElement(about, "Creator").text = f"sinonom {__version__}"
    SubElement(about, "Created").text = changed
    SubElement(about, "LastChange").text = changed
    vertical = reading.direction == "vertical"
    page = SubElement(
        root,
        "Page",
        {
            "imageFilename": reading.source,
            "imageWidth": str(reading.width),
            "imageHeight": str(reading.height),
            "readingDirection": "top-to-bottom" if vertical else "left-to-right",
            "textLineOrder": "right-to-left" if vertical else "top-to-bottom",
        },
    )
    regions = regions_of(reading)
    if regions:
        order = SubElement(SubElement(page, "ReadingOrder"), "OrderedGroup", {"id": "reading_order"})
        for number, region in enumerate(regions):
            SubElement(order, "RegionRefIndexed", {"index": str(number), "regionRef": region.name})
    for region in regions:
        _region(page, region, reading)
    return as_text(root)


def _region(page: Element, region: Region, reading: Reading) -> None:
    characters = [character for line in region.lines for character in line.characters]
    element = SubElement(page, "TextRegion", {"id": region.name, "type": TYPES[region.kind]})
    SubElement(element, "Coords", {"points": written(rectangle(around(characters, reading)))})
    for line in region.lines:
        _line(element, line, reading)
    _text(element, "\n".join(line.text for line in region.lines))


def _line(region: Element, line: Line, reading: Reading) -> None:
    element = SubElement(region, "TextLine", {"id": line.name, "custom": f"structure {{type:{line.part};}}"})
    points = written(rectangle(around(line.characters, reading)))
    SubElement(element, "Coords", {"points": points})
    word = SubElement(element, "Word", {"id": f"{line.name}_word"})
    SubElement(word, "Coords", {"points": points})
    for number, character in enumerate(line.characters, 1):
        _glyph(word, f"{line.name}_glyph_{number}", character, reading)
    _text(word, line.text)
    _text(element, line.text)


def _glyph(word: Element, name: str, character: ReadCharacter, reading: Reading) -> None:
    element = SubElement(word, "Glyph", {"id": name, **({"custom": CHECKED} if character.checked else {})})
    SubElement(element, "Coords", {"points": written(corners(character, reading))})
    if character.rejected or not character.names:
        _text(element, character.char)
        return
    for index, name_of_it in enumerate(character.names):
        equivalent = SubElement(element, "TextEquiv", {"index": str(index), "conf": confidence(name_of_it.probability)})
        SubElement(equivalent, "Unicode").text = name_of_it.char


def _text(element: Element, text: str) -> None:
    SubElement(SubElement(element, "TextEquiv"), "Unicode").text = text
