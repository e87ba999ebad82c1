"""Test lists of patches as other programs save them: encodings, normalisation forms, marks that are not characters."""

import csv
import json
import unicodedata
from pathlib import Path

import pytest
from tinycolumn import column, save

from sinonom_cli.cli import run

TEXT = "大人山水木火"
FOLDER, NAME = "Truyện Kiều", "trang ấ_1.jpg"


def patches(folder: Path, form: str) -> Path:
    """Write a patch in a folder, with both names in the normalisation form `form`."""
    inside = folder / unicodedata.normalize(form, FOLDER)
    inside.mkdir(parents=True)
    save(column(TEXT, seed=4).grey, inside / unicodedata.normalize(form, NAME))
    return folder


def chars(out: Path) -> str:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return "".join(row["char"] for row in csv.DictReader(file))


def crop(folder: Path, out: Path, *more: str) -> int:
    return run(["crop-nomnaocr", str(folder), str(out), "-q", *more])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_list_reads_alike_however_it_was_saved(tmp_path: Path, encoding: str, end: str) -> None:
    folder = patches(tmp_path / "in", "NFC")
    lines = ["", f"{FOLDER}/{NAME}\t{TEXT}", ""]
    (folder / "All.txt").write_bytes(end.join(lines).encode(encoding))
    assert crop(folder, tmp_path / "set") == 0
    assert chars(tmp_path / "set") == TEXT


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("listed", ["NFC", "NFD"])
def test_patches_and_exclusions_are_found_in_either_normalisation_form(
    tmp_path: Path, on_disk: str, listed: str
) -> None:
    folder = patches(tmp_path / "in", on_disk)
    name = unicodedata.normalize(listed, f"{FOLDER}/{NAME}")
    (folder / "All.txt").write_text(f"{name}\t{TEXT}\n{name}\t{TEXT}\n", encoding="utf-8")
    assert crop(folder, tmp_path / "set") == 0
    assert chars(tmp_path / "set") == TEXT
    for form in ("NFC", "NFD"):
        excluded = tmp_path / f"{form}.txt"
        excluded.write_text(unicodedata.normalize(form, f"{FOLDER}/trang ấ"), encoding="utf-8")
        assert crop(folder, tmp_path / form, "--exclude", str(excluded)) == 4  # No patch is left.


@pytest.mark.parametrize(
    "text",
    [
        "\U000e0100".join(TEXT),
        "\u200b".join(TEXT) + "\ufe00",
        f"\ufeff{TEXT[:3]} \u3000{TEXT[3:]}\u0301",
        "".join(f"{char}\u302a" for char in TEXT),
        TEXT.replace("山", "⿱屮一"),
        TEXT.replace("山", "〓"),
    ],
)
def test_marks_are_not_counted_and_a_description_is_one_character(tmp_path: Path, text: str) -> None:
    folder = patches(tmp_path / "in", "NFC")
    (folder / "All.txt").write_text(f"{FOLDER}/{NAME}\t{text}\n", encoding="utf-8")
    assert crop(folder, tmp_path / "set") == 0
    assert chars(tmp_path / "set") == (TEXT if "山" in text else TEXT.replace("山", ""))


def test_a_list_that_is_no_text_is_told_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = patches(tmp_path / "in", "NFC")
    for bad in (b"\xb9\xfa\n", b"a\0b\n"):
        (folder / "All.txt").write_bytes(f"{FOLDER}/{NAME}\t{TEXT}\n".encode() + bad)
        assert crop(folder, tmp_path / "set") == 4
        assert "All.txt, line 2" in capsys.readouterr().err


def test_pictures_that_the_list_does_not_name_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = patches(tmp_path / "in", "NFC")
    save(column(TEXT, seed=5).grey, folder / "alone.JPEG")
    for name in ("page 1.pdf", "page 2.heic", "page 3.AVIF"):
        (folder / name).write_bytes(b"x")
    (folder / "All.txt").write_text(f"{FOLDER}/{NAME}\t{TEXT}\n", encoding="utf-8")
    assert run(["crop-nomnaocr", str(folder), str(tmp_path / "set")]) == 0
    err = capsys.readouterr().err
    assert all(name in err for name in ("alone.JPEG", ".pdf", ".heic", ".avif"))
    record = json.loads((tmp_path / "set" / "artifact.json").read_text(encoding="utf-8"))
    assert record["passed_over"] == {".avif": 1, ".heic": 1, ".pdf": 1}
    (folder / "alone.JPEG").unlink()
    for _ in range(2):  # Outputs inside the folder of patches are not taken for patches.
        assert run(["crop-nomnaocr", str(folder), str(folder / "out"), "--sheet", str(folder / "sheet.png")]) == 0
        err = capsys.readouterr().err
        assert "sheet.png does" not in err and ": sheet.png" not in err and "images/" not in err
