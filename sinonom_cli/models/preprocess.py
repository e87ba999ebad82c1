"""The one way from a picture file to what a network sees, used by training, index and query alike.

numpy and Pillow only. `prepare` works in four steps: a plain frame around the picture is cut off; two grey levels,
ground and ink, are found and polarity is settled by them; grey is mapped softly between the two (a hard threshold
destroys evidence on worn relief); and the character is moved and scaled so that its ink has a fixed centre and spread.
"""

import errno
import math
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
from sinonom_cli.models.foreign import known_as

VERSION = 1
"""To be raised when the same file gives other numbers: an index made before is then refused, not searched wrongly."""

MOST_PIXELS = 100_000_000
"""A file that claims more is refused by its header, before anything is decoded."""

FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF", "JPEG2000", "PPM")
"""Formats that are opened; others (EPS, PDF, ...) would start interpreters."""

WORK = 2
"""A picture whose longer side has n `WORK * size` pixels is first reduced by the whole part of n."""

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
    whole : decode every pixel, so that coordinates in the picture hold; else a large JPEG may come out smaller.

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
                image.draft("L", (1024, 1024))  # a JPEG photo is decoded at a fraction of its size
            image.load()
            # A PNG that says nothing about itself is not turned; asking Pillow would take as long as decoding it.
            plain = image.format == "PNG" and not image.info
            return _grey(image if plain else ImageOps.exif_transpose(image))
    except SinonomError:
        raise
    except Image.DecompressionBombError:  # twice the limit that Pillow has, or that the program has set
        limit = min(MOST_PIXELS, 2 * (Image.MAX_IMAGE_PIXELS or MOST_PIXELS))
        raise SinonomError(
            f"{path} claims more than {limit / 1_000_000:g} million pixels",
            "cut out the character, or make the picture smaller",
        ) from None
    except Exception as error:  # Pillow's decoders raise nearly anything on bad bytes
        raise SinonomError(f"{path} {_reason(path, error)}", "give a whole PNG, JPEG, TIFF, WebP or BMP") from error


def _reason(path: Path, error: Exception) -> str:
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
        return f"is {known_as(path) or 'not a picture'}"
    return f"cannot be decoded: {' '.join(str(error).split()) or type(error).__name__}"


def _grey(image: Image.Image) -> NDArray[np.uint8]:
    if min(image.size) == 0:
        raise ValueError("it has no pixels")
    if image.mode in ("I", "F") or image.mode.startswith("I;"):
        return _stretched(np.asarray(image).astype(np.float64))
    if image.mode in ("PA", "LA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        return _on_white(image.convert("RGBA"))
    return np.asarray(image.convert("L"))


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


def _on_white(image: Image.Image) -> NDArray[np.uint8]:
    opacity = np.asarray(image.getchannel("A"))
    for ground in ("white", "black"):
        page = Image.new("RGBA", image.size, ground)
        grey = np.asarray(Image.alpha_composite(page, image).convert("L"))
        if np.ptp(grey) > 0 or np.ptp(opacity) == 0:
            return grey
    return grey


def prepare(picture: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Return what the network sees of a picture of one character.

    Parameters
    ----------
    picture : (H, W) uint8 grey, of either polarity.
    size : side of the result in pixels.

    Returns
    -------
    (size, size) float32 in [0, 1], 1 = ink; all 0 if the picture is blank.
    """
    if picture.ndim != 2 or min(picture.shape) < 1:
        raise ValueError(f"prepare takes one grey picture, (H, W), not {picture.shape}")
    grey = unframed(_reduced(picture, size))
    ink = ink_of(grey)
    if ink is None:
        return np.zeros((size, size), np.float32)
    height, width = ink.shape
    (top, row_step), (left, column_step) = frame_of(ink, size)
    rows, columns = resampling(top, row_step, size, height), resampling(left, column_step, size, width)
    return np.clip(rows @ ink @ columns.T, 0, 1)


def _reduced(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    factor = max(picture.shape) // (WORK * size)
    if factor < 2:
        return picture
    return np.asarray(Image.fromarray(picture).reduce(factor))


PLAIN = 10
"""Grey levels that a plain frame may vary by."""


def unframed(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut off a plain light or dark frame around a picture whose own edge has another level; else return it whole."""
    level = int(grey[0, 0])
    if max(abs(int(grey[i, j]) - level) for i, j in ((0, -1), (-1, 0), (-1, -1))) > PLAIN:
        return grey
    other = np.abs(grey.astype(np.int16) - level) > PLAIN
    rows, columns = np.flatnonzero(other.any(axis=1)), np.flatnonzero(other.any(axis=0))
    if len(rows) == 0:
        return grey
    inner = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    box = other[inner]
    if box.size == grey.size or min(box.shape) < 8:
        return grey
    edges = np.concatenate([box[0], box[-1], box[:, 0], box[:, -1]])
    if edges.mean() < 0.85:  # a character's own edge: mostly ground
        return grey
    return grey[inner][1:-1, 1:-1]


def ink_of(grey: NDArray[np.uint8]) -> NDArray[np.float32] | None:
    """Settle polarity and levels.

    Parameters
    ----------
    grey : (H, W) uint8.

    Returns
    -------
    (H, W) float32 in [0, 1], 1 = ink; None if the picture is blank.
    """
    counts = np.bincount(grey.ravel(), minlength=256)
    levels = np.arange(256)
    number, total = np.cumsum(counts), np.cumsum(counts * levels)
    present = np.flatnonzero(counts)
    low, high = float(present[0]), float(present[-1])
    for _ in range(ROUNDS):  # Ridler and Calvard 1978: the threshold lies midway between the means of its two classes
        last = int((low + high) / 2)
        if number[last] in (0, grey.size):
            return None
        low, high = total[last] / number[last], (total[-1] - total[last]) / (grey.size - number[last])
    if high - low < FAINTEST:
        return None
    last = int((low + high) / 2)
    edge = (np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]) <= last).mean()
    ground, full = (low, high) if 2 * number[last] / grey.size + edge > INVERTED else (high, low)
    ground += MARGIN * (full - ground)
    table = np.clip((levels - ground) / (full - ground), 0, 1).astype(np.float32)
    return table[grey]


ROUNDS = 6
FAINTEST = 4.0
"""Grey levels between ink and ground below which a picture counts as blank."""
INVERTED = 1.7
"""Twice the share of dark pixels, plus their share along the edge, above which ink is the light of the two."""
MARGIN = 0.1
"""Share of the contrast next to the ground that counts as ground: paper grain and haze."""

SOLID = (0.3, 0.6)
"""Between these, ink begins to count for the frame."""
SPREAD = 4.0
"""The frame is so many standard deviations of the ink wide."""
NARROWEST = 0.2
"""Ratio of the two spreads below which a character (a single stroke) is not widened further."""
RIM = 0.12
"""Ink within this share of the picture's side from its edge counts less for the frame: it may be a neighbour's."""


def frame_of(ink: NDArray[np.float32], size: int) -> tuple[tuple[float, float], tuple[float, float]]:
    """Find where the character lies, by moments.

    Its centroid goes to the middle, its spread fills the frame; a narrow character is widened somewhat: the ratio of
    sides R becomes sqrt(sin(pi R / 2)) (Liu, Sako, Fujisawa 2004, aspect ratio function R8).

    Returns
    -------
    ((top, step), (left, step)) : first row and rows per output row, and the same of columns, pixels of `ink`.
    """
    height, width = ink.shape
    weight = np.clip((ink - SOLID[0]) / (SOLID[1] - SOLID[0]), 0, 1)
    weight = weight * rim(height)[:, None] * rim(width)[None, :]
    return frame_by(weight.sum(axis=1, dtype=np.float64), weight.sum(axis=0, dtype=np.float64), size)


def frame_by(
    rows: NDArray[np.float64], columns: NDArray[np.float64], size: int
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Find the frame by how much ink lies in each row and in each column, (H,) and (W,) float64: see `frame_of`."""
    row_mean, row_sd = _moments(rows)
    column_mean, column_sd = _moments(columns)
    longer = max(row_sd, column_sd)
    row_side, column_side = (SPREAD * sd / _shape(sd / longer) for sd in (row_sd, column_sd))
    return (
        (row_mean - row_side / 2, row_side / size),
        (column_mean - column_side / 2, column_side / size),
    )


def rim(length: int) -> NDArray[np.float32]:
    """Weights along one side: 1 inside, falling to 0 at both ends over `RIM` of it."""
    place = (np.arange(length, dtype=np.float32) + 0.5) / length
    return np.clip(np.minimum(place, 1 - place) / RIM, 0, 1)


def _moments(profile: NDArray[np.float64]) -> tuple[float, float]:
    """Mean and standard deviation of a profile, pixel i covering i to i + 1; at least one pixel wide."""
    place = np.arange(len(profile)) + 0.5
    total = profile.sum()
    if total < 1e-6:
        return len(profile) / 2, len(profile) / SPREAD
    mean = float(profile @ place / total)
    return mean, max(float(profile @ (place - mean) ** 2 / total) ** 0.5, 1.0)


def _shape(ratio: float) -> float:
    """Share of the frame that a side takes which is `ratio` of the longer one."""
    return float(np.sqrt(np.sin(np.pi / 2 * max(ratio, NARROWEST))))


def resampling(start: float, step: float, size: int, length: int) -> NDArray[np.float32]:
    """Weights that resample one side: triangle filter, wide enough not to alias; outside the picture is ground.

    Returns
    -------
    (size, length) float32; rows sum to 1 inside the picture, to less across its edge.
    """
    centre = start + (np.arange(size) + 0.5) * step
    reach = max(step, 1.0)
    beyond = math.ceil(reach)
    away = np.abs(np.arange(-beyond, length + beyond) + 0.5 - centre[:, None]) / reach
    weights = np.maximum(1 - away, 0)
    # Where the filter lies wholly outside, any sum will do.
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 0.5)
    return weights[:, beyond : beyond + length].astype(np.float32)
