"""The page works in a real browser: with pointer and keyboard, in both languages, on a phone, without the network."""

import io
import json
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from tinysite import Tiny, glyph, printed_site

from sinonom_cli.serve.app import make_app
from sinonom_cli.serve.site import make_site

playwright = pytest.importorskip("playwright.sync_api", reason="the Python package playwright is not installed")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (Debian: chromium)")
FLAGS = ["--no-sandbox", "--disable-background-networking", "--use-gl=angle", "--use-angle=swiftshader-webgl"]
AXE = Path(__file__).parent / "vendor" / "axe.min.js"


class Server:
    """A server in a thread, on a free port."""

    def __init__(self, **options: Any) -> None:
        self.site = make_site(**options)
        config = uvicorn.Config(make_app(self.site), port=0, log_level="critical", ws="none")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, daemon=True)
        self.thread.start()
        while not self.server.started:
            self.thread.join(0.01)
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/"

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(tiny.block, folder / "bản khắc")
    server = Server(index=tiny.index, folders=[folder / "bản khắc", tiny.page], cache=folder / "cache", who="Lan")
    yield server
    server.stop()


class Watched:
    """A page whose errors and requests are kept."""

    def __init__(self, page: Any, address: str) -> None:
        self.page, self.address = page, address
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.set_default_timeout(8000)
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))

    def open(self, where: str = "") -> Any:
        self.page.goto(f"{self.address}#/{where}")
        self.page.wait_for_selector("body[data-ready]")
        return self.page

    def check(self) -> None:
        """Check that nothing went wrong and that nothing was asked of another machine."""
        assert self.errors == []
        strange = [url for url in self.requests if not url.startswith((self.address, "blob:", "data:"))]
        assert strange == [] and self.requests


@pytest.fixture
def watched(browser: Any, server: Server) -> Iterator[Watched]:
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    seen = Watched(context.new_page(), server.address)
    yield seen
    context.close()
    seen.check()


def until(page: Any, condition: str) -> None:
    """Wait until an expression of JavaScript is true; Playwright's own waiting needs `eval`, which the page forbids."""
    for _ in range(2000):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(condition)


def complaints(page: Any) -> list[str]:
    """Return what axe has to say against a page."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [f"{each['id']}: {each['nodes'][0]['html'][:120]}" for each in found["violations"]]


def test_a_picture_is_answered_with_five_carvings_a_mesh_and_an_overlay(watched: Watched) -> None:
    page = watched.open("ask")
    page.set_input_files("#file", str(glyph("字")))
    page.wait_for_selector(".answers button >> nth=0")
    assert "字" in page.inner_text(".answers button >> nth=0")
    assert "tự" in page.inner_text(".answers button >> nth=0")
    page.wait_for_selector(".mesh[data-drawn]")
    faces = int(page.get_attribute(".mesh", "data-faces"))
    assert 1000 < faces <= 6000
    before = page.locator(".mesh canvas").screenshot()
    page.locator("#light-direction").fill("300")
    page.wait_for_timeout(150)
    lit = page.locator(".mesh canvas").screenshot()
    assert lit != before  # the light has moved
    page.focus(".mesh canvas")
    page.keyboard.press("ArrowLeft")
    page.wait_for_timeout(150)
    assert page.locator(".mesh canvas").screenshot() != lit  # the mesh has turned
    page.locator("#overlay-slider").fill("100")
    assert page.evaluate("document.querySelectorAll('.overlay img')[1].style.opacity") == "1"
    page.click("text=Show all faces")
    until(page, f"document.querySelector('.mesh').dataset.faces > {faces}")
    assert complaints(page) == []


def test_a_box_drawn_on_a_page_is_what_is_asked_about(watched: Watched, tiny: Tiny) -> None:
    page = watched.open("ask")
    page.set_input_files("#file", str(tiny.page / "pages" / "trang 1.png"))
    page.wait_for_selector("#asked [role=alert], .answers")
    frame = page.locator("#query-picture").bounding_box()
    scale = frame["width"] / 140
    page.mouse.move(frame["x"] + 14 * scale, frame["y"] + 220 * scale)
    page.mouse.down()
    page.mouse.move(frame["x"] + 126 * scale, frame["y"] + 330 * scale, steps=3)
    page.mouse.up()
    until(page, "document.querySelector('.answers button')?.innerText.includes('字')")  # the whole page asked first
    page.click("text=Read it as a page")
    page.wait_for_selector("#page-text", timeout=60_000)  # the first page of a process is read slowly
    assert page.inner_text("#page-text") == "天之字"
    # The second character by the keyboard alone: the box moves up by a third of the page.
    page.focus(".cut")
    for _ in range(31):
        page.keyboard.press("ArrowUp")
    with page.expect_response(re.compile("/api/query")):
        page.keyboard.press("Enter")
    watched.errors[:] = [each for each in watched.errors if "400" not in each]  # the whole page is no character


def test_a_picture_that_browsers_do_not_show_and_one_that_is_none(watched: Watched, tmp_path: Path) -> None:
    Image.open(glyph("字")).convert("L").save(tmp_path / "chữ.tif")
    (tmp_path / "x.png").write_text("<svg/>", encoding="utf-8")
    page = watched.open("ask")
    page.set_input_files("#file", str(tmp_path / "chữ.tif"))
    page.wait_for_selector(".answers button")
    until(page, "document.querySelector('#query-picture').naturalWidth > 0")
    page.set_input_files("#file", str(tmp_path / "x.png"))
    page.wait_for_selector("#asked [role=alert]")
    assert "the picture" in page.inner_text("#asked [role=alert]")
    watched.errors[:] = [each for each in watched.errors if "400" not in each]  # the refusals themselves


def test_a_pasted_picture_is_asked_about(watched: Watched) -> None:
    page = watched.open("ask")
    content = list(glyph("人").read_bytes())
    page.evaluate(
        """(bytes) => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "a.png", {type: "image/png"}));
          document.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data}));
        }""",
        content,
    )
    page.wait_for_selector(".answers button")
    assert "人" in page.inner_text(".answers button >> nth=0")


def test_an_index_is_browsed_by_reading_and_on_a_map(watched: Watched) -> None:
    page = watched.open("browse")
    page.wait_for_selector(".grid button")
    assert page.locator(".grid button").count() == 4
    page.fill("#search", "nhan")
    page.press("#search", "Enter")
    until(page, "document.querySelectorAll('.grid button').length === 1")
    page.click(".grid button")
    until(page, "document.querySelector('#item h2')?.closest('#item').innerText.includes('人')")
    page.click("text=Show the map")
    page.focus(".map canvas")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    page.wait_for_selector("#item .mesh[data-drawn]")
    assert complaints(page) == []


def corrections(server: Server, folder: int = 0) -> list[dict[str, Any]]:
    path = server.site.folders[folder].path / "corrections.jsonl"
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()[1:]]


def test_a_block_is_corrected_by_the_keyboard_alone_with_a_key_for_each_right_character(
    watched: Watched, server: Server
) -> None:
    page = watched.open("sheets")
    page.wait_for_selector("#text button")
    page.wait_for_selector("#carvings .mesh[data-drawn]")
    shown = np.asarray(Image.open(io.BytesIO(page.locator("#carvings canvas").screenshot())).convert("L"))
    assert np.median(shown[tuple(side // 2 for side in shown.shape)]) > 80  # wood, not the dark ground
    for _ in range(40):  # by Tab alone to the text
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('#text') !== null"):
            break

    def done(count: int) -> None:
        until(page, f"document.querySelector('#progress').textContent.startsWith('{count} of')")

    for key, count in (("Enter", 1), ("2", 2), ("Enter", 3)):
        page.keyboard.press(key)
        done(count)
    page.keyboard.type("U+5929")
    page.keyboard.press("Enter")
    done(4)
    page.keyboard.press("z")
    done(3)
    page.keyboard.press("s")
    until(page, "document.querySelectorAll('#text button').length === 7")
    page.keyboard.press("m")
    until(page, "document.querySelectorAll('#text button').length === 6")
    page.keyboard.press("Delete")
    until(page, "document.querySelectorAll('#text button').length === 5")
    made = corrections(server)
    assert [each["action"] for each in made] == [
        "accept", "change", "accept", "change", "undo", "split", "merge", "delete",
    ]  # fmt: skip
    assert [spot["char"] for spot in made[1]["now"]] == ["太"] and made[3]["now"][0]["char"] == "天"
    assert made[0]["who"] == "Lan"
    assert complaints(page) == []


def test_a_box_is_added_by_drawing_it_and_stays_after_a_restart(browser: Any, tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny.page, tmp_path / "đọc")
    first = Server(folders=[tmp_path / "đọc"], cache=tmp_path / "cache", who="Lan")
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 900})
    seen = Watched(context.new_page(), first.address)
    page = seen.open("sheets")
    page.wait_for_selector("#text button")
    page.keyboard.press("a")
    frame = page.locator(".view svg").bounding_box()
    page.mouse.move(frame["x"] + frame["width"] / 2 - 20, frame["y"] + frame["height"] - 40)
    page.mouse.down()
    page.mouse.move(frame["x"] + frame["width"] / 2 + 20, frame["y"] + frame["height"] - 4, steps=4)
    page.mouse.up()
    until(page, "document.querySelectorAll('#text button').length === 4")
    page.fill("#char", "口")
    page.press("#char", "Enter")
    until(page, "document.querySelector('#text').textContent.includes('口')")
    seen.check()
    first.stop()
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=status] .error, .error[role=alert]")
    assert "sinonom serve" in page.inner_text(".error[role=alert]")
    second = Server(folders=[tmp_path / "đọc"], cache=tmp_path / "cache")
    again = Watched(context.new_page(), second.address)
    page = again.open("sheets")
    page.wait_for_selector("#text button")
    assert "口" in page.inner_text("#text")
    context.close()
    again.check()
    second.stop()


@pytest.mark.parametrize("width", [1280, 390])
def test_matched_characters_of_a_page_and_its_block_light_up_together(
    browser: Any, tiny: Tiny, tmp_path: Path, width: int
) -> None:
    site = printed_site(tiny, tmp_path)
    server = Server(index=site.index, folders=[site.page], cache=tmp_path / "cache", who="Lan")
    context = browser.new_context(locale="en-GB", viewport={"width": width, "height": 900})
    seen = Watched(context.new_page(), server.address)
    page = seen.open("sheets")
    page.wait_for_selector("#beside polygon")
    titles = "[...document.querySelectorAll('#beside polygon.selected title')].map((one) => one.textContent).join()"
    assert page.evaluate(titles) == "天"  # it printed the first character, which is chosen
    page.keyboard.press("ArrowDown")
    until(page, f"{titles} === ''")
    page.keyboard.press("ArrowDown")
    until(page, f"{titles} === '字'")
    page.locator(".sheet > div:first-child polygon[data-place='0']").hover()
    lit = "[...document.querySelectorAll('#beside polygon.lit title')].map((one) => one.textContent).join()"
    until(page, f"{lit} === '天'")
    tops = [page.locator(f"{where} .view").first.bounding_box()["y"] for where in (".sheet", "#beside")]
    assert (abs(tops[0] - tops[1]) < 200) == (width > 1000)  # side by side, or one below the other
    carving = page.locator("#beside polygon").filter(has=page.locator("title", has_text="天"))
    carving.scroll_into_view_if_needed()
    carving.click()
    until(page, "document.querySelector('#text [aria-current]').textContent === '天'")
    page.wait_for_selector("#beside .detail img")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert complaints(page) == []
    context.close()
    seen.check()
    server.stop()


@pytest.mark.parametrize("language", ["vi", "en"])
def test_a_phone_shows_every_screen_without_scrolling_sideways_in_both_languages(
    browser: Any, server: Server, language: str
) -> None:
    locale = {"vi": "vi-VN", "en": "en-GB"}[language]
    context = browser.new_context(
        locale=locale, viewport={"width": 390, "height": 844}, color_scheme="dark", has_touch=True
    )
    seen = Watched(context.new_page(), server.address)
    words = json.loads(
        (Path(__file__).parents[2] / f"sinonom_cli/serve/static/strings/{language}.json").read_text(encoding="utf-8")
    )
    for where, ready, title in (
        ("ask", ".drop", "ask_title"),
        ("browse", ".grid img", "browse_title"),
        ("sheets", "#text button", "sheets_title"),
    ):
        page = seen.open(where)
        page.wait_for_selector(ready)
        assert page.inner_text("h1") == words[title]
        assert page.evaluate("document.documentElement.lang") == language
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        many = "(one) => { for (let k = 0; k < 60; k++) one.append(one.firstElementChild.cloneNode(true)); }"
        page.evaluate(f"(document.querySelector('#text') ? {many} : () => {{}})(document.querySelector('#text'))")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390  # a page of 60 columns scrolls inside
        assert complaints(page) == []
    context.close()
    seen.check()


def test_a_browser_without_webgl_is_told_so_and_shows_the_rest(browser: Any, server: Server) -> None:
    context = browser.new_context(locale="en-GB")
    seen = Watched(context.new_page(), server.address)
    seen.page.add_init_script("HTMLCanvasElement.prototype.getContext = () => null")
    page = seen.open("ask")
    page.set_input_files("#file", str(glyph("字")))
    page.wait_for_selector(".no-webgl")
    page.wait_for_selector(".overlay img")
    context.close()
    seen.check()


def test_both_languages_say_the_same_things() -> None:
    folder = Path(__file__).parents[2] / "sinonom_cli/serve/static"
    words = {
        language: json.loads((folder / "strings" / f"{language}.json").read_text(encoding="utf-8"))
        for language in ("vi", "en")
    }
    assert words["vi"].keys() == words["en"].keys()
    holes = {
        language: {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in each.items()}
        for language, each in words.items()
    }
    assert holes["vi"] == holes["en"]
    scripts = "".join(path.read_text(encoding="utf-8") for path in folder.glob("*.js"))
    scripts += (folder / "index.html").read_text(encoding="utf-8")
    assert [
        key
        for key in words["en"]
        if not re.search(rf'["`]{key}["`]', scripts) and not key.startswith(("action_", "pages", "blocks"))
    ] == []
    assert set(re.findall(r'\bt\("(\w+)"', scripts)) <= words["en"].keys()
