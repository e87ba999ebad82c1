"""Crop the characters of a cut column: assign the ink to characters, find its box, and draw the square around it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.ink import INKED, soft_ink
from sinonom_cli.pictures.components import components

WHOLE = 0.8
"""Share of a component's ink from which one character gets the whole component; other components are cut."""


FINEST, FINER = 160, 1.25
"""Greatest size that a character needs, in pixels and in sides of its picture; the larger of the two counts.
Larger scans are reduced."""


@dataclass(frozen=True)
class Crop:
    """One character: its picture, its box in the patch, and the share of its ink that is cut off.

    Attributes
    ----------
    picture : (size, size) uint8, dark ink on white.
    box : (x0, y0, x1, y1) of its ink, pixels of the patch; x1 and y1 are exclusive.
    severed : share of its ink that lies at its cuts, in strokes that continue beyond them.
    """

    picture: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    severed: float


def reduction(side: float, size: int) -> int:
    """Return the whole factor, 1 or more, by which a scan of characters `side` pixels wide may be reduced.

    Parameters
    ----------
    side : width of a character, pixels.
    size : side of the crops' pictures, pixels.
    """
    return max(1, int(side / max(FINEST, FINER * size)))


def reduced(grey: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return a picture reduced by a whole factor; each pixel is the mean of a square."""
    from PIL import Image

    return grey if factor < 2 else np.asarray(Image.fromarray(grey).reduce(factor))


def enlarged(crop: Crop | None, factor: int, shape: tuple[int, ...]) -> Crop | None:
    """Return a crop from a picture that was reduced by `factor` with its box in pixels of the original, (H, W)."""
    if crop is None or factor < 2:
        return crop
    x0, y0, x1, y1 = (side * factor for side in crop.box)
    return replace(crop, box=(x0, y0, min(x1, shape[1]), min(y1, shape[0])))


def owners(ink: NDArray[np.float32], tops: NDArray[np.int64], bottoms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the character that each pixel of ink belongs to.

    A stroke that reaches over a cut belongs to the character that holds nearly all of it; characters that are joined
    across a cut are separated there. Soft pixels at a stroke's rim belong to the stroke.

    Returns
    -------
    (H, W) int64; k + 1 for character k, 0 for paper, -1 for ink of no character (paragraph marks, margins).
    """
    rows = np.full(len(ink), -1)
    for k, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        rows[top:bottom] = k + 1
    labels, count = components(ink > np.float64(INKED))
    owner = np.where(labels > 0, rows[:, None], 0)
    place = np.broadcast_to(rows[:, None] + 1, ink.shape)
    mass = np.zeros((count + 1, len(tops) + 2))
    np.add.at(mass, (labels.ravel(), place.ravel()), ink.ravel())
    most = mass.argmax(axis=1)
    whole = mass.max(axis=1) >= WHOLE * np.maximum(mass.sum(axis=1), 1e-9)
    whole[0] = False
    moved = whole[labels]
    owner[moved] = (most - 1)[labels][moved]
    return _grown(owner)


def _grown(owner: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the owners with paper within two pixels of ink given to that ink's owner, because rims are soft."""
    for _ in range(2):
        padded = np.pad(owner, 1)
        for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
            near = padded[dy : dy + owner.shape[0], dx : dx + owner.shape[1]]
            owner = np.where(owner == 0, near, owner)
    return owner


def crop_in_box(grey: NDArray[np.uint8], box: NDArray[np.float64], size: int) -> Crop | None:
    """Return the picture of a character in a given box around it, or None if there is no ink.

    Strokes that reach a little beyond the box are kept; neighbours' strokes that reach into it are removed.

    Parameters
    ----------
    grey : (H, W) uint8, the picture, dark on light.
    box : (4,) float64, x0, y0, x1, y1 in pixels of `grey`.
    size : side of the crop's picture, pixels.
    """
    factor = reduction(float(max(box[2] - box[0], box[3] - box[1])), size)
    if factor > 1:
        return enlarged(crop_in_box(reduced(grey, factor), box / factor, size), factor, grey.shape)
    x0, y0, x1, y1 = box
    around = 0.5 * max(x1 - x0, y1 - y0)
    left, upper = max(0, int(x0 - around)), max(0, int(y0 - around))
    part = grey[upper : int(np.ceil(y1 + around)), left : int(np.ceil(x1 + around))]
    if min(part.shape, default=0) < 2:
        return None
    ink = soft_ink(part)
    inside = np.zeros(ink.shape, np.bool_)
    inside[max(0, round(y0) - upper) : round(y1) - upper, max(0, round(x0) - left) : round(x1) - left] = True
    labels, count = components(ink > np.float64(INKED))
    mass = np.bincount(labels.ravel(), ink.ravel(), count + 1)
    share = np.bincount(labels.ravel(), (ink * inside).ravel(), count + 1) / np.maximum(mass, 1e-9)
    mine = np.where(share >= WHOLE, 1, np.where(share <= 1 - WHOLE, 0, -1))
    whose = np.where(mine[labels] < 0, np.where(inside, 1, -1), np.where(mine[labels] > 0, 1, -1))
    owner = _grown(np.where(labels > 0, whose, 0))
    top, bottom = max(0, round(y0) - upper), min(round(y1) - upper, len(ink))
    found = crop(ink, owner, 0, top, bottom, size, min_side=0.5 * float(max(x1 - x0, y1 - y0)))
    if found is None:
        return None
    a, b, c, d = found.box
    return Crop(found.picture, (a + left, b + upper, c + left, d + upper), found.severed)


def crop(
    ink: NDArray[np.float32],
    owner: NDArray[np.int64],
    k: int,
    top: int,
    bottom: int,
    size: int,
    min_side: float | None = None,
) -> Crop | None:
    """Return the picture of character k, or None if there is no ink.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    owner : (H, W) int64, as `owners` returns it.
    k : index of the character, whose rows are `top <= y < bottom`.
    size : side of the picture, pixels.
    min_side : least side of the square, pixels of the column, so that a dot stays small; None: half the column's
        width.
    """
    from PIL import Image

    mine = owner == k + 1
    # Pixels without an owner are paper and its grain, which are kept; neighbours' ink is removed.
    own = np.where(mine | (owner == 0), ink, 0)
    box = _ink_box(np.where(mine, ink, 0))
    if box is None:
        return None
    x0, y0, x1, y1 = box
    side = max(x1 - x0, y1 - y0, 0.5 * ink.shape[1] if min_side is None else min_side) * 1.12
    left, upper = (x0 + x1 - side) / 2, (y0 + y1 - side) / 2
    pad = int(np.ceil(side))
    canvas = Image.fromarray(np.uint8(np.round(255 * (1 - np.pad(own, pad)))))
    corners = (left + pad, upper + pad, left + pad + side, upper + pad + side)
    picture = canvas.resize((size, size), Image.Resampling.BICUBIC, box=corners)
    total = float(ink[mine].sum())
    return Crop(np.asarray(picture), box, _severed(ink, mine, top, bottom) / max(total, 1e-9))


def _severed(ink: NDArray[np.float32], mine: NDArray[np.bool_], top: int, bottom: int) -> float:
    """Return the sum of ink at the cuts in strokes that continue with another owner above or below."""
    amount = 0.0
    for row, beyond in ((top, top - 1), (bottom - 1, bottom)):
        if 0 <= beyond < len(ink):
            joined = mine[row] & ~mine[beyond]
            amount += float(np.minimum(ink[row], ink[beyond])[joined].sum())
    return amount


def _ink_box(ink: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Return the box of the ink, or None if too little; specks at its border, below 1 % of it, are left out."""
    total = float(ink.sum())
    if total < 2.0:
        return None
    bounds = []
    for axis in (0, 1):
        share = np.cumsum(ink.sum(axis=axis)) / total
        first = int(np.searchsorted(share, 0.004, side="right"))
        last = int(np.searchsorted(share, 0.996, side="left"))
        bounds.append((first, last + 1))
    (x0, x1), (y0, y1) = bounds
    return x0, y0, x1, y1
