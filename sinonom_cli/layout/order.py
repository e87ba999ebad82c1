"""Put the characters of a page or a block into reading order, from their boxes alone.

Columns are read from right to left, and in each column characters from top to bottom. A note of two half columns is
read right half first, before the column goes on. The centre strip of a spread comes between its two pages. Headings
above the frame come before the columns of their page; where no centre strip is found, all of them come first.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.layout.columns import LEFT, RIGHT, TEXT, find_columns
from sinonom_cli.layout.parts import Column, Part, find_centre, find_headings
from sinonom_cli.layout.straighten import straightening
from sinonom_cli.layout.suppress import SAME, suppressed

Direction = Literal["vertical", "horizontal"]
LARGEST = 5000
"""Largest side of a page, in sides of a character; a page of newspaper has some 300."""
INSIDE = 0.8
"""Share of a box inside a better one from which it shows a part of the same character."""
BREAK = 3.0
"""Distance of two rows of a note, in heights of its characters, from which they are two notes."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """Place of a character in reading order.

    Attributes
    ----------
    index : row of the boxes that were given.
    column, place : number of the column on the page and of the character in the column, both from 1. Headings have
        columns of their own. In horizontal text a column is a row.
    part : "text"; "note-right" and "note-left", the half columns of a note (in horizontal text its upper and lower
        half); "heading", above the frame; "centre", in the strip between the pages of a spread.
    box : x0, y0, x1, y1, as given.
    """

    index: int
    column: int
    place: int
    part: Part
    box: tuple[float, float, float, float]


def reading_order(
    boxes: NDArray[np.floating],
    scores: NDArray[np.floating] | None = None,
    *,
    direction: Direction = "vertical",
    frame: NDArray[np.floating] | None = None,
    pitch: float | None = None,
) -> list[Placed]:
    """Return the characters of a page in reading order.

    Parameters
    ----------
    boxes : (n, 4) float, x0, y0, x1, y1 in pixels of an upright page, x to the right and y down. The page may be
        turned by up to about 10 degrees.
    scores : (n,) float, higher is better: of two boxes of the same character the better one is kept. None: all equal.
    direction : "vertical", or "horizontal" for rows from left to right, from top to bottom, which have neither
        headings nor a centre strip.
    frame : (4, 2) float, corners of the frame around the text, clockwise from the upper left, in the same pixels, if
        they are known: what stands above it is a heading, and the centre strip is in its middle. None: both are
        estimated from the boxes. Horizontal text makes no use of it.
    pitch : distance between the middles of neighbouring columns (in horizontal text, of rows), pixels, if it is known,
        such as from the rules between columns. None: it is estimated from the boxes.

    Returns
    -------
    At most n characters, in reading order. Boxes that repeat a better one are left out.

    Raises
    ------
    BadInput
        If a box is empty or not finite, if there is not one score for each box, if the frame has not four corners, or
        if the boxes are too far apart to be of one page.
    UsageError
        If the direction is another, or the pitch is less than a quarter of a character.
    """
    given: NDArray[np.float64] = np.asarray(boxes, np.float64)
    rated = np.asarray(np.zeros(len(given)) if scores is None else scores, np.float64)
    _check(given, rated, frame)
    _check_options(given, direction, pitch)
    kept = np.sort(suppressed(given, rated, SAME, INSIDE))
    if len(kept) < len(given):
        messages.detail(f"boxes that repeat a better one, left out: {len(given) - len(kept)} of {len(given)}")
    if not len(kept):
        return []
    chosen: NDArray[np.float64] = given[kept]
    if direction == "horizontal":
        # Rows become columns: y down turns into x from right to left, x into y down.
        chosen = np.stack([-chosen[:, 3], chosen[:, 0], -chosen[:, 1], chosen[:, 2]], axis=1)
        straight = straightening(chosen).boxes(chosen)
        columns = [column for _, column in _columns(straight, np.arange(len(kept)), pitch)]
    else:
        straightened = straightening(chosen)
        corners = None if frame is None else straightened.points(np.asarray(frame, np.float64))
        columns = _page(straightened.boxes(chosen), corners, pitch)
    return [
        Placed(index=int(kept[k]), column=number, place=place, part=part, box=tuple(given[kept[k]].tolist()))
        for number, column in enumerate(columns, 1)
        for place, (k, part) in enumerate(column, 1)
    ]


def _check(boxes: NDArray[np.float64], scores: NDArray[np.float64], frame: NDArray[np.floating] | None) -> None:
    if boxes.ndim != 2 or boxes.shape[1] != 4:
        raise BadInput(f"boxes have the shape {boxes.shape}", "give x0, y0, x1, y1 for each: (n, 4)")
    wrong = ~np.isfinite(boxes).all(axis=1) | (boxes[:, 2:] <= boxes[:, :2]).any(axis=1)
    if wrong.any():
        row = int(wrong.argmax())
        raise BadInput(f"box {row} has no area: {boxes[row].tolist()}", "give x0, y0, x1, y1 with x0 < x1 and y0 < y1")
    if scores.shape != (len(boxes),) or not np.isfinite(scores).all():
        given = f"{np.isfinite(scores).sum()} scores that are numbers"
        raise BadInput(f"{len(boxes)} boxes have {given}", "give one score for each box")
    if frame is not None and (np.shape(frame) != (4, 2) or not np.isfinite(frame).all()):
        raise BadInput(f"a frame is {np.asarray(frame).tolist()}", "give its corners, (4, 2), from the upper left")
    side = np.median(boxes[:, 2:] - boxes[:, :2]) if len(boxes) else 1.0
    extent = np.ptp(boxes.reshape(-1, 2), axis=0).max() if len(boxes) else 0.0
    if extent > LARGEST * side:
        row = int(np.abs(boxes - np.median(boxes, axis=0)).max(axis=1).argmax())
        raise BadInput(
            f"the boxes cover {extent / side:,.0f} characters' sides; box {row} is the farthest: {boxes[row].tolist()}",
            "give the boxes of one page",
        )


def _check_options(boxes: NDArray[np.float64], direction: str, pitch: float | None) -> None:
    if direction not in get_args(Direction):
        raise UsageError(f"direction {direction!r} is not known", "vertical or horizontal")
    if pitch is not None and len(boxes):
        side = float(np.median(boxes[:, 2:] - boxes[:, :2]))
        if not side / 4 <= pitch < np.inf:
            raise UsageError(f"pitch {pitch} is too small for characters of {side:.1f} pixels", "leave it out")


def _page(boxes: NDArray[np.float64], frame: NDArray[np.float64] | None, pitch: float | None) -> list[Column]:
    """Return the columns of a straightened page: headings, text and centre strip."""
    heading = find_headings(boxes, frame)
    text = _columns(boxes, np.flatnonzero(~heading), pitch)
    above = _heading_columns(boxes, np.flatnonzero(heading))
    strip = find_centre(boxes, text, frame)
    if strip is None:
        return [column for _, column in above + text]
    middle = text[strip][0]
    centre: Column = [(k, "centre") for k, _ in text[strip][1]]
    right, left = text[:strip], text[strip + 1 :]
    first = [column for x, column in above if x > middle]
    second = [column for x, column in above if x <= middle]
    return [*first, *(column for _, column in right), centre, *second, *(column for _, column in left)]


def _columns(boxes: NDArray[np.float64], members: NDArray[np.int64], pitch: float | None) -> list[tuple[float, Column]]:
    """Return the columns of straightened text, from right to left, each with the x of its middle."""
    if not len(members):
        return []
    chosen = boxes[members]
    found = find_columns((chosen[:, 0] + chosen[:, 2]) / 2, chosen[:, 2] - chosen[:, 0], pitch)
    columns = []
    for number in range(len(found.centres) - 1, -1, -1):
        within = np.flatnonzero(found.column == number)
        columns.append((float(found.centres[number]), _read(boxes, members[within], found.side[within])))
    return columns


def _read(boxes: NDArray[np.float64], members: NDArray[np.int64], side: NDArray[np.int64]) -> Column:
    """Order the characters of one column: text downwards, and each note right half before left half."""
    order = np.argsort(boxes[members, 1] + boxes[members, 3], kind="stable")
    column: Column = []
    note: list[tuple[int, int]] = []
    for k, half in zip(members[order].tolist(), side[order].tolist(), strict=True):
        if note and (half == TEXT or _is_apart(boxes, note[-1][0], k)):
            column += _note(note)
            note = []
        if half == TEXT:
            column.append((k, "text"))
        else:
            note.append((k, half))
    return column + _note(note)


def _is_apart(boxes: NDArray[np.float64], upper: int, lower: int) -> bool:
    """Return whether two characters of notes are so far apart that rows without any character are between them."""
    tall = np.maximum(boxes[upper, 3] - boxes[upper, 1], boxes[lower, 3] - boxes[lower, 1])
    middles = (boxes[[upper, lower], 1] + boxes[[upper, lower], 3]) / 2
    return bool(middles[1] - middles[0] >= BREAK * tall)


def _note(note: list[tuple[int, int]]) -> Column:
    right: Column = [(k, "note-right") for k, half in note if half == RIGHT]
    left: Column = [(k, "note-left") for k, half in note if half == LEFT]
    return right + left


def _heading_columns(boxes: NDArray[np.float64], members: NDArray[np.int64]) -> list[tuple[float, Column]]:
    """Return the columns of headings, from right to left; a column is where characters overlap across by half."""
    middles = (boxes[members, 0] + boxes[members, 2]) / 2
    widths = boxes[members, 2] - boxes[members, 0]
    columns: list[list[int]] = []
    last = np.inf
    for k in np.argsort(-middles, kind="stable"):
        if last - middles[k] > 0.5 * np.median(widths):
            columns.append([])
        columns[-1].append(int(members[k]))
        last = middles[k]
    found: list[tuple[float, Column]] = []
    for column in columns:
        downwards = sorted(column, key=lambda k: boxes[k, 1] + boxes[k, 3])
        found.append((float(np.mean(boxes[column][:, ::2])), [(k, "heading") for k in downwards]))
    return found
