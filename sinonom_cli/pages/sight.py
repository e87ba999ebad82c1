"""Name characters by their looks: several views of each that is in doubt, and paragraph marks apart."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from sinonom_cli.blocks.upright import cropped
from sinonom_cli.crops.crops import crop_in_box
from sinonom_cli.crops.ink import soft_ink
from sinonom_cli.search.naming import Name, Namer

if TYPE_CHECKING:
    from numpy.typing import NDArray

DOUBTFUL = 0.9
"""Probability by the first view below which a character is looked at in further views."""
AROUND = 0.5
"""Reach of the surroundings that give the second view the brightness of the paper, in longer sides of the box."""
SIDE = 64
"""Side in pixels of the picture of a character without its neighbours, and of drawn marks."""
RING, NEARER = 1.0, 0.3
"""A picture shows a paragraph mark if its distance to a drawn ring is below the first, and exceeds its distance to the
nearest character by less than the second. Both were chosen on columns of NomNaOCR's `Train.txt`, whose marks the model
takes for 夏: years of annals go on with "○夏" so often that both were cut out together."""
RIMS, OVALS, FILLS = (0.1, 0.2), (0.9, 1.1), (30, 60)
"""Thicknesses of drawn rings as shares of their radius, their widths as shares of their heights, and the darkness of
their insides, of 255."""


@dataclass(frozen=True, kw_only=True)
class Sight:
    """What boxes show.

    Attributes
    ----------
    names : names of each box, the most probable first.
    embeddings : (N, D) float32 of length 1, what the names were found by.
    marks : (N,) bool, whether a box shows a paragraph mark (a ring between two characters), which is no character.
    """

    names: list[list[Name]]
    embeddings: NDArray[np.float32]
    marks: NDArray[np.bool_]


def names_by_sight(grey: NDArray[np.uint8], boxes: NDArray[np.float64], namer: Namer, top: int = 20) -> Sight:
    """Name the characters in boxes by their looks.

    A character that the first view leaves in doubt is embedded by the mean of three views: its box, its box on even
    paper, and its ink without that of its neighbours.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground.
    boxes : (N, 4) float64, x0, y0, x1, y1 in pixels of `grey`.
    top : largest number of names of a box.
    """
    embeddings = namer.embed([cropped(grey, box) for box in boxes])
    if not len(embeddings):
        return Sight(names=[], embeddings=embeddings, marks=np.zeros(0, bool))
    names = namer.names(embeddings, top)
    rings, nearest = ring_distances(embeddings, namer), np.array([several[0].distance for several in names])
    marks = (rings < RING) & (rings < nearest + NEARER)
    doubtful = [place for place, several in enumerate(names) if several[0].probability < DOUBTFUL and not marks[place]]
    views = [embeddings[doubtful], *(namer.embed(view) for view in _further_views(grey, boxes[doubtful]))]
    mean = np.mean(views, axis=0, dtype=np.float64)
    mean /= np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), 1e-12)
    embeddings[doubtful] = mean
    for place, several in zip(doubtful, namer.names(embeddings[doubtful], top) if doubtful else [], strict=True):
        names[place] = several
    return Sight(names=names, embeddings=embeddings, marks=marks)


def _further_views(grey: NDArray[np.uint8], boxes: NDArray[np.float64]) -> list[list[NDArray[np.uint8]]]:
    """Return the second and the third view of each box."""
    even = [_on_even_paper(grey, box) for box in boxes]
    alone = [crop_in_box(grey, box, SIDE) for box in boxes]
    return [even, [own.picture if own else view for own, view in zip(alone, even, strict=True)]]


def _on_even_paper(grey: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return the inside of a box, and a little more, with flat paper and full contrast."""
    around = AROUND * max(box[2] - box[0], box[3] - box[1])
    left, upper = max(0, math.floor(box[0] - around)), max(0, math.floor(box[1] - around))
    part = grey[upper : math.ceil(box[3] + around), left : math.ceil(box[2] + around)]
    ink = soft_ink(part)
    return cropped(np.round(255 * (1 - ink)).astype(np.uint8), box - np.array([left, upper] * 2))


def ring_distances(embeddings: NDArray[np.float32], namer: Namer) -> NDArray[np.float64]:
    """Return the distance of each of (N, D) embeddings to the nearest ring, (N,) float64."""
    apart = embeddings[:, None].astype(np.float64) - _rings(namer)[None]
    return np.sqrt((apart**2).sum(axis=2)).min(axis=1)


@lru_cache(1)
def _rings(namer: Namer) -> NDArray[np.float32]:
    """Return the embeddings of drawn rings, (R, D) float32."""
    return namer.embed([ring(rim, oval, fill) for rim in RIMS for oval in OVALS for fill in FILLS])


def ring(rim: float, oval: float, fill: int) -> NDArray[np.uint8]:
    """Return a picture of a ring, (SIDE, SIDE) uint8; see `RIMS`, `OVALS` and `FILLS`."""
    middle, radius = 2 * SIDE, 1.56 * SIDE
    picture = Image.new("L", (4 * SIDE, 4 * SIDE), 255)
    box = (middle - radius * oval, middle - radius, middle + radius * oval, middle + radius)
    ImageDraw.Draw(picture).ellipse(box, outline=0, width=round(rim * radius), fill=255 - fill)
    blurred = picture.filter(ImageFilter.GaussianBlur(SIDE * 3 // 32))
    return np.asarray(blurred.resize((SIDE, SIDE), Image.Resampling.LANCZOS))
