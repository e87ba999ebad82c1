"""Load the part of a picture where a column stands: all of it, a rectangle, or the inside of an outline."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.levels import levels_of
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.atomic import cached_by_file

MOSTLY_DARK, SURROUNDINGS = 0.55, 0.25
"""Smallest share of dark pixels in a negative, and side of a pixel's surroundings as a share of the shorter side."""

Box = tuple[float, float, float, float]
"""Box (x0, y0, x1, y1) in pixels of the picture as it is shown, after its EXIF rotation; x1 and y1 are exclusive."""


@dataclass(frozen=True)
class Region:
    """Place of a column.

    Attributes
    ----------
    path : file of the picture.
    box : rectangle in the picture; None: all of it.
    outline : corners (x, y) of a polygon in pixels of the picture; everything outside it becomes paper.
    size : width and height that the picture must have for box and outline to fit, pixels; None: any.
    """

    path: Path
    box: Box | None = None
    outline: tuple[tuple[float, float], ...] = ()
    size: tuple[int, int] | None = None


def load_region(region: Region) -> tuple[NDArray[np.uint8], tuple[int, int]]:
    """Return a column, (H, W) uint8, dark on light, and the (x, y) of its upper left corner in the picture.

    Raises
    ------
    SinonomError
        If the picture cannot be read, has another size than `region.size`, or the region lies outside it.
    """
    grey = _picture(region.path)
    height, width = grey.shape
    if region.size is not None and region.size != (width, height):
        told = "x".join(map(str, region.size))
        raise SinonomError(
            f"{region.path.name} is {width}x{height} pixels and its boxes are for {told}",
            "give the picture they are for",
        )
    if region.box is None:
        return _dark_on_light(grey), (0, 0)
    x0, y0 = max(0, int(region.box[0])), max(0, int(region.box[1]))
    x1, y1 = min(width, int(np.ceil(region.box[2]))), min(height, int(np.ceil(region.box[3])))
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise SinonomError(f"the box {region.box} lies outside {region.path.name}, {width}x{height} pixels")
    part = _dark_on_light(grey[y0:y1, x0:x1])
    if len(region.outline) > 2:
        part = _papered(part, [(x - x0, y - y0) for x, y in region.outline])
    return part, (x0, y0)


@cached_by_file(2)
def _picture(path: Path) -> NDArray[np.uint8]:
    # One worker mostly gets the columns of a page one after another, so the cache reads the page once.
    return load_picture(path, whole=True)


def _dark_on_light(part: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a part of a picture, (H, W) uint8, with its tones reversed if it is a negative, as on microfilm.

    In a negative, most pixels are dark, and what differs most from its surroundings is lighter than these.
    """
    found = levels_of(part)
    if found is None or found.share < MOSTLY_DARK:
        return part
    from PIL import Image, ImageFilter

    near = Image.fromarray(part).filter(ImageFilter.BoxBlur(max(1, round(min(part.shape) * SURROUNDINGS / 2))))
    differences = part.astype(np.float32) - np.asarray(near)
    return np.uint8(255) - part if float((differences**3).mean()) > 0 else part


def _papered(part: NDArray[np.uint8], outline: list[tuple[float, float]]) -> NDArray[np.uint8]:
    """Return a part of a picture with paper outside an outline, so that neighbours' ink is removed."""
    from PIL import Image, ImageDraw

    mask = Image.new("1", (part.shape[1], part.shape[0]))
    ImageDraw.Draw(mask).polygon(outline, fill=1, outline=1)
    inside = np.asarray(mask)
    paper = np.percentile(part[inside], 75) if inside.any() else 255
    return np.where(inside, part, np.uint8(round(float(paper))))
