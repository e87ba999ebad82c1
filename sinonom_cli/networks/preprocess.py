"""Prepare a picture file as a network's input, in one way for training, index and query.

The code uses numpy and Pillow only. A picture is scaled to a working size, and a plain frame around it is cropped
(`lines`). Defects from a camera or a collector are corrected only where they are found: uneven light (`light`), rules,
boxes and grids (`lines`), blur (`light`). Coloured marks are removed earlier, when the picture is read (`loading`,
`colours`). Then two grey levels, ground and ink, are found, and they decide the polarity. Grey is mapped softly between
the two (`levels`), since a hard threshold destroys evidence on worn relief. Last, the character is moved and scaled so
that its ink has a fixed centre and spread (`framing`).
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
"""Version of the preparation. Raise it when the same file gives other numbers: older indexes are then refused."""

WORK = 2
"""Working size in multiples of `size`. A longer side above it is reduced by the whole part of their ratio."""
SMALL = 0.75
"""Shortest longer side, as a share of `size`; a smaller picture is first enlarged to `size`, smoothly."""
TOGETHER = 32
"""Number of pictures that are resampled at once; they fit into a processor's cache."""
LEFT = 0.25
"""Ratio of the contrast without lines to the contrast with them, above which the picture still shows something."""
LEAST = 0.01
"""Share of dark pixels, and of light ones, above which a picture shows more than specks."""


def prepared(path: Path, size: int) -> NDArray[np.float32]:
    """Read a picture file and return the network's input; see `load_picture` and `prepare`."""
    return prepare(load_picture(path), size)


def prepare(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return the network's input for a picture of one character.

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
    """Return the network's input for N pictures, (N, size, size) float32, twice as fast as `prepare`."""
    return framed_pictures([mended(picture, size) for picture in pictures], size)


@dataclass(frozen=True)
class Mended:
    """Picture of a character after defects from a camera or a collector have been corrected.

    Attributes
    ----------
    grey : (h, w) uint8, at the working size.
    ends : grey value where ground ends and grey value where full ink begins; None: the picture is blank.
    """

    grey: NDArray[np.uint8]
    ends: tuple[float, float] | None


def framed_pictures(pictures: Sequence[Mended], size: int) -> NDArray[np.float32]:
    """Map grey to ink and bring characters into their frames; this is the second half of `prepare`.

    Pictures of one shape are computed together, `TOGETHER` at a time; the numbers are the same as one by one.

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
    """Correct the defects that a camera or a collector left in a picture; this is the first half of `prepare`.

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
    """Crop lines around a character and remove the cross of a grid, unless nothing would be left.

    `whole` is the picture before a plain frame was cropped. If that frame was only ground, lines are looked for in
    `whole`: otherwise the strokes of 口 would lie at the edge and count as a box.
    """
    margin = int(whole[0, 0])
    looked_at = whole if min(abs(margin - found.low), abs(margin - found.high)) <= PLAIN else grey
    bounds = inside_lines(looked_at, found)
    if bounds:
        top, bottom, left, right = bounds
        grey, found = _if_shown(looked_at[top:bottom, left:right], grey, found)
    return _if_shown(uncrossed(grey, found), grey, found)


def _if_shown(changed: NDArray[np.uint8], grey: NDArray[np.uint8], found: Levels) -> tuple[NDArray[np.uint8], Levels]:
    """Return a changed picture and its levels, or the unchanged picture if the changed one is almost blank."""
    if changed is grey:
        return grey, found
    new = levels_of(changed)
    shown = new and new.contrast > LEFT * found.contrast and min(new.share, 1 - new.share) > LEAST
    return (changed, new) if new and shown else (grey, found)
