"""Uneven light and blur: whether a picture has them, and what makes up for them.

numpy and Pillow. The light is what is left when ink is closed up: a grey closing whose window is wider than a stroke
and narrower than a shadow keeps a shadow's edge where it is.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sinonom_cli.pictures.levels import Levels, edge_of

TILES = 4
"""The lightest pixels of the outer ones of so many by so many tiles tell how light the paper is."""
UNEVEN = 0.55
"""Difference between two tiles' lightest pixels, against the contrast, from which light counts as uneven."""
WINDOW = 0.25
"""Side of the closing's window, in shares of the picture's: wider than any stroke."""
FLATTER = 1.4
"""The dark envelope is the ground if the light one varies more by this factor: ground is flatter than ink."""
PAPER = 235
"""Grey of the paper after uneven light has been made up for."""

REACH = 1 / 32
"""Distance over which a picture's steepest edge is taken, in shares of its side."""
BLURRED = 1.15
"""Contrast, against the steepest edge's, above which a picture counts as blurred."""
SHARPENED = (0.03, 100)
"""Radius, in shares of the side, and strength in percent of the unsharp mask for what is blurred."""


def is_uneven(grey: NDArray[np.uint8], found: Levels) -> bool:
    """Whether the paper around the character is much lighter at one side of an (H, W) picture than at another."""
    height, width = grey.shape
    most = UNEVEN * found.contrast
    if min(height, width) < 2 * TILES or found.lightest - int(edge_of(grey).min()) <= most:  # so are all outer tiles
        return False
    rows, columns = (np.arange(TILES) * length // TILES for length in (height, width))
    lightest = edge_of(np.maximum.reduceat(np.maximum.reduceat(grey, rows, axis=0), columns, axis=1))
    return int(lightest.max()) - int(lightest.min()) > most


def flattened(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide a picture by its light; return it whole if its ink is lighter than its ground.

    Parameters
    ----------
    grey : (H, W) uint8.

    Returns
    -------
    (H, W) uint8.
    """
    window = int(WINDOW * max(grey.shape)) | 1
    soft = _smoothed(grey)
    light, dark = closed(soft, window), 255 - closed(255 - soft, window)
    if _variation(light) > FLATTER * _variation(dark):
        return grey
    return np.minimum(grey * (PAPER / np.maximum(light, 1.0)), 255).astype(np.uint8)


def _variation(values: NDArray[np.uint8]) -> float:
    """Mean difference between neighbouring pixels."""
    whole = values.astype(np.int16)
    return float(np.abs(np.diff(whole, axis=0)).mean() + np.abs(np.diff(whole, axis=1)).mean())


def _smoothed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Binomial mean over 3 x 3 pixels: noise would otherwise count as paper where it is lightest."""
    wide = np.pad(grey, 1, mode="edge").astype(np.uint16)
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4).astype(np.uint8)


def closed(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Grey closing of an (H, W) uint8 picture with a square window of odd side: dark parts narrower than it go.

    Beyond the picture its edge goes on.
    """
    wide = np.pad(grey, 2 * (window // 2), mode="edge")
    dilated = _greatest(_greatest(wide, window).T, window)
    return 255 - _greatest(_greatest(255 - dilated, window).T, window)


def _greatest(values: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Greatest of each `window` successive values along the first axis: (L, M) -> (L - window + 1, M)."""
    found, width = values, 1
    while 2 * width <= window:
        found = np.maximum(found[:-width], found[width:])
        width *= 2
    left = window - width
    return np.maximum(found[:-left], found[left:]) if left else found


def is_blurred(grey: NDArray[np.uint8], found: Levels) -> bool:
    """Whether even the steepest edge of an (H, W) picture takes a long way from ink to ground."""
    step = max(1, round(REACH * max(grey.shape)))
    enough = found.contrast / BLURRED
    values = grey.astype(np.int16)
    for along in (values, values.T):
        if len(along) > step and int(np.abs(along[step:] - along[:-step]).max()) >= enough:
            return False
    return True


def sharpened(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a blurred (H, W) uint8 picture with steeper edges."""
    share, percent = SHARPENED
    sharp = ImageFilter.UnsharpMask(share * max(grey.shape), percent, 0)
    return np.asarray(Image.fromarray(grey).filter(sharp))
