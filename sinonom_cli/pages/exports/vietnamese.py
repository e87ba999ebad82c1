"""Write a reading with Vietnamese readings: for each column a line of text, and a line with a reading a character."""

from __future__ import annotations

from sinonom_cli.characters import reading as facts_of
from sinonom_cli.pages.reading import Reading

UNKNOWN = "?"
"""Sign for a character without a known Vietnamese reading."""


def vietnamese(reading: Reading, _changed: str = "") -> str:
    """Return each column of a page, and below it the first Vietnamese reading of each of its characters (Unihan).

    A character often has several readings, of which the context decides; only the most usual one is written.
    """
    lines = []
    for column in reading.columns():
        lines.append("".join(character.char for character in column))
        lines.append(" ".join(_first(character.char) for character in column))
        lines.append("")
    return "\n".join(lines)


def _first(char: str) -> str:
    """Return the first Vietnamese reading of a character, or `UNKNOWN`."""
    known = facts_of(char).vietnamese.replace(",", " ").split()
    return known[0] if known else UNKNOWN
