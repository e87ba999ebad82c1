"""`sinonom cut --transcripts`: names from the text, doubts in `doubtful.csv`, and no wrong names from another text."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinyboxes import rows as table
from tinycommands import sinonom
from tinyscan import scans

import sinonom_cli
from sinonom_cli.blocks.doubts import OTHER_TEXT
from sinonom_cli.meshes.stl import read_stl
from sinonom_cli.relief.composition import Page


@pytest.fixture(scope="module")
def block(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Page, str]:
    """Return a folder with scans/, pages/ and a transcript, the page, and the block's name."""
    folder = tmp_path_factory.mktemp("bản khắc")
    [page] = scans(folder, columns=4, rows=5)
    columns: dict[int, str] = {}
    for placed in page.characters:
        columns[placed.column] = columns.get(placed.column, "") + placed.char
    [scan] = (folder / "scans" / "meshes").glob("*.stl")
    (folder / "texts").mkdir()
    (folder / "texts" / f"{scan.stem}.txt").write_text("\n".join(columns.values()), encoding="utf-8")
    return folder, page, scan.stem


@pytest.fixture(scope="module")
def cut(block: tuple[Path, Page, str]) -> list[object]:
    """Cut the block with its transcript into `folder`/cut, and return the command."""
    folder, _, _ = block
    command = ["cut", folder / "scans", folder / "cut", "--transcripts", folder / "texts", "--workers", 0, "-q"]
    assert sinonom(*command) == 0
    return command


def test_characters_are_named_by_their_transcript(block: tuple[Path, Page, str], cut: list[object]) -> None:
    folder, page, name = block
    rows = table(folder / "cut" / "metadata.csv")
    named = [row["char"] for row in rows if row["named_by"] == "transcript"]
    assert named == [placed.char for placed in page.characters]
    record = json.loads((folder / "cut" / f"blocks/{name}.json").read_text(encoding="utf-8"))
    assert record["transcript_agreement"] > 0.8 and record["transcript_characters"] == len(page.characters)


def test_a_transcript_of_another_block_gives_one_line_and_no_names(
    block: tuple[Path, Page, str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folder, page, name = block
    text = tmp_path / f"{name}.txt"
    text.write_text("龍鳳麟龜\n" * 5, encoding="utf-8")
    assert sinonom("cut", folder / "scans", tmp_path / "cut", "--transcripts", text, "--workers", 0, "-q") == 0
    said = [line for line in capsys.readouterr().err.splitlines() if name in line and OTHER_TEXT in line]
    assert len(said) == 1
    first, *_ = table(tmp_path / "cut" / "doubtful.csv")
    assert first["reason"].startswith(OTHER_TEXT) and first["known_by"] == "transcript"
    rows = table(tmp_path / "cut" / "metadata.csv")
    assert {row["named_by"] for row in rows} <= {"model", ""}
    assert sum(row["char"] == placed.char for row, placed in zip(rows, page.characters, strict=False)) > 0.8 * len(rows)


def test_a_changed_transcript_is_seen(block: tuple[Path, Page, str], tmp_path: Path) -> None:
    folder, _, name = block
    text = tmp_path / f"{name}.txt"
    text.write_text((folder / "texts" / f"{name}.txt").read_text(encoding="utf-8"), encoding="utf-8")
    command = ["cut", folder / "scans", tmp_path / "cut", "--transcripts", text, "--workers", 0, "-q"]
    assert sinonom(*command) == 0
    before = (tmp_path / "cut" / "metadata.csv").read_bytes()
    assert sinonom(*command) == 0
    text.write_text("天地玄黃\n", encoding="utf-8")
    assert sinonom(*command) == 5
    assert (tmp_path / "cut" / "metadata.csv").read_bytes() == before


def test_a_print_and_its_boxes_name_the_characters_of_the_block_it_was_made_from(
    block: tuple[Path, Page, str], tmp_path: Path
) -> None:
    folder, page, name = block
    lines = [f"trang 1.png,{','.join(map(str, placed.box))},{placed.char}" for placed in page.characters]
    (tmp_path / "boxes.csv").write_text("\n".join(["picture,x0,y0,x1,y1,text", *lines]) + "\n", encoding="utf-8")
    command = ["cut", folder / "scans", tmp_path / "cut", "--print", folder / "pages", "--workers", 0, "-q"]
    assert sinonom(*command, "--print-boxes", tmp_path / "boxes.csv") == 0
    rows = table(tmp_path / "cut" / "metadata.csv")
    assert [row["char"] for row in rows if row["named_by"] == "print"] == [placed.char for placed in page.characters]
    record = json.loads((tmp_path / "cut" / f"blocks/{name}.json").read_text(encoding="utf-8"))
    assert record["prints"] == 1
    assert sinonom("cut", folder / "scans", tmp_path / "x", "--print-boxes", tmp_path / "boxes.csv") == 2


def test_python_gives_the_names_and_meshes_of_the_command_and_reports_its_stages(
    block: tuple[Path, Page, str], cut: list[object]
) -> None:
    folder, _, name = block
    [scan] = (folder / "scans" / "meshes").glob("*.stl")
    text = folder / "texts" / f"{name}.txt"
    rows, stages = table(folder / "cut" / "metadata.csv"), []
    done = sinonom_cli.cut(
        scan, transcript=text.read_text(encoding="utf-8"), progress=lambda count, total, what: stages.append(count)
    )
    assert [(str(one.column), str(one.place), one.char, one.named_by) for one in done.characters] == [
        (row["column"], row["place"], row["char"], row["named_by"]) for row in rows
    ]
    assert [f"{one.probability:.4f}" for one in done.characters] == [row["probability"] for row in rows]
    for one, row in zip(done.characters, rows, strict=True):
        np.testing.assert_array_equal(one.mesh, read_stl(folder / "cut" / row["file_name"], []))
    assert stages == [1, 2, 3]
    assert str(done) == text.read_text(encoding="utf-8")
    with (folder / "cut" / rows[0]["picture_file_name"]).open("rb") as file, Image.open(file) as picture:
        np.testing.assert_array_equal(np.asarray(done.image()), np.asarray(picture))


def test_the_sheet_shows_every_block_and_is_written_over_no_other_file(
    block: tuple[Path, Page, str], cut: list[object], tmp_path: Path
) -> None:
    folder, _, name = block
    assert sinonom(*cut, "--sheet", tmp_path / "sheet.html") == 0
    shown = (tmp_path / "sheet.html").read_text(encoding="utf-8")
    columns = (folder / "texts" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    assert all(column in shown for column in columns)
    assert shown.count("<section>") == 1 and shown.count("data:image/jpeg;base64,") == 1
    assert sinonom(*cut, "--sheet", tmp_path / "sheet.html") == 0
    (tmp_path / "mine.html").write_text("mine", encoding="utf-8")
    assert sinonom(*cut, "--sheet", tmp_path / "mine.html") == 5
    assert (tmp_path / "mine.html").read_text(encoding="utf-8") == "mine"
    assert sinonom(*cut, "--sheet", tmp_path / "sheet.png") == 2
