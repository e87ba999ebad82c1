"""Name the characters of a block by all that is known: the model that ships, and its transcript and prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.doubts import MODEL, PRINT, TRANSCRIPT, UNLIKELY, Doubt
from sinonom_cli.blocks.find import Read
from sinonom_cli.blocks.judge_text import Judged, judge_text
from sinonom_cli.blocks.mend import divided_and_joined, with_boxes
from sinonom_cli.blocks.prints import Carried, Print, PrintCharacters, ReadPrint, carry_over
from sinonom_cli.blocks.transcripts import Text
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.search.naming import NAMES, Name


@dataclass(frozen=True, kw_only=True)
class Called:
    """Name of a character.

    Attributes
    ----------
    char : the character; "" where no name is probable.
    named_by : "model", "transcript", "print" or "correction"; "" without a name.
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
    prints : pictures of prints that it made.
    """

    text: Text = ()
    prints: tuple[Print, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Characters of a block, cut out.

    Attributes
    ----------
    polygons : (K, 2) float64 each, in pixels of the block's height map.
    meshes : (F, 3, 3) float32 each, upright.
    candidates : the model's names of each by its looks, the most probable first, `CANDIDATES` at most; none for
        one that could not be drawn.
    embeddings : (K, D) float32 of length 1, what these were found by; 0 for one that could not be drawn.
    """

    polygons: list[NDArray[np.float64]]
    meshes: list[NDArray[np.float32]]
    candidates: list[list[Name]]
    embeddings: NDArray[np.float32]

    @property
    def names(self) -> list[list[Name]]:
        """Return the first `NAMES` candidates of each."""
        return [several[:NAMES] for several in self.candidates]


@dataclass(frozen=True, kw_only=True)
class Learnt:
    """Characters of a block with their names.

    Attributes
    ----------
    read, pieces : the characters, with outlines mended by what is known.
    called : the name of each.
    doubts : what is doubtful.
    figures : numbers for the block's record, such as the share of characters that agree with the transcript.
    in_context : the model's names of each, judged by its neighbours too; empty: they were not.
    numbers : number of each character in the names of its files, from 0; empty: its place among the characters.
    """

    read: Read
    pieces: Pieces
    called: list[Called]
    doubts: list[Doubt] = field(default_factory=list)
    figures: dict[str, float | int | str] = field(default_factory=dict)
    in_context: list[list[Name]] = field(default_factory=list)
    numbers: list[int] = field(default_factory=list)

    @property
    def names(self) -> list[list[Name]]:
        """Return the model's names of each character, at most `NAMES`, judged by its neighbours if they were."""
        return self.in_context or self.pieces.names

    def file_number(self, number: int) -> int:
        """Return the number of a character in the names of its files, from 0."""
        return self.numbers[number] if self.numbers else number


def learn(
    block: str, read: Read, cut_out: Callable[[Read], Pieces], known: Knowledge, read_print: ReadPrint | None = None
) -> Learnt:
    """Name the characters of a block, and mend their number where its transcript or its prints ask for it.

    A name of the transcript goes before one of a print, and this before one of the model.

    Parameters
    ----------
    block : its name, for messages.
    read : characters that were found.
    cut_out : function that cuts characters out and names them by their looks.
    known : what is known of the block.
    read_print : finds the characters of a print; needed where prints are known.
    """
    pieces = cut_out(read)
    found: list[Doubt] = []
    figures: dict[str, float | int | str] = {}
    judged = None
    pages: list[tuple[str, PrintCharacters]] = []
    if known.prints and read_print is not None:
        pages, found = _read_prints(block, known.prints, read_print)
        read, pieces = _with_prints(read, pieces, pages, cut_out)
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
        figures |= {"transcript_characters": sum(map(len, known.text)), "transcript_agreement": round(judged.share, 4)}
        if not any(judged.chars):
            messages.warn(f"{block}: {judged.doubts[0].reason}; its names are the model's")
    carried = [carry_over(read, pieces.names, page, name) for name, page in pages]
    found += [
        Doubt(reason=doubts.ADDED, number=number, known_by=PRINT)
        for number, character in enumerate(read.characters)
        if character.score == 0
    ]
    for one in carried:
        found += one.doubts
        if not one.fits:
            messages.warn(f"{block}: {one.doubts[0].reason}; nothing of it is used")
    if carried:
        figures |= {"prints": sum(one.fits for one in carried)}
    called = [called_of(pieces.names[number], judged, carried, number) for number in range(len(read.characters))]
    found += without_name(called, found)
    return Learnt(read=read, pieces=pieces, called=called, doubts=in_order(found), figures=figures)


def without_name(called: Sequence[Called], found: Sequence[Doubt]) -> list[Doubt]:
    """Return doubts about the characters that have no probable name, without those that are doubted already."""
    doubted = {doubt.number for doubt in found}
    return [
        Doubt(reason=doubts.IMPROBABLE, number=number)
        for number, one in enumerate(called)
        if not one.char and number not in doubted
    ]


def _judged(read: Read, pieces: Pieces, text: Text, mend: bool = True) -> Judged:
    columns = [character.placed.column for character in read.characters]
    return judge_text(read.boxes, columns, pieces.names, text, mend)


def called_of(
    names: Sequence[Name], judged: Judged | None = None, carried: Sequence[Carried] = (), number: int = 0
) -> Called:
    """Return the name of a character: of the transcript, else of a print, else the model's first if it is probable."""
    if judged is not None and judged.chars[number]:
        return Called(char=judged.chars[number], named_by=TRANSCRIPT, probability=judged.probabilities[number])
    for one in carried:
        if one.chars[number]:
            return Called(char=one.chars[number], named_by=PRINT, probability=one.probabilities[number])
    first = names[0] if names else None
    if first is None or first.probability < UNLIKELY:
        return Called(char="", named_by="", probability=first.probability if first else 0.0)
    return Called(char=first.char, named_by=MODEL, probability=first.probability)


def in_order(found: Sequence[Doubt]) -> list[Doubt]:
    """Return the doubts about the block first, then those about characters in reading order, then those without."""
    return sorted(found, key=lambda doubt: (doubt.column > 0, -1 if doubt.number is None else doubt.number))


def _read_prints(
    block: str, prints: Sequence[Print], read_print: ReadPrint
) -> tuple[list[tuple[str, PrintCharacters]], list[Doubt]]:
    """Return the characters of the prints that can be read, with the prints' names, and doubts about the others."""
    pages, found = [], []
    for one in prints:
        try:
            pages.append((one.name, read_print(one)))
        except SinonomError as error:
            messages.warn(f"{block}: the print {one.name} is not used: {error.message}")
            found.append(Doubt(reason=f"{doubts.UNREADABLE_PRINT}: {one.name}, {error.message}", known_by=PRINT))
    return pages, found


def _with_prints(
    read: Read, pieces: Pieces, pages: Sequence[tuple[str, PrintCharacters]], cut_out: Callable[[Read], Pieces]
) -> tuple[Read, Pieces]:
    """Add outlines of characters that only a print shows; they have the score 0, by which they are known later."""
    for name, page in pages:
        added = carry_over(read, pieces.names, page, name).added
        if len(added):
            read = with_boxes(read, added)
            pieces = cut_out(read)
    return read, pieces
