"""Place strokes on a plate: the character, out of register with its picture, and parts of its neighbours."""

import functools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.pictures.levels import ink_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.relief.distance import distance_to
from sinonom_cli.relief.options import Carving
from sinonom_cli.relief.physics import FARTHEST, Span

if TYPE_CHECKING:
    from numpy.typing import NDArray

BORDER = 0.1
"""Width, in plate widths, of the strip around the picture that holds neighbours' strokes and the plate's edge."""
FINER = 2
"""Ratio of the stroke grid's resolution to the mesh's; on the finer grid, stroke edges fall between vertices."""
NEIGHBOURS = GLYPHS / "wenkai" / "images"
"""Folder of shipped characters that serve as neighbours; a relief therefore does not depend on the rest of its set."""
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


@dataclass(frozen=True)
class Place:
    """Placement of a character on its plate.

    `shift` to the right and down and `swell` are in plate widths; `stretch` scales width and height; `neighbours` is
    the number of sides with a neighbour.
    """

    shift: tuple[float, float]
    stretch: tuple[float, float]
    swell: float
    neighbours: int


@dataclass(frozen=True)
class Strokes:
    """Strokes from which a plate is carved.

    Attributes
    ----------
    own : (N, N) float32 in [0, 1], the strokes of the character itself, before `swell` is applied.
    far : (N, N) float32, distance to the nearest stroke of the character or a neighbour, in plate widths, at most
        FARTHEST.
    place : placement of the character.
    """

    own: "NDArray[np.float32]"
    far: "NDArray[np.float32]"
    place: Place


def stand(ink: "NDArray[np.float32]", carving: Carving, rng: np.random.Generator) -> Strokes:
    """Draw the placement of a character and its neighbours on a plate.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1], 1 = ink; at least one pixel is inked.
    """
    size = carving.resolution * FINER
    way, away = rng.uniform(0, 2 * math.pi), _within(carving.shift, rng)
    place = Place(
        (away * math.cos(way), away * math.sin(way)),
        (_within(carving.stretch, rng), _within(carving.stretch, rng)),
        _within(carving.swell, rng),
        int(rng.integers(round(carving.neighbours.low), round(carving.neighbours.high) + 1)),
    )
    own = _drawn(ink, size, place.shift, place.stretch) > 0.5
    every = own.copy()
    for side in rng.permutation(SIDES)[: place.neighbours]:
        reach, slide = _within(carving.intrusion, rng), rng.uniform(-0.1, 0.1)
        others = neighbours()
        other = others[int(rng.integers(len(others)))]
        away = side * (0.5 - reach - _towards(other, side, place.stretch)) + side[::-1] * slide
        every |= _drawn(other, size, (float(away[0]), float(away[1])), place.stretch) > 0.5
    far = _from_swollen(every, place.swell * size) / np.float32(size)
    return Strokes(pooled(own.astype(np.float32)), pooled(far.clip(max=np.float32(FARTHEST))), place)


@functools.cache
def neighbours() -> "tuple[NDArray[np.float32], ...]":
    """Return the ink of the characters that serve as neighbours, each (H, W) float32 in [0, 1]."""
    inks = (ink_of(load_picture(path)) for path in sorted(NEIGHBOURS.rglob("*.png")))
    return tuple(ink for ink in inks if ink is not None)


def _within(span: Span, rng: np.random.Generator) -> float:
    return float(rng.uniform(span.low, span.high))


def _towards(ink: "NDArray[np.float32]", side: "NDArray[np.int64]", stretch: tuple[float, float]) -> float:
    """Return where a picture's ink begins on the way from its middle to `side`, in plate widths; mostly negative."""
    axis = 1 if side[0] else 0
    inked = np.flatnonzero((ink > 0.5).any(axis=1 - axis))
    if not len(inked):
        return 0.0
    middle, longer = ink.shape[axis] / 2, max(ink.shape)
    first = inked[0] - middle if side.sum() > 0 else middle - inked[-1] - 1
    return float(first / longer * (1 - 2 * BORDER) * stretch[1 - axis])


def _drawn(
    ink: "NDArray[np.float32]", size: int, shift: tuple[float, float], stretch: tuple[float, float]
) -> "NDArray[np.float32]":
    """Draw a picture in the middle of the plate, moved by `shift` (x, y; plate widths) and scaled by `stretch`."""
    height, width = ink.shape
    step_x, step_y = (max(height, width) / (1 - 2 * BORDER) / size / s for s in stretch)
    left = width / 2 - step_x * size * (0.5 + shift[0])
    top = height / 2 - step_y * size * (0.5 + shift[1])
    picture = Image.fromarray(np.ascontiguousarray(ink))
    placed = picture.transform(
        (size, size), Image.Transform.AFFINE, (step_x, 0, left, 0, step_y, top), Image.Resampling.BILINEAR, fillcolor=0
    )
    return np.asarray(placed)


def _from_swollen(strokes: "NDArray[np.bool_]", by: float) -> "NDArray[np.float32]":
    """Return distances to the nearest stroke, in pixels, after moving edges outwards `by` (inwards if ink remains)."""
    if by < 0:
        thinner = distance_to(~strokes) > -by
        return np.asarray(distance_to(thinner if thinner.any() else strokes))
    return np.asarray((distance_to(strokes) - np.float32(by)).clip(min=0))


def pooled(field: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """Return the means of squares of FINER x FINER points: (R, C) for a field of (R FINER, C FINER)."""
    rows, columns = (length // FINER for length in field.shape)
    return np.asarray(field.reshape(rows, FINER, columns, FINER).mean(axis=(1, 3)))
