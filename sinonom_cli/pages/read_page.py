"""Read a page: find which edge of its picture is up, find its characters, put them in order, and name them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.blocks.upright import Way, cropped
from sinonom_cli.errors import BadInput
from sinonom_cli.layout.corrections import Correction
from sinonom_cli.layout.detect import Detector, shipped_detector
from sinonom_cli.layout.given_corrections import Given, say_unfit
from sinonom_cli.layout.order import Direction, reading_order
from sinonom_cli.pages.boxes import Known
from sinonom_cli.pages.column import characters_by_sight
from sinonom_cli.pages.corrected import Characters, corrected
from sinonom_cli.pages.laid import Laid, PageOptions, check_count, laid_flat
from sinonom_cli.pages.places import names_in_context, numbered, runs_of
from sinonom_cli.pages.reading import Point, ReadCharacter, Reading
from sinonom_cli.pages.sight import names_by_sight
from sinonom_cli.pages.turning import Turning
from sinonom_cli.search.naming import CANDIDATES, NAMES, Name, shipped_namer


@dataclass(frozen=True, kw_only=True)
class SeenPage:
    """Characters of a page, with the pictures that they are named from.

    Attributes
    ----------
    reading : the page.
    pictures : (H, W) uint8 of each character, upright, dark strokes on a light ground.
    unfit : corrections that fit no character.
    """

    reading: Reading
    pictures: list[NDArray[np.uint8]]
    unfit: list[Correction] = field(default_factory=list)


def see_page(
    grey: NDArray[np.uint8],
    *,
    page: str,
    source: str,
    options: PageOptions,
    known: Known | None = None,
    detector: Detector | None = None,
    corrections: Given | None = None,
    path: Path | None = None,
) -> SeenPage:
    """Find, order and name the characters of a page.

    Parameters
    ----------
    grey : (H, W) uint8, as the picture is shown.
    page, source : as in `Reading`.
    options : how to read.
    known : boxes of its characters; None: the detector finds them.
    detector : finds characters; None: the one that ships.
    corrections : what people have corrected on it; None: nothing.
    path : file of the page, by which corrections of another page are known; needed with corrections.

    Raises
    ------
    BadInput
        If the page is blank, or shows fewer than `FEWEST` characters, or its characters match no known ones.
    """
    detector = detector or shipped_detector()
    laid = laid_flat(grey, page, options, known, detector)
    namer = shipped_namer()
    places = reading_order(laid.boxes, laid.scores, direction=options.direction)
    boxes, scores = np.array([place.box for place in places]), laid.scores[[place.index for place in places]]
    if known is None and options.direction == "vertical":
        seen = characters_by_sight(laid.picture, boxes, scores, runs_of(places), namer)
        places, scores, names, embeddings = numbered(places, seen), seen.scores, seen.names, seen.embeddings
        check_count(len(places))
    else:
        sight = names_by_sight(laid.picture, boxes, namer, CANDIDATES)
        names, embeddings = sight.names, sight.embeddings
    _check_known(names, namer.farthest)
    way = laid.turning.way
    _say_way(page, way)
    found = Characters(places=places, scores=scores, names=names, embeddings=embeddings, checked=[""] * len(places))
    unfit: list[Correction] = []
    if corrections is not None and corrections.corrections:
        found, unfit = _corrected(found, corrections, laid, page, path, options.direction)
    pictures = [cropped(laid.picture, np.asarray(place.box)) for place in found.places]
    known_names = found.known()
    named = names_in_context(found.places, known_names, found.embeddings) if options.context else known_names
    characters = tuple(
        _character(number, found, called, laid.turning, options, namer.farthest) for number, called in enumerate(named)
    )
    height, width = grey.shape
    reading = Reading(
        page=page,
        source=source,
        width=width,
        height=height,
        direction=options.direction,
        turned=way.turned,
        mirrored=way.mirrored,
        size=laid.size,
        characters=characters,
        left_out=laid.left_out,
        taken_in=() if corrections is None else corrections.taken_in,
    )
    return SeenPage(reading=reading, pictures=pictures, unfit=unfit)


def _corrected(
    found: Characters, given: Given, laid: Laid, page: str, path: Path | None, direction: Direction
) -> tuple[Characters, list[Correction]]:
    """Apply the corrections of a page; say which fit none of its characters, and refuse those of another page."""
    if path is not None:
        boxes = [laid.turning.shown_box(place.box) for place in found.places]
        given.refuse_other(path, boxes, [{name.char for name in several[:NAMES]} for several in found.names])
    namer = shipped_namer()
    found, unfit = corrected(
        found,
        given.corrections,
        laid.turning,
        lambda boxes: names_by_sight(laid.picture, boxes, namer, CANDIDATES),
        laid.turning.way.shown(direction),
    )
    say_unfit(page, unfit, len(given.corrections))
    if not found.places:
        raise BadInput("its corrections delete all of its characters", "leave the page out")
    return found, unfit


def _check_known(names: list[list[Name]], farthest: float) -> None:
    """Refuse a page most of whose characters are no known ones: a picture, another script, a texture."""
    away = [called[0].distance if called else math.inf for called in names]
    if float(np.median(away)) > farthest:
        raise BadInput(
            f"most of the {len(names)} characters found match no Hán-Nôm character",
            "give a page of Hán-Nôm text, the right way round and sharp enough to read",
        )


def _say_way(page: str, way: Way) -> None:
    lies = [f"turned by {way.turned} degrees"] * bool(way.turned) + ["mirrored"] * way.mirrored
    if not way.certain:
        how = " and ".join(lies) or "upright"
        messages.warn(
            f"{page}: how it lies is uncertain ({way.probability:.0%}): read as {how}; --mirror and --turn set it"
        )
    elif lies:
        messages.warn(f"{page} is read {' and '.join(lies)}")


def _character(
    number: int, found: Characters, names: list[Name], turning: Turning, options: PageOptions, farthest: float
) -> ReadCharacter:
    place, sight, checked = found.places[number], found.names[number], bool(found.checked[number])
    x0, y0, x1, y1 = place.box
    corners = turning.back(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]))
    first, second, third, fourth = ((float(x), float(y)) for x, y in corners)
    outline: tuple[Point, Point, Point, Point] = (first, second, third, fourth)
    away = not sight or (options.reject and sight[0].distance > farthest)
    return ReadCharacter(
        column=place.column,
        place=place.place,
        part=place.part,
        box=turning.shown_box(place.box),
        outline=outline,
        score=float(found.scores[number]),
        sight=tuple(sight[:NAMES]),
        names=tuple(names[:NAMES]),
        rejected=away and not checked,
        named_by="correction" if checked else "context" if options.context else "sight",
        checked=checked,
    )
