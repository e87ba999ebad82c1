"""Draw clean and worn prints of three typefaces for the documentation, fonts.png. See pictures.py."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from picture_files import save
from PIL import Image

from sinonom_cli.assets import GLYPHS
from sinonom_cli.fonts.degrade import REACH, degraded
from sinonom_cli.fonts.draw import FINE, clean, distance_field

HANDS = ("wenkai", "hanamin", "yuji")
CHARS = "喃南字\U00021982"
AMOUNTS = (0.4, 0.8)
SIDE, GAP = 80, 4


def field_of(char: str, hand: str) -> NDArray[np.float32] | None:
    """Return the distance field of a character that ships, (SIDE, SIDE) float32; None if the typeface lacks it."""
    path = next((GLYPHS / hand / "images" / f"U+{ord(char):04X}").glob("*.png"), None)
    if path is None:
        return None
    with Image.open(path) as picture:
        fine = picture.convert("L").resize((FINE * SIDE, FINE * SIDE), Image.Resampling.BICUBIC)
    ink = 255 - np.asarray(fine)
    down, across = (np.flatnonzero((ink > 40).any(axis=axis)) for axis in (1, 0))
    return distance_field(ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1], SIDE, 2 * REACH * SIDE)


def draw_fonts(out: Path) -> None:
    """Write fonts.png: a row for each character; clean, and worn at both amounts, in each typeface."""
    rng = np.random.default_rng(1)
    fields = {(char, hand): field_of(char, hand) for char in CHARS for hand in HANDS}
    step = SIDE + GAP
    sheet = Image.new("L", (step * len(HANDS) * (1 + len(AMOUNTS)) - GAP, step * len(CHARS) - GAP), 255)
    for row, char in enumerate(CHARS):
        for block, hand in enumerate(HANDS):
            field = fields[char, hand]
            if field is None:
                continue
            others = [other for (_, where), other in fields.items() if where == hand and other is not None]
            pictures = [clean(field, 0), *(degraded(field, 0, amount, rng, others) for amount in AMOUNTS)]
            for k, picture in enumerate(pictures):
                sheet.paste(Image.fromarray(picture), (step * (block * len(pictures) + k), step * row))
    save(sheet, out / "fonts.png", colours=64)
