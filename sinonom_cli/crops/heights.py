"""How high characters stand in a column, compared with an ordinary one."""

RELATIVE: dict[str, float] = {"一": 0.52, "二": 0.77}
"""Measured on 106,000 characters of NomNaOCR: every other frequent character lies between 0.93 and 1.09."""


def expected_heights(transcript: str) -> list[float]:
    """Return the expected height of each character with its share of the gaps, 1 for an ordinary one."""
    return [RELATIVE.get(char, 1.0) for char in transcript]
