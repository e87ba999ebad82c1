"""The one way from a picture file to what a network sees, used by training, index and query alike.

numpy and Pillow only. A picture is brought to a size to work at, and a plain frame around it is cut off (`lines`). What
a camera or a collector has done to it is made up for where it is found, and only there: uneven light (`light`), rules,
boxes and grids (`lines`), blur (`light`); coloured marks are gone when it is read (`loading`, `colours`). Then two grey
levels, ground and ink, are found and polarity is settled by them; grey is mapped softly between the two (`levels`: a
hard threshold destroys evidence on worn relief); and the character is moved and scaled so that its ink has a fixed
centre and spread (`framing`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sinonom_cli.networks.framing import framed, frames_of
from sinonom_cli.networks.light import flattened, is_blurred, is_uneven, sharpened
from sinonom_cli.networks.lines import PLAIN, inside_lines, uncrossed, unframed
from sinonom_cli.pictures.levels import Levels, ends_of, ink_between, levels_of
from sinonom_cli.pictures.loading import load_picture

VERSION = 2
"""To be raised when the same file gives other numbers: an index made before is then refused, not searched wrongly."""

WORK = 2
"""A picture whose longer side has n `WORK * size` pixels is first reduced by the whole part of n."""
SMALL = 0.75
"""A picture whose longer side is shorter than this share of `size` is first enlarged to `size`, smoothly."""
TOGETHER = 32
"""Pictures that are resampled at once: so few stay in a processor's cache."""
LEFT = 0.25
"""Contrast without lines, against that with them, from which something else is left that the picture shows."""
LEAST = 0.01
"""Share of the pixels that are dark, or light, from which it is more than specks."""


def prepared(path: Path, size: int) -> NDArray[np.float32]:
    """Read a picture file and return what the network sees of it: see `load_picture` and `prepare`."""
    return prepare(load_picture(path), size)


def prepare(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return what the network sees of a picture of one character.

    Parameters
    ----------
    picture : (H, W) uint8 grey, of either polarity.
    size : side of the result in pixels.

    Returns
    -------
    (size, size) float32 in [0, 1], 1 = ink; all 0 if the picture is blank.
    """
    return framed_pictures([mended(picture, size)], size)[0]


def prepare_all(pictures: Iterable[NDArray[np.uint8]], size: int) -> NDArray[np.float32]:
    """Return what the network sees of each of N pictures, (N, size, size) float32: `prepare` twice as fast."""
    return framed_pictures([mended(picture, size) for picture in pictures], size)


@dataclass(frozen=True)
class Mended:
    """A picture of a character as it would be without what a camera or a collector has done to it.

    Attributes
    ----------
    grey : (h, w) uint8, at the size to work at.
    ends : up to which grey it is ground, and from which it is full ink; None: it is blank.
    """

    grey: NDArray[np.uint8]
    ends: tuple[float, float] | None


def framed_pictures(pictures: Sequence[Mended], size: int) -> NDArray[np.float32]:
    """Map grey to ink and bring characters into their frames: the second half of `prepare`.

    Pictures of one shape, `TOGETHER` at a time, are gone through at once; the numbers are those of each alone.

    Returns
    -------
    (N, size, size) float32 in [0, 1], 1 = ink.
    """
    found = np.zeros((len(pictures), size, size), np.float32)
    shapes: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        if picture.ends:
            shapes.setdefault(picture.grey.shape, []).append(place)
    for alike in shapes.values():
        for start in range(0, len(alike), TOGETHER):
            places = alike[start : start + TOGETHER]
            ground, full = np.array([pictures[place].ends for place in places]).T
            ink = ink_between(np.stack([pictures[place].grey for place in places]), ground, full)
            found[places] = framed(ink, frames_of(ink, size), size)
    return found


def mended(picture: NDArray[np.uint8], size: int) -> Mended:
    """Make up for what a camera or a collector has done to a picture: the first half of `prepare`.

    A picture without defects that is neither much larger nor much smaller than `size` is returned as it is.
    """
    if picture.ndim != 2 or min(picture.shape) < 1:
        raise ValueError(f"prepare takes one grey picture, (H, W), not {picture.shape}")
    whole = _scaled(picture, size)
    grey = unframed(whole)
    found = levels_of(grey)
    if found and is_uneven(grey, found):
        grey = whole = flattened(grey)
        found = levels_of(grey)
    if found:
        grey, found = _without_lines(grey, whole, found)
    if found and is_blurred(grey, found):
        grey = sharpened(grey)
        found = levels_of(grey)
    return Mended(grey, ends_of(grey, found) if found else None)


def _scaled(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    longer = max(picture.shape)
    factor = longer // (WORK * size)
    if factor >= 2:
        return np.asarray(Image.fromarray(picture).reduce(factor))
    if longer < SMALL * size:
        height, width = (max(1, round(side * size / longer)) for side in picture.shape)
        return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))
    return picture


def _without_lines(
    grey: NDArray[np.uint8], whole: NDArray[np.uint8], found: Levels
) -> tuple[NDArray[np.uint8], Levels]:
    """Cut off lines around a character, and take out the cross of a grid, unless nothing would be left.

    `whole` is the picture before a plain frame was cut off. If that was mere ground, how near to the edge a line is
    counts from there: 口 is a box, too.
    """
    margin = int(whole[0, 0])
    looked_at = whole if min(abs(margin - found.low), abs(margin - found.high)) <= PLAIN else grey
    bounds = inside_lines(looked_at, found)
    if bounds:
        top, bottom, left, right = bounds
        grey, found = _if_shown(looked_at[top:bottom, left:right], grey, found)
    return _if_shown(uncrossed(grey, found), grey, found)


def _if_shown(changed: NDArray[np.uint8], grey: NDArray[np.uint8], found: Levels) -> tuple[NDArray[np.uint8], Levels]:
    """Return a changed picture and its levels, or the picture as it was if the changed one is as good as blank."""
    if changed is grey:
        return grey, found
    new = levels_of(changed)
    shown = new and new.contrast > LEFT * found.contrast and min(new.share, 1 - new.share) > LEAST
    return (changed, new) if new and shown else (grey, found)
