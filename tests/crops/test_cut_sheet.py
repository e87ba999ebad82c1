"""Test `crop-nomnaocr --sheet`: it shows the cuts, and overwrites no file other than a sheet."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinycolumn import column, save

from sinonom_cli.cli import run
from sinonom_cli.crops.contact_sheet import CUT, DOUBTFUL, HEAD, SURE, ZOOM

PRINTED = "大人山水木火土金"


def patches(folder: Path) -> Path:
    """Write five columns and a list; the fourth transcript misses a character, and one listed file does not exist."""
    (folder / "b").mkdir(parents=True)
    lines = []
    for number in range(5):
        save(column(PRINTED, seed=number).grey, folder / "b" / f"p_{number}.jpg")
        lines.append(f"b/p_{number}.jpg\t{PRINTED[:3] + PRINTED[4:] if number == 3 else PRINTED}\n")
    (folder / "All.txt").write_text("".join(lines) + "b/gone.jpg\t大\n", encoding="utf-8")
    return folder


def sheet(folder: Path, *more: str) -> np.ndarray:
    code = run(
        ["crop-nomnaocr", str(folder / "in"), str(folder / "set"), "--sheet", str(folder / "s.png"), "-q", *more]
    )
    assert code == 6  # One patch does not exist.
    return np.asarray(Image.open(folder / "s.png").convert("RGB")).astype(int)


def drawn_in(picture: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    return (picture == colour).all(axis=2)


def test_a_sheet_shows_cuts_and_the_boxes_of_sure_and_doubtful_characters(tmp_path: Path) -> None:
    patches(tmp_path / "in")
    picture = sheet(tmp_path, "--sheet-columns", "5")
    rows = np.flatnonzero(drawn_in(picture, CUT).sum(axis=1) > 3 * 0.9 * ZOOM * 28)  # At least 4 panels are cut here.
    assert len(rows) >= 8
    for high, low in column(PRINTED, seed=0).gaps():  # Each gap contains a cut.
        assert ((rows >= 8 + HEAD + ZOOM * (high - 2)) & (rows <= 8 + HEAD + ZOOM * (low + 2))).any()
    assert drawn_in(picture, SURE).sum() > 1000 and drawn_in(picture, DOUBTFUL).sum() > 300


def test_the_worst_columns_come_first(tmp_path: Path) -> None:
    patches(tmp_path / "in")
    worst = sheet(tmp_path, "--sheet-columns", "1", "--sheet-worst")
    assert drawn_in(worst, DOUBTFUL).any()
    assert sheet(tmp_path, "--sheet-columns", "2", "--sheet-worst").shape[1] > 1.5 * worst.shape[1]


def test_the_same_seed_draws_the_same_sheet(tmp_path: Path) -> None:
    patches(tmp_path / "in")
    sheets = {
        seed: [sheet(tmp_path, "--sheet-columns", "3", "--seed", seed).tobytes() for _ in (0, 1)] for seed in "123"
    }
    assert all(one == two for one, two in sheets.values()) and len({one for one, _ in sheets.values()}) > 1


@pytest.mark.parametrize("name", ["notes.png", "sheet.jpg"])
def test_nothing_but_a_sheet_of_ours_is_written_over(tmp_path: Path, name: str) -> None:
    patches(tmp_path / "in")
    Image.new("L", (4, 4)).save(tmp_path / name)
    before = (tmp_path / name).read_bytes()
    code = run(["crop-nomnaocr", str(tmp_path / "in"), str(tmp_path / "set"), "--sheet", str(tmp_path / name)])
    assert code == (5 if name.endswith(".png") else 2)
    assert (tmp_path / name).read_bytes() == before and not (tmp_path / "set").exists()
