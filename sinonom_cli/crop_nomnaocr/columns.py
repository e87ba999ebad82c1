"""A column of writing and its transcript -> where its characters are, and their pictures."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.crop_nomnaocr.align import agreement
from sinonom_cli.crop_nomnaocr.circles import circle_scores
from sinonom_cli.crop_nomnaocr.crops import Crop, crop, owners
from sinonom_cli.crop_nomnaocr.cuts import LEAST_HEIGHT, Cuts, find_cuts
from sinonom_cli.crop_nomnaocr.heights import expected_heights
from sinonom_cli.crop_nomnaocr.ink import border_scraps, ruling_lines, soft_ink
from sinonom_cli.crop_nomnaocr.quality import Judged, judged
from sinonom_cli.crop_nomnaocr.sheets import Found
from sinonom_cli.errors import SinonomError

TALLEST_STROKE = 2.5
"""Widths of the column; dark for so long near its border: a ruling line."""
RADII = (0.18, 0.21, 0.24, 0.27, 0.30, 0.33)
"""Radii of paragraph marks to look for, in widths of the column."""
LEAST_RADIUS = 3.5
"""Pixels; smaller circles look like any gap. Columns so narrow are notes, which have none."""


@dataclass(frozen=True)
class Column:
    """A patch, cut.

    Attributes
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    cuts : the rows of its n characters.
    agreement : (n,) float64 in [0, 1], what the cuts by ink alone have in common with the nearest box of a detector,
        along the column; None: no detector was asked.
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
    """Cut a patch into the characters of its transcript, by its ink alone or with what a detector saw.

    Parameters
    ----------
    grey : (H, W) uint8, a vertical column, dark on light.
    transcript : n characters, from top to bottom.
    found : boxes along the column; None: no detector was asked.

    Raises
    ------
    SinonomError
        If the patch is too low for the transcript.
    """
    check_fits(len(grey), len(transcript))
    ink = column_ink(grey)
    radii = np.array(RADII, np.float32) * np.float32(grey.shape[1])
    circles = circle_scores(ink, radii[radii >= LEAST_RADIUS])
    heights = np.array(expected_heights(transcript))
    blind = find_cuts(ink, heights, circles)
    if found is None:
        return Column(ink, blind)
    seeing = find_cuts(ink, heights, circles, found.spans, found.scores)
    # Whether the number is right is the ink's to say: a detector that overlooks a character would speak for fewer.
    cuts = replace(seeing, rival=blind.rival, rival_number=blind.rival_number)
    return Column(ink, cuts, agreement(found.spans, blind.tops, blind.bottoms))


def crop_all(column: Column, size: int) -> list[Crop | None]:
    """Return the crop of each character of a column; None where there is no ink."""
    owner = owners(column.ink, column.cuts.tops, column.cuts.bottoms)
    spans = zip(column.cuts.tops, column.cuts.bottoms, strict=True)
    return [crop(column.ink, owner, k, top, bottom, size) for k, (top, bottom) in enumerate(spans)]


def judge(column: Column, transcript: str, crops: list[Crop | None]) -> Judged:
    """Return how sure the crops of a column are."""
    severed = np.array([one.severed if one else 0.0 for one in crops])
    return judged(column.cuts, transcript, severed, column.agreement)
