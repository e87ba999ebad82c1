"""Boxes as tables: a CSV file, or YOLO text for each picture."""

import csv
import re
from collections import defaultdict
from pathlib import Path

import numpy as np

from sinonom_cli.crop_nomnaocr.given import Given, inside, loose
from sinonom_cli.crop_nomnaocr.pages import SUFFIXES
from sinonom_cli.crop_nomnaocr.regions import Box, Region
from sinonom_cli.crop_nomnaocr.transcripts import LIST
from sinonom_cli.errors import SinonomError


def read_table(path: Path) -> list[Given]:
    """Read `picture,x0,y0,x1,y1,text`: one character, the box is its own; several, it is a column's; none, unknown."""
    wanted = ("picture", "x0", "y0", "x1", "y1")
    columns: list[Given] = []
    lone: dict[str, list[tuple[Box, str]]] = defaultdict(list)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            lacking = [name for name in wanted if name not in (reader.fieldnames or ())]
            if lacking:
                raise SinonomError(f"{path} has no column {lacking[0]!r}", "its first line is picture,x0,y0,x1,y1,text")
            for row in reader:
                where = f"{path}, line {reader.line_num}"
                picture = inside(row["picture"] or "", where)
                box = _box([row[name] for name in wanted[1:]], where)
                text = "".join((row.get("text") or "").split())
                if len(text) > 1:
                    columns.append(Given(picture, str(reader.line_num), text, region=Region(Path(), box)))
                else:
                    lone[picture].append((box, text))
    except UnicodeDecodeError as error:
        raise SinonomError(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    return columns + [loose(picture, spots) for picture, spots in lone.items()]


def read_yolo(path: Path, files: list[Path], folder: Path) -> list[Given]:
    """Read `class x y w h` lines; `classes.txt` may name the classes, one a line: then those are the characters."""
    names: list[str] = []
    classes = path / "classes.txt"
    if classes.is_file():
        names = classes.read_text(encoding="utf-8-sig").splitlines()
    found = []
    for file in files:
        if file == classes or file.name == LIST:  # labels may lie beside their pictures, and the list too
            continue
        stem = file.relative_to(path).with_suffix("").as_posix()
        picture = next((f"{stem}{end}" for end in sorted(SUFFIXES) if (folder / f"{stem}{end}").is_file()), "")
        if not picture:
            found.append(Given(f"{stem}.txt", fault=f"no picture {stem}.jpg, .png, ... in {folder}"))
            continue
        try:
            found.append(loose(picture, _yolo_spots(file, names, _size(folder / picture))))
        except SinonomError as error:
            found.append(Given(picture, fault=error.message))
    return found


def _yolo_spots(file: Path, names: list[str], size: tuple[int, int]) -> list[tuple[Box, str]]:
    spots = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig", errors="replace").splitlines(), 1):
        where = f"{file.name}, line {number}"
        parts = line.split()
        if not parts:
            continue
        if len(parts) not in (5, 6) or not parts[0].isdigit():
            raise SinonomError(f"{where}: not `class x y w h`", "correct the line")
        x, y, w, h = (float(part) if re.fullmatch(r"[0-9.eE+-]+", part) else -1.0 for part in parts[1:5])
        if not (0 <= x <= 1 and 0 <= y <= 1 and 0 < w <= 1 and 0 < h <= 1):
            raise SinonomError(f"{where}: not `class x y w h` with parts of the picture", "correct the line")
        name = names[int(parts[0])].strip() if int(parts[0]) < len(names) else ""
        sides = ((x - w / 2) * size[0], (y - h / 2) * size[1], (x + w / 2) * size[0], (y + h / 2) * size[1])
        spots.append((sides, name if len(name) == 1 else ""))
    return spots


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    from sinonom_cli.models.preprocess import opened_picture

    try:
        with opened_picture(path) as picture:
            turned = picture.getexif().get(0x0112, 1) >= 5
            return (picture.height, picture.width) if turned else picture.size
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise SinonomError(f"{path.name} is no picture: {error}") from None


def _box(values: list[str | None], where: str) -> Box:
    try:
        x0, y0, x1, y1 = (float(value or "") for value in values)
    except ValueError:
        raise SinonomError(f"{where}: x0, y0, x1, y1 are not all numbers", "correct the line") from None
    if not (0 <= x0 < x1 < np.inf and 0 <= y0 < y1 < np.inf):
        raise SinonomError(f"{where}: not a box with x0 < x1 and y0 < y1 in pixels", "correct the line")
    return x0, y0, x1, y1
