"""Draw answers for the documentation: answers.png, report.png and serve.png. See pictures.py.

The last two are pages in a browser, and need Playwright and Chromium, as the tests do.
"""

import contextlib
import shutil
import sys
import tempfile
from pathlib import Path

from picture_files import run, save
from PIL import Image

from sinonom_cli.assets import GLYPHS

sys.path.insert(0, str(Path(__file__).parent.parent / "tools"))

ASKED = "書南國\U0002013c"
"""Characters that answers.png asks for."""
SERVED = "生"
"""Character that serve.png asks for."""


def picture_of(char: str, hand: str = "hanamin") -> Path:
    """Return the picture of a character that ships."""
    return next((GLYPHS / hand / "images" / f"U+{ord(char):04X}").glob("*.png"))


def draw_answers(out: Path) -> None:
    """Write the three pictures, on what `sinonom demo` makes."""
    out = out.absolute()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        run("demo")
        for char in ASKED:
            copy = Path("asked", *picture_of(char).parts[-2:])
            copy.parent.mkdir(parents=True)
            shutil.copy(picture_of(char), copy)
        index, truth = Path("demo", "db.faiss"), Path("demo", "truth.csv")
        run("query", "asked", "--index", index, "--truth", truth, "--sheet", "sheet.png")
        with Image.open("sheet.png") as picture:
            save(picture.copy(), out / "answers.png")
        _draw_pages(Path("demo", "report.html"), index, out)


def _draw_pages(report: Path, index: Path, out: Path) -> None:
    """Write report.png and serve.png, as a browser shows them."""
    from playwright.sync_api import sync_playwright
    from screenshots import FLAGS, served

    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        page = browser.new_page(viewport={"width": 1000, "height": 1300}, locale="en-GB")
        page.goto(report.absolute().as_uri())
        page.screenshot(path="report.png")
        page.set_viewport_size({"width": 1250, "height": 850})
        with served(["--index", str(index)]) as address:
            page.goto(f"{address}#/ask")
            page.wait_for_selector(".drop")
            page.set_input_files("#file", str(picture_of(SERVED)))
            page.wait_for_selector(".mesh[data-drawn], .no-webgl")
            page.wait_for_selector(".overlay img")
            page.wait_for_timeout(1000)
            page.screenshot(path="serve.png", full_page=True)
        browser.close()
    for shot in ("report.png", "serve.png"):
        with Image.open(shot) as picture:
            save(picture.copy(), out / shot, width=1000)
