"""`sinonom read --corrections`: what people corrected comes back in a new reading, in all that it writes."""

import json
import shutil
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from refused import naming
from tinyboxes import rows
from tinycommands import sinonom
from tinyprint import save_pages, text_of
from tinytraining import TINY

from sinonom_cli.api.correcting import Sheets
from sinonom_cli.layout.corrections import Correction, Spot
from sinonom_cli.layout.order import Placed
from sinonom_cli.pages.places import names_in_context
from sinonom_cli.search.naming import Name, shipped_namer

FORMATS = {"pages": "txt", "page": "xml", "alto": "xml", "tei": "xml"}


def read(*words: object) -> int:
    return sinonom("read", *words, "-q", "--workers", "0")


def text(out: Path, page: str = "trang 1") -> str:
    return (out / "pages" / f"{page}.txt").read_text(encoding="utf-8").strip()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return a folder with two pages that were read and then corrected, and what the first one reads then.

    A split character, whose halves people did not name, is "?" in the text.
    """
    folder = tmp_path_factory.mktemp("bản khắc")
    pages = save_pages(folder / "in", 2)
    assert read(folder / "in", folder / "out") == 0
    sheets = Sheets(folder / "out")
    columns = [list(line) for line in text_of(pages[0]).split("\n")]
    assert [one.char for one in sheets.sheet("trang 1").characters] == [*chain(*columns)]
    sheets.correct("trang 1", "change", [0], chars=["鬼"])
    sheets.correct("trang 1", "accept", [1])
    sheets.correct("trang 1", "delete", [11])
    sheets.correct("trang 1", "merge", [6, 7], chars=["龍"])
    sheets.correct("trang 1", "split", [4])
    sheets.correct("trang 1", "change", [3], chars=["誤"])
    sheets.correct("trang 1", "undo")
    x0, y0, x1, y1 = sheets.sheet("trang 1").characters[3].box
    sheets.correct("trang 1", "add", boxes=[(x0, y1 + 1, x1, y1 + (y1 - y0) / 2)], chars=["口"])
    sheets.close()
    wanted = ["鬼" + "".join(columns[0][1:]) + "口", "??" + columns[1][1] + "龍", "".join(columns[2][:3])]
    return folder, "\n".join(wanted)


@pytest.fixture(scope="module")
def corrected(site: tuple[Path, str]) -> Path:
    """Return the folder of the new reading."""
    folder, _ = site
    formats = ("--format", "txt,page,alto,tei")
    given = ("--corrections", folder / "out" / "corrections.jsonl")
    assert read(folder / "in", folder / "corrected", *formats, *given) == 0
    return folder / "corrected"


def assert_reads(found: str, wanted: str) -> None:
    """Expect a text; a "?" stands for any character."""
    assert len(found) == len(wanted)
    assert "".join("?" if w == "?" else c for c, w in zip(found, wanted, strict=True)) == wanted


def test_every_correction_is_in_the_text_of_a_new_reading(site: tuple[Path, str], corrected: Path) -> None:
    assert_reads(text(corrected), site[1])
    assert text(corrected, "trang 2") == text(site[0] / "out", "trang 2")


def test_python_applies_corrections_as_the_command_does(site: tuple[Path, str], corrected: Path) -> None:
    import sinonom_cli as sinonom_python

    folder, _ = site
    page = sinonom_python.read(folder / "in/trang 1.png", corrections=folder / "out")
    assert str(page) == text(corrected)
    with pytest.raises(sinonom_python.SinonomError):
        sinonom_python.read(page.picture, corrections=folder / "out")


def test_what_people_said_is_certain_and_marked(site: tuple[Path, str], corrected: Path) -> None:
    table = [row for row in rows(corrected / "characters.csv") if row["page"] == "trang 1"]
    by_people = {row["char"] for row in table if row["checked"] == "yes"}
    assert by_people == {"鬼", site[1][1], "口", "龍"}
    for row in table:
        said = row["checked"] == "yes"
        assert (row["probability"] == "1.0000" and row["named_by"] == "correction") or not said
        assert said or row["named_by"] == "context"
    halves = [row for row in table if row["column"] == "2"][:2]
    assert all(len(row["names"].split()) == 5 and row["score"] == "1.000" for row in halves)  # named by the model


def test_after_corrections_each_character_votes_with_its_own_looks(
    site: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def spy(places: list[Placed], names: list[list[Name]], embeddings: NDArray[np.float32]) -> list[list[Name]]:
        seen.append((names, embeddings))
        return names_in_context(places, names, embeddings)

    monkeypatch.setattr("sinonom_cli.pages.read_page.names_in_context", spy)
    folder, wanted = site
    assert read(folder / "in/trang 1.png", tmp_path / "out", "--corrections", folder / "out") == 0
    [(names, embeddings)] = seen
    assert len(names) == len(embeddings) == len(wanted.replace("\n", ""))
    again = shipped_namer().names(embeddings, 1)
    by_model = [k for k, several in enumerate(names) if several[0].probability < 1]
    assert len(by_model) == len(names) - 4  # people have named four
    assert [again[k][0].char for k in by_model] == [names[k][0].char for k in by_model]


@pytest.mark.parametrize("folder", FORMATS)
def test_every_format_shows_the_corrected_text(site: tuple[Path, str], corrected: Path, folder: str) -> None:
    written = (corrected / folder / f"trang 1.{FORMATS[folder]}").read_text(encoding="utf-8")
    page = json.loads((corrected / "pages/trang 1.json").read_text(encoding="utf-8"))
    assert all(char in written for char in "鬼口龍") and page["text"] == text(corrected)
    assert text(site[0] / "out")[0] not in written  # the name that was changed


def test_more_corrections_make_only_their_page_again(site: tuple[Path, str], corrected: Path, tmp_path: Path) -> None:
    folder, _ = site
    file = tmp_path / "corrections.jsonl"
    shutil.copy(folder / "out" / "corrections.jsonl", file)
    out = tmp_path / "out"
    assert read(folder / "in", out, "--corrections", file) == 0
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.is_file()}
    assert read(folder / "in", out, "--corrections", file) == 0
    assert {path: path.stat().st_mtime_ns for path in before} == before
    box = tuple(map(float, rows(out / "characters.csv")[-1]["box"].split()))
    line = Correction(
        id=99, when="", who="", page="trang 2", action="change", was=(Spot(box=box, char=""),),
        now=(Spot(box=box, char="鬼"),),
    )  # fmt: skip
    file.write_bytes(file.read_bytes() + line.line())
    assert read(folder / "in", out, "--corrections", file) == 0
    assert text(out, "trang 2").endswith("鬼")
    first = out / "pages/trang 1.json"
    assert first.stat().st_mtime_ns == before[first]
    assert read(folder / "in", out) == 5  # without its corrections, it is another reading


def test_a_corrected_reading_is_corrected_further_and_both_files_are_asked_for(
    site: tuple[Path, str], corrected: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, wanted = site
    out = tmp_path / "out"
    shutil.copytree(corrected, out)
    sheets = Sheets(out)
    assert_reads("".join(one.char for one in sheets.sheet("trang 1").characters), wanted.replace("\n", ""))
    assert not sheets.correct("trang 1", "undo")  # what the reading holds is not taken back
    sheets.correct("trang 1", "change", [0], chars=["神"])
    sheets.close()
    first, second = folder / "out/corrections.jsonl", out / "corrections.jsonl"
    capsys.readouterr()
    assert sinonom("read", folder / "in", tmp_path / "no", "--corrections", second) == 4
    naming(capsys, second)
    assert read(folder / "in", tmp_path / "again", "--corrections", first, "--corrections", second) == 0
    assert_reads(text(tmp_path / "again"), "神" + wanted[1:])


def test_a_reading_is_made_again_in_its_own_folder_and_shown_with_each_correction_once(
    site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, wanted = site
    out = tmp_path / "out"
    shutil.copytree(folder / "out", out)
    kept = (out / "corrections.jsonl").read_bytes()
    assert read(folder / "in", out, "--corrections", out) == 5
    assert read(folder / "in", out, "--corrections", out, "--overwrite") == 0
    assert (out / "corrections.jsonl").read_bytes() == kept
    assert_reads(text(out), wanted)
    sheet = Sheets(out).sheet("trang 1")
    assert_reads("".join(one.char for one in sheet.characters), wanted.replace("\n", ""))
    assert [one.char for one in sheet.characters if one.checked] == ["鬼", wanted[1], "口", "龍"]


def test_corrections_that_fit_nothing_are_said_and_listed(
    site: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = site
    file = tmp_path / "corrections.jsonl"
    far = (9000.0, 9000.0, 9010.0, 9010.0)
    line = Correction(
        id=98, when="", who="", page="trang 1", action="change", was=(Spot(box=far, char="一"),),
        now=(Spot(box=far, char="二"),),
    )  # fmt: skip
    outside = replace(line, id=99, action="add", was=(), now=(Spot(box=(-20.0, 5.0, 1.0, 30.0), char="三"),))
    file.write_bytes((folder / "out/corrections.jsonl").read_bytes() + line.line() + outside.line())
    assert sinonom("read", folder / "in", tmp_path / "out", "--corrections", file, "--workers", 0) == 0
    naming(capsys, "trang 1", "9000", "二", "2 of 8")
    row, other = rows(tmp_path / "out/doubtful.csv")
    assert (other["box"], other["char"], other["known"]) == ("-20 5 1 30", "", "三")
    assert (row["page"], row["box"], row["char"], row["known"]) == ("trang 1", "9000 9000 9010 9010", "一", "二")


def test_corrections_of_other_pages_are_refused(
    site: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, _ = site
    file = folder / "out/corrections.jsonl"
    (tmp_path / "in").mkdir()
    shutil.copy(folder / "in/trang 1.png", tmp_path / "in/tờ 7.png")
    assert sinonom("read", tmp_path / "in", tmp_path / "no", "--corrections", file) == 4
    naming(capsys, file, "trang 1", "tờ 7")
    assert not (tmp_path / "no").exists()
    shutil.copy(folder / "in/trang 2.png", tmp_path / "in/trang 1.png")  # another page under the old name
    assert read(tmp_path / "in", tmp_path / "out", "--corrections", file) == 6
    assert [row["file"] for row in rows(tmp_path / "out/failures.csv")] == ["trang 1.png"]


@pytest.mark.parametrize("content", ["", "{}\n", '{"kind": "corrections", "schema": 1, "of": 1, "upon": 3}\n'])
def test_a_file_that_holds_no_corrections_is_refused(
    site: tuple[Path, str], tmp_path: Path, content: str, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "corrections.jsonl"
    file.write_text(content, encoding="utf-8")
    assert sinonom("read", site[0] / "in", tmp_path / "no", "--corrections", file) == 4
    naming(capsys, file)
    assert sinonom("read", site[0] / "in", tmp_path / "no", "--corrections", tmp_path / "none.jsonl") == 4
    assert not (tmp_path / "no").exists()


def crop(folder: Path, boxes: Path, out: Path) -> dict[str, str]:
    """Cut the characters of the pages out by boxes, checked by the model, and return the label of each kept box."""
    options = ("--boxes", boxes, "--check", "--workers", 0, "-q")
    assert sinonom("crop-nomnaocr", folder / "in", out, *options) == 0
    return {row["box"]: row["label"] for row in rows(out / "metadata.csv")}


def test_corrected_characters_are_cut_out_and_learnt(site: tuple[Path, str], corrected: Path, tmp_path: Path) -> None:
    folder, _ = site
    found = [crop(folder, corrected / name, tmp_path / name) for name in ("characters.csv", "page", "alto")]
    wrong = {f"U+{ord(char):04X}" for char in "鬼龍"}  # names of characters that the pictures do not show
    assert all(wrong <= set(labels.values()) for labels in found)
    marks = (corrected / "characters.csv").read_text(encoding="utf-8").replace(",yes,", ",no,")
    (tmp_path / "unmarked.csv").write_text(marks, encoding="utf-8")
    assert "U+9B3C" not in crop(folder, tmp_path / "unmarked.csv", tmp_path / "unmarked").values()
    data = ("--data", tmp_path / "characters.csv", "--data", tmp_path / "page")
    assert sinonom("train", *data, "--output", tmp_path / "model", *TINY, "--steps", 2, "--val", 0.1) == 0
    record = json.loads((tmp_path / "model/artifact.json").read_text(encoding="utf-8"))
    assert wrong <= set(record["labels"])
