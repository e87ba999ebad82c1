"""Read picture files as grey arrays: every usual format, orientation, transparency and bit depth, safely.

This module needs numpy and Pillow only.
"""

import errno
import os
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.colours import without_marks

MOST_PIXELS = 100_000_000
"""Largest number of pixels of a picture; a file whose header claims more is refused before anything is decoded."""

MOST_PAGES = 10_000
"""Largest number of pages that are counted in a file."""
_NEW_SUBFILE_TYPE, _SUBFILE_TYPE = 254, 255
_PREVIEW_OR_MASK, _FULL, _REDUCED = 1 | 4, 1, 2
"""Tags of a TIFF frame that say what it shows, and their values."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
"""Formats that are opened; others (EPS, PDF, ...) would start interpreters."""

_OPENING = threading.Lock()
"""Lock around `warnings.catch_warnings`, which sets a global: two threads inside it at once would leave it changed."""


@contextmanager
def opened_picture(path: Path) -> Iterator[Image.Image]:
    """Open a picture file without decoding it, and close it when the block ends.

    Pillow warns of pictures of 90 million pixels; here the caller checks the size instead. No global of Pillow or
    `warnings` stays changed, as a program that imports this package may have set them. A pipe is not opened: that would
    wait without end.
    """
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "no file", str(path))
    with _without_warnings():
        image = Image.open(path, formats=FORMATS)
    with image:
        yield image


@contextmanager
def _without_warnings() -> Iterator[None]:
    with _OPENING, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def load_picture(path: Path, whole: bool = False, page: int | None = None) -> NDArray[np.uint8]:
    """Read a picture as grey levels.

    The picture is rotated as its EXIF data say. Transparent parts become white (black if the ink itself is white).
    Pictures of 16 bits, integers or floats are stretched from their smallest to their largest value.

    Parameters
    ----------
    path : the file.
    whole : whether the picture may show more than one character. If True, every pixel is decoded, so that coordinates
        in it are valid, and all colours become luminance. If False, a large JPEG may come out smaller, and coloured
        marks on black ink are removed: see `colours.without_marks`.
    page : index of the page in `page_frames` of the file; None: the file must have one page.

    Returns
    -------
    (H, W) uint8.

    Raises
    ------
    SinonomError
        If the file is missing, empty, truncated or not a picture, has no pixels, claims more than `MOST_PIXELS`, or has
        several pages and `page` is None.
    """
    try:
        with opened_picture(path) as image:
            _turn_to(image, path, page)
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise SinonomError(
                    f"{path} claims {width} x {height} pixels, more than {MOST_PIXELS // 1_000_000} million",
                    "cut out the character, or make the picture smaller",
                )
            if min(width, height) > 2048 and not whole:
                image.draft(image.mode, (1024, 1024))  # a JPEG photo is decoded at reduced size
            image.load()
            # A PNG without metadata needs no rotation; Pillow's check would take as long as decoding.
            plain = image.format == "PNG" and not image.info
            return _grey(image if plain else ImageOps.exif_transpose(image), whole)
    except SinonomError:
        raise
    except Image.DecompressionBombError:  # above twice the limit that Pillow has, or that the program has set
        limit = min(MOST_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MOST_PIXELS))
        raise SinonomError(
            f"{path} claims more than {limit / 1_000_000:g} million pixels",
            "cut out the character, or make the picture smaller",
        ) from None
    except Exception as error:  # Pillow's decoders raise nearly anything on bad bytes
        raise SinonomError(f"{path} {reason_of(path, error)}", "give a whole PNG, JPEG, TIFF, WebP or BMP") from error


def page_frames(image: Image.Image) -> list[int]:
    """Return the frames of an opened picture that are pages, at least one; files other than TIFF have one page.

    Previews and masks that a TIFF holds besides a page are not pages (tags NewSubfileType and SubfileType of TIFF 6.0).
    Neither are the further frames of an animation. A damaged end of the list of frames ends it.
    """
    if image.format != "TIFF":
        return [0]
    kinds: list[tuple[int, int]] = []
    # Pillow raises EOFError after the last frame, and nearly anything on bad bytes.
    with _without_warnings(), suppress(Exception):
        while len(kinds) < MOST_PAGES:
            image.seek(len(kinds))
            tags: Any = getattr(image, "tag_v2", {})
            kinds.append((int(tags.get(_NEW_SUBFILE_TYPE, 0)), int(tags.get(_SUBFILE_TYPE, _FULL))))
    image.seek(0)
    return [k for k, (new, old) in enumerate(kinds) if not new & _PREVIEW_OR_MASK and old != _REDUCED] or [0]


def _turn_to(image: Image.Image, path: Path, page: int | None) -> None:
    """Make a page the current frame of an opened picture; None: the only page."""
    pages = page_frames(image)
    if page is None and len(pages) > 1:
        raise SinonomError(
            f"{path} holds {len(pages)} pages, and one picture is expected",
            "save each page as a file; sinonom read takes the pages of prints",
        )
    if pages != [0]:
        image.seek(pages[page or 0])


def is_deep(image: Image.Image) -> bool:
    """Return whether a picture has one channel of more than 8 bits per pixel: integers or floats."""
    return image.mode == "F" or image.mode.startswith("I")


def reason_of(path: Path, error: Exception) -> str:
    """Return why Pillow could not read a picture, as a phrase that follows the picture's name."""
    if not path.exists():
        return "does not exist"
    if path.is_dir():
        return "is a folder, not a picture" if os.access(path, os.R_OK) else "is a folder that cannot be read"
    if not path.is_file():
        return "is not a file but a pipe, a socket or a device"
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
    """Map the smallest value to 0 and the largest to 255; NaN and infinite values become 255, as ground."""
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
