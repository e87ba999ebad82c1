"""Find how a page lies and where its characters are, and make it upright and flat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli import messages
from sinonom_cli.blocks.upright import find_way
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.detect import Detector, Found
from sinonom_cli.layout.order import Direction
from sinonom_cli.pages.boxes import Known, inside
from sinonom_cli.pages.frame import CROOKED, crookedness, find_frame
from sinonom_cli.pages.next_leaf import at_edge, of_next_leaf
from sinonom_cli.pages.turning import Turning, flattened, lean_of, turned_by
from sinonom_cli.pictures.page_ink import page_ink
from sinonom_cli.search.naming import shipped_namer

if TYPE_CHECKING:
    from numpy.typing import NDArray

FEWEST = 2
"""Smallest number of characters of a page; `query` takes pictures of single characters."""
LEANING = 1.5
"""Smallest lean of the columns, in degrees, that is taken out where no frame shows how the page lies."""


@dataclass(frozen=True, kw_only=True)
class PageOptions:
    """Options of reading a page; every one of them changes the result.

    Attributes
    ----------
    direction : of the text.
    mirrored, turned : what is known about how the picture lies, see `blocks.upright.Way`; None: found.
    size : height of an ordinary character, pixels of the picture; None: found.
    reject : whether characters that match no known character get no name.
    context : whether names are also judged by their look-alikes on the page and their neighbours.
    """

    direction: Direction = "vertical"
    mirrored: bool | None = None
    turned: int | None = None
    size: float | None = None
    reject: bool = False
    context: bool = True


@dataclass(frozen=True, kw_only=True)
class Laid:
    """A page as it is read.

    Attributes
    ----------
    turning : map from the shown picture to `picture`.
    picture : (H, W) uint8, upright and flat.
    boxes, scores : (N, 4) and (N,) float64, characters in pixels of `picture`, and how probable they are.
    size : height of an ordinary character, pixels of the shown picture.
    left_out : number of characters of the next leaf, which are not among the boxes.
    """

    turning: Turning
    picture: NDArray[np.uint8]
    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    size: float
    left_out: int = 0


def laid_flat(
    grey: NDArray[np.uint8], page: str, options: PageOptions, known: Known | None, detector: Detector
) -> Laid:
    """Find the characters of a page, and turn it upright and flat; arguments and errors are as for `see_page`."""
    ink = page_ink(grey)
    if ink is None:
        raise BadInput("the page is blank", "give a picture of a printed or written page")
    found = _found(ink, detector, options.size, known)
    check_count(len(found.boxes))
    way = find_way(grey, found.boxes, shipped_namer().distances, options.mirrored, options.turned)
    turning = Turning(way=way, shape=grey.shape)
    upright = turning.boxes(found.boxes)
    of_this = ~at_edge(turning.picture(grey), upright)
    frame = find_frame(np.ascontiguousarray(way.upright(ink), np.float32), upright[of_this])
    flat = _flat(turning, frame, upright, options.direction)
    turning = flat or turning
    picture = turning.picture(grey)
    boxes, scores = turning.boxes(found.boxes), found.scores
    flat_ink = page_ink(picture) if flat and known is None else None
    if flat_ink is not None:
        again = detector.find(flat_ink, options.size)
        boxes, scores = again.boxes, again.scores
        check_count(len(boxes))
    kept = np.ones(len(boxes), bool)
    if known is None and options.direction == "vertical":
        kept = _of_this_leaf(grey, page, turning, boxes, frame)
    return Laid(
        turning=turning,
        picture=picture,
        boxes=boxes[kept],
        scores=scores[kept],
        size=found.size,
        left_out=int((~kept).sum()),
    )


def _of_this_leaf(
    grey: NDArray[np.uint8], page: str, turning: Turning, boxes: NDArray[np.float64], frame: NDArray[np.float64] | None
) -> NDArray[np.bool_]:
    """Return which characters are not those of the next leaf, and say how many are; `frame` is in the upright page."""
    way = turning.way
    shown = np.array([turning.shown_box(tuple(box)) for box in boxes.tolist()])
    upright = np.ascontiguousarray(way.upright(grey), np.uint8)
    gone = of_next_leaf(upright, way.boxes(shown, (grey.shape[0], grey.shape[1])), frame)
    if gone.sum() > len(boxes) - FEWEST:
        return np.ones(len(boxes), bool)
    if gone.any():
        messages.warn(f"{page}: characters of the next leaf at the edge of the paper, left out: {gone.sum()}")
    return ~gone


def _found(ink: NDArray[np.float32], detector: Detector, size: float | None, known: Known | None) -> Found:
    """Return the characters of a page: the known ones, and those that the detector finds in known lines."""
    if known is None:
        return detector.find(ink, size)
    boxes, scores = known.boxes, np.ones(len(known.boxes))
    if len(known.lines):
        found = detector.find(ink, size)
        kept = inside(found.boxes, known.lines)
        boxes, scores = np.vstack([boxes, found.boxes[kept]]), np.concatenate([scores, found.scores[kept]])
    limits = np.array([ink.shape[1], ink.shape[0]] * 2)
    boxes = np.clip(boxes, 0, limits)
    kept = np.asarray((boxes[:, 2:] - boxes[:, :2] >= 1).all(axis=1), bool)
    if not kept.all():
        messages.warn(f"boxes that lie outside the page, left out: {(~kept).sum()} of {len(kept)}")
    boxes, scores = boxes[kept], scores[kept]
    usual = float(np.median(boxes[:, 3] - boxes[:, 1])) if len(boxes) else 1.0
    return Found(boxes=boxes, scores=scores, size=size or usual)


def _flat(
    turning: Turning, frame: NDArray[np.float64] | None, boxes: NDArray[np.float64], direction: Direction
) -> Turning | None:
    """Return the turning that also makes a crooked page flat, or its leaning columns upright; None if it needs none.

    `frame` and `boxes` are those of the page that `turning` has made upright.
    """
    if frame is not None:
        return flattened(turning.way, turning.shape, frame) if crookedness(frame) >= CROOKED else None
    lean = lean_of(boxes) if direction == "vertical" else 0.0
    return turned_by(turning.way, turning.shape, lean) if abs(lean) >= LEANING else None


def check_count(count: int) -> None:
    """Raise BadInput if a page shows fewer characters than `FEWEST`."""
    if count < FEWEST:
        what = "one character" if count else "no characters"
        raise BadInput(f"{what} found", "sinonom query names a single character" if count else "give a page of text")
