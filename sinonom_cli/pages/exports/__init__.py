"""Formats of a reading. A new one is a file here and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sinonom_cli.pages.exports.alto_xml import alto_xml
from sinonom_cli.pages.exports.json_file import json_file
from sinonom_cli.pages.exports.page_xml import page_xml
from sinonom_cli.pages.exports.plain_text import plain_text
from sinonom_cli.pages.exports.tei_xml import tei_xml
from sinonom_cli.pages.exports.vietnamese import vietnamese
from sinonom_cli.pages.reading import Reading


@dataclass(frozen=True)
class Format:
    """A format of readings.

    Attributes
    ----------
    folder, suffix : the file of a page is `<folder>/<page><suffix>`.
    write : makes the content of the file from a reading and the time, in ISO 8601, at which its picture was last
        changed. A time of the run would make each run's bytes differ.
    """

    folder: str
    suffix: str
    write: Callable[[Reading, str], str]

    def file_name(self, page: str) -> str:
        """Return the name of a page's file, relative to the output."""
        return f"{self.folder}/{page}{self.suffix}"


FORMATS: dict[str, Format] = {
    "json": Format("pages", ".json", json_file),
    "txt": Format("pages", ".txt", plain_text),
    "page": Format("page", ".xml", page_xml),
    "alto": Format("alto", ".xml", alto_xml),
    "tei": Format("tei", ".xml", tei_xml),
    "vi": Format("readings", ".txt", vietnamese),
}
"""Formats by name."""
