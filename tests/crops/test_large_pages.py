"""Test that boxes are in pixels of the picture as it is shown, even for large JPEGs and photos rotated by EXIF."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinycolumn import WIDTH, column

from sinonom_cli.cli import run

TEXT = "大人山水"
SIDES = (2200, 2100)
LEFT, TOP = 1500, 900
Box = tuple[int, int, int, int]


def page(path: Path, **options: object) -> list[Box]:
    """Write a page larger than 2,048 pixels on both sides with one column; return its characters' boxes."""
    drawn = column(TEXT, seed=1)
    grey = np.full(SIDES[::-1], 225, np.uint8)
    grey[TOP : TOP + len(drawn.grey), LEFT : LEFT + WIDTH] = drawn.grey
    path.parent.mkdir(exist_ok=True)
    image = Image.fromarray(grey)
    if "exif" in options:
        image = image.transpose(Image.Transpose.ROTATE_90)
    image.save(path, quality=95, **options)
    return [(LEFT + 3, TOP + top, LEFT + WIDTH - 3, TOP + bottom) for top, bottom in drawn.spans]


def csv_of(boxes: list[Box], name: str) -> str:
    lines = [f"{name},{','.join(map(str, box))},{char}" for char, box in zip(TEXT, boxes, strict=True)]
    return "\n".join(["picture,x0,y0,x1,y1,text", *lines])


def column_csv_of(boxes: list[Box], name: str) -> str:
    x0, y0, x1, y1 = *boxes[0][:2], *boxes[-1][2:]
    return f"picture,x0,y0,x1,y1,text\n{name},{x0 - 3},{y0 - 2},{x1 + 3},{y1 + 2},{TEXT}\n"


def yolo_of(boxes: list[Box], name: str) -> str:
    width, height = SIDES
    return "\n".join(
        f"{k} {(x0 + x1) / 2 / width} {(y0 + y1) / 2 / height} {(x1 - x0) / width} {(y1 - y0) / height}"
        for k, (x0, y0, x1, y1) in enumerate(boxes)
    )


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("form", [csv_of, column_csv_of, yolo_of])
def test_characters_are_cut_where_the_boxes_of_a_large_jpeg_say(tmp_path: Path, form: object, turned: bool) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # The picture is shown rotated clockwise by 90 degrees.
    boxes = page(tmp_path / "in" / "p.jpg", **({"exif": exif} if turned else {}))
    if form is yolo_of:
        (tmp_path / "b").mkdir()
        (tmp_path / "b" / "p.txt").write_text(yolo_of(boxes, "p.jpg"), encoding="utf-8")
        (tmp_path / "b" / "classes.txt").write_text("\n".join(TEXT), encoding="utf-8")
    else:
        (tmp_path / "b.csv").write_text(form(boxes, "p.jpg"), encoding="utf-8")  # type: ignore[operator]
    given = tmp_path / ("b" if form is yolo_of else "b.csv")
    sheet = tmp_path / "sheet.png"
    arguments = ["crop-nomnaocr", str(tmp_path / "in"), str(tmp_path / "set"), "--boxes", str(given), "-q"]
    assert run([*arguments, "--keep-doubtful", "--sheet", str(sheet)]) == 0
    with (tmp_path / "set" / "metadata.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["char"] for row in rows] == list(TEXT)
    for row, box in zip(rows, boxes, strict=True):
        assert np.abs(np.subtract(list(map(int, row["box"].split())), box)).max() <= 2
    shown = np.asarray(Image.open(sheet).convert("L"))
    assert max(shown.shape) < 1800 and (shown < 200).any()  # The sheet shows the large page reduced.
