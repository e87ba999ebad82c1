"""Draw answers for the documentation: answers.png, report.png and serve.png. See pictures.py.

The last two are pages in a browser, and need Playwright and Chromium, as the tests do.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from picture_files import run, save
from PIL import Image

from sinonom_cli.assets import GLYPHS

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

ASKED = "書南國\U00021982"
"""Characters that answers.png asks for."""
SERVED = "生"
"""Character that serve.png asks for."""


def picture_of(char: str, hand: str = "hanamin") -> Path:
    """Return the picture of a character that ships."""
    return next((GLYPHS / hand / "images" / f"U+{ord(char):04X}").glob("*.png"))


def draw_answers(out: Path) -> None:
    """Write the three pictures, on what `sinonom demo` makes."""
    from playwright.sync_api import sync_playwright
    from screenshots import FLAGS, served

    with tempfile.TemporaryDirectory() as name, sync_playwright() as started:
        folder = Path(name)
        run("demo", folder)
        sheet, index = folder / "sheet.png", folder / "db.faiss"
        run("query", *map(picture_of, ASKED), "--index", index, "--sheet", sheet)
        with Image.open(sheet) as picture:
            save(picture.copy(), out / "answers.png", colours=64)
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 850}, locale="en-GB")
        page.goto((folder / "report.html").as_uri())
        page.screenshot(path=folder / "report.png", clip={"x": 0, "y": 0, "width": 885, "height": 1480}, full_page=True)
        with served(["--index", str(index)]) as address:
            page.goto(f"{address}#/ask")
            page.wait_for_selector(".drop")
            page.set_input_files("#file", str(picture_of(SERVED)))
            page.wait_for_selector(".mesh[data-drawn], .no-webgl")
            page.wait_for_selector(".overlay img")
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / "serve.png", full_page=True)
        browser.close()
        for shot in ("report", "serve"):
            with Image.open(folder / f"{shot}.png") as picture:
                save(picture.copy(), out / f"{shot}.png", colours=128)
