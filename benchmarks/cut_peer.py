"""Compare `cut` with PP-OCRv6 (package rapidocr) on the same levelled pictures of blocks.

PP-OCRv6 finds lines of text; its recogniser divides them into characters. Both are compared: characters with
characters, and lines with the lines that the block's columns consist of (`lines_of`). A character counts as covered by
a line if half of its box lies in it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from sinonom_cli.blocks.cut_block import CutBlock
from sinonom_cli.layout.measure import Agreement, box_overlaps, pairs

SCRIPT = Path(__file__).with_name("peer_boxes.py")
"""Script that runs PP-OCRv6."""
COVERED = 0.5
"""Least share of a character's box that lies in a line which shows it."""
ASIDE, BLANK = 0.3, 1.0
"""Largest distance aside of two characters of a line, in widths, and the least gap that ends it, in heights."""


class Boxes(NamedTuple):
    """Boxes in one picture, (N, 4) x0, y0, x1, y1 each, of characters and of lines."""

    characters: np.ndarray
    lines: np.ndarray


def read(pictures: Sequence[Path], folder: Path) -> dict[str, Boxes] | None:
    """Return what PP-OCRv6 finds in pictures; None, and a line that says why, without the package.

    Parameters
    ----------
    folder : where `pip install --target` has put rapidocr.
    """
    environment = {**os.environ, "PYTHONPATH": str(folder), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, pictures)],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        print(f"PP-OCRv6 is left out: rapidocr cannot be used: pip install --target {folder} rapidocr")
        return None
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: Boxes(*(np.array(part, float).reshape(-1, 4) for part in parts)) for name, parts in found.items()}


def covered(characters: np.ndarray, lines: np.ndarray) -> int:
    """Return the number of characters of whose box a line covers COVERED or more."""
    count = 0
    for x0, y0, x1, y1 in characters:
        wide = np.minimum(lines[:, 2], x1) - np.maximum(lines[:, 0], x0)
        high = np.minimum(lines[:, 3], y1) - np.maximum(lines[:, 1], y0)
        inner = np.clip(wide, 0, None) * np.clip(high, 0, None)
        count += bool(len(inner) and inner.max() >= COVERED * (x1 - x0) * (y1 - y0))
    return count


def lines_of(characters: np.ndarray, columns: Sequence[int]) -> np.ndarray:
    """Return the boxes of the lines that columns consist of, (C, 4), as a reader of prints sees them.

    A line ends where the column does, before and after notes, and at a blank.

    Parameters
    ----------
    characters : (N, 4) boxes in reading order.
    columns : number of the column of each.
    """
    lines: list[list[np.ndarray]] = []
    for number, box in enumerate(characters):
        if number and columns[number] == columns[number - 1] and _goes_on(characters[number - 1], box):
            lines[-1].append(box)
        else:
            lines.append([box])
    found = [np.array(line) for line in lines]
    return np.array([[*one[:, :2].min(axis=0), *one[:, 2:].max(axis=0)] for one in found]).reshape(-1, 4)


def _goes_on(one: np.ndarray, other: np.ndarray) -> bool:
    """Return whether a character follows another in one line: below it, about as wide, without a blank between."""
    width, height = max(one[2] - one[0], other[2] - other[0]), max(one[3] - one[1], other[3] - other[1])
    aside = abs(one[0] + one[2] - other[0] - other[2]) / 2
    return bool(aside < ASIDE * width and -height < other[1] - one[3] < BLANK * height)


class Peer:
    """Levelled pictures of blocks for PP-OCRv6, and what is true and what `cut` has found in them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.true: dict[str, Boxes] = {}
        self.ours: dict[str, Boxes] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, block: CutBlock, corners: np.ndarray, columns: list[int]) -> None:
        """Write the picture of a block; `corners` are those of its N characters, (N, K, 2) pixels of its map."""
        read = block.learnt.read
        Image.fromarray(np.round(255 * (1 - read.ink)).astype(np.uint8)).save(self.folder / f"{name}.png")
        rows, wide = (-(-side // block.seen.times) for side in block.seen.surface.heights.shape)
        placed = [read.way.points(one / block.seen.times, (rows, wide)) for one in corners]
        true = np.array([[*one.min(axis=0), *one.max(axis=0)] for one in placed])
        ours = read.boxes
        self.true[name] = Boxes(true, lines_of(true, columns))
        self.ours[name] = Boxes(ours, lines_of(ours, [one.placed.column for one in read.characters]))

    def print(self, folder: Path) -> None:
        """Let PP-OCRv6 read the pictures, and print the figures of both."""
        found = read([self.folder / f"{name}.png" for name in self.true], folder)
        if found is None:
            return
        theirs = {name: found[f"{name}.png"] for name in self.true}
        for who, boxes in (("sinonom", self.ours), ("PP-OCRv6", theirs)):
            characters, lines, inside = Agreement(), Agreement(), 0
            for name, true in self.true.items():
                for here, other, total in (
                    (boxes[name].characters, true.characters, 0),
                    (boxes[name].lines, true.lines, 1),
                ):
                    right = len(pairs(box_overlaps(here, other), np.ones(len(here)))) if len(here) else 0
                    agreement = Agreement(right=right, found=len(here), true=len(other))
                    characters, lines = (characters, lines + agreement) if total else (characters + agreement, lines)
                inside += covered(true.characters, boxes[name].lines)
            print(
                f"{who}: F1 at IoU 0.5 of characters {characters.f1:.3f} (precision {characters.precision:.3f}, recall "
                f"{characters.recall:.3f}), of lines {lines.f1:.3f}; {inside / characters.true:.3f} of "
                f"{characters.true} characters lie in a line"
            )
