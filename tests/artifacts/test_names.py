"""Files are found whatever normalisation form or capitals a list has, but never a file that could be another."""

import unicodedata
from pathlib import Path

import pytest

from sinonom_cli.artifacts.names import Spelling, composed

NAME = "Truyện Kiều/trang ấ.jpg"


@pytest.mark.parametrize("on_disk", ["NFC", "NFD"])
@pytest.mark.parametrize("asked", ["NFC", "NFD"])
def test_a_file_is_found_in_either_normalisation_form(tmp_path: Path, on_disk: str, asked: str) -> None:
    path = tmp_path / unicodedata.normalize(on_disk, NAME)
    path.parent.mkdir()
    path.touch()
    found = Spelling(tmp_path)(unicodedata.normalize(asked, NAME))
    assert (tmp_path / found).is_file() and composed(found) == composed(NAME)


def test_capitals_count_only_where_two_files_differ_by_them(tmp_path: Path) -> None:
    (tmp_path / "P1.JPG").touch()
    spelling = Spelling(tmp_path)
    assert (tmp_path / spelling("p1.jpg")).is_file()
    assert spelling("none/p1.jpg") == "none/p1.jpg" and spelling("p2.jpg") == "p2.jpg"
    (tmp_path / "p1.JPG").touch()
    if len(list(tmp_path.iterdir())) == 2:  # capitals count on this disk
        assert Spelling(tmp_path)("p1.jpg") == "p1.jpg"
        assert Spelling(tmp_path)("p1.JPG") == "p1.JPG"
