"""The pages of the documentation as the tests see them: their text, their code, and the commands in it."""

import re
import shlex
from pathlib import Path

import sinonom_cli

ROOT = Path(sinonom_cli.__file__).parent.parent
DOCS = ROOT / "docs"
MADE = ("commands", "project")
"""Folders of docs/ whose pages the build makes."""

FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Return README.md and the pages of docs/ that people have written."""
    written = (path for path in sorted(DOCS.rglob("*.md")) if path.relative_to(DOCS).parts[0] not in MADE)
    return [ROOT / "README.md", *written]


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def fenced(page: Path, language: str) -> list[str]:
    """Return the code blocks of a page in one language."""
    return [body for spoken, body in FENCE.findall(page.read_text(encoding="utf-8")) if spoken == language]


def command_lines(page: Path) -> list[list[str]]:
    """Return the words after `sinonom` of every command on a page: in blocks, indented, and in a line of text."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^ *(?:\$ |then )?sinonom ([^\n]+)", text, re.MULTILINE)
    lines += re.findall(r"`sinonom ([^`\n]+)`", text)
    found = []
    for line in lines:
        words = shlex.split(re.split(r" +(?:#|\||<|>|&&|\|\|) ?", line)[0], comments=True)
        if words and words[0].islower() and not words[0].startswith("-"):
            found.append(["x" if word == "..." else word for word in words])
    return found
