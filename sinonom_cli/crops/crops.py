"""From cuts to pictures: whose ink is whose, its box, and the square around it."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.ink import INKED, components, soft_ink

WHOLE = 0.8
"""A component goes whole to the character that holds at least this share of its ink; others are cut."""


FINEST, FINER = 160, 1.25
"""Pixels, and sides of its picture, that a character needs at most along its shorter side: larger scans are reduced."""


@dataclass(frozen=True)
class Crop:
    """One character: its picture, its place in the patch and how much of it is there.

    Attributes
    ----------
    picture : (size, size) uint8, dark ink on white.
    box : (x0, y0, x1, y1) of its ink, pixels of the patch, x1 and y1 outside.
    severed : share of its ink that lies at its cuts, in strokes that run on beyond them.
    """

    picture: NDArray[np.uint8]
    box: tuple[int, int, int, int]
    severed: float


def reduction(side: float, size: int) -> int:
    """Return the whole factor, 1 or more, by which a scan of characters `side` pixels wide may be reduced.

    Parameters
    ----------
    side : pixels.
    size : side of the crops' pictures in pixels.
    """
    return max(1, int(side / max(FINEST, FINER * size)))


def reduced(grey: NDArray[np.uint8], factor: int) -> NDArray[np.uint8]:
    """Return a picture reduced by a whole factor: each pixel is the mean of a square."""
    from PIL import Image

    return grey if factor < 2 else np.asarray(Image.fromarray(grey).reduce(factor))


def enlarged(crop: Crop | None, factor: int, shape: tuple[int, ...]) -> Crop | None:
    """Return a crop with its box in pixels of the picture, (H, W), that was reduced by `factor`."""
    if crop is None or factor < 2:
        return crop
    x0, y0, x1, y1 = (side * factor for side in crop.box)
    return replace(crop, box=(x0, y0, min(x1, shape[1]), min(y1, shape[0])))


def owners(ink: NDArray[np.float32], tops: NDArray[np.int64], bottoms: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return whose ink each pixel is.

    A stroke that reaches over a cut belongs to the character where nearly all of it is; what is joined across a
    cut is cut there. Soft pixels at a stroke's rim go with the stroke.

    Returns
    -------
    (H, W) int64; k + 1 for character k, 0 for paper, -1 for ink of nobody (paragraph marks, margins).
    """
    rows = np.full(len(ink), -1)
    for k, (top, bottom) in enumerate(zip(tops, bottoms, strict=True)):
        rows[top:bottom] = k + 1
    labels, count = components(ink, INKED)
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
    """Give paper within two pixels of ink to that ink's owner: rims are soft."""
    for _ in range(2):
        padded = np.pad(owner, 1)
        for dy, dx in ((0, 1), (2, 1), (1, 0), (1, 2)):
            near = padded[dy : dy + owner.shape[0], dx : dx + owner.shape[1]]
            owner = np.where(owner == 0, near, owner)
    return owner


def crop_in_box(grey: NDArray[np.uint8], box: NDArray[np.float64], size: int) -> Crop | None:
    """Return the picture of a character in a box that somebody drew around it, or None if there is no ink.

    Strokes that reach a little beyond the box come along, those that reach into it do not.

    Parameters
    ----------
    grey : (H, W) uint8, the picture, dark on light.
    box : (4,) float64, x0, y0, x1, y1 in pixels of it.
    size : pixels of the crop's picture.
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
    labels, count = components(ink, INKED)
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
    owner : (H, W) as of `owners`.
    k : which character; its rows are `top <= y < bottom`.
    size : pixels of the picture.
    min_side : least side of the square, pixels of the column, so that a dot stays small; None: half its width.
    """
    from PIL import Image

    mine = owner == k + 1
    # What nobody owns between the cuts is paper and its grain: it stays, neighbours' ink does not.
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
    """Return the ink in strokes that go on with another owner above or below."""
    amount = 0.0
    for row, beyond in ((top, top - 1), (bottom - 1, bottom)):
        if 0 <= beyond < len(ink):
            joined = mine[row] & ~mine[beyond]
            amount += float(np.minimum(ink[row], ink[beyond])[joined].sum())
    return amount


def _ink_box(ink: NDArray[np.float32]) -> tuple[int, int, int, int] | None:
    """Return the box of the ink; stray specks at its border, less than 1 % of it, are left outside."""
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
