"""Settings of Sphinx for the site; `make docs` builds it without network into build/docs."""

import re
import sys
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS), str(DOCS.parent)]

import command_pages  # noqa: E402
import outside_pages  # noqa: E402

from sinonom_cli import __version__  # noqa: E402

project = "sinonom"
author = "The sinonom developers"
copyright = "The sinonom developers, Apache-2.0"
version = release = __version__
html_title = f"sinonom {__version__}"
html_theme = "furo"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
add_module_names = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist", "fieldlist"]
smartquotes = False  # "--option" stays as it is typed
default_role = "literal"  # docstrings name code between single backticks

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
napoleon_google_docstring = False
napoleon_use_param = False
napoleon_use_rtype = False
napoleon_use_ivar = True
nitpicky = True
# Classes of other packages, and aliases of types, have no page on this site.
nitpick_ignore_regex = [(r"py:.*", r"(?!sinonom_cli\.(api|errors|commands)).*")]


def language_of_page(_app: Any, page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Say to browsers and screen readers which language a page is written in."""
    context["language"] = "vi" if page.startswith("vi/") else "en"


def link_to_pages(_app: Any, page: str, source: list[str]) -> None:
    """Let links to files that have a page on this site lead to their pages."""
    file = DOCS / f"{page}.md"
    source[0] = outside_pages.relinked(source[0], file, file)


def describe_names(_app: Any, _what: str, _name: str, _object: Any, _options: Any, lines: list[str]) -> None:
    """Put what a docstring says of a parameter below its name; numpydoc would take the first line for its type."""
    for number in reversed(range(len(lines))):
        name, colon, text = lines[number].partition(" : ")
        if colon and re.fullmatch(r"\w+(, \w+)*", name):
            lines[number : number + 1] = [name, f"    {text}"]


def setup(app: Any) -> None:
    """Make the pages of commands and of files outside this folder before the others are read."""
    command_pages.write_pages(DOCS / "commands")
    outside_pages.write_pages(DOCS / "project")
    app.connect("source-read", link_to_pages)
    app.connect("autodoc-process-docstring", describe_names, priority=400)  # before napoleon
    app.connect("html-page-context", language_of_page)
