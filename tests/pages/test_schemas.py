"""What `read` writes as PAGE, ALTO and TEI keeps the rules of their schemas, odd pages and odd names included."""

import json
import os
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from defusedxml.ElementTree import fromstring
from PIL import Image
from tinyboxes import rows
from tinyprint import printed
from tinyschemas import ALTO, PAGE, TEI, XML_ID, Schema, faults

from sinonom_cli import cli
from sinonom_cli.characters import label_of
from sinonom_cli.crops.boxes import given_in
from sinonom_cli.layout.parts import Part
from sinonom_cli.pages.boxes import boxes_of
from sinonom_cli.pages.exports import FORMATS
from sinonom_cli.pages.reading import ReadCharacter, Reading
from sinonom_cli.pages.sources import find_pages
from sinonom_cli.search.naming import Name

SCHEMAS = {"page": PAGE, "alto": ALTO, "tei": TEI}
CHANGED = "2024-02-29T23:59:59Z"
each_format = pytest.mark.parametrize("name", SCHEMAS)


def character(
    column: int, place: int, chars: str, part: Part = "text", rejected: bool = False, left: float | None = None
) -> ReadCharacter:
    x0, y0 = 300.0 - 40 * column if left is None else left, 10.4 + 40 * place
    names = tuple(
        Name(label=label_of(char), char=char, distance=0.1 * rank, probability=0.9 / 9**rank)
        for rank, char in enumerate(chars)
    )
    return ReadCharacter(
        column=column,
        place=place,
        part=part,
        box=(x0 - 1.5, y0, x0 + 30.2, y0 + 31),
        outline=((x0, y0), (x0 + 30.2, y0 + 1), (x0 + 29, y0 + 31), (x0 - 1.5, y0 + 30)),
        score=0.9,
        sight=names,
        names=names,
        rejected=rejected,
    )


def spread(**changes: object) -> Reading:
    """Return a page with a heading, a note, a centre strip, a rare character, a rejected one, and some at the edge."""
    characters = (
        character(1, 1, "序文", "heading"),
        character(1, 2, "子生官皇十"),
        character(1, 3, "三二", "note-right"),
        character(1, 4, "二", "note-right"),
        character(1, 3 + 2, "一七", "note-left", left=245.0),
        character(1, 6, "\U000221a8\U00021026"),
        character(2, 1, "日曰", "centre"),
        character(3, 1, "人入", rejected=True),
        character(3, 2, "", left=-20.0),
        character(3, 3, "天夫", left=310.0),
        character(3, 4, "大", left=400.0),
    )
    reading = Reading(
        page="trang 1",
        source="trang 1.png",
        width=320,
        height=300,
        direction="vertical",
        turned=0,
        mirrored=False,
        size=30.0,
        characters=characters,
    )
    return replace(reading, **changes)  # type: ignore[arg-type]


def document(name: str, reading: Reading) -> str:
    return FORMATS[name].write(reading, CHANGED)


@each_format
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"direction": "horizontal", "turned": 270, "mirrored": True},
        {"page": "bản & <khắc> \"gỗ\" '1'", "source": "sách/bản & <khắc> \"gỗ\" %20 [1] '2'.png"},
        {"page": "q-2", "source": "quyển #1?.tif#2"},
        {"page": "kh\udce1c", "source": "kh\udce1c\x01\ufffe\t.png"},
        {"page": "\U000221a8:", "source": "C:\\\U000221a8:1.png"},
        {"characters": ()},
        {"characters": tuple(replace(one, checked=k % 3 > 0) for k, one in enumerate(spread().characters))},
        {"characters": tuple(replace(one, checked=True) for one in spread().characters)},
    ],
)
def test_odd_pages_and_names_keep_the_rules(name: str, changes: dict[str, object]) -> None:
    assert faults(document(name, spread(**changes)), SCHEMAS[name]) == []


@pytest.mark.parametrize("name", ["page", "alto"])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_boxes_of_a_page_of_a_tiff_are_read_back(tmp_path: Path, name: str, form: str) -> None:
    pictures = [Image.new("L", (320, 300), grey) for grey in (250, 240)]
    pictures[0].save(tmp_path / normalize(form, "quyển.tif"), save_all=True, append_images=pictures[1:])
    items = list(find_pages([str(tmp_path)], None, []))
    assert [item.key for item in items] == [normalize(form, f"quyển.tif#{k}") for k in (1, 2)]
    given = tmp_path / "given.xml"
    given.write_text(document(name, spread(source="quyển.tif#2", characters=spread().characters[:3])), encoding="utf-8")
    found = boxes_of(given, items)
    assert list(found) == [items[1].key]
    true = [one.box for one in spread().characters[:3]]
    assert found[items[1].key].boxes == pytest.approx(np.array(true), abs=1.5)


@pytest.mark.parametrize("name", ["page", "alto"])
@pytest.mark.parametrize("checked", [{3}, {0, 2, 3, 5}, set(range(11)), set()])
def test_the_characters_that_people_checked_are_the_same_when_read_back(
    tmp_path: Path, name: str, checked: set[int]
) -> None:
    characters = tuple(
        replace(one, checked=k in checked, box=(20.0, 10 + 20 * k, 40.0, 28 + 20 * k), outline=square(20, 10 + 20 * k))
        for k, one in enumerate(spread().characters)
    )
    Image.new("L", (320, 300), 250).save(tmp_path / "trang 1.png")
    (tmp_path / "given.xml").write_text(document(name, spread(characters=characters)), encoding="utf-8")
    lines = given_in(tmp_path / "given.xml", tmp_path, ["trang 1.png"])
    found = {(box, char) for line in lines for box, char in zip(line.spots, line.text, strict=True)}
    assert len(found) == 11 and not any(line.fault for line in lines)
    sure = {round((box[1] - 10) / 20) for line in lines for box in line.checked}
    assert sure == checked


def square(x: float, y: float) -> tuple[tuple[float, float], ...]:
    return (x, y), (x + 20, y), (x + 20, y + 18), (x, y + 18)


def test_tei_names_who_is_responsible_for_the_characters_that_people_checked() -> None:
    characters = tuple(replace(one, checked=k in (1, 2)) for k, one in enumerate(spread().characters))
    root = fromstring(document("tei", spread(characters=characters)).encode())
    [statement] = root.findall(".//{*}respStmt")
    marked = [one.text for one in root.findall(".//{*}c") if one.get("resp") == f"#{statement.get(XML_ID)}"]
    assert marked == ["子", "三"]
    assert fromstring(document("tei", spread()).encode()).find(".//{*}respStmt") is None


@each_format
def test_every_character_is_written_once_in_reading_order_with_its_outline_in_the_picture(name: str) -> None:
    reading = spread()
    root = fromstring(document(name, reading).encode())
    if name == "tei":
        body = root.find(".//{*}body")
        shown = [one for one in body.iter() if re.search(r"\}(c|gap)$", one.tag)]
        zones = {zone.get(XML_ID): zone.get("points") for zone in root.findall(".//{*}zone")}
        chars = [one.text or "□" for one in shown]
        outlines = [zones.pop(one.get("facs")[1:]) for one in shown]
        assert not zones
    elif name == "page":
        glyphs = root.findall(".//{*}Glyph")
        chars = [glyph.find("{*}TextEquiv/{*}Unicode").text for glyph in glyphs]
        outlines = [glyph.find("{*}Coords").get("points") for glyph in glyphs]
    else:
        glyphs = root.findall(".//{*}Glyph")
        chars = [glyph.get("CONTENT") for glyph in glyphs]
        outlines = [glyph.find(".//{*}Polygon").get("POINTS") for glyph in glyphs]
    assert chars == ["序", "子", "三", "二", "一", "\U000221a8", "日", "□", "□", "天", "大"]
    for outline, one in zip(outlines, reading.characters, strict=True):
        points = np.array([[float(side) for side in point.split(",")] for point in outline.split()])
        assert (points >= 0).all() and (points <= [320, 300]).all()
        assert np.abs(points - np.clip(one.outline, 0, [320, 300])).max() <= 0.5


def test_glyphs_of_page_and_alto_lie_in_their_lines_and_lines_in_their_regions() -> None:
    inner = {"TextLine": "TextRegion", "Word": "TextLine", "Glyph": "Word"}
    root = fromstring(document("page", spread()).encode())
    checked = 0
    for tag, outer in inner.items():
        for parent in root.findall(f".//{{*}}{outer}"):
            low, high = bounds(parent)
            for child in parent.findall(f"{{*}}{tag}"):
                inside = bounds(child)
                assert (inside[0] >= low).all() and (inside[1] <= high).all()
                checked += 1
    assert checked > 20
    for element in fromstring(document("alto", spread()).encode()).iter():
        if "HPOS" in element.attrib:
            x, y, width, height = (float(element.get(side)) for side in ("HPOS", "VPOS", "WIDTH", "HEIGHT"))
            assert width >= 0 and height >= 0 and x + width <= 320 and y + height <= 300


def bounds(element: ET.Element) -> tuple[np.ndarray, np.ndarray]:
    points = element.find("{*}Coords").get("points")  # type: ignore[union-attr]
    values = np.array([[int(side) for side in point.split(",")] for point in points.split()])  # type: ignore[union-attr]
    return values.min(axis=0), values.max(axis=0)


def test_names_of_a_glyph_are_numbered_from_the_most_probable_and_regions_from_the_first() -> None:
    root = fromstring(document("page", spread()).encode())
    for glyph in root.findall(".//{*}Glyph"):
        equivalents = [one for one in glyph.findall("{*}TextEquiv") if one.get("index")]
        assert [int(one.get("index")) for one in equivalents] == list(range(len(equivalents)))
        shares = [float(one.get("conf")) for one in equivalents]
        assert shares == sorted(shares, reverse=True)
    order = root.findall(".//{*}RegionRefIndexed")
    assert [int(one.get("index")) for one in order] == list(range(4))
    assert [one.get("regionRef") for one in order] == [one.get("id") for one in root.findall(".//{*}TextRegion")]


def test_alto_and_page_tell_notes_headings_and_centre_strips_and_the_direction() -> None:
    parts = ["heading", "text", "note-right", "note-left", "text", "centre", "text"]
    root = fromstring(document("page", spread()).encode())
    assert re.findall(r"type:([\w-]+)", " ".join(one.get("custom") for one in root.findall(".//{*}TextLine"))) == parts
    assert [one.get("type") for one in root.findall(".//{*}TextRegion")] == [
        *("heading", "paragraph", "header", "paragraph")
    ]
    root = fromstring(document("alto", spread()).encode())
    labels = {tag.get("ID"): tag.get("LABEL") for tag in root.findall("{*}Tags/{*}LayoutTag")}
    assert [labels[line.get("TAGREFS")] for line in root.findall(".//{*}TextLine")] == parts
    assert {block.get("BASEDIRECTION") for block in root.findall(".//{*}TextBlock")} == {"ttb"}
    horizontal = fromstring(document("alto", spread(direction="horizontal")).encode())
    assert {block.get("BASEDIRECTION") for block in horizontal.findall(".//{*}TextBlock")} == {"ltr"}


@pytest.mark.parametrize("source", ["kh\udce1c #1 & 50%.png", "a/b c/trăng?.jpg", "x:y.png"])
@pytest.mark.parametrize("number", ["", "#3"])
def test_the_address_of_a_tei_picture_gives_back_the_bytes_of_its_name(source: str, number: str) -> None:
    root = fromstring(document("tei", spread(source=source + number)).encode())
    address, _, fragment = root.find(".//{*}graphic").get("url").partition("#")
    assert unquote_to_bytes(address) == os.fsencode(source) and fragment == number[1:]


BROKEN = [
    ("page", r' id="line_2"', ' id="line_1"', "line_1 is the name of two elements"),
    ("page", r"<ReadingOrder>.*?</ReadingOrder>", "<Word/>", "Page holds Word"),
    ("page", r'points="\d+,', 'points="-3,', "points='-3,"),
    ("page", r'conf="0.9000"', 'conf="1.1"', "conf='1.1'"),
    ("page", r'type="heading"', 'type="head"', "type='head'"),
    ("page", r' imageWidth="320"', "", "lacks imageWidth"),
    ("page", r'regionRef="region_2"', 'regionRef="region_9"', "region_9 is referred to"),
    ("page", r"2024-02-29T", "2023-02-29T", "Created reads"),
    ("alto", r'CONTENT="序" GC', 'CONTENT="序文" GC', "Glyph has CONTENT"),
    ("alto", r' PHYSICAL_IMG_NR="1"', "", "lacks PHYSICAL_IMG_NR"),
    ("alto", r"<Shape>.*?</Shape>", "<Shape/>", "Shape holds"),
    ("alto", r"pixel", "px", "MeasurementUnit reads"),
    ("tei", r"<publicationStmt>.*?</publicationStmt>", "", "fileDesc holds"),
    ("tei", r'facs="#c1.2"', 'facs="#c9.9"', "c9.9 is referred to"),
    ("tei", r'cert="\w+"', 'cert="0.9x"', "cert='0.9x'"),
    ("tei", r'place="inline"', 'place="inside"', "place='inside'"),
    ("tei", r'url="trang%20', 'url="trang ', "url='trang "),
]


@pytest.mark.parametrize(("name", "pattern", "instead", "said"), BROKEN)
def test_the_check_finds_what_breaks_a_rule(name: str, pattern: str, instead: str, said: str) -> None:
    broken, count = re.subn(pattern, instead, document(name, spread()), count=1, flags=re.DOTALL)
    assert count == 1
    assert any(said in fault for fault in faults(broken, SCHEMAS[name]))


def test_what_the_command_writes_keeps_the_rules_for_odd_file_names_and_turned_pages(tmp_path: Path) -> None:
    folder, out = tmp_path / "bản khắc", tmp_path / "out"
    folder.mkdir()
    picture = printed(2, 2, 3).picture
    names = ["bản & 'khắc' #1.png", "turned.png"]
    Image.fromarray(picture).save(folder / names[0])
    Image.fromarray(np.ascontiguousarray(np.rot90(picture))).save(folder / names[1])
    try:
        Image.fromarray(picture).save(folder / os.fsdecode(b"kh\xe1c.png"))
        names.append("kh\xe1c")
    except OSError:
        pass  # This file system takes only names in Unicode.
    assert cli.run(["read", str(folder), str(out), "--format", "page,alto,tei", "-q", "--workers", "0"]) == 0
    assert len(rows(out / "metadata.csv")) == len(names)
    pages = [json.loads(path.read_bytes()) for path in (out / "pages").glob("*.json")]
    assert {page["source"] for page in pages} == {path.name for path in folder.iterdir()}
    for name, schema in SCHEMAS.items():
        assert [faults(text, schema) for text in texts(out / name)] == [[]] * len(names)


def texts(folder: Path) -> list[str]:
    return [path.read_text(encoding="utf-8") for path in sorted(folder.iterdir())]


def test_a_schema_knows_each_format_of_xml() -> None:
    assert {name for name, form in FORMATS.items() if form.suffix == ".xml"} == set(SCHEMAS)
    assert all(isinstance(schema, Schema) for schema in SCHEMAS.values())
