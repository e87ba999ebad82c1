"""Write a reading as plain text: a line for each column, in reading order."""

from __future__ import annotations

from sinonom_cli.pages.reading import Reading


def plain_text(reading: Reading, _changed: str = "") -> str:
    """Return what the page reads, one column a line, in Unicode."""
    return reading.text + "\n"
