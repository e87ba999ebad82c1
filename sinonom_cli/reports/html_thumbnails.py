"""Small pictures inside an HTML page; each is stored once, however often it is shown."""

from __future__ import annotations

import base64
import html
import io
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from sinonom_cli.reports.contact_sheet import thumb

SIDE = 72
GREYS = 16
"""Number of grey levels of a small picture, which then takes half a kilobyte to one kilobyte."""


class Thumb(NamedTuple):
    """One small picture on a page.

    Attributes
    ----------
    shown : CSS class of the stored picture, or "char" or "gone" if there is none.
    kind : CSS class of its frame.
    title : text that appears under the pointer.
    char : character that the browser draws instead of a picture.
    """

    shown: str
    kind: str = ""
    title: str = ""
    char: str = ""


class Thumbs:
    """Small pictures of files, as CSS rules with data URIs.

    Parameters
    ----------
    most : largest number of bytes of data URIs in the page; further pictures are left out.
    """

    def __init__(self, most: int) -> None:
        self.left, self.left_out = most, 0
        self._numbers: dict[Path, int | None] = {}
        self._rules: list[str] = []

    def of(self, picture: Path, title: str = "", kind: str = "", char: str = "") -> Thumb:
        """Return what the page shows for a picture.

        Parameters
        ----------
        picture : path of the file.
        title : text that appears under the pointer.
        kind : class of the page's CSS.
        char : character that the browser draws if there is no picture.
        """
        number = self._number(picture)
        if number is None:
            return Thumb("char" if char else "gone", kind, title, char)
        return Thumb(f"t{number}", kind, title)

    def css(self) -> str:
        """Return the CSS rules, one for each stored picture."""
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
    """Return an HTML element that contains a picture; if the picture cannot be read, return the character."""
    uri = _encoded(picture)
    return html.escape(char) if uri is None else f'<img src="data:image/png;base64,{uri}" alt="{html.escape(char)}">'


def _encoded(picture: Path) -> str | None:
    """Return a small PNG of a picture in base64; None if the file is missing or cannot be read."""
    small = thumb(picture, SIDE)
    if small is None:
        return None
    buffer = io.BytesIO()
    small.quantize(GREYS, method=Image.Quantize.MAXCOVERAGE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
