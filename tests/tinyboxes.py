"""Draw a page of two columns, and write its boxes in the formats of YOLO, PAGE and ALTO."""

import csv
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np
from PIL import Image
from tinycolumn import WIDTH, column

from sinonom_cli.cli import run

COLUMNS = ("大人山水木", "火土金日")
"""Texts of the page's columns, from right to left."""
TOP = 20
Box = tuple[int, int, int, int]


def page(folder: Path, name: str = "page 1.png") -> list[list[tuple[str, Box]]]:
    """Draw a page of two columns; return each one's characters with their boxes."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = [column(text, seed=n) for n, text in enumerate(COLUMNS)]
    grey = np.random.default_rng(9).normal(225, 4, (220, 140))
    found = []
    for text, one, left in zip(COLUMNS, drawn, (90, 20), strict=True):
        grey[TOP : TOP + len(one.grey), left : left + WIDTH] = one.grey
        found.append(
            [(c, (left + 3, TOP + a, left + WIDTH - 3, TOP + b)) for c, (a, b) in zip(text, one.spans, strict=True)]
        )
    Image.fromarray(np.uint8(np.clip(grey, 0, 255))).save(folder / name)
    return found


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def assert_cropped(out: Path, found: list[list[tuple[str, Box]]], name: str = "page 1.png", slack: int = 2) -> None:
    """Assert that the set has each character of the page once, in reading order, with its box."""
    made = rows(out / "metadata.csv")
    expected = [pair for one in found for pair in one]
    assert [row["char"] for row in made] == [char for char, _ in expected]
    assert [row["source"] for row in made] == [f"{name}#{k}" for k in range(len(expected))]
    for row, (_, box) in zip(made, expected, strict=True):
        assert np.abs(np.subtract(list(map(int, row["box"].split())), box)).max() <= slack
        picture = np.asarray(Image.open(out / row["file_name"]))
        assert picture.shape == (64, 64) and picture.min() < 60 and np.median(picture) > 200


def crop(folder: Path, boxes: Path, out: Path, *more: str) -> int:
    return run(["crop-nomnaocr", str(folder), str(out), "--boxes", str(boxes), "-q", *more])


def points(box: Box, between: str) -> str:
    x0, y0, x1, y1 = box
    return " ".join(f"{x}{between}{y}" for x, y in ((x0, y0), (x1 - 1, y0), (x1 - 1, y1 - 1), (x0, y1 - 1)))


def hull(one: list[tuple[str, Box]]) -> Box:
    boxes = np.array([box for _, box in one])
    return (
        int(boxes[:, 0].min()) - 3,
        int(boxes[:, 1].min()) - 2,
        int(boxes[:, 2].max()) + 3,
        int(boxes[:, 3].max()) + 2,
    )


def page_xml(found: list[list[tuple[str, Box]]], glyphs: bool, picture: str = "page 1.png", size: str = "140") -> str:
    lines = []
    for n, one in enumerate(found):
        text = "".join(char for char, _ in one)
        inner = "".join(
            f'<Glyph id="g{n}{k}"><Coords points="{points(box, ",")}"/>'
            '<TextEquiv index="1"><Unicode>誤</Unicode></TextEquiv>'
            f'<TextEquiv index="0"><Unicode>{char}</Unicode></TextEquiv></Glyph>'
            for k, (char, box) in enumerate(one)
        )
        word = f'<Word id="w{n}"><Coords points="{points(hull(one), ",")}"/>{inner}</Word>' if glyphs else ""
        lines.append(
            f'<TextLine id="l{n}"><Coords points="{points(hull(one), ",")}"/><Baseline points="1,2 3,4"/>{word}'
            f"<TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>"
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<PcGts xmlns="http://schema.primaresearch.org/PAGE/gts/pagecontent/2019-07-15">'
        f'<Page imageFilename={quoteattr(picture)} imageWidth="{size}" imageHeight="220"><TextRegion id="r">'
        f"{''.join(lines)}</TextRegion></Page></PcGts>"
    )


def alto_xml(found: list[list[tuple[str, Box]]], glyphs: bool, unit: str = "pixel") -> str:
    lines = []
    for n, one in enumerate(found):
        x0, y0, x1, y1 = hull(one)
        inner = "".join(
            f'<Glyph ID="g{n}{k}" CONTENT="{char}" HPOS="{b[0]}" VPOS="{b[1]}" '
            f'WIDTH="{b[2] - b[0]}" HEIGHT="{b[3] - b[1]}"/>'
            for k, (char, b) in enumerate(one)
        )
        lines.append(
            f'<TextLine ID="l{n}" BASELINE="1 2 3 4" HPOS="{x0}" VPOS="{y0}" WIDTH="{x1 - x0}" HEIGHT="{y1 - y0}">'
            f'<Shape><Polygon POINTS="{points(hull(one), " ")}"/></Shape>'
            f'<String CONTENT="{"".join(char for char, _ in one)}">{inner if glyphs else ""}</String></TextLine>'
        )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<alto xmlns="http://www.loc.gov/standards/alto/ns-v4#">'
        f"<Description><MeasurementUnit>{unit}</MeasurementUnit><sourceImageInformation><fileName>page 1.png</fileName>"
        '</sourceImageInformation></Description><Layout><Page WIDTH="140" HEIGHT="220"><PrintSpace><TextBlock>'
        f"{''.join(lines)}</TextBlock></PrintSpace></Page></Layout></alto>"
    )


def yolo(folder: Path, found: list[list[tuple[str, Box]]], classes: str = "") -> Path:
    folder.mkdir()
    lines = []
    for k, (_, (x0, y0, x1, y1)) in enumerate(pair for one in reversed(found) for pair in one):
        number = k if classes else 0
        lines.append(f"{number} {(x0 + x1) / 280} {(y0 + y1) / 440} {(x1 - x0) / 140} {(y1 - y0) / 220}")
    (folder / "page 1.txt").write_text("\n".join(lines), encoding="utf-8")
    if classes:
        (folder / "classes.txt").write_text("\n".join(classes), encoding="utf-8")
    return folder
