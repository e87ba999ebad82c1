"""Pictures without ink: plain, a gradient of brightness, or faint noise. A network answers these, too, with something.

A picture is looked at from afar, as `GRID` x `GRID` mean grey levels: noise averages out there, and strokes do not.
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
"""Degree of the polynomial in x and y that lighting is taken for."""
LEAST = 12.0
"""Grey levels, from the least to the greatest mean, that must be left when lighting is taken away: at least 123 in
20,000 crops of prints, at least 43 in 12,340 characters cut out of scanned pages with half of their neighbours."""
SMALL = 64
"""Side in pixels below which a mean is of few pixels and shows noise; at half of it, twice `LEAST` must be left."""
FINE, STEEP = 32, 0.12
"""A picture that nowhere changes, between neighbouring means of a grid of `FINE`, by more than this share of its whole
range is a gradient: the edge of a stroke, even one that is out of focus, is steeper."""


def inked_picture(path: Path) -> NDArray[np.uint8]:
    """Read a picture that shows something: (H, W) uint8 grey; see `loading.load_picture`.

    Raises
    ------
    SinonomError
        If the file cannot be read, or is blank.
    """
    picture = load_picture(path)
    if is_blank(picture):
        raise SinonomError(f"{path} is blank: no ink in it", "a picture of a character")
    return picture


def is_blank(picture: NDArray[np.uint8]) -> bool:
    """Return whether a picture, (H, W) uint8 of either polarity, shows no ink."""
    image = Image.fromarray(picture)
    means = _means(image, GRID).ravel()
    lighting = _lighting()
    left = np.ptp(means - lighting @ (lighting.T @ means))
    if left < LEAST * min(max(SMALL / max(picture.shape), 1.0), 2.0):
        return True
    if left > 0.3 * np.ptp(means):  # no gradient: these are explained to a greater part
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
