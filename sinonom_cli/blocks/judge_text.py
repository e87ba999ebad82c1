"""Name the characters of a block by its transcript, and say where the two disagree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks import doubts
from sinonom_cli.blocks.doubts import TRANSCRIPT, Doubt
from sinonom_cli.blocks.text_alignment import Step, agreements, align_text
from sinonom_cli.blocks.transcripts import Text
from sinonom_cli.crops.transcripts import ILLEGIBLE
from sinonom_cli.search.naming import Name

AGREES = 0.05
"""Smallest probability of the transcript's character at which the model agrees with it."""
FITS = 0.5
"""Smallest share of agreeing characters of a transcript that is of this block."""
AROUND, FITS_HERE = 4, 0.5
"""Number of neighbours on each side, and smallest share of them that agree where the transcript is believed."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """Characters of a block, named by a transcript.

    Attributes
    ----------
    chars : name of each character that the transcript gives; "" where it gives none.
    probabilities : that the model gives to these names, in any form.
    doubts : where transcript and model disagree.
    divide, join : outlines that show two characters, and the first ones of two outlines that show one.
    share : share of the characters of the shorter of block and transcript that agree.
    """

    chars: list[str]
    probabilities: list[float]
    doubts: list[Doubt]
    divide: list[int] = field(default_factory=list)
    join: list[int] = field(default_factory=list)
    share: float = 0.0


def judge_text(
    boxes: NDArray[np.float64], columns: Sequence[int], names: Sequence[Sequence[Name]], text: Text, mend: bool = True
) -> Judged:
    """Align the characters of a block with its transcript and name them by it.

    A transcript of which less than `FITS` agrees gives no names. A character that disagrees is named by the transcript
    if its neighbours agree with it, and is doubtful; where they disagree too, the transcript gives no name.

    Parameters
    ----------
    boxes, columns, names, text, mend : as `align_text` takes them.
    """
    steps = align_text(boxes, columns, names, text, mend)
    chars = "".join(text)
    likely = agreements(names, chars)
    pairs = [step for step in steps if step.last - step.first == step.end - step.start == 1]
    agree = np.array([likely[step.first, step.start] >= AGREES for step in pairs], bool)
    readable = sum(char not in ILLEGIBLE for char in chars)
    share = float(agree.sum()) / max(1, min(len(boxes), readable))
    empty = [""] * len(boxes)
    if share < FITS:
        reason = f"{doubts.OTHER_TEXT}: {agree.sum()} of {len(boxes)} characters agree with its {readable}"
        return Judged(
            chars=empty,
            probabilities=[0.0] * len(boxes),
            doubts=[Doubt(reason=reason, known_by=TRANSCRIPT)],
            share=share,
        )
    judged = Judged(
        chars=empty,
        probabilities=[0.0] * len(boxes),
        doubts=[],
        divide=[step.first for step in steps if step.end - step.start == 2],
        join=[step.first for step in steps if step.last - step.first == 2],
        share=share,
    )
    for step, agrees, believed in zip(pairs, agree, _believed(agree), strict=True):
        _name(judged, step, chars[step.start], float(likely[step.first, step.start]), bool(agrees), bool(believed))
    judged.doubts.extend(_unmatched(steps, chars, columns))
    return judged


def _name(judged: Judged, step: Step, char: str, probability: float, agrees: bool, believed: bool) -> None:
    """Name one character, and doubt it where transcript and model disagree."""
    number = step.first
    if char in ILLEGIBLE:
        return
    if agrees or believed:
        judged.chars[number], judged.probabilities[number] = char, probability
    if not agrees:
        reason = doubts.DISAGREES if believed else doubts.NOT_FITTING
        judged.doubts.append(Doubt(reason=reason, number=number, known=char, known_by=TRANSCRIPT))


def _believed(agree: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return where most of the neighbours agree, (n,) bool; the character itself does not count."""
    total = np.concatenate([[0], np.cumsum(agree)])
    at = np.arange(len(agree))
    low, high = np.maximum(at - AROUND, 0), np.minimum(at + AROUND + 1, len(agree))
    others = total[high] - total[low] - agree
    return np.asarray(others >= FITS_HERE * np.maximum(high - low - 1, 1))


def _unmatched(steps: Sequence[Step], chars: str, columns: Sequence[int]) -> list[Doubt]:
    """Return the doubts about characters without outline and about outlines that the transcript lacks."""
    found = []
    for step in steps:
        if step.first == step.last and chars[step.start] not in ILLEGIBLE:
            column = columns[step.first - 1] if step.first else columns[0]
            found.append(Doubt(reason=doubts.NO_OUTLINE, column=column, known=chars[step.start], known_by=TRANSCRIPT))
        if step.start == step.end:
            found.append(Doubt(reason=doubts.NOT_IN_TEXT, number=step.first, known_by=TRANSCRIPT))
    return found
