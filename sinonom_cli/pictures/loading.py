"""Picture files as grey arrays: every format, orientation, transparency, depth of colour, and none that harms.

numpy and Pillow only.
"""

import errno
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.colours import without_marks

MOST_PIXELS = 100_000_000
"""A file that claims more is refused by its header, before anything is decoded."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
"""Formats that are opened; others (EPS, PDF, ...) would start interpreters."""

_OPENING = threading.Lock()
"""`warnings.catch_warnings` sets a global while it lasts: two threads inside it would leave it changed."""


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture file without decoding it, and close it when the block ends.

    Pillow warns of pictures of 90 million pixels; here the caller looks at the size instead. No global of Pillow's or
    of `warnings` stays changed: a program that imports this package may have set them. A pipe is not opened: it would
    be waited for without end.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no file", str(path))
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        image = Image.open(path, formats=FORMATS)
    with image:
        yield image


def load_picture(path: Path, whole: bool = False) -> NDArray[np.uint8]:
    """Read a picture as grey.

    Turned as its EXIF says; transparency lies on white (on black where the ink itself is white); of an animation, the
    first frame; 16-bit, integer and float pictures are stretched from their least to their greatest value.

    Parameters
    ----------
    path : the file.
    whole : the picture may show more than one character: decode every pixel, so that coordinates in it hold, and keep
        all colours as luminance. Else a large JPEG may come out smaller, and coloured marks on black ink go: see
        `colours.without_marks`.

    Returns
    -------
    (H, W) uint8.

    Raises
    ------
    SinonomError
        If the file is missing, empty, truncated, no picture, has no pixels, or claims more than `MOST_PIXELS`.
    """
    try:
        with opened_picture(path) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise SinonomError(
                    f"{path} claims {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million",
                    "cut out the character, or make the picture smaller",
                )
            if min(width, height) > 2048 and not whole:
                image.draft(image.mode, (1024, 1024))  # a JPEG photo is decoded at a fraction of its size
            image.load()
            # A PNG that says nothing about itself is not turned; asking Pillow would take as long as decoding it.
            plain = image.format == "PNG" and not image.info
            return _grey(image if plain else ImageOps.exif_transpose(image), whole)
    except SinonomError:
        raise
    except Image.DecompressionBombError:  # twice the limit that Pillow has, or that the program has set
        limit = min(MOST_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MOST_PIXELS))
        raise SinonomError(
            f"{path} claims more than {limit / 1_000_000:g} million pixels",
            "cut out the character, or make the picture smaller",
        ) from None
    except Exception as error:  # Pillow's decoders raise nearly anything on bad bytes
        raise SinonomError(f"{path} {reason_of(path, error)}", "give a whole PNG, JPEG, TIFF, WebP or BMP") from error


def is_deep(image: Image.Image) -> bool:
    """Return whether a picture has one channel of more than 8 bits a pixel: integers or floats."""
    return image.mode == "F" or image.mode.startswith("I")


def reason_of(path: Path, error: Exception) -> str:
    """Return why a picture could not be read, from what Pillow raised, as the words that follow its name."""
    if not path.exists():
        return "does not exist"
    if path.is_dir():
        return "is a folder, not a picture" if os.access(path, os.R_OK) else "is a folder that cannot be read"
    if not path.is_file():
        return "is no file, but a pipe, a socket or a device"
    if isinstance(error, PermissionError):
        return "cannot be read: permission denied"
    if path.stat().st_size == 0:
        return "is empty"
    if isinstance(error, Image.UnidentifiedImageError):
        from sinonom_cli.pictures.foreign import known_as

        return f"is {known_as(path) or 'not a picture'}"
    return f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}"


def _grey(image: Image.Image, whole: bool) -> NDArray[np.uint8]:
    if min(image.size) == 0:
        raise ValueError("it has no pixels")
    if is_deep(image):
        return _stretched(np.asarray(image).astype(np.float64))
    if image.mode in ("PA", "LA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"), whole)
    return _luminance(image, whole)


def _luminance(image: Image.Image, whole: bool) -> NDArray[np.uint8]:
    marked = None if whole or image.mode in ("1", "L") else without_marks(np.asarray(image.convert("RGB")))
    return np.asarray(image.convert("L")) if marked is None else marked


def _stretched(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Map the least value to 0 and the greatest to 255; what is not a number becomes the greatest, as ground."""
    known = np.isfinite(values)
    if not known.any():
        raise ValueError("it holds no finite value")
    low, high = values[known].min(), values[known].max()
    if low >= 0 and high <= 255 and (values[known] == np.round(values[known])).all():
        low, high = 0.0, 255.0  # 8-bit values in a wider type
    scaled = np.where(known, values - low, high - low) * (255 / max(high - low, 1e-12))
    return np.round(scaled).astype(np.uint8)


def _on_white(image: Image.Image, whole: bool) -> NDArray[np.uint8]:
    opacity = np.asarray(image.getchannel("A"))
    for ground in ("white", "black"):
        page = Image.new("RGBA", image.size, ground)
        grey = _luminance(Image.alpha_composite(page, image), whole)
        if np.ptp(grey) > 0 or np.ptp(opacity) == 0:
            return grey
    return grey
