"""Test `crop-nomnaocr --boxes` with CSV, YOLO text, PAGE XML and ALTO XML, for pages and patches, and bad files."""

from pathlib import Path

import numpy as np
import pytest
from tinyboxes import COLUMNS, alto_xml, assert_cropped, crop, hull, page, page_xml, rows, yolo
from tinycolumn import WIDTH, column, save

from sinonom_cli.crops.annotations import columns_of


@pytest.mark.parametrize("glyphs", [True, False])
@pytest.mark.parametrize("form", [page_xml, alto_xml])
def test_page_and_alto_give_characters_or_lines_that_are_cut(tmp_path: Path, form: object, glyphs: bool) -> None:
    folder = tmp_path / "trang 𡦂"
    found = page(folder)
    path = tmp_path / "page.xml"
    path.write_text(form(found, glyphs), encoding="utf-8")  # type: ignore[operator]
    assert crop(folder, path, tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)


def test_a_folder_of_xml_is_taken_and_a_bad_file_fails_alone(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    (tmp_path / "xml").mkdir()
    bad = {
        "cut": "<PcGts><Page",
        "html": "<html/>",
        "gone": page_xml(found, True, picture="nowhere.png"),
        "bomb": '<!DOCTYPE x [<!ENTITY a "aaaa">]>' + page_xml(found, True).partition("\n")[2],
        "inch": alto_xml(found, True, unit="inch1200"),
    }
    for name, text in {"ok": page_xml(found, True), **bad}.items():
        (tmp_path / "xml" / f"{name}.xml").write_text(text, encoding="utf-8")
    assert crop(tmp_path / "in", tmp_path / "xml", tmp_path / "set") == 6
    assert_cropped(tmp_path / "set", found)
    failures = {row["file"]: row["reason"] for row in rows(tmp_path / "set" / "failures.csv")}
    assert set(failures) == {f"{name}.xml" for name in bad}
    assert "well-formed" in failures["cut.xml"] and "neither PAGE nor ALTO" in failures["html.xml"]
    assert (
        "nowhere.png" in failures["gone.xml"] and "DTD" in failures["bomb.xml"] and "inch1200" in failures["inch.xml"]
    )


def test_boxes_for_a_picture_of_another_size_are_refused(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    (tmp_path / "p.xml").write_text(page_xml(found, True, size="280"), encoding="utf-8")
    assert crop(tmp_path / "in", tmp_path / "p.xml", tmp_path / "set") == 4
    reason = rows(tmp_path / "set" / "failures.csv")[0]["reason"]
    assert "140x220" in reason and "280x220" in reason


def test_lines_with_nothing_but_a_baseline_are_cut_around_it(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    lines = []
    for n, one in enumerate(found):
        middle, (_, top, _, bottom) = (one[0][1][0] + one[0][1][2]) // 2, hull(one)
        lines.append((n, "".join(char for char, _ in one), f"{middle},{top} {middle + 1},{bottom}"))
    inner = "".join(
        f'<TextLine id="l{n}"><Baseline points="{base}"/><TextEquiv><Unicode>{text}</Unicode></TextEquiv></TextLine>'
        for n, text, base in lines
    )
    page_text = f'<Page imageFilename="page 1.png" imageWidth="0" imageHeight="0">{inner}</Page>'
    (tmp_path / "page.xml").write_text(f"<PcGts>{page_text}</PcGts>", encoding="utf-8")
    inner = "".join(
        f'<TextLine ID="l{n}" BASELINE="{base.replace(",", " ")}"><String CONTENT="{text}"/></TextLine>'
        for n, text, base in lines
    )
    (tmp_path / "alto.xml").write_text(
        f"<alto><Description><fileName>page 1.png</fileName></Description><Page>{inner}</Page></alto>", encoding="utf-8"
    )
    for name in ("page", "alto"):
        assert crop(tmp_path / "in", tmp_path / f"{name}.xml", tmp_path / name, "--keep-doubtful") == 0
        assert_cropped(tmp_path / name, found)


def test_lines_that_lie_are_not_cut_as_columns(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    across = [found[0], [(char, (10 + 20 * k, 180, 30 + 20 * k, 200)) for k, char in enumerate("日月月")]]
    (tmp_path / "p.xml").write_text(page_xml(across, False), encoding="utf-8")
    assert crop(tmp_path / "in", tmp_path / "p.xml", tmp_path / "set") == 6
    (failure,) = rows(tmp_path / "set" / "failures.csv")
    assert failure["file"] == "page 1.png:l1" and failure["reason"]
    assert_cropped(tmp_path / "set", found[:1])


def test_a_csv_file_gives_characters_and_columns(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    lines = ["picture,x0,y0,x1,y1,text"]
    lines += [f"page 1.png,{','.join(map(str, box))},{char}" for char, box in reversed(found[0])]
    lines.append(f"page 1.png,{','.join(map(str, hull(found[1])))},{COLUMNS[1]}")
    (tmp_path / "boxes.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    assert crop(tmp_path / "in", tmp_path / "boxes.csv", tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", [found[1], found[0]])  # Columns come before single characters.


def test_yolo_text_takes_characters_from_its_classes_or_from_the_transcript(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    named = yolo(tmp_path / "named", found, classes=COLUMNS[1] + COLUMNS[0])
    assert crop(tmp_path / "in", named, tmp_path / "set") == 0
    assert_cropped(tmp_path / "set", found)
    bare = yolo(tmp_path / "bare", found)
    assert crop(tmp_path / "in", bare, tmp_path / "none") == 4
    (tmp_path / "in" / "All.txt").write_text(f"page 1.png\t{''.join(COLUMNS)}\n", encoding="utf-8")
    (bare / "page 1.txt").rename(tmp_path / "in" / "page 1.txt")  # The file now lies beside the picture and the list.
    assert crop(tmp_path / "in", tmp_path / "in", tmp_path / "listed") == 0
    assert_cropped(tmp_path / "listed", found)


def test_missed_split_and_merged_boxes_are_aligned_to_the_transcript(tmp_path: Path) -> None:
    text = "大人山水木火土金日月"
    drawn = column(text, seed=4)
    (tmp_path / "in").mkdir()
    save(drawn.grey, tmp_path / "in" / "p.jpg")
    (tmp_path / "in" / "All.txt").write_text(f"p.jpg\t{text.replace('火', '?')}\n", encoding="utf-8")
    spans = drawn.spans
    middle = (spans[3][0] + spans[3][1]) // 2
    seen = [spans[0], spans[2], (spans[3][0], middle), (middle, spans[3][1]), (spans[4][0], spans[5][1]), *spans[6:]]
    lines = ["picture,x0,y0,x1,y1", *(f"p.jpg,3,{low},{WIDTH - 3},{high}" for low, high in seen)]
    assert len(seen) == len(text) - 1
    (tmp_path / "b.csv").write_text("\n".join(lines), encoding="utf-8")
    assert crop(tmp_path / "in", tmp_path / "b.csv", tmp_path / "set", "--keep-doubtful") == 0
    made = {row["source"]: row for row in rows(tmp_path / "set" / "metadata.csv")}
    assert list(made) == [f"p.jpg#{k}" for k in range(10) if k != 5]
    for k, (low, high) in enumerate(spans):
        if k != 5:
            row = made[f"p.jpg#{k}"]
            _, y0, _, y1 = map(int, row["box"].split())
            assert row["char"] == text[k] and abs(y0 - low) <= 2 and abs(y1 - high) <= 2
    agreement = {k: float(made[f"p.jpg#{k}"]["agreement"]) for k in range(10) if k != 5}
    assert max(agreement[1], agreement[3], agreement[4]) < 0.6 < min(agreement[k] for k in (0, 2, 6, 7, 8, 9))


def test_boxes_in_several_columns_that_are_not_as_many_as_characters_fail(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    (tmp_path / "in" / "All.txt").write_text(f"page 1.png\t{''.join(COLUMNS)}月\n", encoding="utf-8")
    assert crop(tmp_path / "in", yolo(tmp_path / "b", found), tmp_path / "set") == 4
    reason = rows(tmp_path / "set" / "failures.csv")[0]["reason"]
    assert "9 boxes" in reason and "10 characters" in reason


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("picture,x0,y0,x1\n", "'y1'"),
        ("picture,x0,y0,x1,y1,text\np.png,1,2,3,four,大\n", "line 2"),
        ("picture,x0,y0,x1,y1,text\np.png,3,2,1,4,大\n", "x0 < x1"),
        ("picture,x0,y0,x1,y1,text\n../p.png,1,2,3,4,大\n", "inside"),
        ("picture,x0,y0,x1,y1,text\n", "no characters"),
        (None, "does not exist"),
    ],
)
def test_a_csv_file_that_is_wrong_is_named_with_its_line(
    tmp_path: Path, text: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    page(tmp_path / "in")
    if text is not None:
        (tmp_path / "boxes.csv").write_text(text, encoding="utf-8")
    assert crop(tmp_path / "in", tmp_path / "boxes.csv", tmp_path / "set") == 4
    err = capsys.readouterr().err
    assert "boxes.csv" in err and said in err and not (tmp_path / "set").exists()


def test_other_boxes_are_another_set(tmp_path: Path) -> None:
    found = page(tmp_path / "in")
    for shift, code in ((0, 0), (0, 0), (1, 5)):
        lines = [f"page 1.png,{x0},{y0},{x1 + shift},{y1},{char}" for char, (x0, y0, x1, y1) in found[0]]
        (tmp_path / "b.csv").write_text("\n".join(["picture,x0,y0,x1,y1,text", *lines]), encoding="utf-8")
        assert crop(tmp_path / "in", tmp_path / "b.csv", tmp_path / "set") == code


def test_columns_are_read_from_right_to_left(tmp_path: Path) -> None:
    boxes = [box for one in page(tmp_path) for _, box in one]
    order = [int(k) for k in np.random.default_rng(0).permutation(len(boxes))]
    shuffled = [(*map(float, boxes[k]),) for k in order]
    found = [[order[k] for k in one] for one in columns_of(shuffled)]  # type: ignore[arg-type]
    assert found == [[0, 1, 2, 3, 4], [5, 6, 7, 8]]
