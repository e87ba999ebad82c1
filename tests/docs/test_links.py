"""Links of the documentation lead to files, pages and headings that exist; pictures are small; messages are quoted."""

import re
import sys
from pathlib import Path

import pytest
from tinydocs import DOCS, FENCE, ROOT, name_of, pages

import sinonom_cli

sys.path.insert(0, str(DOCS))
import outside_pages

EVERY = [*pages(), *(ROOT / file for file in outside_pages.PAGES if (ROOT / file).exists())]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page, as GitHub makes them from headings."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    links = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text)
    for link in (first or second for first, second in links):
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.is_file(), f"{link} leads nowhere"
        if anchor:
            assert anchor in anchors(target), f"{link} leads to no heading"


def test_every_page_is_in_the_navigation() -> None:
    listed: set[str] = set()
    for page in pages():
        for body in re.findall(r"^```{toctree}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL):
            listed |= {line.strip() for line in body.splitlines() if line.strip() and not line.startswith(":")}
    written = {page.relative_to(DOCS).with_suffix("").as_posix() for page in pages() if page.is_relative_to(DOCS)}
    made = {f"project/{name}" for name in outside_pages.PAGES.values()}
    assert written - {"index"} <= listed
    assert made <= listed


@pytest.mark.parametrize("picture", sorted(DOCS.glob("*.png")), ids=name_of)
def test_a_picture_is_small_and_shown(picture: Path) -> None:
    assert picture.stat().st_size <= 300_000
    assert any(f"{picture.name})" in page.read_text(encoding="utf-8") for page in EVERY)


@pytest.mark.parametrize("picture", sorted(DOCS.glob("*.png")), ids=name_of)
def test_the_script_of_the_pictures_makes_each_of_them(picture: Path) -> None:
    assert any(f'"{picture.name}"' in script.read_text(encoding="utf-8") for script in DOCS.glob("picture_*.py"))


@pytest.mark.parametrize("page", ["README.md", "docs/index.md", "docs/figures.md"])
def test_a_figure_on_a_first_page_stands_where_it_was_measured(page: str) -> None:
    sources = ["docs/blocks.md", "docs/read.md", "sinonom_cli/assets/README.md"]
    sources += ["benchmarks/README.md", "benchmarks/default_model.md"]
    measured = " ".join((ROOT / source).read_text(encoding="utf-8") for source in sources)
    shown = re.findall(r"(?<![\d.])0\.\d{3}(?!\d)", FENCE.sub("", (ROOT / page).read_text(encoding="utf-8")))
    assert set(shown) - set(re.findall(r"0\.\d{3}", measured)) == set()


def test_the_citation_names_this_version() -> None:
    text = (DOCS / "citing.md").read_text(encoding="utf-8")
    versions = re.findall(r"version (?:= \{)?([\d.]+\d)", text)
    assert versions == [sinonom_cli.__version__] * 2


def test_troubleshooting_quotes_messages_that_the_program_prints() -> None:
    said = "".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "sinonom_cli").rglob("*.py")))
    said += (ROOT / "Makefile").read_text(encoding="utf-8")
    headings = re.findall(r"^#+ (.*`.*)$", (DOCS / "troubleshooting.md").read_text(encoding="utf-8"), re.MULTILINE)
    quoted = [quote for heading in headings for quote in re.findall(r"`([^`]+)`", heading)]
    assert len(quoted) > 10
    for quote in quoted:
        assert quote in said, f"no message says {quote!r}"


def test_on_the_site_a_link_to_a_file_with_a_page_leads_to_the_page() -> None:
    text = "[all](../benchmarks/README.md#pages) [code](../examples/quickstart.sh) [far](https://example.org/a.md)"
    page = DOCS / "read.md"
    assert outside_pages.relinked(text, page, page) == (
        "[all](project/measurements.md#pages) [code](../examples/quickstart.sh) [far](https://example.org/a.md)"
    )
    outside, brought = ROOT / "benchmarks" / "README.md", DOCS / "project" / "measurements.md"
    assert outside_pages.relinked("[fonts](../docs/fonts.md#a)", outside, brought) == "[fonts](../fonts.md#a)"
    assert outside_pages.relinked("[model](default_model.md)", outside, brought) == "[model](default-model.md)"
