"""Read boxes from tables: a CSV file, or one YOLO text file for each picture."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from sinonom_cli.characters import char_named, characters_of
from sinonom_cli.crops.annotations import Given, inside, loose
from sinonom_cli.crops.regions import Box, Region
from sinonom_cli.crops.transcripts import LIST
from sinonom_cli.errors import SinonomError
from sinonom_cli.pictures.loading import opened_picture
from sinonom_cli.storage.names import Spelling, composed
from sinonom_cli.storage.tables import Table, TableRow, read_lines

SIDES = ("x0", "y0", "x1", "y1")
BOX = "box"
"""Column of `characters.csv` that holds the four sides, separated by spaces."""


def read_table(path: Path, folder: Path) -> list[Given]:
    """Read a CSV file with the columns `picture,x0,y0,x1,y1,text`, or `characters.csv` of a reading.

    With one character as `text`, the box is that character's; with several, it is a column's; without text, its
    character is unknown. A row that cannot be used becomes a column with a fault, and the other rows are kept.

    Raises
    ------
    SinonomError
        If no row can be used, or the file cannot be read.
    """
    table = _opened(path)
    spelling = Spelling(folder)
    columns: list[Given] = []
    faults: list[Given] = []
    lone: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    checked: dict[str, set[Box]] = defaultdict(set)
    for row in table:
        where = f"{path.name}, line {row.number}"
        picture = ""
        try:
            picture = spelling(inside(row.cells["picture"]))
            box = _box(row, table.delimiter)
        except SinonomError as error:
            faults.append(Given(picture or where, f"line {row.number}", fault=f"{where}: {error.message}"))
            continue
        text = row.cells.get("label" if BOX in row.cells else "text", "")
        text = char_named(text) or characters_of(text)
        if len(text) > 1:
            columns.append(Given(picture, str(row.number), text, region=Region(Path(), box)))
        else:
            lone[picture].append((box, text))
            if row.cells.get("checked") == "yes":
                checked[picture].add(box)
    if faults and not columns and not lone:
        raise SinonomError(f"{path} has no line that can be used; {faults[0].fault}", "correct the lines")
    alone = [replace(loose(name, spots), checked=frozenset(checked[name])) for name, spots in lone.items()]
    return columns + alone + faults


def _opened(path: Path) -> Table:
    """Open a table with the sides of boxes in four columns, or in one as `sinonom read` writes them."""
    hint = "its first line is picture,x0,y0,x1,y1,text"
    table = Table(path, ("picture",), hint, faults=True)
    sides = (BOX,) if BOX in table.columns and not set(SIDES) & set(table.columns) else SIDES
    return Table(path, ("picture", *sides), hint, faults=True)


def _box(row: TableRow, delimiter: str) -> Box:
    if row.fault:
        raise SinonomError(row.fault)
    cells = row.cells[BOX].split() if BOX in row.cells else [row.cells[name] for name in SIDES]
    if len(cells) != len(SIDES):
        raise SinonomError(f"{row.cells[BOX]!r} is not x0 y0 x1 y1")
    if delimiter != ",":  # Files with semicolons between cells write decimals with a comma.
        cells = [cell.replace(",", ".") for cell in cells]
    x0, y0, x1, y1 = map(_number, cells)
    if not np.isfinite([x0, y0, x1, y1]).all():
        raise SinonomError(f"({', '.join(cells)}) are not four numbers")
    if not (x0 < x1 and y0 < y1):
        raise SinonomError(f"({', '.join(cells)}) is not a box with x0 < x1 and y0 < y1")
    return x0, y0, x1, y1


def read_yolo(path: Path, files: list[Path], folder: Path, pictures: Sequence[str]) -> list[Given]:
    """Read YOLO label files, whose lines are `class x y w h`.

    A file `classes.txt` may name the classes, one a line; the names are then the characters.

    Parameters
    ----------
    path : folder of the label files.
    files : `.txt` files in `path`.
    folder : folder that the names of pictures are relative to.
    pictures : names of the pictures in `folder`.
    """
    classes = path / "classes.txt"
    names = [char_named(line) for line in read_lines(classes)] if classes.is_file() else []
    exact: dict[str, str] = {}
    for picture in sorted(pictures):
        exact.setdefault(composed(str(PurePosixPath(picture).with_suffix(""))), picture)
    folded = {stem.casefold(): picture for stem, picture in exact.items()}
    found = []
    for file in files:
        if file == classes or file.name == LIST:  # The list of transcripts may lie in the same folder.
            continue
        stem = file.relative_to(path).with_suffix("").as_posix()
        picture = exact.get(composed(stem)) or folded.get(composed(stem).casefold(), "")
        if not picture:
            found.append(Given(f"{stem}.txt", fault=f"no picture {stem}.jpg, .png, ... in {folder}"))
            continue
        try:
            spots, faults = _yolo_spots(file, names, _size(folder / picture))
        except SinonomError as error:
            found.append(Given(picture, fault=error.message))
            continue
        found += [loose(picture, spots)] if spots or not faults else []
        found += [Given(picture, name, fault=f"{file.name}, {name}: {reason}") for name, reason in faults.items()]
    return found


def _yolo_spots(file: Path, names: list[str], size: tuple[int, int]) -> tuple[list[tuple[Box, str]], dict[str, str]]:
    """Return the boxes of a label file with their characters, and the fault of each other line."""
    spots: list[tuple[Box, str]] = []
    faults: dict[str, str] = {}
    for number, line in enumerate(read_lines(file), 1):
        parts = line.split()
        if not parts:
            continue
        numbers = [_number(part) for part in parts]
        if len(parts) not in (5, 6) or not np.isfinite(numbers).all() or numbers[0] != abs(int(numbers[0])):
            faults[f"line {number}"] = "not `class x y w h`"
            continue
        kind, (x, y, w, h) = int(numbers[0]), numbers[1:5]
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1 and 0 < h <= 1):
            faults[f"line {number}"] = "x, y, w, h are not shares of the picture, from 0 to 1"
            continue
        sides = ((x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1])
        spots.append((sides, names[kind] if kind < len(names) else ""))
    return spots, faults


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan


def _size(path: Path) -> tuple[int, int]:
    """Return the width and height of a picture as it is shown, after the rotation that its EXIF data asks for."""
    try:
        with opened_picture(path) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5
            return (picture.height, picture.width) if turned else picture.size
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SinonomError(f"{path.name} is not a picture: {error}") from None
