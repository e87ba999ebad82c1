"""Remove coloured marks on black ink (seals, ruled grids, a collector's pencil), and keep ink that is coloured itself.

This module needs numpy only. Black ink is dark in every channel; a mark is bright in the channel of its own colour.
That channel is used wherever the picture has black ink, and the rest of the mark in it is levelled with the paper
around it. If all ink is coloured (rubrics), the picture's luminance shows it best.
"""

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.pictures.levels import edge_of, levels_of

COLOURED = 0.15
"""Smallest saturation above that of the paper at which a pixel counts as coloured."""
DIFFERENT = 12
"""Smallest difference between the channels of a coloured pixel, in grey levels."""
MARKED = 0.004
"""Smallest share of coloured pixels at which a picture is searched for marks."""
BLACK = 0.7
"""Largest value of the brightest channel, relative to the paper's, at which a pixel that is not coloured is black
ink."""
INKED = (0.01, 0.05)
"""Smallest shares of the picture, and of the coloured pixels, that black ink has if coloured marks lie on it."""
BLACKER = 0.03
"""Smallest difference in the brightest channel, relative to the paper's, by which black ink is darker than coloured
pixels."""
GROUND = (0.4, 0.8)
"""Shares of the picture, and of its edge, above which the coloured pixels are the paper."""
BORDER = 0.08
"""Width of the border where black is ignored, as a share of the side: it may be rules and neighbours."""
FILLED = 0.7
"""Smallest share of its bounding box that a filled seal covers."""
DARKER = 0.22
"""Smallest contrast of ink under a filled seal, relative to the picture's median brightness."""
LEAST = 10
"""Percentile of the saturation in the picture's lighter half that gives the saturation of the paper."""
UNDER = 0.35
"""Smallest ratio of the contrast inside a mark to that outside at which there is ink under the mark."""
SAMPLE = 128
"""Longer side, in pixels, of the sample on which the decision is based."""


def without_marks(colours: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return a picture in grey without the coloured marks on its black ink.

    Parameters
    ----------
    colours : (H, W, 3) uint8, red, green, blue.

    Returns
    -------
    (H, W) uint8; None if there are no such marks.
    """
    step = -(-max(colours.shape[:2]) // SAMPLE)
    sample = colours[::step, ::step]
    bright, dark = sample.max(axis=2), sample.min(axis=2)
    if (bright - dark).max() < DIFFERENT:
        return None
    paper = _paper(bright, dark)
    coloured = _coloured(bright, dark, paper)
    if coloured.mean() < MARKED or _is_ground(coloured):
        return None
    if not (_has_black(bright, coloured) or _has_ink_under(bright, coloured)):
        return None
    values = colours.max(axis=2)
    return _levelled(values, _coloured(values, colours.min(axis=2), paper))


def _paper(bright: NDArray[np.uint8], dark: NDArray[np.uint8]) -> float:
    """Return the saturation of the paper: a low percentile in the lighter half of the picture."""
    light = bright >= np.median(bright)
    return float(np.percentile(_saturation(bright[light], dark[light]), LEAST))


def _saturation(bright: NDArray[np.uint8], dark: NDArray[np.uint8]) -> NDArray[np.float64]:
    return (bright.astype(np.float64) - dark) / np.maximum(bright, 1)


def _coloured(bright: NDArray[np.uint8], dark: NDArray[np.uint8], paper: float) -> NDArray[np.bool_]:
    least = np.uint16(min(255 * (paper + COLOURED), 255))
    range_ = (bright - dark).astype(np.uint16)
    return (range_ * np.uint16(255) > bright * least) & (range_ >= DIFFERENT)


def _is_ground(coloured: NDArray[np.bool_]) -> bool:
    """Return whether the coloured pixels are the paper, with light ink on it."""
    return bool(coloured.mean() > GROUND[0] and edge_of(coloured).mean() > GROUND[1])


def _has_black(bright: NDArray[np.uint8], coloured: NDArray[np.bool_]) -> bool:
    """Return whether there is black ink beside the coloured pixels: enough of it, and darker than they are."""
    paper = float(np.median(bright[bright >= np.median(bright)]))
    black = (bright < BLACK * paper) & ~coloured
    rows, columns = (round(BORDER * length) for length in coloured.shape)
    inner = np.s_[rows : len(coloured) - rows, columns : coloured.shape[1] - columns]
    if black[inner].mean() < max(INKED[0], INKED[1] * coloured[inner].mean()):
        return False
    return bool(np.median(bright[black]) < np.median(bright[coloured]) - BLACKER * paper)


def _has_ink_under(bright: NDArray[np.uint8], coloured: NDArray[np.bool_]) -> bool:
    """Return whether the coloured pixels fill a part of the picture, unlike strokes, and have two grey levels there."""
    rows, columns = np.flatnonzero(coloured.any(axis=1)), np.flatnonzero(coloured.any(axis=0))
    box = coloured[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    under = levels_of(bright[coloured][None])
    return bool(box.mean() > FILLED and under is not None and under.contrast > DARKER * np.median(bright))


def _levelled(values: NDArray[np.uint8], mark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Shift paper and ink under a mark to the levels that they have beside it."""
    inside, outside = values[mark], values[~mark]
    around = levels_of(outside[None]) if outside.size else None
    if around is None or inside.size == 0:
        return values
    under = levels_of(inside[None])
    if under is not None and under.contrast > UNDER * around.contrast:
        low, high = under.low, under.high
        scale = around.contrast / (high - low)
    else:  # no ink under it
        low, high = 0.0, float(inside.mean())
        scale = around.high / max(high, 1.0)
    found = values.copy()
    moved = around.high + (inside - high) * scale
    found[mark] = np.clip(np.round(moved), 0, 255).astype(np.uint8)
    return found
