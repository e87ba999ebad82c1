"""From faces and a charset to an image set: cut into chunks, draw each chunk, count what was drawn."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sinonom_cli import console
from sinonom_cli.artifacts.artifact import Artifact
from sinonom_cli.artifacts.batch import BatchOptions, Item, Row, fill, item_rng
from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.imageset import COLUMNS
from sinonom_cli.artifacts.journal import read_table
from sinonom_cli.artifacts.workers import cores
from sinonom_cli.characters import label_of
from sinonom_cli.errors import SinonomError
from sinonom_cli.synth_fonts.charset import Charset, is_han
from sinonom_cli.synth_fonts.degrade import REACH, degraded
from sinonom_cli.synth_fonts.draw import distance_field, ink_at, moved, pen_for
from sinonom_cli.synth_fonts.faces import Face, read_faces

CHUNK = 128
"""Characters of one face drawn as one item: small enough that a crash of FreeType costs little."""
WORTH_WORKERS = 4000
"""Below so many pictures, starting workers costs more than they save."""
MORE_COLUMNS = ("face", "family", "style", "version", "licence", "level")


@dataclass(frozen=True)
class Level:
    """One picture made of each glyph: its stroke weight and how badly it is printed.

    Attributes
    ----------
    name : for the file name.
    stroke : how far the edge of the ink moves outwards, as a part of the picture's side.
    degrade : 0..1.
    """

    name: str
    stroke: float
    degrade: float


def levels_of(strokes: Sequence[float], degrade: Sequence[float]) -> tuple[Level, ...]:
    """Return every stroke weight with every amount of degradation; an amount given twice is drawn twice."""
    levels = []
    for stroke in dict.fromkeys(strokes):
        seen: Counter[float] = Counter()
        for amount in degrade:
            seen[amount] += 1
            if amount == 0 and seen[amount] > 1:
                continue  # clean is clean: a second one would be the same picture
            name = f"s{1000 * stroke:g}" + (f"-d{100 * amount:g}" if amount else "")
            levels.append(Level(name + (f"-{seen[amount]}" if seen[amount] > 1 else ""), stroke, amount))
    return tuple(levels)


@dataclass(frozen=True)
class Draw:
    """Draws one item: some characters of a face, at every level. Pickles for the workers."""

    out: Path
    side: int
    levels: tuple[Level, ...]
    seed: int

    def __call__(self, item: Item) -> list[Row]:
        """Write the pictures of `item` and return their rows; an item without data is a font that cannot be read."""
        if item.data is None:
            read_faces(item)
            raise SinonomError(f"{item.path} changed while it was read")
        face, chars = item.data
        pen = pen_for(face.path, face.index, self.side)
        rows: list[Row] = []
        for char in chars:
            glyph = pen.glyph(char)
            if glyph is not None:
                rows += self._draw(face, char, glyph)
        return rows

    def _draw(self, face: Face, char: str, glyph: Any) -> list[Row]:
        reach = self.side * (max(abs(level.stroke) for level in self.levels) + REACH) + 1
        field = distance_field(glyph, self.side, reach)
        label = label_of(char)
        rows = []
        for level in self.levels:
            offset = level.stroke * self.side
            if level.degrade:
                rng = item_rng(self.seed, f"{face.key}\0{label}\0{level.name}")
                picture = degraded(field, moved(field, offset), level.degrade, rng)
            else:
                picture = (255.5 - 255 * ink_at(field, offset)).astype(np.uint8)
            file_name = f"images/{label}/{face.slug}-{level.name}.png"
            save_png(self.out / file_name, picture)
            rows.append(_row(face, char, label, level, file_name))
        return rows


def _row(face: Face, char: str, label: str, level: Level, file_name: str) -> Row:
    return {
        "file_name": file_name,
        "label": label,
        "char": char,
        "source": face.key,
        "box": "",
        "face": face.slug,
        "family": face.family,
        "style": face.style,
        "version": face.version,
        "licence": face.licence,
        "level": level.name,
    }


def cut(fonts: Sequence[Item], charset: Charset | None) -> tuple[list[Item], dict[str, dict[str, int]]]:
    """Cut the work into items.

    Parameters
    ----------
    fonts : font files.
    charset : the characters asked for; None: every Han character that a face has.

    Returns
    -------
    items: (face, characters) pieces, and a font that cannot be read as an item of its own, without data; and by face
    how many characters were asked for, and how many its cmap does not have.
    """
    items: list[Item] = []
    asked: dict[str, dict[str, int]] = {}
    with console.progress(len(fonts), "fonts read") as progress:
        for font in fonts:
            try:
                faces = read_faces(font)
            except SinonomError as error:
                console.detail(str(error))
                items.append(font)
                faces = []
            for face, cmap in faces:
                chars = sorted(filter(is_han, cmap)) if charset is None else [c for c in charset.chars if c in cmap]
                total = len(chars) if charset is None else len(charset.chars)
                asked[face.key] = {"asked": total, "not_in_cmap": total - len(chars)}
                for start in range(0, len(chars), CHUNK):
                    piece = "".join(chars[start : start + CHUNK])
                    items.append(Item(f"{face.key}[{start}:{start + len(piece)}]", font.path, (face, piece), font.size))
            progress.advance()
    return items, asked


def make(
    fonts: Sequence[Item],
    out: Path,
    *,
    charset: Charset | None,
    side: int,
    levels: tuple[Level, ...],
    seed: int,
    options: dict[str, Any],
    batch: BatchOptions,
) -> Artifact:
    """Draw the characters of all faces into the image set `out`.

    Raises
    ------
    SinonomError
        If no font can be read or none has any of the characters; see also `fill`.
    """
    items, asked = cut(fonts, charset)
    if asked and not any(item.data for item in items):
        raise SinonomError(
            f"none of the {len(asked)} faces has any of the characters asked for", "another --charset or fonts"
        )
    pictures = sum(len(item.data[1]) * len(levels) for item in items if item.data)
    if batch.workers is None:
        workers = cores() if pictures >= WORTH_WORKERS else 0
        batch = BatchOptions(workers, batch.fail_fast, batch.max_failures, batch.overwrite)

    def coverage() -> dict[str, Any]:
        return {"faces": _coverage(out, asked, len(levels))}

    work = Draw(out, side, levels, seed)
    columns = (*COLUMNS, *MORE_COLUMNS)
    return fill(
        out,
        kind="imageset",
        options=options,
        items=items,
        work=work,
        columns=columns,
        batch=batch,
        what="pieces of fonts",
        extra=coverage,
    )


def _coverage(out: Path, asked: dict[str, dict[str, int]], levels: int) -> dict[str, dict[str, int]]:
    """Return by face how many characters were asked for, not in the cmap, drawn, and in the cmap without a glyph."""
    _, rows = read_table(out / "metadata.csv")
    drawn = Counter(row["source"] for row in rows)
    found = {}
    for key, counts in asked.items():
        chars = drawn[key] // levels
        found[key] = {**counts, "drawn": chars, "without_glyph": counts["asked"] - counts["not_in_cmap"] - chars}
    return found
