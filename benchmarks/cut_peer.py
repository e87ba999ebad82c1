"""Compare `cut` with PP-OCRv6 (package rapidocr) on the same levelled pictures of blocks.

Run as a script, it reads pictures with PP-OCRv6 and prints what it found as JSON; that needs only rapidocr, which holds
its models: `pip install --target FOLDER rapidocr`.

PP-OCRv6 finds lines of text; its recogniser divides them into characters. Both are compared: lines with the columns of
the block, and characters with characters. A character counts as covered by a line if half of its box lies in it.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

COVERED = 0.5
"""Least share of a character's box that lies in a line which shows it."""


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
        [sys.executable, __file__, *map(str, pictures)], env=environment, stdout=subprocess.PIPE, text=True, check=False
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
    """Return the box around the characters of each column, (C, 4)."""
    chosen = [characters[np.array(columns) == column] for column in sorted(set(columns))]
    return np.array([[*one[:, :2].min(axis=0), *one[:, 2:].max(axis=0)] for one in chosen]).reshape(-1, 4)


def _main() -> None:
    from rapidocr import RapidOCR

    engine: Any = RapidOCR(params={"Global.log_level": "critical"})
    found = {}
    for path in sys.argv[1:]:
        lines = engine(path, use_det=True, use_cls=False, use_rec=False).boxes
        whole = engine(
            path,
            use_det=True,
            use_cls=False,
            use_rec=True,
            return_word_box=True,
            return_single_char_box=True,
            text_score=0.0,
        )
        results = getattr(whole, "word_results", None) or ()  # a picture without text has another type of result
        words = [word[2] for line in results for word in line if word[2] is not None]
        found[Path(path).name] = [_straight(words), _straight(() if lines is None else lines)]
    print(json.dumps(found))


def _straight(quads: Any) -> list[list[float]]:
    """Return the straight box around each quadrangle."""
    corners = [np.array(quad, float).reshape(-1, 2) for quad in quads]
    return [[*one.min(axis=0).tolist(), *one.max(axis=0).tolist()] for one in corners]


if __name__ == "__main__":
    _main()
