"""Promises of `sinonom sets`: counts equal a plain count, sizes come from headers, and the sheet covers all ranks."""

import json
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinymodel import tiny_pictures

from sinonom_cli import cli
from sinonom_cli.reports import describe_sets as module
from sinonom_cli.reports.describe_sets import bars, size_of, sources, spread
from sinonom_cli.storage.image_set import Picture
from sinonom_cli.storage.record import begin, finish

COUNTS = {"U+4E00": 1, "U+5B57": 2, "U+20027": 3, "U+F1626": 5, "U+4E09": 8}


def sinonom(*arguments: object) -> int:
    return cli.run([str(argument) for argument in arguments])


@pytest.fixture
def prints(tmp_path: Path) -> Path:
    """Make a set of 19 crops from two books, of five characters, one of which is Private Use."""
    folder = tmp_path / "bản khắc 𡦂" / "data" / "crops"
    artifact = begin(folder, "imageset", {}, {})
    names = [f"images/{label}/{i}.png" for label, count in COUNTS.items() for i in range(count)]
    tiny_pictures(folder, names)
    lines = ["file_name,label,char,source,box,doubtful"]
    for number, name in enumerate(names):
        label = name.split("/")[1]
        book = "Kiều 1866" if number % 3 else "Đại Việt, sử ký/quyển 1"
        char, doubt = chr(int(label[2:], 16)), "" if number % 9 else "blurred"
        lines.append(f'{name},{label},{char},"{book}/p{number // 4}.jpg#{number}",0 0 9 9,{doubt}')
    (folder / "metadata.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "doubtful.csv").write_text("file,reason\na,faint\nb,split\nc,faint\n", encoding="utf-8")
    finish(artifact, counts={"items": 3, "images": 19, "failed": 2})
    return folder


def described(capsys: pytest.CaptureFixture[str], *arguments: object) -> list[dict]:
    capsys.readouterr()
    assert sinonom("sets", *arguments, "--json") == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_set_is_counted(prints: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [found] = described(capsys, prints)
    assert (found["images"], found["characters"], found["unlabelled"], found["private_use"]) == (19, 5, 0, 1)
    assert [tuple(bar.values()) for bar in found["images_of_a_character"]] == [
        (1, 1, 1, 1),
        (2, 2, 1, 2),
        (3, 4, 1, 3),
        (5, 8, 2, 13),
    ]
    assert found["commonest"][0] == {"label": "U+4E09", "char": "三", "images": 8}
    largest = [{"name": "Kiều 1866", "images": 12}, {"name": "Đại Việt, sử ký/quyển 1", "images": 7}]
    assert found["sources"] == {"kind": "folders", "count": 2, "largest": largest}
    assert found["sizes"] == {"looked_at": 19, "bad": 0, "found": [{"width": 24, "height": 24, "images": 19}]}
    assert (
        found["doubtful"] == {"left_out": {"faint": 2, "split": 1}, "in_the_set": {"blurred": 3}}
        and found["failed"] == 2
    )


def test_people_read_the_same_figures(prints: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sinonom("sets", prints) == 0
    text = capsys.readouterr().out
    assert f"{prints}: 19 images of 5 characters, 1 of them Private Use" in text
    assert [line.split() for line in text.splitlines() if line.split()[:1] == ["5-8"]] == [["5-8", "2", "13"]]
    assert "三 8" in text and "U+F1626 5" in text
    assert "sizes (all): 24 x 24 (19)" in text
    assert (
        "doubtful, left out, see doubtful.csv: 3\n           2  faint\n           1  split" in text
        and "failed inputs: 2" in text
    )


def test_a_folder_of_sets_is_all_its_sets_and_a_plain_folder_is_one(
    prints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny_pictures(prints.parent.parent / "plain", ["a.png", "b/c.png", "U+5B57/d.png"])
    found = described(capsys, prints.parent, prints.parent.parent / "plain")
    assert [Path(one["set"]).name for one in found] == ["crops", "plain"]
    assert (found[1]["images"], found[1]["characters"], found[1]["unlabelled"]) == (3, 1, 2)


def test_faces_come_before_files() -> None:
    pictures = [Picture(f"{i}.png", "", "", f"f.ttc#{i % 2}", more={"face": f"face{i % 3}"}) for i in range(7)]
    assert sources(pictures) == ("faces", {"face0": 3, "face1": 2, "face2": 2})
    assert sources([Picture("a.png", "", "", "000.stl"), Picture("b.png", "", "", "001.stl#0")]) == (
        "files",
        {"000.stl": 1, "001.stl": 1},
    )


def test_the_histogram_counts_every_character_once() -> None:
    counts = np.random.default_rng(0).integers(1, 700, 300).tolist()
    found = bars({str(i): count for i, count in enumerate(counts)})
    for bar in found:
        inside = [count for count in counts if bar.low <= count <= bar.high]
        assert (bar.characters, bar.images) == (len(inside), sum(inside))
    assert sum(bar.characters for bar in found) == 300 and found[0].low == 1
    assert all(one.high + 1 == other.low for one, other in pairwise(found))


@pytest.mark.parametrize("suffix", ["png", "jpg", "tif", "webp", "bmp", "gif"])
def test_sizes_are_those_of_pillow(tmp_path: Path, suffix: str) -> None:
    Image.new("L", (31, 17), 200).save(tmp_path / f"a.{suffix}")
    assert size_of(tmp_path / f"a.{suffix}") == (31, 17)


def test_missing_and_damaged_pictures_are_named_and_the_exit_code_says_so(
    prints: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (prints / "images" / "U+5B57" / "1.png").unlink()
    (prints / "images" / "U+4E00" / "0.png").write_bytes(b"no picture")
    assert sinonom("sets", prints) == 6
    said = capsys.readouterr()
    assert "2 of 19 pictures" in said.err and "U+4E00/0.png" in said.err
    assert "24 x 24 (17)" in said.out  # the other pictures are reported all the same


def test_a_sample_is_spread_evenly_and_said_to_be_one(
    prints: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert list(spread(range(10), 4)) == [0, 2, 5, 7]  # type: ignore[arg-type]
    assert list(spread(range(3), 4)) == [0, 1, 2]  # type: ignore[arg-type]
    monkeypatch.setattr("sinonom_cli.reports.sets.LOOKED_AT", 6)
    [found] = described(capsys, prints)
    assert found["sizes"]["looked_at"] == 6
    assert sinonom("sets", prints) == 0
    assert "sizes (a sample of 6): 24 x 24 (6)" in capsys.readouterr().out
    [found] = described(capsys, prints, "--all-sizes")
    assert found["sizes"]["looked_at"] == 19


def test_three_hundred_thousand_rows_are_counted_in_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    artifact = begin(tmp_path / "set", "imageset", {}, {})
    rows = "".join(
        f"images/U+{0x4E00 + i % 6000:04X}/{i}.png,U+{0x4E00 + i % 6000:04X},x,b/{i}.jpg,\n" for i in range(300_000)
    )
    (tmp_path / "set" / "metadata.csv").write_text("file_name,label,char,source,box\n" + rows, encoding="utf-8")
    finish(artifact, counts={})
    opened = []
    monkeypatch.setattr(module, "size_of", lambda path: opened.append(path) or (9, 9))
    started = time.process_time()
    [found] = described(capsys, tmp_path / "set")
    assert time.process_time() - started < 12  # 2.5 s on a free core; wall-clock time would include other programs
    assert found["images"] == 300_000 and found["images_of_a_character"][-1]["characters"] == 6000
    assert len(opened) == 1_000


def test_the_sheet_shows_a_line_for_each_character_and_is_drawn_alike_again(prints: Path, tmp_path: Path) -> None:
    from sinonom_cli.reports.set_sheet import ACROSS, GAP, NAME, SIDE, STEP, TITLE

    picture = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE)).astype(np.uint8)
    Image.fromarray(picture).save(prints / "images" / "U+4E00" / "0.png")
    sheet = tmp_path / "sheet.png"
    assert sinonom("sets", prints, "--sheet", sheet) == 0
    first = sheet.read_bytes()
    with Image.open(sheet) as image:
        page = np.asarray(image.convert("L"))
    assert page.shape == (TITLE + 5 * STEP + GAP, GAP + NAME + ACROSS * STEP)
    y, x = TITLE + 4 * STEP, GAP + NAME  # the rarest comes last
    assert np.array_equal(page[y : y + SIDE, x : x + SIDE], picture)
    assert sinonom("sets", prints, "--sheet", sheet) == 0
    assert sheet.read_bytes() == first


def test_a_sheet_in_the_way_and_what_is_no_set_are_refused(prints: Path, tmp_path: Path) -> None:
    picture = prints / "images" / "U+4E00" / "0.png"
    before = picture.read_bytes()
    assert sinonom("sets", prints, "--sheet", picture) == 5
    assert picture.read_bytes() == before
    assert sinonom("sets", prints, "--sheet", "sheet.jpg") == 2
    assert sinonom("sets", tmp_path / "none") == 4
    assert sinonom("sets", picture) == 4
    begin(tmp_path / "half", "imageset", {}, {})
    assert sinonom("sets", tmp_path / "half") == 4
