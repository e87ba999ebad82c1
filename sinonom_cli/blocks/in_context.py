"""Name the characters of a block by their neighbours too, as those of a page: blocks are text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.blocks.doubts import IMPROBABLE, MODEL
from sinonom_cli.blocks.learn import Called, Learnt, called_of, in_order, without_name
from sinonom_cli.layout.order import Placed
from sinonom_cli.search.naming import NAMES, Name

InContext = Callable[[Sequence[Placed], Sequence[list[Name]], NDArray[np.float32]], list[list[Name]]]
"""Function that judges names of characters in reading order by look-alikes and neighbours, given what they were found
by; see `pages.places.names_in_context`."""


def in_context(learnt: Learnt, judge: InContext) -> Learnt:
    """Return the characters of a block with the model's names judged by their neighbours.

    A name that is known from people, a transcript or a print is certain: it stays, and its neighbours are judged by it.

    Parameters
    ----------
    learnt : the characters, named by their looks.
    judge : judges names; it never overrules one that is sure.
    """
    called, candidates = learnt.called, learnt.pieces.candidates
    known = [one.named_by not in ("", MODEL) for one in called]
    given = [_certain(one) if sure else list(names) for one, names, sure in zip(called, candidates, known, strict=True)]
    judged = judge([character.placed for character in learnt.read.characters], given, learnt.pieces.embeddings)
    names = [
        before if sure else after[:NAMES]
        for before, after, sure in zip(learnt.pieces.names, judged, known, strict=True)
    ]
    called = [one if sure else called_of(several) for one, several, sure in zip(called, names, known, strict=True)]
    doubts = [one for one in learnt.doubts if one.reason != IMPROBABLE]
    return replace(learnt, called=called, in_context=names, doubts=in_order(doubts + without_name(called, doubts)))


def _certain(called: Called) -> list[Name]:
    return [Name(label=called.label, char=called.char, distance=0.0, probability=1.0)] if called.char else []
