"""Test `crop-nomnaocr --boxes` with some boxes that cannot be used, and with files as other programs save them."""

import re
import unicodedata
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from tinyboxes import COLUMNS, Box, alto_xml, assert_cropped, crop, hull, page, page_xml, points, rows, yolo

from sinonom_cli.cli import run

Found = list[list[tuple[str, Box]]]
HEADER = "picture,x0,y0,x1,y1,text"


def csv_of(found: Found, name: str = "page 1.png") -> list[str]:
    return [f"{name},{','.join(map(str, box))},{char}" for one in found for char, box in one]


def written(path: Path, *lines: str, encoding: str = "utf-8") -> Path:
    path.write_text("\n".join(lines), encoding=encoding)
    return path


def given(form: str, found: Found, folder: Path) -> Path:
    """Write the boxes of a page in the format `form`; a character may be ""."""
    if form == "csv":
        return written(folder / "boxes.csv", HEADER, *csv_of(found))
    if form == "yolo":
        names = [char or "unknown" for one in reversed(found) for char, _ in one]
        yolo(folder / "yolo", found)
        lines = (folder / "yolo" / "page 1.txt").read_text(encoding="utf-8").splitlines()
        written(folder / "yolo" / "page 1.txt", *(f"{k} {line[2:]}" for k, line in enumerate(lines)))
        written(folder / "yolo" / "classes.txt", *names)
        return folder / "yolo"
    text = page_xml(found, True) if form == "page" else alto_xml(found, True)
    return written(folder / "page.xml", text)


def test_outlines_of_points_as_page_had_them_until_2010_are_read(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    as_points = re.sub(r"(\d+),(\d+) ?", r'<Point x="\1" y="\2"/>', page_xml(found, True))
    old = re.sub(r'<(Coords|Baseline) points="(.*?>)"/>', r"<\1>\2</\1>", as_points)
    assert "points=" not in old
    assert crop(tmp_path / "in", written(tmp_path / "page.xml", old), tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)


@pytest.mark.parametrize("form", ["csv", "yolo", "page", "alto"])
def test_of_boxes_without_text_only_these_are_set_aside(tmp_path: Path, form: str) -> None:
    found = page(tmp_path / "in")
    whole = [pair for one in found for pair in one]
    found[0][2] = ("", found[0][2][1])
    assert crop(tmp_path / "in", given(form, found, tmp_path), tmp_path / "set") == 0
    made = rows(tmp_path / "set" / "metadata.csv")
    assert [(row["source"], row["char"]) for row in made] == [
        (f"page 1.png#{k}", char) for k, (char, _) in enumerate(whole) if k != 2
    ]
    (aside,) = rows(tmp_path / "set" / "doubtful.csv")
    assert (aside["source"], aside["label"], aside["confidence"]) == ("page 1.png#2", "", "0.000") and aside["reason"]


def test_a_glyph_without_text_is_named_by_its_line_or_by_the_transcript(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    lost = [[("" if k == 1 else char, box) for k, (char, box) in enumerate(one)] for one in found]
    text = page_xml(lost, True)
    for one, other in zip(found, lost, strict=True):
        line, short = ("".join(char for char, _ in either) for either in (one, other))
        text = text.replace(
            f"<Unicode>{short}</Unicode></TextEquiv></TextLine>", f"<Unicode>{line}</Unicode></TextEquiv></TextLine>"
        )
    assert crop(tmp_path / "in", written(tmp_path / "p.xml", text), tmp_path / "line") == 0
    assert_cropped(tmp_path / "line", found)
    written(tmp_path / "in" / "All.txt", f"page 1.png\t{''.join(COLUMNS)}")
    assert crop(tmp_path / "in", given("csv", lost, tmp_path), tmp_path / "list") == 0
    assert_cropped(tmp_path / "list", found)


@pytest.mark.parametrize(
    "bad",
    ["nan,1,9,9,大", "9,9,1,1,大", "5,5,5,9,大", "x,1,2,3,大", "1,2,inf,4,大", "1,2,3", "1,2,3,4,大,木", ",,,,大"],
)
def test_of_rows_that_are_no_boxes_only_these_fail_by_their_line(tmp_path: Path, bad: str) -> None:
    found = page(tmp_path / "in")
    lines = csv_of(found)
    path = written(tmp_path / "boxes.csv", HEADER, *lines[:3], f"page 1.png,{bad}", *lines[3:])
    assert crop(tmp_path / "in", path, tmp_path / "set") == 6
    assert_cropped(tmp_path / "set", found)
    (failure,) = rows(tmp_path / "set" / "failures.csv")
    assert "boxes.csv, line 5" in failure["reason"]
    path = written(tmp_path / "boxes.csv", HEADER, f"page 1.png,{bad}")
    assert crop(tmp_path / "in", path, tmp_path / "none") == 4


@pytest.mark.parametrize(
    "bad",
    [
        "0 0.5 0.5 0 0.1",
        "0 nan 0.5 0.1 0.1",
        "0 0.5 0.5 0.1",
        "x 0.5 0.5 0.1 0.1",
        "0 1.5 0.5 0.1 0.1",
        "0 1e 0.5 0.1 0.1",
        "-1 0.5 0.5 0.1 0.1",
    ],
)
def test_of_lines_of_yolo_that_are_no_boxes_only_these_fail(tmp_path: Path, bad: str) -> None:
    found = page(tmp_path / "in")
    folder = yolo(tmp_path / "b", found, classes=COLUMNS[1] + COLUMNS[0])
    label = folder / "page 1.txt"
    label.write_text(bad + "\n" + label.read_text(encoding="utf-8"), encoding="utf-8")
    assert crop(tmp_path / "in", folder, tmp_path / "set") == 6
    assert_cropped(tmp_path / "set", found)
    (failure,) = rows(tmp_path / "set" / "failures.csv")
    assert "page 1.txt, line 1" in failure["reason"]


@pytest.mark.parametrize("glyphs", [True, False])
@pytest.mark.parametrize("form", ["page", "alto"])
def test_of_glyphs_and_lines_without_a_box_only_these_fail(tmp_path: Path, form: str, glyphs: bool) -> None:
    found = page(tmp_path / "in")
    text = page_xml(found, glyphs) if form == "page" else alto_xml(found, glyphs)
    x0, y0, x1, y1 = box = found[0][1][1] if glyphs else hull(found[1])
    good = f'HPOS="{x0}" VPOS="{y0}" WIDTH="{x1 - x0}" HEIGHT="{y1 - y0}"' if form == "alto" else points(box, ",")
    wrong = f'HPOS="{x0}" VPOS="{y0}" WIDTH="-4" HEIGHT="nan"' if form == "alto" else "1,2 x,y"
    assert good in text
    text = text.replace(good, wrong).replace(points(hull(found[1]), " "), "1 2 3")
    assert crop(tmp_path / "in", written(tmp_path / "p.xml", text), tmp_path / "set") == 6
    whole = [char for one in found for char, _ in one]
    left = [*whole[:1], *whole[2:]] if glyphs else [char for char, _ in found[0]]
    assert [row["char"] for row in rows(tmp_path / "set" / "metadata.csv")] == left
    (failure,) = rows(tmp_path / "set" / "failures.csv")
    assert failure["file"] == ("page 1.png:l0, character 2" if glyphs else "page 1.png:l1")


def test_an_outline_that_is_none_does_not_matter_where_characters_have_boxes(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    for number, whole in enumerate((page_xml(found, True), alto_xml(found, True))):
        text = whole.replace(points(hull(found[0]), ","), "1,2 x,y").replace(points(hull(found[0]), " "), "1 2 3")
        out = tmp_path / f"set{number}"
        assert crop(tmp_path / "in", written(tmp_path / "p.xml", text), out) == 0
        assert_cropped(out, found)


def test_boxes_outside_the_picture_are_set_aside_and_wide_ones_are_clipped(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    lines = [*csv_of(found), "page 1.png,500,20,530,50,大", "page 1.png,-30,-30,-1,-1,大"]
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *lines), tmp_path / "set") == 0
    made = rows(tmp_path / "set" / "metadata.csv")
    assert [row["char"] for row in made] == [char for one in found for char, _ in one]
    aside = rows(tmp_path / "set" / "doubtful.csv")
    assert len(aside) == 2 and all("outside" in row["reason"] for row in aside)
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *lines[-2:]), tmp_path / "none") == 4
    wide = [*csv_of(found)[:-1], f"page 1.png,-9,{found[1][-1][1][1]},{found[1][-1][1][2]},900,日"]
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *wide), tmp_path / "wide") == 0


@pytest.mark.parametrize("form", ["csv", "yolo", "page", "alto"])
def test_marks_and_code_points_in_texts_are_their_characters(tmp_path: Path, form: str) -> None:
    found = page(tmp_path / "in")
    marked = [[(f"{char}\U000e0100\u200b\u302a", box) for char, box in one] for one in found]
    if form in ("csv", "yolo"):
        marked[0][0] = (f"U+{ord(found[0][0][0]):04X}", marked[0][0][1])
    assert crop(tmp_path / "in", given(form, marked, tmp_path), tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)


def test_marks_of_a_column_are_not_counted(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    marked = [("\ufe00".join(char for char, _ in one), hull(one)) for one in found]
    lines = csv_of([[(f"{text}\u200d", box)] for text, box in marked])
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *lines), tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)


def test_compatibility_and_private_use_characters_keep_their_labels(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    chars = ("\uf90a", "\U000f000b", "⿰木口", "\ue001")
    lines = [line[:-1] + char for line, char in zip(csv_of(found), chars, strict=False)]
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *lines), tmp_path / "set") == 0
    made = rows(tmp_path / "set" / "metadata.csv")
    assert [row["label"] for row in made] == ["U+F90A", "U+313FA", "U+E001"]  # A description gives no picture.


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
def test_pictures_are_found_in_either_normalisation_form(tmp_path: Path, on_disk: str) -> None:
    name, other = "trang ấ.png", "NFD" if on_disk == "NFC" else "NFC"
    there = unicodedata.normalize(on_disk, name)
    found = page(tmp_path / "in", there)
    lines = csv_of(found, unicodedata.normalize(other, name))
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *lines), tmp_path / "set") == 0
    assert len(rows(tmp_path / "set" / "metadata.csv")) == 9
    xml = page_xml(found, True, picture=unicodedata.normalize(other, name))
    assert crop(tmp_path / "in", written(tmp_path / "p.xml", xml), tmp_path / "xml") == 0
    folder = yolo(tmp_path / "b", found, classes=COLUMNS[1] + COLUMNS[0])
    (folder / "page 1.txt").rename(folder / f"{unicodedata.normalize(other, 'trang ấ')}.txt")
    assert crop(tmp_path / "in", folder, tmp_path / "yolo") == 0
    written(tmp_path / "in" / "All.txt", f"{unicodedata.normalize(other, name)}\t{''.join(COLUMNS)}")
    bare = [line[:-1] for line in lines]
    assert crop(tmp_path / "in", written(tmp_path / "b.csv", HEADER, *bare), tmp_path / "listed") == 0


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "utf-8-sig"), ("\t", "utf-16"), (";", "utf-16-le")])
def test_tables_are_read_as_excel_saves_them(tmp_path: Path, delimiter: str, encoding: str) -> None:
    found = page(tmp_path / "in")
    lines = [line.replace(",", delimiter) for line in (HEADER, *csv_of(found))]
    lines[1] = lines[1].replace(f"{delimiter}{TOP}", f"{delimiter}{TOP},0")
    lines[0] = lines[0].upper()
    ending = {"\t": "tsv"}.get(delimiter, "csv")
    path = written(tmp_path / f"b.{ending}", *lines, encoding=encoding)
    assert crop(tmp_path / "in", path, tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)


TOP = 23
"""Upper edge of the first character's box, in pixels."""


def test_pictures_of_any_ending_are_found_and_what_has_no_partner_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = page(tmp_path / "in", "page 1.PNG")
    folder = yolo(tmp_path / "b", found, classes=COLUMNS[1] + COLUMNS[0])
    written(folder / "gone.txt", "0 0.5 0.5 0.1 0.1")
    Image.new("L", (9, 9)).save(tmp_path / "in" / "alone.JPG", "JPEG")
    (folder / "page.pdf").write_bytes(b"x")
    with suppress(OSError):  # Windows does not let every user make links.
        (folder / "broken.txt").symlink_to(tmp_path / "nowhere")
    lost = {path.name for path in folder.glob("*.txt")} - {"page 1.txt", "classes.txt"}
    assert run(["crop-nomnaocr", str(tmp_path / "in"), str(tmp_path / "set"), "--boxes", str(folder)]) == 6
    assert_cropped(tmp_path / "set", found, "page 1.PNG")
    assert {row["file"] for row in rows(tmp_path / "set" / "failures.csv")} == lost
    err = capsys.readouterr().err
    assert "alone.JPG" in err and ".pdf" in err


def two_pages(found: Found, names: list[str]) -> str:
    """Return an ALTO file with one page for each column and the names of the pictures in its head."""
    one, other = (alto_xml([column], True) for column in found)
    start, end = other.index("<Page"), other.index("</Layout>")
    files = "".join(f"<fileName>{name}</fileName>" for name in names)
    return one.replace("</Layout>", f"{other[start:end]}</Layout>").replace("<fileName>page 1.png</fileName>", files)


def test_all_pages_of_a_file_are_taken_or_named(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    page(tmp_path / "in", "page 2.png")
    path = written(tmp_path / "two.xml", two_pages(found, ["page 1.png", "page 2.png"]))
    assert crop(tmp_path / "in", path, tmp_path / "both") == 0
    made = rows(tmp_path / "both" / "metadata.csv")
    assert [(row["source"].partition("#")[0], row["char"]) for row in made] == [
        (f"page {n}.png", char) for n, one in enumerate(found, 1) for char, _ in one
    ]
    path = written(tmp_path / "two.xml", two_pages(found, ["page 1.png"]))
    assert crop(tmp_path / "in", path, tmp_path / "one") == 6
    assert_cropped(tmp_path / "one", found[:1])
    (failure,) = rows(tmp_path / "one" / "failures.csv")
    assert "two.xml" in failure["file"] and "page 2" in failure["file"]


def test_all_pages_of_a_page_xml_file_are_taken_and_a_picture_that_is_absent_is_named(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    one, other = page_xml(found[:1], True), page_xml(found[1:], True)
    for picture, code in (("page 1.png", 0), ("nowhere.png", 6)):
        inner = other[other.index("<Page ") : other.index("</PcGts>")].replace("page 1.png", picture)
        path = written(tmp_path / "two.xml", one.replace("</PcGts>", f"{inner}</PcGts>"))
        out = tmp_path / f"set{code}"
        assert crop(tmp_path / "in", path, out) == code
        assert_cropped(out, found if code == 0 else found[:1])
    (failure,) = rows(tmp_path / "set6" / "failures.csv")
    assert "nowhere.png" in failure["reason"]


def test_two_boxes_in_one_place_keep_their_own_text(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    lines = csv_of(found)
    path = written(tmp_path / "b.csv", HEADER, *lines, lines[0][:-1] + "天")
    assert crop(tmp_path / "in", path, tmp_path / "set") == 0
    assert sorted(row["char"] for row in rows(tmp_path / "set" / "metadata.csv")) == sorted("".join(COLUMNS) + "天")


def test_an_unbalanced_quote_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = page(tmp_path / "in")
    lines = csv_of(found)
    for bad in (f'{lines[0][:-1]}"大', f'{lines[0]}"'):
        path = written(tmp_path / "b.csv", HEADER, lines[1], bad, *lines[2:])
        assert crop(tmp_path / "in", path, tmp_path / "set") == 4
        assert "b.csv, line 3" in capsys.readouterr().err
