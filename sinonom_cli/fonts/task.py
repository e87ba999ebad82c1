"""Draw some characters of a face at every level: one item of the batch."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.characters import is_private, label_of, repair
from sinonom_cli.errors import SinonomError
from sinonom_cli.fonts.charset import nomnaocr_characters
from sinonom_cli.fonts.degrade import REACH, degraded
from sinonom_cli.fonts.draw import clean, distance_field, moved, pen_for
from sinonom_cli.fonts.face import Face
from sinonom_cli.fonts.faces import read_faces
from sinonom_cli.fonts.variants import Level, more_levels
from sinonom_cli.parallel.batch import Item, TableRow, item_rng
from sinonom_cli.storage.atomic import cached_by_file, save_png
from sinonom_cli.storage.image_set import METADATA_COLUMNS

METADATA = (*METADATA_COLUMNS, "face", "hand", "family", "style", "version", "licence", "level")
NEIGHBOURS = 12
"""Number of characters of a face that may stand beside another character."""
CACHED_FACES = 4


@dataclass(frozen=True)
class Task:
    """Some characters of a face.

    Attributes
    ----------
    face, chars : font face, and the characters to draw.
    more : number of degraded pictures of each character besides those of the levels; empty: none.
    """

    face: Face
    chars: str
    more: tuple[int, ...] = ()


@dataclass(frozen=True)
class DrawGlyphs:
    """Callable that draws one item, some characters of a face at every level; it can be pickled for workers."""

    out: Path
    side: int
    levels: tuple[Level, ...]
    seed: int
    balanced: bool = False

    def __call__(self, item: Item) -> list[TableRow]:
        """Write the pictures of `item` and return their rows; an item without data is a font that cannot be read."""
        if item.data is None:
            read_faces(item)
            raise SinonomError(f"{item.path} changed while it was read")
        task: Task = item.data
        pen = pen_for(task.face, self.side)
        rows: list[TableRow] = []
        for char, more in zip(task.chars, task.more or (0,) * len(task.chars), strict=True):
            glyph = pen.glyph(char)
            if glyph is not None:
                rows += self._draw(task.face, char, glyph, (*self.levels, *more_levels(self.levels, more)))
        return rows

    def outputs(self, item: Item) -> list[str]:
        """Return the files that the item can give, relative to the image set; blank glyphs give none."""
        if item.data is None:
            return []
        task: Task = item.data
        return [
            _file_name(task.face, label_of(char), level)
            for char, more in zip(task.chars, task.more or (0,) * len(task.chars), strict=True)
            for level in (*self.levels, *more_levels(self.levels, more))
        ]

    def _draw(self, face: Face, char: str, glyph: NDArray[np.uint8], levels: Sequence[Level]) -> list[TableRow]:
        field = distance_field(glyph, self.side, self._reach)
        label = label_of(char)
        rows = []
        for level in levels:
            offset = level.stroke * self.side
            if level.degrade:
                rng = item_rng(self.seed, f"{face.key}\0{label}\0{level.name}")
                picture = degraded(field, moved(field, offset), level.degrade, rng, self._others(face, char))
            else:
                picture = clean(field, offset)
            file_name = _file_name(face, label, level)
            save_png(self.out / file_name, picture)
            rows.append(_row(face, char, label, level, file_name))
        return rows

    @property
    def _reach(self) -> float:
        """Distance from the edge of the ink up to which the field must be exact, pixels; degradation needs more."""
        further = any(level.degrade or level.stroke < 0 for level in self.levels) or self.balanced
        return self.side * (max(abs(level.stroke) for level in self.levels) + REACH * further) + 1

    def _others(self, face: Face, char: str) -> list[NDArray[np.float32]]:
        known = neighbours_for(face, self.side, self._reach)
        return [field for other, field in known.items() if other != char]


def _file_name(face: Face, label: str, level: Level) -> str:
    return f"images/{label}/{face.slug}-{level.name}.png"


@cached_by_file(CACHED_FACES)
def neighbours_for(face: Face, side: int, reach: float) -> dict[str, NDArray[np.float32]]:
    """Return the fields of a face's most frequent characters, which are likely to stand beside others."""
    pen = pen_for(face, side)
    found: dict[str, NDArray[np.float32]] = {}
    for char in map(repair, nomnaocr_characters()):
        glyph = None if is_private(char) else pen.glyph(char)
        if glyph is not None:
            found[char] = distance_field(glyph, side, reach)
        if len(found) == NEIGHBOURS:
            break
    return found


def _row(face: Face, char: str, label: str, level: Level, file_name: str) -> TableRow:
    return {
        "file_name": file_name,
        "label": label,
        "char": char,
        "source": face.key,
        "box": "",
        "face": face.slug,
        "hand": face.hand,
        "family": face.family,
        "style": face.style,
        "version": face.version,
        "licence": face.licence,
        "level": level.name,
    }
