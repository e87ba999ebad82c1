"""What is doubtful about the characters of a block: the rows of `doubtful.csv`."""

from __future__ import annotations

from dataclasses import dataclass

COLUMNS = (
    "source",
    "block",
    "column",
    "place",
    "box",
    "mesh",
    "char",
    "probability",
    "known",
    "known_by",
    "reason",
)
"""Columns of `doubtful.csv`. `char` and `probability` are the model's first name; `known` is what the transcript, the
print or a correction says, and `known_by` which of them."""
MODEL, TRANSCRIPT, PRINT, CORRECTION = "model", "transcript", "print", "correction"
"""Where a name is from, in the column `named_by` of `metadata.csv` and `known_by` of `doubtful.csv`."""
UNLIKELY = 0.5
"""Probability of a name, by the model, below which it is doubtful."""

IMPROBABLE = "the name is improbable"
DISAGREES = "the model reads another character"
NOT_FITTING = "the transcript does not fit here"
OTHER_TEXT = "the transcript is of another text"
NO_OUTLINE = "no outline shows it"
NOT_IN_TEXT = "the transcript lacks it"
DIVIDED = "one outline was divided for two characters of the transcript"
JOINED = "two outlines were joined for one character of the transcript"
UNREADABLE_PRINT = "the print cannot be read"
OTHER_PRINT = "the print is of another block"
NOT_IN_PRINT = "the print has no character here"
ADDED = "the outline was added, because the print has a character here"
BLANK = "the print has a character here, the block has no relief"
PRINT_DIFFERS = "the print is read as another character"


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A doubt about a character of a block, or about the whole block.

    Attributes
    ----------
    reason : one of the reasons above, and more.
    number : index of the character, in reading order; None: it has no outline, or the block is meant.
    column : column of a character without outline; 0: unknown.
    known, known_by : what is known of its name, and from where.
    """

    reason: str
    number: int | None = None
    column: int = 0
    known: str = ""
    known_by: str = ""
