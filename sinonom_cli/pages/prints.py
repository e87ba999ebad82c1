"""Read prints for `cut --print`: which print belongs to which block, and the characters of a print."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from sinonom_cli import messages
from sinonom_cli.blocks.prints import Print, PrintCharacters
from sinonom_cli.characters import label_of, repair
from sinonom_cli.crops.transcripts import NAMELESS
from sinonom_cli.errors import BadInput
from sinonom_cli.pages.boxes import Known, usable_in
from sinonom_cli.pages.laid import PageOptions
from sinonom_cli.pages.read_page import see_page
from sinonom_cli.pages.sources import find_pages, load_page
from sinonom_cli.search.naming import Name
from sinonom_cli.storage.names import composed

SEPARATORS = "-_. "
"""Signs after which the name of a print may go on after that of its block: 001-a.jpg and 001-b.jpg for block 001."""


def find_prints(
    pages: Path, boxes: Path | None, blocks: Sequence[str], skip: Sequence[Path] = ()
) -> dict[str, tuple[Print, ...]]:
    """Return the prints of each block that has some.

    Parameters
    ----------
    pages : a picture or a PDF file, or a folder of them. A print belongs to the block of its name, or of the name's
        first part (`SEPARATORS`); all prints belong to the only block.
    boxes : file with boxes and names of the prints' characters, as `crop-nomnaocr --boxes` takes it; None: they are
        found.
    blocks : names of the blocks.
    skip : files and folders that the command writes.

    Raises
    ------
    SinonomError
        If there are no pictures, none belongs to a block, or the file of boxes cannot be read or names none of them.
    """
    items = find_pages([str(pages)], None, skip)
    folder = pages if pages.is_dir() else pages.parent
    spots = _spots(boxes, folder, [item.key for item in items]) if boxes is not None else {}
    if boxes is not None and not spots:
        raise BadInput(f"{boxes} names none of the {len(items)} prints", f"its names are relative to {folder}")
    names = _names_of(blocks)
    found: dict[str, tuple[Print, ...]] = {}
    unused = []
    for item in items:
        name, number = item.data[:2]
        block = blocks[0] if len(blocks) == 1 else _block_of(name, names, blocks)
        if item.fault or not block:
            unused.append(f"{item.key} ({item.fault})" if item.fault else item.key)
            continue
        drawn = spots.get(item.key, [])
        one = Print(
            path=item.path,
            number=number,
            name=name,
            boxes=tuple(box for box, _ in drawn),
            chars=tuple(char for _, char in drawn),
        )
        found[block] = (*found.get(block, ()), one)
    if not found:
        raise BadInput(
            f"none of the {len(items)} prints belongs to a block; the first: {unused[0]}",
            f"name prints as their blocks: {blocks[0]}.png, {blocks[0]}-a.png",
        )
    if unused:
        messages.warn(f"prints of no block, not used: {len(unused)}; the first: {unused[0]}")
    return found


def read_print(one: Print) -> PrintCharacters:
    """Find the characters of a print and their names, or take those that somebody has drawn.

    Raises
    ------
    SinonomError
        If the picture cannot be read or shows no page.
    """
    if any(one.chars):
        names = [
            [Name(label=label_of(char), char=char, distance=0.0, probability=1.0)] if char else [] for char in one.chars
        ]
        return PrintCharacters(boxes=np.array(one.boxes, np.float64), names=names, known=np.array(one.chars, bool))
    known = Known(boxes=np.array(one.boxes, np.float64), lines=np.empty((0, 4))) if one.boxes else None
    grey = load_page(one.path, one.number)
    reading = see_page(grey, page=one.name, source=one.name, options=PageOptions(), known=known).reading
    boxes = np.array([character.box for character in reading.characters], np.float64)
    if reading.mirrored:
        boxes = np.stack([-boxes[:, 2], boxes[:, 1], -boxes[:, 0], boxes[:, 3]], axis=1)
    return PrintCharacters(
        boxes=boxes,
        names=[character.names for character in reading.characters],
        known=np.zeros(len(boxes), bool),
    )


def _names_of(blocks: Sequence[str]) -> dict[str, int]:
    """Return the number of the block that a name means, with or without its folders; of several, the longest one."""
    found: dict[str, int] = {}
    for number, block in enumerate(blocks):
        for name in {composed(block), composed(PurePosixPath(block).name)}:
            if name not in found or len(block) > len(blocks[found[name]]):
                found[name] = number
    return found


def _block_of(name: str, names: Mapping[str, int], blocks: Sequence[str]) -> str:
    """Return the block that a print's name means; "" for none. The longest name wins."""
    whole = composed(name)
    ends = (*(place for place, sign in enumerate(whole) if sign in SEPARATORS), len(whole))
    meant = [names[whole[:end]] for end in ends if whole[:end] in names]
    return blocks[max(meant, key=lambda number: (len(blocks[number]), -number))] if meant else ""


def _spots(path: Path, folder: Path, pictures: Sequence[str]) -> dict[str, list[tuple[tuple[float, ...], str]]]:
    """Return the boxes and names of each picture that an annotation file gives."""
    found: dict[str, list[tuple[tuple[float, ...], str]]] = defaultdict(list)
    for given in usable_in(path, folder, pictures):
        if given.picture in pictures and given.spots:
            text = given.text if given.read else NAMELESS * len(given.spots)
            chars = ("" if char == NAMELESS else repair(char) for char in text)
            found[given.picture] += zip(given.spots, chars, strict=True)
    return dict(found)
