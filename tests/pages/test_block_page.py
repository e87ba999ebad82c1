"""The page that shows a print beside its block: everything in one file, matched characters joined, text escaped."""

import dataclasses
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tinyblocks import blocks, page

from sinonom_cli.pages.block_matches import BlockMatches, BlockScore, Carving, CharacterMatches
from sinonom_cli.pages.block_page import block_page
from sinonom_cli.pages.reading import Reading


class Elements(HTMLParser):
    """All elements of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [about for name, about in self.found if name == tag]


def matched(tmp_path: Path, probability: float = 0.9) -> tuple[Reading, np.ndarray, BlockMatches]:
    [block] = blocks("a")
    reading, _ = page(block.carved, block.middles)
    reading = dataclasses.replace(reading, page="trang <1>")
    found = probability >= 0.5
    characters = []
    for k, (character, (x, y)) in enumerate(zip(reading.characters, block.middles.tolist(), strict=True)):
        box = (x - 5, y - 5, x + 5, y + 5)
        carving = Carving(
            item=f"a/{k:03d}.png", block="<a>", distance=0.3, agrees=k != 3 if found else None, alike=k != 5, box=box
        )
        characters.append(CharacterMatches(character=character, carvings=(carving,)))
    score = BlockScore(
        block="<a>",
        score=0.8,
        probability=probability,
        agreeing=33,
        placed=34,
        size=(60.0, 84.0),
        picture=tmp_path / "khối.png",
    )
    grey = np.full((reading.height, reading.width), 200, np.uint8)
    return reading, grey, BlockMatches(page=reading.page, blocks=(score,), characters=tuple(characters))


def test_each_character_is_joined_with_its_carving(tmp_path: Path) -> None:
    Image.new("RGB", (600, 840)).save(tmp_path / "khối.png")
    reading, grey, matches = matched(tmp_path)
    text = block_page(reading, grey, matches)
    elements = Elements(text)
    groups = elements.of("g")
    assert [each["class"] for each in groups].count("alike") == 33
    assert [k for k, each in enumerate(groups) if each["class"] == "none"] == [3]
    assert [k for k, each in enumerate(groups) if each["class"] == "odd"] == [5]
    lines = elements.of("line")
    assert len(lines) == 34
    # The lines begin at the characters and end at the carvings, both scaled to the drawing.
    [page_image, block_image] = elements.of("image")
    on_page = float(page_image["width"]) / reading.width
    on_block = float(block_image["width"]) / 60
    [block] = blocks("a")
    placed = [k for k in range(35) if k != 3]
    for line, k in zip(lines, placed, strict=True):
        x0, y0, x1, y1 = reading.characters[k].box
        start = float(line["x1"]), float(line["y1"])
        assert start == pytest.approx(((x0 + x1) / 2 * on_page, (y0 + y1) / 2 * on_page), abs=0.1)
        end = float(line["x2"]) - float(block_image["x"]), float(line["y2"])
        assert end == pytest.approx(tuple(block.middles[k] * on_block), abs=0.1)


def test_the_page_is_one_file_and_escapes_names(tmp_path: Path) -> None:
    reading, grey, matches = matched(tmp_path)
    text = block_page(reading, grey, matches)
    assert "<1>" not in text and "<a>" not in text and "&lt;a&gt;" in text
    assert not re.search(r"(?:src|href)=\"(?!data:)", text)
    assert "khối.png" in text and len(Elements(text).of("image")) == 1  # the block's picture is missing, and it says so


def test_a_page_without_a_block_says_so_and_shows_the_candidates(tmp_path: Path) -> None:
    text = block_page(*matched(tmp_path, probability=0.2))
    elements = Elements(text)
    assert "No block of the index printed this page" in text
    assert not elements.of("svg") and len(elements.of("tr")) == 2
