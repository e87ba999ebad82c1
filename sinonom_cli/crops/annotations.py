"""Describe the columns and boxes of an annotation file, before they are matched to pictures and transcripts."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np

from sinonom_cli.crops.regions import Box, Region
from sinonom_cli.crops.transcripts import NAMELESS
from sinonom_cli.errors import SinonomError


@dataclass(frozen=True)
class Given:
    """One column of an annotation file, or all boxes of one picture that the file assigns to no column.

    Attributes
    ----------
    picture : name of the picture, relative to the folder of pictures.
    name : name of the column, unique in its picture; "" if the picture has only one.
    text : characters of the column, `NAMELESS` for one that the file does not name; "" if it names none.
    spots : boxes of the characters.
    read : whether box k of `spots` belongs to character k of `text`.
    region : place of the column, if the file gives it.
    fault : reason why the column cannot be used; "" if it can be used.
    checked : those of `spots` whose character people have checked in `sinonom serve`.
    """

    picture: str
    name: str = ""
    text: str = ""
    spots: tuple[Box, ...] = ()
    read: bool = False
    region: Region | None = None
    fault: str = ""
    checked: frozenset[Box] = frozenset()


def inside(name: str) -> str:
    """Return the name of a picture with "/" as separator on every system.

    Raises
    ------
    SinonomError
        If the name leads out of the folder of pictures.
    """
    path = PurePosixPath(name.strip().replace("\\", "/"))
    if not path.parts or path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", str(path)):
        raise SinonomError(f"{name!r} is not a path inside the pictures' folder")
    return str(path)


def loose(picture: str, spots: list[tuple[Box, str]]) -> Given:
    """Return the boxes of a picture in reading order: columns from right to left, each from top to bottom."""
    ordered = [spots[k] for k in reading_order([box for box, _ in spots])]
    boxes = tuple(box for box, _ in ordered)
    if any(char for _, char in ordered):
        return Given(picture, text="".join(char or NAMELESS for _, char in ordered), spots=boxes, read=True)
    return Given(picture, spots=boxes, region=_around(boxes))


def _around(boxes: tuple[Box, ...]) -> Region | None:
    """Return the region around some boxes of a column, widened because characters at its ends may have no box."""
    if not boxes:
        return None
    x0, y0, x1, y1 = np.array(boxes).T
    wide, tall = 0.3 * float(np.median(x1 - x0)), 1.5 * float(np.median(y1 - y0))
    return Region(Path(), (x0.min() - wide, y0.min() - tall, x1.max() + wide, y1.max() + tall))


def columns_of(boxes: list[Box]) -> list[list[int]]:
    """Return the indices of each column's boxes: columns from right to left, each from top to bottom."""
    columns: list[list[int]] = []
    for k in sorted(range(len(boxes)), key=lambda k: -(boxes[k][0] + boxes[k][2])):
        middle = (boxes[k][0] + boxes[k][2]) / 2
        for column in columns:
            lefts, rights = zip(*((boxes[j][0], boxes[j][2]) for j in column), strict=True)
            if np.median(lefts) < middle < np.median(rights):
                column.append(k)
                break
        else:
            columns.append([k])
    return [sorted(column, key=lambda k: boxes[k][1] + boxes[k][3]) for column in columns]


def reading_order(boxes: list[Box]) -> list[int]:
    """Return the indices of the boxes in reading order."""
    return [k for column in columns_of(boxes) for k in column]
