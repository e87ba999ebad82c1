"""Lay several columns side by side in one picture that looks like a page, and detect all in one inference."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.layout.detector import Localizer

COLUMNS_ABREAST = 14
"""Number of columns on a page."""
CHARACTERS = 32
"""Height of a page, in characters; about as many stand on pages of old prints, on which a detector is trained."""
FILLED = 0.8
"""Largest share of the width of its place that a column fills."""
MARGIN = 0.05
"""Height of the paper above and below the columns, in heights of the page."""


@dataclass(frozen=True)
class Found:
    """Detections in one column: (m, 2) float64 tops and bottoms in pixels of the patch, and (m,) float64 scores."""

    spans: NDArray[np.float64]
    scores: NDArray[np.float64]


def look(localizer: Localizer, columns: list[tuple[NDArray[np.uint8], int]]) -> list[Found]:
    """Find the characters of up to `COLUMNS_ABREAST` columns.

    Parameters
    ----------
    columns : (H, W) uint8 patches, each with its number of characters; all characters are drawn at one size.
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

    Parameters
    ----------
    columns : as in `look`.
    size : side of the page, pixels.

    Returns
    -------
    canvas : (size, size) uint8.
    places : for each column, left and right of its place and its top, pixels of the page; its scale, pixels of the
        page per pixel of the patch; and its height, pixels of the patch.
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
        # Each column's paper gets the grey of the page, because a step of grey at its border would look like a line.
        levelled = np.clip(grey.astype(np.float32) + canvas[0, 0] - paper[number], 0, 255)
        drawn = Image.fromarray(np.uint8(np.round(levelled))).resize(shape, Image.Resampling.BICUBIC, reducing_gap=3)
        x = round((number + 0.5) * step - shape[0] / 2)
        canvas[top : top + shape[1], x : x + shape[0]] = np.asarray(drawn)
        places.append((number * step, (number + 1) * step, float(top), shape[1] / height, height))
    return canvas, places
