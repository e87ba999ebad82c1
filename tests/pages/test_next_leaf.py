"""Narrow columns of the next leaf at the edge of the paper are no text of the page; everything else stays."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from refused import naming
from tinyprint import printed, text_of

from sinonom_cli.pages.exports.json_file import json_file, read_json
from sinonom_cli.pages.laid import PageOptions
from sinonom_cli.pages.next_leaf import at_edge, cut_off, of_next_leaf
from sinonom_cli.pages.read_page import see_page

FRAME = np.array([(120, 80), (680, 80), (680, 420), (120, 420)], float)


def paper(left: int = 60, right: int = 740, lower: int = 480) -> np.ndarray:
    """Return a grey page of 800 x 500 pixels: light paper, a frame with its line, and a darker table around it."""
    grey = np.full((500, 800), 130, np.uint8)
    grey[20:lower, left:right] = 230
    grey[78:82, 118:682] = grey[418:422, 118:682] = 40
    grey[78:422, 118:122] = grey[78:422, 678:682] = 40
    return grey


def box(x: float, y: float, width: float = 40, height: float = 40) -> tuple[float, float, float, float]:
    return x - width / 2, y - height / 2, x + width / 2, y + height / 2


TEXT = [box(x, y) for x in range(160, 660, 50) for y in range(120, 400, 45)]


def gone(*others: tuple[float, float, float, float], grey: np.ndarray | None = None) -> list[bool]:
    """Return which of some boxes are taken for the next leaf's, and check that no character of the text is."""
    boxes = np.array([*TEXT, *others])
    found = of_next_leaf(paper() if grey is None else grey, boxes, FRAME)
    assert not found[: len(TEXT)].any()
    return list(found[len(TEXT) :])


def test_narrow_characters_at_the_edge_of_the_paper_are_of_the_next_leaf_on_three_sides() -> None:
    assert gone(box(72, 200, 20), box(71, 230, 18), box(728, 300, 30), box(300, 465, 30, 20)) == [True] * 4


@pytest.mark.parametrize(
    "other", [box(72, 200, 39), box(300, 60, 20), box(150, 200, 18)], ids=["wide", "heading", "note inside the frame"]
)
def test_what_is_wide_or_stands_above_or_inside_the_frame_stays(other: tuple[float, float, float, float]) -> None:
    assert gone(other) == [False]


def test_a_narrow_note_far_from_the_edge_of_the_paper_stays() -> None:
    far = paper(left=20)
    assert gone(box(100, 200, 20), grey=far) == [False]
    assert gone(box(100, 200, 20), grey=paper(left=80)) == [True]


def test_without_a_frame_only_what_the_edge_of_the_picture_cuts_off_is_left_out() -> None:
    boxes = np.array([*TEXT, (0, 100, 22, 140), (779, 100, 800, 140), (8, 200, 30, 240), (0, 300, 40, 340)])
    assert list(np.flatnonzero(of_next_leaf(paper(), boxes, None)) - len(TEXT)) == [0, 1]
    assert not cut_off((500, 800), np.zeros((0, 4))).any()


def test_narrow_characters_near_the_edge_of_the_paper_are_not_asked_where_the_frame_is() -> None:
    for grey in (paper(), paper(left=0, right=800)[:, 60:740]):
        shift = 800 - grey.shape[1]
        boxes = np.array([*TEXT, box(72, 200, 20), box(728, 300, 25), box(72, 250, 40), box(140, 300, 20)])
        found = at_edge(grey, boxes - [shift / 2, 0, shift / 2, 0])
        assert list(np.flatnonzero(found) - len(TEXT)) == [0, 1]
    assert not at_edge(paper(), np.zeros((0, 4))).any()


def test_a_scan_that_shows_the_next_leaf_reads_as_one_that_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, other = printed(2, columns=4, rows=5), printed(3, columns=4, rows=5)
    height, width = page.picture.shape
    strip = other.picture[:, width // 2 :]
    ghost = np.asarray(Image.fromarray(strip).resize((strip.shape[1] // 2, height)))
    column = [one.box for one in other.characters if one.column == 1]
    low = int(min(x0 for x0, *_ in column) - width // 2) // 2 - 2
    high = int(max(x1 for _, _, x1, _ in column) - width // 2) // 2 + 1
    ghost = ghost[:, low:high]
    scan = np.full((height + 80, width + ghost.shape[1] + 120), 120, np.uint8)
    scan[40:-40, 60:-60] = 255
    scan[40:-40, 60 : 60 + ghost.shape[1]] = ghost
    scan[40:-40, 60 + ghost.shape[1] : -60] = page.picture
    reading = see_page(scan, page="p", source="p.png", options=PageOptions()).reading
    assert reading.text == text_of(page)
    assert 1 <= reading.left_out <= 5
    naming(capsys, "warning", reading.left_out)
    (tmp_path / "p.json").write_text(json_file(reading), encoding="utf-8")
    assert read_json(tmp_path / "p.json").left_out == reading.left_out
