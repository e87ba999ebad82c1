"""Take pictures of the web application: every screen in three widths, both languages, light and dark.

    python tools/screenshots.py OUT --index db.faiss --picture query.png FOLDER...

FOLDERs are what `sinonom read` and `sinonom cut` wrote. It needs Playwright and Chromium, as the tests do.
"""

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

WIDTHS = (1280, 768, 390)
LANGUAGES = {"vi": "vi-VN", "en": "en-GB"}
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-gl=angle", "--use-angle=swiftshader-webgl"]


@contextmanager
def served(arguments: list[str]) -> Iterator[str]:
    """Run `sinonom serve` while the block runs, and yield its address."""
    command = [sys.executable, "-m", "sinonom_cli", "serve", *arguments, "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, encoding="utf-8") as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                found = re.search(r"http://\S+", line)
                if found:
                    yield found[0]
                    break
            else:
                sys.exit("sinonom serve did not start")
        finally:
            process.terminate()


def taken(page: Any, address: str, picture: Path) -> Iterator[str]:
    """Bring a page to each screen, and yield the screen's name when it is ready."""
    page.goto(f"{address}#/ask")
    page.wait_for_selector(".drop")
    yield "ask"
    page.set_input_files("#file", str(picture))
    page.wait_for_selector(".mesh[data-drawn], .no-webgl, .answers")
    page.wait_for_selector(".overlay img")
    page.wait_for_timeout(700)
    yield "answers"
    page.goto(f"{address}#/browse")
    page.wait_for_selector(".grid img")
    page.click(".map button")
    page.wait_for_timeout(500)
    yield "browse"
    page.goto(f"{address}#/sheets")
    page.wait_for_selector("#text button")
    for number in range(page.locator("#sheet option").count()):
        if number:
            page.select_option("#sheet", index=number)
            page.wait_for_timeout(500)
        page.wait_for_selector("#text button")
        page.click("#text button >> nth=2")
        page.wait_for_timeout(1500)
        yield f"sheet{number + 1}"


def main() -> None:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("folders", nargs="*")
    parser.add_argument("--index", required=True)
    parser.add_argument("--picture", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with served([*options.folders, "--index", options.index]) as address, sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for language, locale in LANGUAGES.items():
            for width in WIDTHS:
                scheme = "dark" if (language, width) == ("vi", 768) else "light"
                context = browser.new_context(
                    locale=locale, viewport={"width": width, "height": 850}, color_scheme=scheme
                )
                page = context.new_page()
                for name in taken(page, address, options.picture):
                    page.screenshot(path=options.out / f"{name}-{language}-{width}.png", full_page=True)
                context.close()
        browser.close()


if __name__ == "__main__":
    main()
