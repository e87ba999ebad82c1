"""Read pages, page by page, into one folder: what each says, in several formats, and where every character stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sinonom_cli.blocks.doubts import UNLIKELY
from sinonom_cli.blocks.picture import CLEAN_QUALITY, clean_name, clean_picture, draw_block
from sinonom_cli.crops.boxes import digest
from sinonom_cli.errors import BadInput, UsageError
from sinonom_cli.layout.detect import opened_detector
from sinonom_cli.layout.given_corrections import AllGiven
from sinonom_cli.pages.block_files import BLOCK_CELLS, block_outputs, write_block_tables, write_blocks
from sinonom_cli.pages.boxes import Known
from sinonom_cli.pages.exports import FORMATS
from sinonom_cli.pages.exports.json_file import read_json
from sinonom_cli.pages.laid import PageOptions
from sinonom_cli.pages.read_page import see_page
from sinonom_cli.pages.reading import ReadCharacter, Reading
from sinonom_cli.pages.sources import load_page
from sinonom_cli.pages.transcribed import unfit_rows, with_transcript
from sinonom_cli.parallel.batch import Item, TableRow
from sinonom_cli.storage.atomic import save_jpeg, save_png, write_text
from sinonom_cli.storage.own_tables import numbers_cell, rows_of, writing_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

COLUMNS = (
    "file_name",
    "page",
    "source",
    "characters",
    "columns",
    "unreadable",
    "turned",
    "mirrored",
    "picture_file_name",
    "clean_file_name",
    *(f"{name}_file_name" for name in FORMATS if name != "json"),
    *BLOCK_CELLS,
)
"""Columns of `metadata.csv`, which has a row for each page."""
CHARACTER_COLUMNS = (
    "page",
    "picture",
    "column",
    "place",
    "part",
    "box",
    "char",
    "label",
    "probability",
    "names",
    "probabilities",
    "names_by_sight",
    "probabilities_by_sight",
    "named_by",
    "checked",
    "score",
)
"""Columns of `characters.csv`."""


@dataclass(frozen=True, kw_only=True)
class ReadPages:
    """Read the page of an item into the folder `out`.

    The item's `data` are the page's name, its number in the file, and the columns of its transcript, if it has one.

    Attributes
    ----------
    out : the folder.
    options : how to read.
    formats : names of `FORMATS` to write; JSON is always written.
    boxes : boxes of characters by the item's key; None: the detector finds them.
    detector : ONNX file of another detector; None: the one that ships.
    index, model : an index of carvings to look the characters up in, and its model where it is not found from the
        index; None: they are not looked up.
    corrections : what people have corrected.
    """

    out: Path
    options: PageOptions
    formats: tuple[str, ...]
    boxes: Mapping[str, Known] | None = None
    detector: Path | None = None
    index: Path | None = None
    model: Path | None = None
    corrections: AllGiven = field(default_factory=AllGiven)

    def __call__(self, item: Item) -> list[TableRow]:
        page, number, text = item.data
        if self.boxes is not None and item.key not in self.boxes:
            raise BadInput("the boxes' file does not name this page", "its names are relative to the pages' folder")
        grey = load_page(item.path, number)
        seen = see_page(
            grey,
            page=page,
            source=item.key,
            options=self.options,
            known=None if self.boxes is None else self.boxes[item.key],
            detector=opened_detector(self.detector) if self.detector else None,
            corrections=self.corrections[page],
            path=item.path,
        )
        doubts = unfit_rows(seen.reading, seen.unfit)
        if text:
            reading, differing = with_transcript(seen.reading, text)
            seen, doubts = replace(seen, reading=reading), doubts + differing
        row = self._write(seen.reading, grey, item.path)
        if self.index is not None:
            row |= write_blocks(self.out, seen, grey, self.index, self.model)
        return [row, *doubts]

    def outputs(self, item: Item) -> list[str]:
        """Return the names of the files that are written for a page, relative to the output."""
        page = item.data[0]
        names = [
            _overlay(page),
            clean_name(page),
            *(FORMATS[name].file_name(page) for name in FORMATS if self._writes(name)),
        ]
        return names if self.index is None else [*names, *block_outputs(page)]

    def _writes(self, name: str) -> bool:
        return name == "json" or name in self.formats

    def _write(self, reading: Reading, grey: NDArray[np.uint8], path: Path) -> TableRow:
        """Write the files of a page and return its row."""
        changed = datetime.fromtimestamp(int(path.stat().st_mtime), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        row = {
            "file_name": FORMATS["json"].file_name(reading.page),
            "page": reading.page,
            "source": reading.source,
            "characters": str(len(reading.characters)),
            "columns": str(len(reading.columns())),
            "unreadable": str(sum(not character.label for character in reading.characters)),
            "turned": str(reading.turned),
            "mirrored": "yes" if reading.mirrored else "no",
            "picture_file_name": _overlay(reading.page),
            "clean_file_name": clean_name(reading.page),
        }
        save_png(self.out / _overlay(reading.page), overlay(reading, grey))
        save_jpeg(self.out / clean_name(reading.page), clean_picture(grey, reading.size), CLEAN_QUALITY)
        for name, form in FORMATS.items():
            if self._writes(name):
                write_text(self.out / form.file_name(reading.page), form.write(reading, changed))
                if name != "json":
                    row[f"{name}_file_name"] = form.file_name(reading.page)
        return row


def overlay(reading: Reading, grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the picture of a page, (H, W, 3) uint8, with its characters outlined, numbered and named."""
    characters = reading.characters
    return draw_block(
        np.float32(1) - grey.astype(np.float32) / np.float32(255),
        [np.array(character.outline) for character in characters],
        [f"{character.column}.{character.place}" for character in characters],
        [character.char if character.label else "" for character in characters],
        [character.probability < UNLIKELY for character in characters],
        reading.size,
    )


def write_tables(out: Path, blocks: bool) -> dict[str, int]:
    """Write the tables of all pages, and return how many characters, columns and pages with a block there are.

    Parameters
    ----------
    out : the folder, whose `metadata.csv` is there.
    blocks : whether the pages were looked up among carvings.
    """
    counts = write_characters(out)
    return counts | write_block_tables(out, rows_of(out / "metadata.csv")) if blocks else counts


def told(counts: Mapping[str, int]) -> str:
    """Return in words what `write_tables` counted."""
    said = f"{counts['characters']:,} characters in {counts['columns']:,} columns"
    if "pages_with_block" not in counts:
        return said
    found, none = counts["pages_with_block"], counts["pages_without_block"]
    return f"{said}; a block was found for {found:,} of {found + none:,} pages"


def write_characters(out: Path) -> dict[str, int]:
    """Write `characters.csv` from the pages of a folder, and return how many characters and columns it has."""
    characters = columns = 0
    with writing_table(out / "characters.csv", CHARACTER_COLUMNS) as table:
        for row in rows_of(out / "metadata.csv"):
            reading = read_json(out / row["file_name"])
            characters += len(reading.characters)
            columns += len(reading.columns())
            for character in reading.characters:
                table.add(_row(reading, character))
    return {"characters": characters, "columns": columns}


def _row(reading: Reading, character: ReadCharacter) -> TableRow:
    return {
        "page": reading.page,
        "picture": reading.source,
        "column": str(character.column),
        "place": str(character.place),
        "part": character.part,
        "box": numbers_cell(character.box),
        "char": character.char,
        "label": character.label,
        "probability": f"{character.probability:.4f}",
        "names": " ".join(name.char for name in character.names),
        "probabilities": " ".join(f"{name.probability:.4f}" for name in character.names),
        "names_by_sight": " ".join(name.char for name in character.sight),
        "probabilities_by_sight": " ".join(f"{name.probability:.4f}" for name in character.sight),
        "named_by": character.named_by,
        "checked": "yes" if character.checked else "no",
        "score": f"{character.score:.3f}",
    }


def _overlay(page: str) -> str:
    return f"pages/{page}.png"


def formats_of(names: str) -> tuple[str, ...]:
    """Return the formats that a list such as "txt,page" names, in the order of `FORMATS`.

    Raises
    ------
    UsageError
        If one of them is unknown.
    """
    asked = [name.strip() for name in names.split(",") if name.strip()]
    for name in asked:
        if name not in FORMATS:
            raise UsageError(f"--format has no {name!r}", f"give some of {', '.join(FORMATS)}")
    return tuple(name for name in FORMATS if name in asked)


def content_of(path: Path | None) -> str | None:
    """Return the SHA-256 of a file, or of all annotation files of a folder; None if none is given.

    Raises
    ------
    BadInput
        If it does not exist.
    """
    if path is None:
        return None
    if not path.exists():
        raise BadInput(f"{path} does not exist", "give the path of an existing file")
    return digest(path)
