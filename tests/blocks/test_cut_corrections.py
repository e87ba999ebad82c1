"""`sinonom cut --corrections`: what people corrected on a block comes back in its meshes, and goes on from there."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from refused import naming
from tinyboxes import rows as table
from tinycommands import sinonom
from tinyscan import scans

from sinonom_cli.api.correcting import Sheets
from sinonom_cli.layout.corrections import FILE

BLOCK = "trang 1"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a block that was cut, corrected by people, and cut again with the corrections."""
    folder = tmp_path_factory.mktemp("bản khắc")
    scans(folder, columns=3, rows=4)
    assert sinonom("cut", folder / "scans", folder / "cut", "--workers", 0, "-q") == 0
    sheets = Sheets(folder / "cut")
    assert sheets.names == [BLOCK] and len(sheets.sheet(BLOCK).characters) == 12
    sheets.correct(BLOCK, "change", [0], chars=["鬼"])
    sheets.correct(BLOCK, "merge", [9, 10], chars=["龍"])
    sheets.correct(BLOCK, "delete", [8])
    sheets.correct(BLOCK, "split", [2])
    sheets.close()
    given = ("--corrections", folder / "cut")
    assert sinonom("cut", folder / "scans", folder / "corrected", *given, "--workers", 0, "-q") == 0
    return folder


def test_corrected_characters_have_the_name_and_the_outline_that_people_gave(folder: Path) -> None:
    rows, before = table(folder / "corrected/metadata.csv"), table(folder / "cut/metadata.csv")
    assert [row["place"] for row in rows] == [*"12345", *"1234", *"12"]
    said = [row for row in rows if row["checked"] == "yes"]
    assert [(row["char"], row["label"], row["named_by"], row["probability"]) for row in said] == [
        ("鬼", "U+9B3C", "correction", "1.0000"), ("龍", "U+9F8D", "correction", "1.0000"),
    ]  # fmt: skip
    upper, lower = (np.array(row["upright_box"].split(), float) for row in rows[2:4])
    whole = np.array(before[2]["upright_box"].split(), float)
    middle = (whole[1] + whole[3]) / 2
    np.testing.assert_allclose(upper, [*whole[:3], middle], rtol=1e-4)
    np.testing.assert_allclose(lower, [whole[0], middle, *whole[2:]], rtol=1e-4)
    assert int(rows[2]["faces"]) + int(rows[3]["faces"]) > 0.5 * int(before[2]["faces"])


def test_python_applies_corrections_as_the_command_does(folder: Path) -> None:
    import sinonom_cli as sinonom_python

    block = sinonom_python.cut(next((folder / "scans/meshes").glob("*.stl")), corrections=folder / "cut")
    rows = table(folder / "corrected/metadata.csv")
    assert [one.char for one in block.characters] == [row["char"] for row in rows]
    assert [one.named_by for one in block.characters] == [row["named_by"] for row in rows]


def test_files_of_characters_that_nobody_changed_keep_their_names(folder: Path) -> None:
    names = [row["file_name"].rpartition("/")[2] for row in table(folder / "corrected/metadata.csv")]
    kept = [f"{number:03d}.stl" for number in range(1, 13)]
    assert names == [*kept[:2], "013.stl", "014.stl", *kept[3:8], "015.stl", kept[11]]
    first = f"meshes/{BLOCK}/005.stl"  # its neighbours are as before
    assert (folder / "corrected" / first).read_bytes() == (folder / "cut" / first).read_bytes()


def test_a_corrected_cut_is_shown_corrected_and_can_be_corrected_further(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "corrected", tmp_path / "cut")
    sheets = Sheets(tmp_path / "cut")
    characters = sheets.sheet(BLOCK).characters
    assert [one.char for one in characters if one.checked] == ["鬼", "龍"]
    sheets.correct(BLOCK, "change", [0], chars=["神"])
    sheets.close()
    both = ("--corrections", folder / "cut" / FILE, "--corrections", tmp_path / "cut" / FILE)
    assert sinonom("cut", folder / "scans", tmp_path / "again", *both, "--workers", 0, "-q") == 0
    assert table(tmp_path / "again/metadata.csv")[0]["char"] == "神"


def test_corrections_of_another_block_are_refused(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "scans").mkdir()
    scan = next((folder / "scans/meshes").glob("*.stl"))
    shutil.copy(scan, tmp_path / "scans/khối 9.stl")
    given = ("--corrections", folder / "cut")
    assert sinonom("cut", tmp_path / "scans", tmp_path / "no", *given, "--workers", 0, "-q") == 4
    naming(capsys, BLOCK, "khối 9")
    assert not (tmp_path / "no").exists()


def test_an_index_takes_the_new_label_of_a_corrected_character(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(folder / "cut", tmp_path / "cut")
    (tmp_path / "cut" / FILE).unlink()
    sheets = Sheets(tmp_path / "cut")
    sheets.correct(BLOCK, "change", [0], chars=["鬼"])
    sheets.close()
    render, index = ("render", tmp_path / "cut", tmp_path / "images"), (tmp_path / "images", tmp_path / "db.faiss")
    assert sinonom(*render, "--workers", 0, "-q") == 0
    assert sinonom("index", *index, "-q") == 0
    before = table(tmp_path / "db.faiss.rows.csv")
    again = ("cut", folder / "scans", tmp_path / "cut", "--corrections", tmp_path / "cut", "--overwrite")
    assert sinonom(*again, "--workers", 0, "-q") == 0
    assert sinonom(*render, "--workers", 0, "--overwrite", "-q") == 0
    assert table(tmp_path / "images/metadata.csv")[0]["char"] == "鬼"
    capsys.readouterr()
    assert sinonom("index", *index, "--add") == 0
    naming(capsys, before[0]["item"], "U+9B3C")
    after = table(tmp_path / "db.faiss.rows.csv")
    assert (after[0]["label"], after[0]["char"]) == ("U+9B3C", "鬼") and after[1:] == before[1:]
    assert sinonom("index", *index, "--add") == 0
    assert table(tmp_path / "db.faiss.rows.csv") == after
