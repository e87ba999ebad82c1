"""Bring Markdown files from outside docs/ to the site, with links that lead to the right pages there.

In the repository, links are paths to files. On the site, a link to a file of `PAGES` leads to its page in project/.
"""

import os
import re
from collections.abc import Callable
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
PAGES = {
    "CHANGELOG.md": "changelog",
    "CONTRIBUTING.md": "contributing",
    "SECURITY.md": "security",
    "benchmarks/README.md": "measurements",
    "benchmarks/default_model.md": "default-model",
    "sinonom_cli/assets/README.md": "what-ships",
    "sinonom_cli/assets/glyphs/README.md": "glyphs",
}
"""Page in project/ of each file, by the file's path in the repository."""

LINK = re.compile(r"(?<=\]\()([^)\s#:]+)(#[^)\s]*)?(?=\))")
"""Target of a link to a file, and its anchor; addresses with a scheme do not match."""


def write_pages(out: Path) -> None:
    """Write the files of `PAGES` into a folder beside the pages of docs/."""
    out.mkdir(exist_ok=True)
    for file, name in PAGES.items():
        if (ROOT / file).exists():
            text = (ROOT / file).read_text(encoding="utf-8")
            (out / f"{name}.md").write_text(relinked(text, ROOT / file, out / f"{name}.md"), encoding="utf-8")


def relinked(text: str, file: Path, page: Path) -> str:
    """Return Markdown whose links are right on the site.

    Parameters
    ----------
    text : content of `file`.
    file : where the links start in the repository.
    page : where they start on the site, below docs/.
    """
    return LINK.sub(_target(file, page), text)


def _target(file: Path, page: Path) -> Callable[["re.Match[str]"], str]:
    def target(link: "re.Match[str]") -> str:
        path = Path(os.path.normpath(file.parent / link[1]))
        inside = path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else ""
        if inside in PAGES:
            path = DOCS / "project" / f"{PAGES[inside]}.md"
        return Path(os.path.relpath(path, page.parent)).as_posix() + (link[2] or "")

    return target
