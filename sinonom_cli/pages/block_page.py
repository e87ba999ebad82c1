"""Write the page that shows a print beside the block that printed it, matched characters joined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from sinonom_cli.pages.block_matches import BlockMatches, BlockScore, CharacterMatches
from sinonom_cli.reports.html_pages import jpeg_uri, jpeg_uri_of, template

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sinonom_cli.pages.reading import Reading

WIDTH, GAP, LEAST = 1720, 60, 400
"""Widths of both pictures together, of the gap between them, and of the narrower picture at least, in units of the
drawing. Characters are drawn in one size on both."""
LONGEST = 1800
"""Longest side of a picture in the page, pixels."""
QUALITY = 80
"""Quality of the JPEG pictures."""


def block_page(reading: Reading, grey: NDArray[np.uint8], matches: BlockMatches) -> str:
    """Return an HTML page without outside files: the blocks of a page, and the print beside each that printed it.

    Parameters
    ----------
    reading : the page.
    grey : (H, W) uint8, its picture as it is shown.
    matches : what `find_blocks` found for it.
    """
    panels = [_panel(reading, matches, block) for block in matches.found]
    text = template("block_page", "block.html.j2").render(
        page=reading.page,
        page_picture=jpeg_uri(Image.fromarray(grey), LONGEST, QUALITY) if panels else "",
        characters=len(reading.characters),
        blocks=matches.blocks,
        panels=panels,
    )
    return text + "\n"


def _panel(reading: Reading, matches: BlockMatches, block: BlockScore) -> dict[str, Any]:
    """Return what the template draws for a block."""
    page_width, block_width = _widths(reading, matches, block)
    on_page, on_block = page_width / reading.width, block_width / block.size[0]
    page_height, block_height = round(reading.height * on_page), round(block.size[1] * on_block)
    right = page_width + GAP
    picture = jpeg_uri_of(block.picture, LONGEST, QUALITY) if block.picture else ""
    return {
        "block": block.block,
        "left": page_width,
        "right": right,
        "width": right + block_width,
        "height": max(page_height, block_height),
        "page_height": page_height,
        "block_height": block_height,
        "block_picture": picture,
        "missing": str(block.picture or "a path that is known"),
        "pairs": [pair for one in matches.characters if (pair := _pair(one, block.block, on_page, on_block, right))],
    }


def _widths(reading: Reading, matches: BlockMatches, block: BlockScore) -> tuple[int, int]:
    """Return the widths at which page and block are drawn, so that their characters have one size."""
    pairs = [(one.character, one.carvings[0]) for one in matches.characters if one.carvings]
    boxes = [(one.box, carving.box) for one, carving in pairs if carving.agrees and carving.block == block.block]
    heights = np.array([(a[3] - a[1], b[3] - b[1]) for a, b in boxes if b is not None])
    if not len(heights):  # another block has all characters
        return WIDTH // 2, WIDTH // 2
    page, carved = np.array([reading.width, block.size[0]]) / np.median(heights, axis=0)
    width = round(min(max(WIDTH * page / (page + carved), LEAST), WIDTH - LEAST))
    return width, WIDTH - width


def _pair(matches: CharacterMatches, block: str, on_page: float, on_block: float, right: int) -> dict[str, Any] | None:
    """Return a character and its carving as they are drawn; None for a character of another block.

    Parameters
    ----------
    on_page, on_block : units of the drawing for a pixel of the page and for a unit of the block.
    right : where the block begins, units of the drawing.
    """
    one = matches.character
    outline = np.array(one.outline) * on_page
    first = matches.carvings[0] if matches.carvings else None
    placed = first if first is not None and first.agrees else None
    if placed is not None and placed.block != block:
        return None
    text = f"{one.char} {one.label} column {one.column}, place {one.place}".strip()
    pair: dict[str, Any] = {
        "kind": "none",
        "outline": " ".join(f"{x:.1f},{y:.1f}" for x, y in outline),
        "text": f"{text}: no carving at its place",
        "box": None,
        "line": None,
    }
    if placed is None or placed.box is None:
        return pair
    x0, y0, x1, y1 = (value * on_block for value in placed.box)
    middle = outline.mean(axis=0)
    joined = (middle[0], middle[1], right + (x0 + x1) / 2, (y0 + y1) / 2)
    return pair | {
        "kind": "alike" if placed.alike else "odd",
        "text": f"{text}: {placed.item}, distance {placed.distance:.3f}",
        "box": [f"{value:.1f}" for value in (right + x0, y0, x1 - x0, y1 - y0)],
        "line": [f"{value:.1f}" for value in joined],
    }
