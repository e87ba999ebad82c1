"""Name the characters of a page by a known text, and list where print and text differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from sinonom_cli.blocks.doubts import Doubt
from sinonom_cli.blocks.judge_text import judge_text
from sinonom_cli.blocks.transcripts import Text
from sinonom_cli.characters import form_of, label_of
from sinonom_cli.layout.corrections import Correction
from sinonom_cli.layout.given_corrections import unfit_cells
from sinonom_cli.pages.reading import ReadCharacter, Reading
from sinonom_cli.search.naming import NAMES, Name
from sinonom_cli.storage.inputs import Items
from sinonom_cli.storage.own_tables import TableRow, numbers_cell

DOUBTFUL_COLUMNS = ("page", "source", "column", "place", "box", "char", "probability", "known", "reason")
"""Columns of `doubtful.csv`: where a page and its transcript differ, and corrections that fit no character. `char` and
`probability` are the first name, by sight and context; `known` is what the transcript or the correction has."""


def with_texts(items: Items, texts: Mapping[str, Text]) -> Items:
    """Return pages with their transcripts, given by the pages' names; a changed transcript changes the item."""
    found = []
    for item in items:
        name, number, _ = item.data
        text = tuple(texts.get(name, ()))
        found.append(replace(item, data=(name, number, text), about="\n".join(text)))
    return Items(found, items.passed_over)


def with_transcript(reading: Reading, text: Text) -> tuple[Reading, list[TableRow]]:
    """Return a page named by its transcript, and the rows of `doubtful.csv`: where the two differ.

    A character is named by the transcript where the alignment of both is probable (`blocks.judge_text`). The name keeps
    the probability that it has without the transcript. What people have checked keeps their name.

    Parameters
    ----------
    reading : the page.
    text : columns of the transcript, in reading order.
    """
    characters = reading.characters
    boxes = np.array([one.box for one in characters], np.float64)
    judged = judge_text(boxes, [one.column for one in characters], [one.names for one in characters], text, mend=False)
    told = tuple(
        _told(one, char, probability) if char and not one.checked else one
        for one, char, probability in zip(characters, judged.chars, judged.probabilities, strict=True)
    )
    return replace(reading, characters=told), [_row(reading, doubt) for doubt in judged.doubts]


def unfit_rows(reading: Reading, unfit: Sequence[Correction]) -> list[TableRow]:
    """Return the rows of `doubtful.csv` for corrections that fit no character of a page."""
    return [{"page": reading.page, "source": reading.source, **unfit_cells(each)} for each in unfit]


def _told(character: ReadCharacter, char: str, probability: float) -> ReadCharacter:
    """Return a character with the transcript's name first; its other forms are left out."""
    same = [name for name in character.names if form_of(name.char) == form_of(char)]
    others = [name for name in character.names if name not in same]
    distance = same[0].distance if same else float("nan")
    first = Name(label=label_of(char), char=char, distance=distance, probability=probability)
    return replace(character, names=(first, *others)[:NAMES], rejected=False, named_by="transcript")


def _row(reading: Reading, doubt: Doubt) -> TableRow:
    row = {"page": reading.page, "source": reading.source, "known": doubt.known, "reason": doubt.reason}
    if doubt.number is None:
        return row | ({"column": str(doubt.column)} if doubt.column else {})
    character = reading.characters[doubt.number]
    return row | {
        "column": str(character.column),
        "place": str(character.place),
        "box": numbers_cell(character.box),
        "char": character.char,
        "probability": f"{character.probability:.4f}",
    }
