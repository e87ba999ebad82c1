"""The site builds without a warning and without network, and loads nothing from other machines."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tinydocs import ROOT

from sinonom_cli.cli import STAGES

pytest.importorskip("sphinx")
pytest.importorskip("myst_parser")
pytest.importorskip("furo")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site as `make docs` does; every warning is an error."""
    out = tmp_path_factory.mktemp("site")
    line = next(line for line in (ROOT / "Makefile").read_text(encoding="utf-8").splitlines() if "-m sphinx" in line)
    words = line.split()[1:]
    assert words[-2:] == ["docs", "build/docs"]
    command = [sys.executable, *words[:-1], str(out), "-d", str(tmp_path_factory.mktemp("trees"))]
    no_network = {**os.environ, "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    done = subprocess.run(command, cwd=ROOT, env=no_network, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out


def test_the_site_has_the_pages_of_all_commands_and_of_files_outside_docs(site: Path) -> None:
    assert {path.stem for path in (site / "commands").glob("*.html")} == {*STAGES, "version"}
    assert (site / "project" / "measurements.html").is_file() and (site / "project" / "what-ships.html").is_file()
    assert "open_index" in (site / "python.html").read_text(encoding="utf-8")


def test_a_page_says_in_which_language_it_is_written(site: Path) -> None:
    for page, language in (("index", "en"), ("vi/index", "vi")):
        assert re.search(rf'<html[^>]* lang="{language}"', (site / f"{page}.html").read_text(encoding="utf-8"))


def test_no_page_loads_anything_from_another_machine(site: Path) -> None:
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        loaded = re.findall(
            r"<(?:script|img|iframe)[^>]* src=\"(https?:[^\"]*)\"|<link [^>]*href=\"(https?:[^\"]*)\"", text
        )
        assert not loaded, page
