"""Name the characters of a block by all that is known: the model that ships, and its transcript and prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.doubts import MODEL, TRANSCRIPT, Doubt
from sinonom_cli.blocks.find import Read
from sinonom_cli.blocks.judge_text import Judged, judge_text
from sinonom_cli.blocks.mend import divided_and_joined
from sinonom_cli.blocks.picture import UNLIKELY
from sinonom_cli.blocks.transcripts import Text
from sinonom_cli.characters import label_of
from sinonom_cli.search.naming import Name


@dataclass(frozen=True, kw_only=True)
class Called:
    """Name of a character.

    Attributes
    ----------
    char : the character; "" where no name is probable.
    named_by : "model", "transcript" or "print"; "" without a name.
    probability : that the model gives to `char` in any of its forms, or to its own first name where `char` is "".
    """

    char: str
    named_by: str
    probability: float

    @property
    def label(self) -> str:
        """Return the label of the character, such as `U+5B57`, or ""."""
        return label_of(self.char) if self.char else ""


@dataclass(frozen=True, kw_only=True)
class Knowledge:
    """What is known of a block.

    Attributes
    ----------
    text : its transcript; empty: unknown.
    """

    text: Text = ()


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Characters of a block, cut out.

    Attributes
    ----------
    polygons : (K, 2) float64 each, in pixels of the block's height map.
    meshes : (F, 3, 3) float32 each, upright.
    names : the model's names of each, the most probable first; none for one that could not be drawn.
    """

    polygons: list[NDArray[np.float64]]
    meshes: list[NDArray[np.float32]]
    names: list[list[Name]]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """Characters of a block with their names.

    Attributes
    ----------
    read, pieces : the characters, with outlines mended by what is known.
    called : the name of each.
    doubts : what is doubtful.
    figures : numbers for the block's record, such as the share of characters that agree with the transcript.
    """

    read: Read
    pieces: Pieces
    called: list[Called]
    doubts: list[Doubt] = field(default_factory=list)
    figures: dict[str, float | int | str] = field(default_factory=dict)


def learn(block: str, read: Read, cut_out: Callable[[Read], Pieces], known: Knowledge) -> Learnt:
    """Name the characters of a block, and mend their number where its transcript asks for it.

    Parameters
    ----------
    block : its name, for messages.
    read : characters that were found.
    cut_out : function that cuts characters out and names them by their looks.
    known : what is known of the block.
    """
    pieces = cut_out(read)
    found: list[Doubt] = []
    figures: dict[str, float | int | str] = {}
    judged = None
    if known.text:
        judged = _judged(read, pieces, known.text)
        if judged.divide or judged.join:
            read, changed = divided_and_joined(read, judged.divide, judged.join)
            pieces = cut_out(read)
            judged = _judged(read, pieces, known.text, mend=False)
            words = {"divided": doubts.DIVIDED, "joined": doubts.JOINED}
            found += [
                Doubt(reason=words[how], number=number, known=judged.chars[number], known_by=TRANSCRIPT)
                for number, how in changed.items()
            ]
        found += judged.doubts
        figures = {"transcript_characters": sum(map(len, known.text)), "transcript_agreement": round(judged.share, 4)}
        if not any(judged.chars):
            messages.warn(f"{block}: {judged.doubts[0].reason}; its names are the model's")
    called = [_called(pieces.names[number], judged, number) for number in range(len(read.characters))]
    doubted = {doubt.number for doubt in found}
    found += [
        Doubt(reason=doubts.IMPROBABLE, number=number)
        for number, one in enumerate(called)
        if not one.char and number not in doubted
    ]
    return Learnt(read=read, pieces=pieces, called=called, doubts=_sorted(found), figures=figures)


def _judged(read: Read, pieces: Pieces, text: Text, mend: bool = True) -> Judged:
    boxes = np.array([character.placed.box for character in read.characters])
    columns = [character.placed.column for character in read.characters]
    return judge_text(boxes, columns, pieces.names, text, mend)


def _called(names: Sequence[Name], judged: Judged | None, number: int) -> Called:
    if judged is not None and judged.chars[number]:
        return Called(char=judged.chars[number], named_by=TRANSCRIPT, probability=judged.probabilities[number])
    first = names[0] if names else None
    if first is None or first.probability < UNLIKELY:
        return Called(char="", named_by="", probability=first.probability if first else 0.0)
    return Called(char=first.char, named_by=MODEL, probability=first.probability)


def _sorted(found: Sequence[Doubt]) -> list[Doubt]:
    """Return the doubts about the block first, then those about characters in reading order, then those without."""
    return sorted(found, key=lambda doubt: (doubt.column > 0, -1 if doubt.number is None else doubt.number))
