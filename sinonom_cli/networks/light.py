"""Detect uneven light and blur in pictures, and correct them.

The code uses numpy and Pillow. A grey closing removes the ink and leaves the light. Its window is wider than a stroke
and narrower than a shadow, so that a shadow's edge stays where it is.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sinonom_cli.pictures.levels import Levels, edge_of

TILES = 4
"""Number of tiles along each side; the lightest pixel of an outer tile shows how light the paper is there."""
UNEVEN = 0.55
"""Difference between two tiles' lightest pixels, as a share of the contrast, above which light counts as uneven."""
WINDOW = 0.25
"""Side of the closing's window, as a share of the picture's longer side; it is wider than any stroke."""
FLATTER = 1.4
"""Factor by which the light envelope varies more than the dark one if the dark one is the ground, the flatter one."""
PAPER = 235
"""Grey value of the paper after uneven light has been corrected."""

REACH = 1 / 32
"""Distance over which a picture's steepest edge is measured, as a share of its longer side."""
BLURRED = 1.15
"""Ratio of the contrast to the steepest edge's contrast above which a picture counts as blurred."""
SHARPENED = (0.03, 100)
"""Radius, as a share of the longer side, and strength, in percent, of the unsharp mask for blurred pictures."""


def is_uneven(grey: NDArray[np.uint8], found: Levels) -> bool:
    """Return whether the paper of an (H, W) picture is much lighter on one side of the character than on another."""
    height, width = grey.shape
    most = UNEVEN * found.contrast
    if min(height, width) < 2 * TILES or found.lightest - int(edge_of(grey).min()) <= most:  # no tiles differ more
        return False
    rows, columns = (np.arange(TILES) * length // TILES for length in (height, width))
    lightest = edge_of(np.maximum.reduceat(np.maximum.reduceat(grey, rows, axis=0), columns, axis=1))
    return int(lightest.max()) - int(lightest.min()) > most


def flattened(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Divide a picture by its light; return it unchanged if its ink is lighter than its ground.

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
    """Return the mean difference between neighbouring pixels, vertical plus horizontal."""
    whole = values.astype(np.int16)
    return float(np.abs(np.diff(whole, axis=0)).mean() + np.abs(np.diff(whole, axis=1)).mean())


def _smoothed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return binomial means over 3 x 3 pixels; without them the lightest pixels of the noise would count as paper."""
    wide = np.pad(grey, 1, mode="edge").astype(np.uint16)
    rows = wide[:-2] + 2 * wide[1:-1] + wide[2:]
    return ((rows[:, :-2] + 2 * rows[:, 1:-1] + rows[:, 2:] + 8) >> 4).astype(np.uint8)


def closed(grey: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Return the grey closing of an (H, W) uint8 picture; it removes dark parts narrower than the window.

    The window is a square of odd side. The edge pixels are repeated beyond the picture.
    """
    wide = np.pad(grey, 2 * (window // 2), mode="edge")
    dilated = _greatest(_greatest(wide, window).T, window)
    return 255 - _greatest(_greatest(255 - dilated, window).T, window)


def _greatest(values: NDArray[np.uint8], window: int) -> NDArray[np.uint8]:
    """Return the greatest of each `window` successive values along the first axis: (L, M) -> (L - window + 1, M)."""
    found, width = values, 1
    while 2 * width <= window:
        found = np.maximum(found[:-width], found[width:])
        width *= 2
    left = window - width
    return np.maximum(found[:-left], found[left:]) if left else found


def is_blurred(grey: NDArray[np.uint8], found: Levels) -> bool:
    """Return whether even the steepest edge of an (H, W) picture is a slow change from ink to ground."""
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
