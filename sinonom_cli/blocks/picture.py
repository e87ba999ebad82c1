"""Draw a block as a print of it would look, with the outlines, numbers and names of its characters."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

HEIGHT = 40.0
"""Height of an ordinary character in the picture, pixels."""
LARGEST = 6000
"""Longest side of the picture, pixels."""
FAINT = 0.45
"""Darkness of the ink, so that coloured names can be read on it."""
OUTLINE, DOUBTFUL, WORDS = (30, 110, 200), (200, 40, 30), (150, 30, 110)
"""Colours of outlines, of doubtful outlines, and of numbers and names."""
FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts")
OWN_FOLDERS = (".fonts", ".local/share/fonts", "Library/Fonts", "AppData/Local/Microsoft/Windows/Fonts")
"""Folders of fonts of the system, and of the user below the home folder."""
MOST_FONTS = 12
"""Largest number of fonts in which a character is looked for."""
KNOWN = ("hanamin", "notoserifcjk", "notosanscjk", "simsun", "mingliu", "msgothic", "songti", "pingfang", "wqy")
"""Parts of file names of fonts that have Hán-Nôm characters, the best first."""


CLEAN_HEIGHT, CLEAN_QUALITY = 64, 80
"""Largest height of an ordinary character, pixels, and JPEG quality of a clean picture; the model that names characters
looks at 64 pixels."""


def clean_name(name: str) -> str:
    """Return the file, below an output, of the clean picture of a page or block."""
    return f"clean/{name}.jpg"


def clean_picture(grey: NDArray[np.uint8], size: float) -> NDArray[np.uint8]:
    """Return a page or block, (H, W) uint8, as large as it is needed to be looked at and to be named.

    Parameters
    ----------
    grey : (H, W) uint8, dark strokes on a light ground.
    size : height of an ordinary character, pixels.
    """
    scale = min(1.0, CLEAN_HEIGHT / size, LARGEST / max(grey.shape))
    if scale == 1:
        return grey
    shape = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    return np.asarray(Image.fromarray(grey).resize(shape, Image.Resampling.BOX))


def draw_block(
    ink: NDArray[np.float32],
    polygons: Sequence[NDArray[np.float64]],
    numbers: Sequence[str],
    chars: Sequence[str],
    doubtful: Sequence[bool],
    size: float,
) -> NDArray[np.uint8]:
    """Return (H, W, 3) uint8: the block as it is read, with its characters outlined, numbered and named.

    Parameters
    ----------
    ink : (H, W) float32 in [0, 1].
    polygons : outlines, (K, 2) float64 x, y in pixels of `ink`.
    numbers, chars : of each character; a character that no font of this system has is left out.
    doubtful : which characters are doubtful.
    size : height of an ordinary character, pixels of `ink`.
    """
    scale = min(HEIGHT / size, LARGEST / max(ink.shape))
    shape = max(1, round(ink.shape[1] * scale)), max(1, round(ink.shape[0] * scale))
    grey = np.round(255 * (1 - FAINT * np.clip(ink, 0, 1))).astype(np.uint8)
    page = Image.fromarray(grey).resize(shape, Image.Resampling.BILINEAR if scale > 1 else Image.Resampling.BOX)
    page = page.convert("RGB")
    draw = ImageDraw.Draw(page)
    for polygon, number, char, doubted in zip(polygons, numbers, chars, doubtful, strict=True):
        points = [(float(x) * scale, float(y) * scale) for x, y in polygon]
        draw.line([*points, points[0]], fill=DOUBTFUL if doubted else OUTLINE, width=2)
        left, upper = min(x for x, _ in points), min(y for _, y in points)
        draw.text((left, upper - 2), number, fill=WORDS, font=_digits())
        font = _font_of(char) if char else None
        if font is not None:
            draw.text((max(x for x, _ in points) - 16, upper - 4), char, fill=WORDS, font=font)
    return np.asarray(page)


@lru_cache(1)
def _digits() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(11)


@lru_cache(1)
def _fonts() -> list[ImageFont.FreeTypeFont]:
    """Return the fonts of this system with Hán-Nôm characters, the best first."""
    folders = [*FOLDERS, *(str(Path.home() / folder) for folder in OWN_FOLDERS)]
    files = sorted(path for folder in folders for path in Path(folder).rglob("*.[to]t[fc]"))
    fonts = []
    for part in KNOWN:
        for path in files:
            if part in path.name.lower().replace("-", ""):
                with suppress(OSError):
                    fonts.append(ImageFont.truetype(str(path), 18))
    return fonts[:MOST_FONTS]


@lru_cache(4096)
def _font_of(char: str) -> ImageFont.FreeTypeFont | None:
    """Return the first font that draws a character, and not nothing or the box of a missing one; None if none does."""
    for number, font in enumerate(_fonts()):
        mask = font.getmask(char)
        if mask.getbbox() is not None and bytes(mask) != _missing(number):
            return font
    return None


@lru_cache(MOST_FONTS)
def _missing(number: int) -> bytes:
    return bytes(_fonts()[number].getmask(chr(0x10FFFE)))
