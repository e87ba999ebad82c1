"""Find the characters of a column of writing by its transcript, and crop their pictures."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crops.align import agreement
from sinonom_cli.crops.column_pages import Found
from sinonom_cli.crops.confidence import Judged, judged
from sinonom_cli.crops.crops import Crop, crop, owners
from sinonom_cli.crops.cuts import LEAST_HEIGHT, Cuts, find_cuts
from sinonom_cli.crops.heights import expected_heights
from sinonom_cli.crops.ink import border_scraps, ruling_lines, soft_ink
from sinonom_cli.crops.paragraph_marks import circle_scores
from sinonom_cli.errors import SinonomError

TALLEST_STROKE = 2.5
"""Smallest length of a ruling line near the border, in widths of the column; strokes are shorter."""
RADII = (0.18, 0.21, 0.24, 0.27, 0.30, 0.33)
"""Radii of paragraph marks to look for, in widths of the column."""
LEAST_RADIUS = 3.5
"""Smallest radius, in pixels, of a paragraph mark; smaller circles look like any gap. Columns that are so narrow are
notes, which have no marks."""


WORK = 40
"""Size of a character, in pixels, at which cuts are searched; larger columns are reduced by the whole part of the
ratio."""


@dataclass(frozen=True)
class Column:
    """Ink and cuts of a patch.

    Attributes
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    cuts : rows of the n characters.
    agreement : (n,) float64 in [0, 1], intersection over union, along the column, of each segment that is cut by ink
        alone with the nearest box of a detector; None if no detector was used.
    """

    ink: NDArray[np.float32]
    cuts: Cuts
    agreement: NDArray[np.float64] | None = None


def column_ink(grey: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the ink of a column without its ruling lines: (H, W) float32 in [0, 1]."""
    ink = soft_ink(grey)
    length = round(TALLEST_STROKE * grey.shape[1])
    if len(grey) >= length:
        ink[ruling_lines(ink, length)] = 0
    ink[border_scraps(ink)] = 0
    return ink


def check_fits(height: int, n: int) -> None:
    """Raise SinonomError if a patch `height` pixels high cannot hold n characters."""
    if height < LEAST_HEIGHT * n:
        raise SinonomError(
            f"the transcript has {n} characters and the patch is {height} pixels high: each needs {LEAST_HEIGHT}",
            "correct the transcript",
        )


def cut_column(grey: NDArray[np.uint8], transcript: str, found: Found | None = None) -> Column:
    """Cut a patch into the characters of its transcript, by its ink alone or with a detector's boxes.

    Parameters
    ----------
    grey : (H, W) uint8, a vertical column, dark on light.
    transcript : n characters, from top to bottom.
    found : boxes along the column; None if no detector was used.

    Raises
    ------
    SinonomError
        If the patch is too low for the transcript.
    """
    check_fits(len(grey), len(transcript))
    ink = column_ink(grey)
    factor = max(1, int(min(ink.shape[1], len(ink) / len(transcript)) / WORK))
    small = shrunk(ink, factor)
    circles = marks_of(small)
    heights = np.array(expected_heights(transcript))
    blind = find_cuts(small, heights, circles)
    if found is None:
        return Column(ink, _enlarged(blind, factor, len(ink)))
    seeing = find_cuts(small, heights, circles, found.spans / factor, found.scores)
    # The ink alone judges the number of characters, because a detector that misses one would favour fewer.
    cuts = replace(seeing, rival=blind.rival, rival_number=blind.rival_number, sparse=blind.sparse)
    blind = _enlarged(blind, factor, len(ink))
    return Column(ink, _enlarged(cuts, factor, len(ink)), agreement(found.spans, blind.tops, blind.bottoms))


def marks_of(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the score of each row of a column as the centre of a paragraph mark: (H,) float32.

    The running time grows with the fourth power of the width, so wide columns of small characters are reduced.
    """
    factor = max(1, ink.shape[1] // (2 * WORK))
    small = shrunk(ink, factor)
    radii = np.array(RADII, np.float32) * np.float32(small.shape[1])
    return np.repeat(circle_scores(small, radii[radii >= LEAST_RADIUS]), factor)[: len(ink)]


def shrunk(ink: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Return ink reduced by a whole factor; each pixel is the mean of a square, padded with paper below and right."""
    if factor < 2:
        return ink
    below, right = (-side % factor for side in ink.shape)
    padded = np.pad(ink, ((0, below), (0, right)))
    rows, columns = (side // factor for side in padded.shape)
    return padded.reshape(rows, factor, columns, factor).mean(axis=(1, 3), dtype=np.float32)


def _enlarged(cuts: Cuts, factor: int, height: int) -> Cuts:
    """Return the cuts of a reduced column in pixels of the full column, which is `height` pixels high."""
    tops, bottoms = (np.minimum(rows * factor, height) for rows in (cuts.tops, cuts.bottoms))
    return replace(cuts, tops=tops, bottoms=bottoms, pitch=cuts.pitch * factor)


def crop_all(column: Column, size: int) -> list[Crop | None]:
    """Return the crop of each character of a column; None where there is no ink."""
    owner = owners(column.ink, column.cuts.tops, column.cuts.bottoms)
    spans = zip(column.cuts.tops, column.cuts.bottoms, strict=True)
    return [crop(column.ink, owner, k, top, bottom, size) for k, (top, bottom) in enumerate(spans)]


def judge(column: Column, transcript: str, crops: list[Crop | None]) -> Judged:
    """Return the confidence of the crops of a column, and the main doubt about each."""
    severed = np.array([one.severed if one else 0.0 for one in crops])
    return judged(column.cuts, transcript, severed, column.agreement)
