"""Test `sinonom read` as a user types it: texts, boxes, pages that lie wrong, several pages in a file, bad pages."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinyboxes import rows
from tinyprint import printed, save_pages, text_of

from sinonom_cli import cli
from sinonom_cli.layout.measure import box_overlaps, pairs


def read(*arguments: object) -> int:
    return cli.run(["read", *map(str, arguments), "-q", "--workers", "0"])


def text(out: Path, page: str) -> str:
    return (out / "pages" / f"{page}.txt").read_text(encoding="utf-8").strip()


def found_boxes(out: Path) -> np.ndarray:
    return np.array([[float(side) for side in row["box"].split()] for row in rows(out / "characters.csv")])


def assert_boxes(out: Path, truth: np.ndarray) -> None:
    """Expect each true box to be found once, and nothing else."""
    found = found_boxes(out)
    matched = pairs(box_overlaps(found, truth), np.ones(len(found)), 0.5)
    assert len(matched) == len(truth) == len(found)


def truth_of(page: object) -> np.ndarray:
    return np.array([one.box for one in page.characters], float)  # type: ignore[attr-defined]


def test_pages_are_read_column_by_column_from_the_right(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, out = tmp_path / "bản khắc", tmp_path / "kết quả"
    pages = save_pages(folder, 2)
    assert read(folder, out) == 0
    for number, page in enumerate(pages, 1):
        assert text(out, f"trang {number}") == text_of(page)
        assert (out / "pages" / f"trang {number}.png").is_file()
    table = [row for row in rows(out / "characters.csv") if row["page"] == "trang 1"]
    true = sorted(pages[0].characters, key=lambda one: (one.column, one.place))
    assert [(row["char"], row["column"], row["place"]) for row in table] == [
        (one.char, str(one.column), str(one.place)) for one in true
    ]
    for row in table:
        assert len(row["names"].split()) == len(row["probabilities"].split()) == 5
        assert row["picture"] == "trang 1.png" and row["names"].split()[0] == row["char"]
    capsys.readouterr()
    assert cli.run(["read", str(folder), str(out), "--workers", "0"]) == 0  # complete; it says again how much was read
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith(f"{len(rows(out / 'characters.csv'))} ")


@pytest.mark.parametrize(("turns", "mirror"), [(1, False), (2, False), (0, True)])
def test_a_page_that_lies_wrong_is_read_right_and_its_boxes_fit_the_picture_as_shown(
    tmp_path: Path, turns: int, mirror: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    page = printed()
    picture = np.rot90(page.picture[:, ::-1] if mirror else page.picture, turns)
    Image.fromarray(np.ascontiguousarray(picture)).save(tmp_path / "p.png")
    assert cli.run(["read", str(tmp_path / "p.png"), str(tmp_path / "out"), "--workers", "0"]) == 0
    assert text(tmp_path / "out", "p") == text_of(page)
    said = capsys.readouterr().err
    assert ("mirrored" in said) == mirror and (str(90 * turns) in said or not turns)
    mask = np.zeros(page.picture.shape, np.int64)
    for number, (x0, y0, x1, y1) in enumerate(truth_of(page).astype(int), 1):
        mask[y0:y1, x0:x1] = number
    turned = np.rot90(mask[:, ::-1] if mirror else mask, turns)
    truth = []
    for number in range(1, len(page.characters) + 1):
        high, wide = np.nonzero(turned == number)
        truth.append((wide.min(), high.min(), wide.max() + 1, high.max() + 1))
    assert_boxes(tmp_path / "out", np.array(truth, float))


@pytest.mark.parametrize("angle", [8.0, -6.0])
def test_a_leaning_page_is_read_and_each_outline_holds_its_character(tmp_path: Path, angle: float) -> None:
    page = printed(2)
    image = Image.fromarray(page.picture)
    image.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255).save(tmp_path / "p.png")
    assert read(tmp_path / "p.png", tmp_path / "out") == 0
    assert text(tmp_path / "out", "p") == text_of(page)
    reading = json.loads((tmp_path / "out/pages/p.json").read_text(encoding="utf-8"))
    dots = np.zeros(page.picture.shape, np.uint8)
    true = sorted(page.characters, key=lambda one: (one.column, one.place))
    for one, character in zip(true, reading["characters"], strict=True):
        dots[:] = 0
        x, y = (one.box[0] + one.box[2]) // 2, (one.box[1] + one.box[3]) // 2
        dots[y - 1 : y + 2, x - 1 : x + 2] = 255
        shown = np.asarray(Image.fromarray(dots).rotate(angle, Image.Resampling.BICUBIC, expand=True))
        middle = np.argwhere(shown == shown.max()).mean(axis=0)[::-1]
        assert np.linalg.norm(np.mean(character["outline"], axis=0) - middle) < 5


def test_every_page_of_a_tiff_and_of_a_pdf_is_read(tmp_path: Path) -> None:
    pytest.importorskip("pypdfium2")
    images = [Image.fromarray(printed(seed).picture) for seed in (1, 2)]
    (tmp_path / "in").mkdir()
    images[0].save(tmp_path / "in/quyen.tif", save_all=True, append_images=images[1:])
    images[0].save(tmp_path / "in/sach.pdf", save_all=True, append_images=images[1:], resolution=72)
    images[0].save(tmp_path / "in/chay.gif", save_all=True, append_images=images[1:])
    assert read(tmp_path / "in", tmp_path / "out") == 0
    for name in ("quyen", "sach"):
        for number in (1, 2):
            assert text(tmp_path / "out", f"{name}-{number}") == text_of(printed(number))
    table = {row["page"]: row["source"] for row in rows(tmp_path / "out/metadata.csv")}
    assert table["quyen-2"] == "quyen.tif#2" and len(table) == 5


def test_bad_pages_fail_alone_with_a_reason_and_the_others_are_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    save_pages(folder)
    rng = np.random.default_rng(0)
    Image.new("L", (300, 400), 250).save(folder / "blank.png")
    Image.fromarray(rng.integers(0, 256, (300, 300)).astype(np.uint8)).save(folder / "noise.png")
    Image.new("L", (1, 1)).save(folder / "dot.png")
    (folder / "text.png").write_text("no picture")
    (folder / "torn.pdf").write_bytes(b"%PDF-1.4\nnothing")
    Image.new("1", (30000, 30000)).save(folder / "huge.png")
    assert read(folder, tmp_path / "out") == 6
    reasons = {row["file"]: row["reason"] for row in rows(tmp_path / "out/failures.csv")}
    assert set(reasons) == {"blank.png", "noise.png", "dot.png", "text.png", "torn.pdf", "huge.png"}
    assert "blank" in reasons["blank.png"] and "100 million" in reasons["huge.png"] and "PDF" in reasons["torn.pdf"]
    assert text(tmp_path / "out", "trang 1") == text_of(printed(1))
    assert read(folder / "noise.png", tmp_path / "none") == 4


def test_boxes_that_are_given_replace_the_detector(tmp_path: Path) -> None:
    (page,) = save_pages(tmp_path / "in")
    some = [one for one in page.characters if one.column < 3]
    lines = ["picture,x0,y0,x1,y1", *("trang 1.png," + ",".join(map(str, one.box)) for one in some)]
    (tmp_path / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    assert read(tmp_path / "in", tmp_path / "out", "--boxes", tmp_path / "boxes.csv") == 0
    assert text(tmp_path / "out", "trang 1") == "\n".join(text_of(page).split("\n")[:2])
    assert_boxes(tmp_path / "out", np.array([one.box for one in some], float))
    (tmp_path / "other.csv").write_text("picture,x0,y0,x1,y1\nother.png,1,1,9,9", encoding="utf-8")
    assert read(tmp_path / "in", tmp_path / "no", "--boxes", tmp_path / "other.csv") == 4


@pytest.mark.parametrize("given", ["characters.csv", "page", "alto"])
def test_what_read_wrote_is_read_by_crop_nomnaocr_and_by_read_again(tmp_path: Path, given: str) -> None:
    (page,) = save_pages(tmp_path / "in")
    assert read(tmp_path / "in", tmp_path / "out", "--format", "txt,page,alto,tei") == 0
    boxes = str(tmp_path / "out" / given)
    crop = ["crop-nomnaocr", str(tmp_path / "in"), str(tmp_path / "set"), "--boxes", boxes, "-q", "--workers", "0"]
    assert cli.run(crop) == 0
    cropped = sorted(row["char"] for row in rows(tmp_path / "set/metadata.csv"))
    doubted = sorted(row["char"] for row in rows(tmp_path / "set/doubtful.csv"))
    assert sorted(cropped + doubted) == sorted(one.char for one in page.characters) and len(doubted) <= 1
    assert read(tmp_path / "in", tmp_path / "again", "--boxes", boxes) == 0
    assert text(tmp_path / "again", "trang 1") == text_of(page)
    assert np.abs(found_boxes(tmp_path / "again") - found_boxes(tmp_path / "out")).max() < 1.51  # whole pixels


def test_the_same_command_does_nothing_twice_and_overwrite_keeps_what_the_user_added(tmp_path: Path) -> None:
    save_pages(tmp_path / "in")
    assert read(tmp_path / "in", tmp_path / "out") == 0
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").rglob("*") if path.is_file()}
    (tmp_path / "out/pages/notes.txt").write_text("mine")
    assert read(tmp_path / "in", tmp_path / "out") == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert read(tmp_path / "in", tmp_path / "out", "--format", "tei") == 5
    assert read(tmp_path / "in", tmp_path / "out", "--format", "tei", "--overwrite") == 0
    kept = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert "pages/notes.txt" in kept and "tei/trang 1.xml" in kept
    assert not {"page/trang 1.xml", "pages/trang 1.txt"} & kept


def test_workers_do_not_change_a_byte(tmp_path: Path) -> None:
    save_pages(tmp_path / "in", 2, columns=2, rows=3)
    for workers in ("0", "2"):
        assert cli.run(["read", str(tmp_path / "in"), str(tmp_path / workers), "-q", "--workers", workers]) == 0
    one, two = ({p.relative_to(tmp_path / w): p.read_bytes() for p in (tmp_path / w).rglob("*.*")} for w in "02")
    assert one == two


def test_an_unknown_format_is_refused(tmp_path: Path) -> None:
    save_pages(tmp_path / "in")
    assert read(tmp_path / "in", tmp_path / "out", "--format", "txt,docx") == 2
    assert not (tmp_path / "out").exists()


def test_vietnamese_readings_are_written_below_each_column(tmp_path: Path) -> None:
    save_pages(tmp_path / "in")
    assert read(tmp_path / "in", tmp_path / "out", "--readings", "vi") == 0
    lines = (tmp_path / "out/readings/trang 1.txt").read_text(encoding="utf-8").splitlines()
    column = text_of(printed()).split("\n")[0]
    assert lines[0] == column and lines[2] == ""
    known = {"子": "tí", "生": "sinh", "官": "quan", "皇": "hoàng", "十": "thập", "三": "tam"}  # Unihan, kVietnamese
    heard = lines[1].split()
    assert len(heard) == len(column)
    assert [(char, word) for char, word in zip(column, heard, strict=True) if known.get(char, word) != word] == []


def test_python_reads_what_the_command_reads(tmp_path: Path) -> None:
    import sinonom_cli as sinonom

    (page,) = save_pages(tmp_path / "in")
    assert read(tmp_path / "in", tmp_path / "out") == 0
    for given in (tmp_path / "in/trang 1.png", page.picture, Image.fromarray(page.picture)):
        called = sinonom.read(given)
        assert str(called) == text(tmp_path / "out", "trang 1")
        assert np.allclose([one.box for one in called.characters], found_boxes(tmp_path / "out"), atol=0.01)
    assert called.image().size == Image.open(tmp_path / "out/pages/trang 1.png").size


def test_a_transcript_names_the_page_and_differences_are_listed(tmp_path: Path) -> None:
    save_pages(tmp_path / "in", columns=4, rows=5)
    true = text_of(printed(columns=4, rows=5))
    wrong = true.replace("\n", "|").replace(true[3], "鬼").replace("|", "\n")  # an editor's slip
    (tmp_path / "trang 1.txt").write_text(wrong, encoding="utf-8")
    assert read(tmp_path / "in", tmp_path / "out", "--transcripts", tmp_path / "trang 1.txt") == 0
    assert text(tmp_path / "out", "trang 1") == wrong
    table = rows(tmp_path / "out/characters.csv")
    assert {row["named_by"] for row in table} == {"transcript"}
    doubts = rows(tmp_path / "out/doubtful.csv")
    assert {(row["char"], row["known"]) for row in doubts} == {(true[3], "鬼")}
    assert len(doubts) == true.count(true[3])


def test_a_transcript_of_another_page_names_nothing_and_says_so(tmp_path: Path) -> None:
    save_pages(tmp_path / "in")
    (tmp_path / "other.txt").write_text("鬼神魚鳥\n龍虎馬牛\n山川草木", encoding="utf-8")
    assert read(tmp_path / "in", tmp_path / "out", "--transcripts", tmp_path / "other.txt") == 0
    assert text(tmp_path / "out", "trang 1") == text_of(printed())
    (doubt,) = rows(tmp_path / "out/doubtful.csv")
    assert "another text" in doubt["reason"] and doubt["page"] == "trang 1"
