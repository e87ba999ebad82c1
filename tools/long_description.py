"""Make the description that a package index shows from README.md, when a distribution is built.

An index shows the text alone, without the files beside it, so links into the repository and pictures would lead
nowhere there. Paragraphs that are nothing else, and the ones for a clone, are left out; other links become their text.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"\[([^\[\]]*)\]\((?![a-z]+://)[^()]*\)")
PICTURE = re.compile(r"!\[[^\[\]]*\]\((?![a-z]+://)[^()]*\)")
MORE = "The documentation is in the source distribution: `make docs` builds it as a site.\n"
INSTALL = {"From a clone:": "Type:", "pip install . ": "pip install sinonom ", '".[': '"sinonom['}
"""What the part on installing says, and what it says of a package from an index."""


def long_description(readme: str) -> str:
    """Return a README as Markdown that needs no other file: without pictures and without relative links."""
    text, _, _ = readme.partition("\n## More\n")
    for old, new in INSTALL.items():
        text = text.replace(old, new)
    kept = [part for part in text.split("\n\n") if not _is_for_the_repository(part)]
    return "\n\n".join([*(LINK.sub(r"\1", part).rstrip() for part in kept), MORE])


def _is_for_the_repository(part: str) -> bool:
    """Return whether a paragraph has a picture, or only links and dots between them, or commands of `make`."""
    return bool(PICTURE.search(part)) or not LINK.sub("", part).strip(" ·\n") or part.startswith("    make ")


class Readme(MetadataHookInterface):
    """Hook of hatchling, which pyproject.toml names."""

    def update(self, metadata: dict[str, Any]) -> None:
        readme = Path(self.root, "README.md").read_text(encoding="utf-8")
        metadata["readme"] = {"content-type": "text/markdown", "text": long_description(readme)}
