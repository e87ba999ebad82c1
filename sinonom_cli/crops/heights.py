"""Estimate the heights of characters in a column, relative to an ordinary character."""

RELATIVE: dict[str, float] = {"一": 0.52, "二": 0.77}
"""Relative heights measured on 106,000 characters of NomNaOCR; those of all other frequent characters lie between 0.93
and 1.09."""


def expected_heights(transcript: str) -> list[float]:
    """Return the expected height of each character with its share of the gaps; an ordinary character has height 1."""
    return [RELATIVE.get(char, 1.0) for char in transcript]
