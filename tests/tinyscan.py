"""Small scans of whole blocks: pages composed of characters that ship, carved, mirrored, tilted and bowed."""

from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image

from sinonom_cli import cli
from sinonom_cli.assets import GLYPHS
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition, Page
from sinonom_cli.relief.physics import Span


def plain(columns: int, rows: int) -> Composition:
    """Return the composition of a page of full columns with rules and a border."""
    return Composition(
        size=Span(36, 36),
        columns=Span(columns, columns),
        rows=Span(rows, rows),
        borders=(0, 1, 0),
        ruled=1,
        strip=0,
        notes=0,
        heading=0,
        short=0,
        indent=0,
        blank=0,
    )


@cache
def brush() -> dict[str, list[np.ndarray]]:
    """Return the pictures of the characters that ship in a brush face, by character."""
    glyphs: dict[str, list[np.ndarray]] = {}
    for path in sorted(GLYPHS.glob("yuji/images/*/*.png")):
        glyphs.setdefault(chr(int(path.parent.name[2:], 16)), []).append(load_picture(path))
    return glyphs


def scans(folder: Path, count: int = 1, columns: int = 5, rows: int = 7) -> list[Page]:
    """Write pages to `folder`/pages and meshes of mirrored blocks to `folder`/scans; return the pages."""
    (folder / "pages").mkdir(parents=True)
    pages = []
    for number in range(1, count + 1):
        page = compose_page(brush(), np.random.default_rng(number), plain(columns, rows))
        Image.fromarray(page.picture).save(folder / "pages" / f"trang {number}.png")
        pages.append(page)
    options = [
        "--page",
        "--mirror",
        "--tilt",
        "6",
        "--bow",
        "3",
        "--cracks",
        "0",
        "--wear",
        "0.1",
        "--breaks",
        "0",
        "-q",
    ]
    assert cli.run(["carve", str(folder / "pages"), str(folder / "scans"), *options]) == 0
    return pages
