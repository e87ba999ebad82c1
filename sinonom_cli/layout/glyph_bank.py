"""Read pictures of characters from image sets, to compose pages of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sinonom_cli import messages
from sinonom_cli.errors import BadInput, SinonomError
from sinonom_cli.layout.compose import Glyph, Pick
from sinonom_cli.pictures.loading import load_picture
from sinonom_cli.storage.image_set import ImageSet, Picture

OF_A_FACE = 200
"""Smallest number of pictures of one source, such as a font face, that write a page alone; others are mixed."""
MOST = 1500
"""Largest number of pictures of one face that are read, and an eighth of that of the mixed ones of a set."""
CONTRAST = 60
"""Smallest difference of ink and paper in grey levels; fainter pictures are left out."""
INKED = 0.47
"""Share of that difference from which a pixel belongs to the character when the paper around it is cut off."""
BODY = 0.85
"""Share of a picture's width that a character's body fills at least: `synth-fonts` draws flat characters as wide as
others."""


class GlyphBank:
    """Characters by typeface.

    Parameters
    ----------
    sets : image sets.
    seed : of the choice of pictures, where there are too many.

    Raises
    ------
    BadInput
        If no picture can be used.
    """

    def __init__(self, sets: Sequence[ImageSet], seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.groups: list[list[Glyph]] = []
        chosen = [(images, group) for images in sets for group in _groups(images, rng)]
        with messages.progress(sum(len(group) for _, group in chosen), "pictures") as progress:
            for images, group in chosen:
                glyphs = []
                for picture in group:
                    glyph = _glyph(images, picture)
                    if glyph is not None:
                        glyphs.append(glyph)
                    progress.advance()
                if glyphs:
                    self.groups.append(glyphs)
        if not self.groups:
            raise BadInput("no picture of these sets shows a character", "give sets of synth-fonts or crop-nomnaocr")

    def __len__(self) -> int:
        return sum(map(len, self.groups))

    def picker(self, rng: np.random.Generator) -> Pick:
        """Return a function that draws characters of one group, which is drawn here."""
        glyphs = self.groups[rng.integers(len(self.groups))]
        return lambda source: glyphs[source.integers(len(glyphs))]


def _groups(images: ImageSet, rng: np.random.Generator) -> list[list[Picture]]:
    """Return the pictures of each face, and one mixed group of all others."""
    by_face: dict[str, list[Picture]] = defaultdict(list)
    for picture in images.pictures:
        by_face[picture.more.get("face") or picture.source].append(picture)
    groups, rest = [], []
    for face in sorted(by_face):
        members = by_face[face]
        if len(members) >= OF_A_FACE:
            groups.append(_some(members, MOST, rng))
        else:
            rest += members
    return [*groups, _some(rest, 8 * MOST, rng)] if rest else groups


def _some(members: list[Picture], most: int, rng: np.random.Generator) -> list[Picture]:
    if len(members) <= most:
        return members
    return [members[number] for number in np.sort(rng.permutation(len(members))[:most])]


def _glyph(images: ImageSet, picture: Picture) -> Glyph | None:
    """Return the ink of a picture; None if it cannot be read or is too faint."""
    try:
        grey = load_picture(images.path / picture.file_name)
    except (SinonomError, OSError):
        return None
    return glyph_of(grey)


def glyph_of(grey: NDArray[np.uint8]) -> Glyph | None:
    """Return the ink of a character, without the paper around it, and the height of its body; None if it is faint.

    Parameters
    ----------
    grey : (H, W) uint8, dark ink on light paper.
    """
    dark, light = np.percentile(grey, 2), np.percentile(grey, 90)
    if light - dark < CONTRAST:
        return None
    ink = np.clip((light - grey.astype(np.float32)) / (light - dark), 0, 1)
    rows, columns = np.nonzero(ink > INKED)
    if len(rows) < 10:
        return None
    ink = np.clip(ink * 1.7 - 0.33, 0, 1)[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    return np.round(255 * ink).astype(np.uint8), float(max(*ink.shape, BODY * grey.shape[1]))
