"""Draw what `cut` says of a block and `read` of a page for the documentation: cut.png and read.png. See pictures.py.

The page is composed of characters that ship; its block is carved, and its print photographed.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from picture_files import run, save
from PIL import Image

from sinonom_cli.relief.compose import compose_page
from sinonom_cli.relief.composition import Composition
from sinonom_cli.relief.physics import Span

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
from practice import glyphs, photo

AMOUNTS = Composition(
    size=Span(72, 72), columns=Span(6, 6), rows=Span(6, 6), ruled=1, borders=(0, 1, 0), strip=0, notes=0.15,
    note_rows=Span(2, 3), heading=0, short=0.2, indent=0.2, margin=Span(0.4, 0.4),
)  # fmt: skip
SEED, WIDTH = 5, 760


def draw_pages(out: Path) -> None:
    """Write cut.png and read.png."""
    page = compose_page(glyphs(), np.random.default_rng(SEED), AMOUNTS).picture
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for sort in ("pages", "photos"):
            (folder / sort).mkdir()
        Image.fromarray(page).save(folder / "pages" / "block.png")
        photo(page, share=1, wear=0.5).save(folder / "photos" / "page.png")
        run("read", folder / "photos", folder / "text")
        with Image.open(folder / "text" / "pages" / "page.png") as read:
            save(read.copy(), out / "read.png", width=WIDTH, lines=True)
        run("carve", folder / "pages", folder / "blocks", "--page", "--mirror", "--tilt", "3:6")
        run("cut", folder / "blocks", folder / "characters")
        with Image.open(next((folder / "characters" / "blocks").glob("*.png"))) as cut:
            save(cut.copy(), out / "cut.png", width=WIDTH, lines=True)
