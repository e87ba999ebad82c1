"""Coloured marks on black ink: seals, ruled grids, a collector's pencil; and ink that is coloured itself.

numpy only. Black ink is dark in every channel, a mark bright in the channel of its own colour. That channel is taken
wherever the picture has black ink, and what is left of the mark in it is levelled with the paper around. Where all ink
is coloured (rubrics), the picture's luminance shows it best.
"""

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.pictures.levels import edge_of, levels_of

COLOURED = 0.15
"""Saturation above that of the paper from which a pixel counts as coloured."""
DIFFERENT = 12
"""Grey levels between the channels of a coloured pixel, at least."""
MARKED = 0.004
"""Share of coloured pixels from which a picture is looked at for marks."""
BLACK = 0.7
"""Brightest channel, against the paper's, below which a pixel that is not coloured is black ink."""
INKED = (0.01, 0.05)
"""Share of the picture and of the coloured pixels that black ink has at least where coloured marks lie on it."""
BLACKER = 0.03
"""How much darker black ink is than what is coloured, in the brightest channel, against the paper."""
GROUND = (0.4, 0.8)
"""Share of the picture and of its edge above which what is coloured is the paper."""
BORDER = 0.08
"""Share of the side next to the edge where black is not looked for: rules and neighbours."""
FILLED = 0.7
"""Share of its box that a filled seal covers, at least."""
DARKER = 0.22
"""How much darker ink under a filled seal is than what is beside it, against the picture's light."""
LEAST = 10
"""Percentile of the saturation of the picture's lighter half that is the paper's."""
UNDER = 0.35
"""Contrast inside a mark, against that outside, from which there is ink under it."""
SAMPLE = 128
"""Longer side in pixels of what is looked at to decide."""


def without_marks(colours: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    """Return a picture's grey without the coloured marks on its black ink.

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
    """Return the saturation of the paper: what is least coloured of the lighter half."""
    light = bright >= np.median(bright)
    return float(np.percentile(_saturation(bright[light], dark[light]), LEAST))


def _saturation(bright: NDArray[np.uint8], dark: NDArray[np.uint8]) -> NDArray[np.float64]:
    return (bright.astype(np.float64) - dark) / np.maximum(bright, 1)


def _coloured(bright: NDArray[np.uint8], dark: NDArray[np.uint8], paper: float) -> NDArray[np.bool_]:
    least = np.uint16(min(255 * (paper + COLOURED), 255))
    range_ = (bright - dark).astype(np.uint16)
    return (range_ * np.uint16(255) > bright * least) & (range_ >= DIFFERENT)


def _is_ground(coloured: NDArray[np.bool_]) -> bool:
    """Whether what is coloured is the paper, with light ink on it."""
    return bool(coloured.mean() > GROUND[0] and edge_of(coloured).mean() > GROUND[1])


def _has_black(bright: NDArray[np.uint8], coloured: NDArray[np.bool_]) -> bool:
    """Whether there is black ink beside what is coloured: much, and darker than that."""
    paper = float(np.median(bright[bright >= np.median(bright)]))
    black = (bright < BLACK * paper) & ~coloured
    rows, columns = (round(BORDER * length) for length in coloured.shape)
    inner = np.s_[rows : len(coloured) - rows, columns : coloured.shape[1] - columns]
    if black[inner].mean() < max(INKED[0], INKED[1] * coloured[inner].mean()):
        return False
    return bool(np.median(bright[black]) < np.median(bright[coloured]) - BLACKER * paper)


def _has_ink_under(bright: NDArray[np.uint8], coloured: NDArray[np.bool_]) -> bool:
    """Whether what is coloured fills a part of the picture, as strokes do not, and has two levels there."""
    rows, columns = np.flatnonzero(coloured.any(axis=1)), np.flatnonzero(coloured.any(axis=0))
    box = coloured[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    under = levels_of(bright[coloured][None])
    return bool(box.mean() > FILLED and under is not None and under.contrast > DARKER * np.median(bright))


def _levelled(values: NDArray[np.uint8], mark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Bring paper and ink under a mark to the levels that they have beside it."""
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
