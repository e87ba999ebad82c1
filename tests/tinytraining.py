"""Tiny sets of invented characters, and the options of a training that takes a second."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

TINY = ["--steps", "40", "--classes", "4", "--images", "2", "--embedding", "8", "--size", "32", "--val", "0.3"]
TINY += ["--workers", "0", "--threads", "1", "-q"]


def draw(folder: Path, characters: int = 6, hands: int = 6) -> Path:
    """Draw invented characters of a few strokes, in several styles of writing, in folders named by label."""
    for k in range(characters):
        shape = np.random.default_rng(k)
        strokes = [(*shape.integers(6, 34, 2), int(shape.integers(12, 24)), int(shape.integers(2))) for _ in range(4)]
        for hand in range(hands):
            rng = np.random.default_rng([k, hand])
            page = np.full((48, 48), 255, np.uint8)
            for x, y, length, upright in strokes:
                left, top = np.array([x, y]) + rng.integers(-1, 2, 2)
                width = 3 + hand % 2
                page[top : top + (length if upright else width), left : left + (width if upright else length)] = 0
            path = folder / f"U+{0x5B57 + k:X}" / f"hand{hand}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(page).save(path)
    return folder


def rows(model: Path) -> list[dict[str, str]]:
    with (model / "metrics.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
