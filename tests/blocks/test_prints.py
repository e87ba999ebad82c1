"""A print gives its block names and outlines, and one of another block gives neither."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.find import Character, Read
from sinonom_cli.blocks.prints import PrintCharacters, carry_over, fused
from sinonom_cli.blocks.upright import Way
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.order import reading_order
from sinonom_cli.pages.prints import find_prints, read_print
from sinonom_cli.search.naming import Name

TEXT = "天地玄黃宇宙洪荒日月盈昃辰宿列張寒來暑往秋收冬藏閏餘成歲律呂調陽雲騰致雨露結為霜"


def named(char: str, probability: float) -> list[Name]:
    return [Name(label=label_of(char), char=char, distance=0.5, probability=probability)]


def places(pitch: float, left: float, top: float) -> np.ndarray:
    """Return boxes of five columns of eight characters, in reading order."""
    boxes = [
        (left + (4 - k // 8) * 1.4 * pitch, top + k % 8 * pitch, 0.8 * pitch, 0.8 * pitch) for k in range(len(TEXT))
    ]
    return np.array([(x, y, x + w, y + h) for x, y, w, h in boxes])


def block(left_out: int | None = None) -> tuple[Read, list[list[Name]]]:
    """Return a block that is read as its text, without the outline of one character."""
    boxes = places(40, 30, 20)
    ink = np.zeros((400, 400), np.float32)
    for x0, y0, x1, y1 in boxes.astype(int):
        ink[y0:y1, x0:x1] = 0.5
    kept = [k for k in range(len(TEXT)) if k != left_out]
    placed = reading_order(boxes[kept])
    assert [one.index for one in placed] == list(range(len(kept)))
    characters = [
        Character(placed=one, outline=np.array(one.box).reshape(2, 2)[[0, 1, 0]], score=0.9) for one in placed
    ]
    return Read(way=Way(), ink=ink, size=32.0, characters=characters), [named(TEXT[k], 0.9) for k in kept]


def page(text: str = TEXT, known: bool = True, probability: float = 1.0) -> PrintCharacters:
    """Return a print of the block, larger by half and moved."""
    return PrintCharacters(
        boxes=places(60, 500, 300),
        names=[named(char, probability) for char in text],
        known=np.full(len(text), known),
    )


def test_names_of_a_print_are_carried_over_and_disagreements_are_doubtful() -> None:
    read, names = block()
    names[9] = named("鳳", 0.8)
    carried = carry_over(read, names, page(), "trang 1")
    assert carried.fits and "".join(carried.chars) == TEXT
    assert carried.agreement == (len(TEXT) - 1) / len(TEXT)
    [doubt] = carried.doubts
    assert (doubt.reason, doubt.number, doubt.known, doubt.known_by) == (doubts.DISAGREES, 9, TEXT[9], "print")


def test_a_character_that_only_the_print_shows_gets_its_box() -> None:
    read, names = block(left_out=12)
    carried = carry_over(read, names, page(), "trang 1")
    np.testing.assert_allclose(carried.added, places(40, 30, 20)[12:13], atol=1.0)
    assert carried.doubts == []


def test_where_the_block_has_no_relief_no_outline_is_added() -> None:
    read, names = block(left_out=12)
    x0, y0, x1, y1 = places(40, 30, 20)[12].astype(int)
    read.ink[y0:y1, x0:x1] = 0
    carried = carry_over(read, names, page(), "trang 1")
    assert not len(carried.added)
    [doubt] = carried.doubts
    assert (doubt.reason, doubt.known, doubt.number, doubt.column) == (doubts.BLANK, TEXT[12], None, 2)


def test_an_outline_that_the_print_lacks_is_doubtful() -> None:
    read, names = block()
    whole = page()
    kept = [k for k in range(len(TEXT)) if k != 20]
    lacking = PrintCharacters(
        boxes=whole.boxes[kept], names=[whole.names[k] for k in kept], known=np.ones(len(kept), bool)
    )
    carried = carry_over(read, names, lacking, "trang 1")
    assert [(doubt.reason, doubt.number) for doubt in carried.doubts] == [(doubts.NOT_IN_PRINT, 20)]
    assert carried.chars[20] == ""


def test_a_print_of_another_block_gives_nothing_and_is_named() -> None:
    read, names = block()
    strange = "金生麗水玉出崑岡劍號巨闕珠稱夜光果珍李柰菜重芥薑海鹹河淡鱗潛羽翔龍師火帝鳥官人皇"
    assert len(strange) == len(TEXT) and not set(strange) & set(TEXT)
    # Half of its names are also read on the block, in other places.
    shuffled = np.random.default_rng(0).permutation(list(TEXT))
    other = "".join(shuffled[k] if k % 2 else char for k, char in enumerate(strange))
    carried = carry_over(read, names, page(other), "trang 7")
    assert not carried.fits and not any(carried.chars) and not len(carried.added)
    [doubt] = carried.doubts
    assert doubt.reason.startswith(doubts.OTHER_PRINT) and "trang 7" in doubt.reason and doubt.number is None


def test_a_print_that_is_read_names_what_the_block_shows_badly_and_not_the_other_way_round() -> None:
    read, names = block()
    names[5] = named("富", 0.3) + named(TEXT[5], 0.2)
    seen = page(known=False, probability=0.9)
    printed = [*seen.names]
    printed[11] = named("鳳", 0.3) + named(TEXT[11], 0.2)
    printed[17] = named("龍", 0.95)
    carried = carry_over(read, names, PrintCharacters(boxes=seen.boxes, names=printed, known=seen.known), "trang 1")
    assert carried.chars[5] == TEXT[5] and carried.chars[11] == TEXT[11]
    assert [(doubt.reason, doubt.number, doubt.known) for doubt in carried.doubts] == [(doubts.PRINT_DIFFERS, 17, "龍")]


def test_two_looks_multiply_their_probabilities_and_forms_count_together() -> None:
    one = named("為", 0.5) + named("馬", 0.4)
    two = named("爲", 0.6) + named("馬", 0.3)
    char, probability = fused(one, two)
    assert char == "爲"
    assert probability == pytest.approx(0.3 / (0.3 + 0.12 + 0.0001))


def test_prints_find_their_blocks_and_their_boxes(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("ván 1-a", "ván 1-b", "ván 12", "khác"):
        Image.new("L", (50, 50), 255).save(tmp_path / f"{name}.png")
    (tmp_path / "boxes.csv").write_text(
        "picture,x0,y0,x1,y1,text\nván 1-a.png,1,2,11,12,天\nván 1-a.png,1,14,11,24,\n", encoding="utf-8"
    )
    with caplog.at_level("WARNING", "sinonom_cli"):
        found = find_prints(tmp_path, tmp_path / "boxes.csv", ["ván 1", "ván 12"])
    assert {block: [one.name for one in prints] for block, prints in found.items()} == {
        "ván 1": ["ván 1-a", "ván 1-b"],
        "ván 12": ["ván 12"],
    }
    assert "khác" in caplog.text
    first = found["ván 1"][0]
    assert (first.boxes, first.chars) == (((1, 2, 11, 12), (1, 14, 11, 24)), ("天", ""))
    characters = read_print(first)
    assert characters.known.tolist() == [True, False]
    assert [[name.char for name in names] for names in characters.names] == [["天"], []]


def test_prints_of_no_block_and_boxes_of_no_print_are_refused(tmp_path: Path) -> None:
    Image.new("L", (50, 50), 255).save(tmp_path / "khác.png")
    with pytest.raises(SinonomError, match=r"khác\.png"):
        find_prints(tmp_path, None, ["a", "b"])
    (tmp_path / "boxes.csv").write_text("picture,x0,y0,x1,y1,text\nx.png,1,2,11,12,天\n", encoding="utf-8")
    with pytest.raises(SinonomError, match=r"boxes\.csv"):
        find_prints(tmp_path, tmp_path / "boxes.csv", ["a"])
