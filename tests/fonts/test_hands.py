"""Test typeface families (`hand`) and duplicates: what several faces draw identically is drawn once."""

import csv
from collections import Counter
from pathlib import Path

import pytest
import tinyfont
from fontTools.ttLib import TTCollection, TTFont

from sinonom_cli.cli import run
from sinonom_cli.fonts.assignment import Share, shares_of
from sinonom_cli.fonts.face import FaceTables
from sinonom_cli.fonts.faces import read_faces
from sinonom_cli.storage.inputs import find_inputs

# FreeType hints fonts without instructions by the shapes of some of their characters, so that only fonts with the same
# ones among these are drawn identically. 乙 is not one of these characters.
LONGER = tinyfont.CHARS + "乙"
MORE = "".join(chr(0x20000 + k) for k in range(12))


def named(path: Path, family: str, style: str = "Regular") -> Path:
    """Give a test font another family and style."""
    font = TTFont(path)
    for number, text in ((1, family), (2, style)):
        font["name"].setName(text, number, 3, 1, 0x409)
        font["name"].setName(text, number, 1, 0, 0)
    font.save(path)
    return path


def tables(*paths: Path) -> list[FaceTables]:
    return [face for item in find_inputs(list(map(str, paths)), {".ttf", ".ttc"}, "fonts") for face in read_faces(item)]


def by_name(shares: list[Share]) -> dict[str, Share]:
    return {share.face.key: share for share in shares}


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "metadata.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_copy_under_another_name_is_not_drawn_again(tmp_path: Path) -> None:
    named(tinyfont.build(tmp_path / "brush.ttf"), "Brush")
    named(tinyfont.build(tmp_path / "copy.ttf", chars=LONGER), "Copy")
    named(tinyfont.build(tmp_path / "other.ttf", style=3), "Other")
    arguments = ["synth-fonts", str(tmp_path / "*.ttf"), "--strokes", "0"]
    assert run([*arguments, "--output", str(tmp_path / "once")]) == 0
    assert Counter(row["source"] for row in rows_of(tmp_path / "once")) == {"copy.ttf#0": 17, "other.ttf#0": 16}
    assert {row["hand"] for row in rows_of(tmp_path / "once")} == {"Copy", "Other"}
    assert run([*arguments, "--output", str(tmp_path / "all"), "--keep-duplicates"]) == 0
    rows = rows_of(tmp_path / "all")
    assert Counter(row["source"] for row in rows) == {"brush.ttf#0": 16, "copy.ttf#0": 17, "other.ttf#0": 16}
    assert {row["hand"] for row in rows if row["source"] == "brush.ttf#0"} == {"Copy"}


def test_faces_of_a_collection_draw_only_what_differs(tmp_path: Path) -> None:
    """Build a collection like Noto CJK: one table of outlines, and for some characters other glyphs in each face."""
    fonts = [TTFont(tinyfont.build(tmp_path / f"{k}.ttf")) for k in range(2)]
    for table in fonts[1]["cmap"].tables:
        table.cmap[ord("字")], table.cmap[ord("人")] = table.cmap[ord("人")], table.cmap[ord("字")]
    collection = TTCollection()
    collection.fonts = fonts
    for font, country in zip(fonts, ("JP", "KR"), strict=True):
        font["name"].setName(f"Tiny Serif {country}", 1, 3, 1, 0x409)
        font["name"].setName(f"Tiny Serif {country}", 1, 1, 0, 0)
    collection.save(tmp_path / "both.ttc", shareTables=True)
    first, second = shares_of(tables(tmp_path / "both.ttc"), None)
    assert sorted(first.chars.translate(dict.fromkeys(map(ord, tinyfont.BLANK + tinyfont.LIE + tinyfont.TWIN)))) == (
        sorted(tinyfont.CHARS)
    )
    assert sorted(second.chars) == sorted("字人")
    assert (second.same_as, second.same) == ("both.ttc#0", len(first.chars) - 2)
    assert first.face.hand == second.face.hand == "Tiny Serif"


@pytest.mark.parametrize(
    ("one", "other", "hand"),
    [
        ("HanaMinA", "HanaMinB", "HanaMin"),
        ("TW-Kai", "TW-Kai-Ext-B", "TW-Kai"),
        ("SimSun", "SimSun-ExtB", "SimSun"),
        ("Jigmo", "Jigmo2", "Jigmo"),
        ("Plangothic P1", "Plangothic P2", "Plangothic P"),
        ("Cut Into Files", "Cut Into Files", "Cut Into Files"),
        ("Song", "Kai", None),
        ("MigMix 1C", "MigMix 1M", None),
    ],
)
def test_parts_of_a_design_are_one_hand(tmp_path: Path, one: str, other: str, hand: str | None) -> None:
    named(tinyfont.build(tmp_path / "1.ttf"), one)
    named(tinyfont.build(tmp_path / "2.ttf", chars=MORE + "字", style=3), other)
    first, second = shares_of(tables(tmp_path), None)
    if hand is None:
        assert (first.face.hand, second.face.hand) == (one, other)
        assert "字" in second.chars
    else:
        assert first.face.hand == second.face.hand == hand
        assert ("字" in first.chars) + ("字" in second.chars) == 1  # A family draws a character once.


def test_faces_that_only_sound_like_parts_are_two_hands(tmp_path: Path) -> None:
    named(tinyfont.build(tmp_path / "1.ttf"), "Brush 1")
    named(tinyfont.build(tmp_path / "2.ttf", style=3), "Brush 2")
    first, second = shares_of(tables(tmp_path), None)
    assert (first.face.hand, second.face.hand) == ("Brush 1", "Brush 2")
    assert len(first.chars) == len(second.chars)


def test_styles_are_hands_of_their_own(tmp_path: Path) -> None:
    named(tinyfont.build(tmp_path / "1.ttf"), "Brush")
    named(tinyfont.build(tmp_path / "2.ttf", chars=MORE, style=3), "Brush", "Bold")
    assert [share.face.hand for share in shares_of(tables(tmp_path), None)] == ["Brush", "Brush Bold"]


def test_a_set_that_is_extended_goes_on_drawing_what_it_drew(tmp_path: Path) -> None:
    """Add a file that comes first, has more characters and draws the same: old pictures stay, the rest is added."""
    folder, out = tmp_path / "fonts", tmp_path / "out"
    named(tinyfont.build(folder / "b.ttf"), "Brush")
    arguments = ["synth-fonts", str(folder), str(out), "--strokes", "0"]
    assert run(arguments) == 0
    before = {row["file_name"]: row["hand"] for row in rows_of(out)}
    named(tinyfont.build(folder / "a.ttf", chars=LONGER), "Another")
    named(tinyfont.build(folder / "c.ttf", chars=MORE, style=3), "Brush-Ext-B")
    assert run(arguments) == 0
    after = {row["file_name"]: row["hand"] for row in rows_of(out)}
    assert before.items() <= after.items()
    assert len(after) == len(LONGER) + len(MORE)
    assert set(after.values()) == {"Brush"}
    assert run(arguments) == 0


def test_duplicates_agree_with_a_table_made_elsewhere(shared_data: Path) -> None:
    with (shared_data / "fonts" / "faces.tsv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if Path(row["file"]).is_file()]
    wanted = [
        row for row in rows if "/wqy-zenhei" in row["file"] or "/LXGWWenKai" in row["file"] or "/ume-" in row["file"]
    ]
    if len(wanted) < 20:
        pytest.skip("needs Debian's fonts-wqy-zenhei, fonts-lxgw-wenkai and fonts-horai-umefont")
    theirs = {(Path(row["file"]).name, int(row["index"] or 0)): row["same_bitmaps_as"] for row in wanted}
    faces = tables(*sorted({Path(row["file"]) for row in wanted}))
    listed = {(face.face.path.name, face.face.index) for face in faces} & theirs.keys()
    shares = [share for share in shares_of(faces, None) if (share.face.path.name, share.face.index) in listed]
    # The face that counts as the original may differ, but not the number of originals.
    assert sum(bool(share.chars) for share in shares) == sum(not theirs[key] for key in listed)
