"""Several columns laid side by side into one page-like picture: one inference serves them all."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.detector import Localizer

COLUMNS_ABREAST = 14
"""Columns on a page."""
CHARACTERS = 32
"""Height of a page in characters: about what pages of old prints hold, and what a detector has learnt."""
FILLED = 0.8
"""Share of its place that a column fills at most, across and along."""
MARGIN = 0.05
"""Paper above the columns, in heights of the page."""


@dataclass(frozen=True)
class Found:
    """What a detector saw in one column: (m, 2) float64 tops and bottoms in pixels of the patch, and (m,) scores."""

    spans: NDArray[np.float64]
    scores: NDArray[np.float64]


def look(localizer: Localizer, columns: list[tuple[NDArray[np.uint8], int]]) -> list[Found]:
    """Find the characters of up to `COLUMNS_ABREAST` columns.

    Parameters
    ----------
    columns : (H, W) uint8 patches, each with how many characters it holds: all are drawn at one size.
    """
    canvas, places = page_of(columns, localizer.size)
    boxes, scores = localizer.boxes(canvas)
    middles = (boxes[:, 0] + boxes[:, 2]) / 2
    found = []
    for left, right, top, scale, height in places:
        here = (middles >= left) & (middles < right)
        spans = np.clip((boxes[here][:, [1, 3]] - top) / scale, 0, height)
        solid = spans[:, 1] - spans[:, 0] >= 2
        order = np.argsort(spans[solid, 0], kind="stable")
        found.append(Found(spans[solid][order], scores[here][solid][order]))
    return found


def page_of(
    columns: list[tuple[NDArray[np.uint8], int]], size: int
) -> tuple[NDArray[np.uint8], list[tuple[float, float, float, float, int]]]:
    """Lay columns on a page.

    Returns
    -------
    canvas : (size, size) uint8.
    places : for each column: left and right of its place, its top, its scale, and its height as a patch.
    """
    from PIL import Image

    paper = [float(np.percentile(grey, 75)) for grey, _ in columns]
    canvas = np.full((size, size), round(float(np.median(paper))), np.uint8)
    step, top = size / COLUMNS_ABREAST, round(MARGIN * size)
    places = []
    for number, (grey, count) in enumerate(columns):
        height, width = grey.shape
        scale = min(size / CHARACTERS * count / height, FILLED * step / width, (1 - 2 * MARGIN) * size / height)
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        # Each column's paper becomes the page's: steps at its border would be lines.
        levelled = np.clip(grey.astype(np.float32) + canvas[0, 0] - paper[number], 0, 255)
        drawn = Image.fromarray(np.uint8(np.round(levelled))).resize(shape, Image.Resampling.BICUBIC, reducing_gap=3)
        x = round((number + 0.5) * step - shape[0] / 2)
        canvas[top : top + shape[1], x : x + shape[0]] = np.asarray(drawn)
        places.append((number * step, (number + 1) * step, float(top), shape[1] / height, height))
    return canvas, places
