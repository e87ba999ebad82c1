"""Detect pictures without ink: plain, a gradient of brightness, or faint noise.

A network would give answers for these pictures, too. A picture is reduced to `GRID` x `GRID` mean grey levels, in which
noise averages out and strokes remain.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import load_picture

if TYPE_CHECKING:
    from numpy.typing import NDArray

GRID = 16
DEGREE = 5
"""Degree of the polynomial in x and y that models lighting."""
LEAST = 12.0
"""Smallest range of the means, in grey levels, that must remain after lighting is removed. The range is at least 123 in
20,000 crops of prints, and at least 43 in 12,340 characters cut out of scanned pages with half of their neighbours."""
SMALL = 64
"""Side, in pixels, below which each mean covers few pixels and shows noise; at half this side, twice `LEAST` must
remain."""
FINE, STEEP = 32, 0.12
"""Side of a finer grid of means, and largest step between its neighbours, as a share of their range, at which a picture
is a gradient: the edge of a stroke, even one that is out of focus, is steeper."""


def inked_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture that is not blank, as (H, W) uint8 grey; see `loading.load_picture`.

    Raises
    ------
    SinonomError
        If the file cannot be read, or is blank.
    """
    picture = load_picture(path)
    if is_blank(picture):
        raise SinonomError(f"{path} is blank: it shows no ink", "give a picture of a character")
    return picture


def is_blank(picture: NDArray[np.uint8]) -> bool:
    """Return whether a picture, (H, W) uint8 of either polarity, shows no ink."""
    image = Image.fromarray(picture)
    means = _means(image, GRID).ravel()
    lighting = _lighting()
    left = np.ptp(means - lighting @ (lighting.T @ means))
    if left < LEAST * min(max(SMALL / max(picture.shape), 1.0), 2.0):
        return True
    if left > 0.3 * np.ptp(means):  # not a gradient: lighting explains a larger part of gradients
        return False
    fine = _means(image, FINE)
    step = max(float(np.abs(np.diff(fine, axis=axis)).max()) for axis in (0, 1))
    return step < STEEP * float(np.ptp(fine))


def _means(image: Image.Image, side: int) -> NDArray[np.float64]:
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float64)


@cache
def _lighting() -> NDArray[np.float64]:
    """Return an orthonormal basis of the polynomials up to `DEGREE` over the grid, (GRID * GRID, 10)."""
    y, x = np.mgrid[-1 : 1 : GRID * 1j, -1 : 1 : GRID * 1j]
    powers = [(i, j) for i in range(DEGREE + 1) for j in range(DEGREE + 1 - i)]
    return np.linalg.qr(np.stack([(x**i * y**j).ravel() for i, j in powers], axis=1))[0]
