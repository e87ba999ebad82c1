"""Apply people's corrections to a page: its characters, their boxes and their names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.characters import label_of
from sinonom_cli.layout.put_right import put_right
from sinonom_cli.search.naming import Name

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sinonom_cli.layout.corrections import Correction
    from sinonom_cli.layout.order import Direction, Placed
    from sinonom_cli.pages.sight import Sight
    from sinonom_cli.pages.turning import Turning


SMALLEST = 2.0
"""Smallest side of a box of a character, pixels of the shown picture."""


@dataclass(frozen=True, kw_only=True)
class Characters:
    """Characters of a page as it is read, in reading order.

    Attributes
    ----------
    places : their places and boxes, pixels of the picture that is read.
    scores : (N,) float64, probability that a box holds a character, in [0, 1].
    names : by sight, the most probable first.
    embeddings : (N, D) float32 of length 1, what the names were found by.
    checked : what people say that each shows; "" where they say nothing.
    """

    places: Sequence[Placed]
    scores: NDArray[np.float64]
    names: Sequence[list[Name]]
    embeddings: NDArray[np.float32]
    checked: Sequence[str]

    def known(self) -> list[list[Name]]:
        """Return the names by sight; those that people have named have no other name, of probability 1."""
        return [
            [certain(char, several)] if char else several
            for several, char in zip(self.names, self.checked, strict=True)
        ]


def corrected(
    characters: Characters,
    corrections: Sequence[Correction],
    turning: Turning,
    see: Callable[[NDArray[np.float64]], Sight],
    direction: Direction,
) -> tuple[Characters, list[Correction]]:
    """Return the characters of a page after corrections, and the corrections that fit none of them.

    Parameters
    ----------
    characters : of the page.
    corrections : of the page, whose boxes are in pixels of the picture as it is shown.
    turning : map from the shown picture to the one that is read.
    see : names boxes, (n, 4) pixels of the picture that is read, by sight.
    direction : of the text in the picture as it is shown.
    """
    shown = [turning.shown_box(place.box) for place in characters.places]
    chars = [several[0].char if several else "" for several in characters.names]
    height, width = turning.shape
    found = put_right(characters.places, shown, chars, corrections, (width, height), SMALLEST, direction)
    boxes = turning.boxes(np.array([place.box for place in found.placed], np.float64).reshape(-1, 4))
    places, names, scores = [], [], []
    embeddings = characters.embeddings[[place.index for place in found.placed]]
    for place, moved, (x0, y0, x1, y1) in zip(found.placed, found.moved, boxes.tolist(), strict=True):
        box = (x0, y0, x1, y1) if moved else characters.places[place.index].box
        places.append(replace(place, box=box))
        names.append([] if moved else characters.names[place.index])
        scores.append(1.0 if moved else float(characters.scores[place.index]))
    new = [number for number, moved in enumerate(found.moved) if moved]
    if new:
        sight = see(boxes[new])
        embeddings[new] = sight.embeddings
        for number, several in zip(new, sight.names, strict=True):
            names[number] = several
    after = Characters(places=places, scores=np.array(scores), names=names, embeddings=embeddings, checked=found.chars)
    return after, found.unfit


def certain(char: str, sight: Sequence[Name]) -> Name:
    """Return the name that people gave: its probability is 1; its distance is known if it is a name by sight."""
    distance = next((name.distance for name in sight if name.char == char), float("nan"))
    return Name(label=label_of(char), char=char, distance=distance, probability=1.0)
