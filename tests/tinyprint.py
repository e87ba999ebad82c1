"""Small pages of print, composed of characters that ship, with what is true of them."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image
from tinyscan import brush, plain

from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Page


@lru_cache(8)
def printed(seed: int = 1, columns: int = 3, rows: int = 4) -> Page:
    """Return a page of full columns with border and rules, without 曰, which only a context tells from 日."""
    glyphs = {char: pictures for char, pictures in brush().items() if char != "曰"}
    return compose_page(glyphs, np.random.default_rng(seed), plain(columns, rows))


def text_of(page: Page) -> str:
    """Return what a page reads: a column a line, from right to left."""
    columns: dict[int, list[tuple[int, str]]] = {}
    for one in page.characters:
        columns.setdefault(one.column, []).append((one.place, one.char))
    return "\n".join("".join(char for _, char in sorted(columns[number])) for number in sorted(columns))


def save_pages(folder: Path, count: int = 1, **size: int) -> list[Page]:
    """Write pages to `folder` as `trang 1.png`, `trang 2.png`, ..., and return them."""
    folder.mkdir(parents=True, exist_ok=True)
    pages = [printed(number, **size) for number in range(1, count + 1)]
    for number, page in enumerate(pages, 1):
        Image.fromarray(page.picture).save(folder / f"trang {number}.png")
    return pages
