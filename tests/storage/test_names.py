"""Test names: files are found under any normalisation form or case in a list, but never a file that could be
another."""

import os
import unicodedata
from pathlib import Path

import pytest

from sinonom_cli.storage.names import Spelling, composed, distinct, portable

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
    if len(list(tmp_path.iterdir())) == 2:  # this disk distinguishes case
        assert Spelling(tmp_path)("p1.jpg") == "p1.jpg"
        assert Spelling(tmp_path)("p1.JPG") == "p1.JPG"


@pytest.mark.parametrize(
    ("name", "want"),
    [
        ("bản khắc 𡦂/a,b #1 'c'.png", "bản khắc 𡦂/a,b #1 'c'.png"),
        ("-a.png", "-a.png"),
        ("a\nb\tc.png", "a%0Ab%09c.png"),
        ('a"b?.png', "a%22b%3F.png"),
        ("x./y /z.png", "x%2E/y%20/z.png"),
        (".a/b.png", "%2Ea/b.png"),
        ("CON.png", "%43ON.png"),
        ("nul/com1.stl.png", "%6Eul/%63om1.stl.png"),
        ("console.png", "console.png"),
        (os.fsdecode(b"\xff\xfe.png") if os.name == "posix" else "\ud83d.png", None),
        ("x" * 300 + ".png", None),
        ("𡦂" * 100 + "/a.png", None),
    ],
)
def test_names_that_are_made_can_be_had_on_every_system(name: str, want: str | None) -> None:
    made = portable(name)
    if want is not None:
        assert made == want
    made.encode()
    assert all(len(part.encode()) <= 255 and not part.endswith((".", " ")) for part in made.split("/"))
    assert portable(made) == made and made.count("/") == name.count("/")


def test_no_two_names_are_one_on_a_disk_without_capitals() -> None:
    wanted = {
        "a.stl": "a",
        "A.stl": "A",
        "b.stl": "b",
        "b.ply": "b",
        "é.stl": "é",
        "e\u0301.stl": "e\u0301",
        "c.stl": "c",
    }
    names = distinct(wanted, ".png")
    assert names["c.stl"] == "c.png" and (names["b.stl"], names["b.ply"]) == ("b.stl.png", "b.ply.png")
    assert len({composed(name).casefold() for name in names.values()}) == len(wanted)
    assert distinct(dict(reversed(wanted.items())), ".png") == names


def test_a_name_that_another_falls_back_to_is_not_taken_twice() -> None:
    wanted = {"a.stl": "a", "a.ply": "a", "a.stl.obj": "a.stl", "A.PLY": "A"}
    names = distinct(wanted, ".png")
    assert len({name.casefold() for name in names.values()}) == 4
