"""Apply people's corrections to the characters of a block: their outlines and their names."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.doubts import CORRECTION, Doubt
from sinonom_cli.blocks.find import Read, outlined
from sinonom_cli.blocks.learn import Called, Learnt, Pieces, called_of, in_order, without_name
from sinonom_cli.blocks.outlines import SMALLEST
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.corrections import Box, Correction
from sinonom_cli.layout.given_corrections import NO_CHARACTER, Given, described, say_unfit
from sinonom_cli.layout.order import Placed
from sinonom_cli.layout.put_right import PutRight, put_right


def corrected(
    block: str, path: Path, learnt: Learnt, pixel: float, given: Given, cut_out: Callable[[Read], Pieces]
) -> Learnt:
    """Return the characters of a block after corrections.

    Parameters
    ----------
    block : its name, for messages.
    path : its scan, by which corrections of another block are known.
    learnt : its characters without corrections.
    pixel : side of a pixel of `learnt.read`, in the scan's units, which the corrections are in.
    given : what people have corrected.
    cut_out : function that cuts characters out and names them by their looks.

    Raises
    ------
    BadInput
        If the corrections are of another block, or leave nothing of it.
    """
    old, names = learnt.read.characters, learnt.pieces.names
    boxes = [_scaled(one.placed.box, pixel) for one in old]
    known = [
        {called.char, *(name.char for name in several)} for called, several in zip(learnt.called, names, strict=True)
    ]
    given.refuse_other(path, boxes, known)
    height, width = learnt.read.ink.shape
    found = put_right(
        [one.placed for one in old],
        boxes,
        [one.char for one in learnt.called],
        given.corrections,
        (width * pixel, height * pixel),
        (SMALLEST + 1) * pixel,  # corners are rounded
    )
    say_unfit(block, found.unfit, len(given.corrections))
    if not found.placed:
        raise BadInput("its corrections delete all of its characters", "leave the block out")
    read, pieces = learnt.read, learnt.pieces
    if any(found.moved) or len(found.placed) < len(old):
        limits = np.array(read.ink.shape[::-1] * 2, np.int64)
        read = replace(read, characters=outlined(_placed(found, learnt, pixel, limits), read.ink))
        pieces = cut_out(read)
    called = [_called(number, found, learnt, pieces) for number in range(len(found.placed))]
    return Learnt(
        read=read,
        pieces=pieces,
        called=called,
        doubts=in_order(_doubts(learnt, found, called)),
        figures={**learnt.figures, "corrections": len(given.corrections), "corrections_unfit": len(found.unfit)},
        numbers=_numbers(found, len(old)),
    )


def _placed(found: PutRight, learnt: Learnt, pixel: float, limits: NDArray[np.int64]) -> list[tuple[Placed, float]]:
    """Return places with boxes in pixels, inside the block, and scores; people's boxes have the score 1."""
    placed = []
    for place, moved in zip(found.placed, found.moved, strict=True):
        old = None if moved else learnt.read.characters[place.index]
        x0, y0, x1, y1 = np.clip(np.array(place.box) / pixel, 0, limits).tolist()
        placed.append((replace(place, box=old.placed.box if old else (x0, y0, x1, y1)), old.score if old else 1.0))
    return placed


def _called(number: int, found: PutRight, learnt: Learnt, pieces: Pieces) -> Called:
    """Return the name of a character: people's, else that of before, else the model's."""
    index, char = found.placed[number].index, found.chars[number]
    if char:
        return Called(char=char, named_by=CORRECTION, probability=1.0)
    if found.moved[number]:
        return called_of(pieces.names[number], None, (), number)
    return learnt.called[index]


def _doubts(learnt: Learnt, found: PutRight, called: list[Called]) -> list[Doubt]:
    """Return the doubts that people have not settled, and those about corrections and new characters."""
    after = {
        place.index: number
        for number, (place, moved) in enumerate(zip(found.placed, found.moved, strict=True))
        if not moved and called[number].named_by != CORRECTION
    }
    kept = [
        doubt if doubt.number is None else replace(doubt, number=after[doubt.number])
        for doubt in learnt.doubts
        if doubt.number is None or doubt.number in after
    ]
    return [*kept, *without_name(called, kept), *map(_unfit, found.unfit)]


def _unfit(correction: Correction) -> Doubt:
    said = "".join(spot.char for spot in correction.now)
    return Doubt(reason=f"{NO_CHARACTER}: {described(correction)}", known=said, known_by=CORRECTION)


def _numbers(found: PutRight, count: int) -> list[int]:
    """Return the numbers of the characters' files: those of before are kept, and new ones follow them."""
    new = iter(range(count, count + len(found.placed)))
    return [next(new) if place.index < 0 else place.index for place in found.placed]


def _scaled(box: Box, pixel: float) -> Box:
    x0, y0, x1, y1 = (side * pixel for side in box)
    return x0, y0, x1, y1
