"""Small pictures inside a page of HTML, each stored once however often it is shown."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path

from PIL import Image

from sinonom_cli.reports.contact_sheet import thumb

SIDE = 72
GREYS = 16
"""Levels that a small picture keeps: half a kilobyte to one each."""


class Thumbs:
    """Pictures by path, as rules of CSS with data URIs.

    Parameters
    ----------
    most : bytes of data URIs that the page may hold; what comes after is not drawn.
    """

    def __init__(self, most: int) -> None:
        self.left, self.left_out = most, 0
        self._numbers: dict[Path, int | None] = {}
        self._rules: list[str] = []

    def tag(self, picture: Path, title: str = "", kind: str = "", char: str = "") -> str:
        """Return the element that shows a picture.

        Parameters
        ----------
        picture : the file.
        title : shown under the pointer; escaped already.
        kind : a class of the page's CSS.
        char : the character that the browser draws where the picture is not there; escaped already.
        """
        number = self._number(picture)
        if number is None and char:
            return f'<i class="char {kind}" role="img" title="{title}">{char}</i>'
        shown = "gone" if number is None else f"t{number}"
        return f'<i class="{shown} {kind}" role="img" title="{title}"></i>'

    def css(self) -> str:
        """Return a rule for each picture."""
        return "\n".join(self._rules)

    def _number(self, picture: Path) -> int | None:
        if picture not in self._numbers:
            self._numbers[picture] = self._stored(picture)
        return self._numbers[picture]

    def _stored(self, picture: Path) -> int | None:
        if self.left <= 0:
            self.left_out += 1
            return None
        uri = _encoded(picture)
        if uri is None:
            return None
        self.left -= len(uri)
        number = len(self._rules)
        self._rules.append(f".t{number}{{background-image:url(data:image/png;base64,{uri})}}")
        return number


def inline_picture(picture: Path, char: str = "") -> str:
    """Return an element of HTML that shows a picture by itself; the character, where the picture is not there."""
    uri = _encoded(picture)
    return html.escape(char) if uri is None else f'<img src="data:image/png;base64,{uri}" alt="{html.escape(char)}">'


def _encoded(picture: Path) -> str | None:
    """Return a small PNG of a picture in base64; None: it is not there, or cannot be read."""
    small = thumb(picture, SIDE)
    if small is None:
        return None
    buffer = io.BytesIO()
    small.quantize(GREYS, method=Image.Quantize.MAXCOVERAGE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
