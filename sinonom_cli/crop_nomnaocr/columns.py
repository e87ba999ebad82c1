"""One patch and its transcript -> pictures of its characters: the work on one item of the batch."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.characters import label_of, repair
from sinonom_cli.crop_nomnaocr.circles import circle_scores
from sinonom_cli.crop_nomnaocr.crops import Crop, crop, owners
from sinonom_cli.crop_nomnaocr.cuts import LEAST_HEIGHT, Cuts, find_cuts
from sinonom_cli.crop_nomnaocr.heights import expected_heights
from sinonom_cli.crop_nomnaocr.ink import border_scraps, ruling_lines, soft_ink
from sinonom_cli.crop_nomnaocr.transcripts import ILLEGIBLE, Line
from sinonom_cli.errors import SinonomError
from sinonom_cli.models.preprocess import load_picture

TALLEST_STROKE = 2.5
"""Widths of the column; dark for so long near its border: a ruling line."""
RADII = (0.18, 0.21, 0.24, 0.27, 0.30, 0.33)
"""Radii of paragraph marks to look for, in widths of the column."""
LEAST_RADIUS = 3.5
"""Pixels; smaller circles look like any gap. Columns so narrow are notes, which have none."""
ORDINARY_COST = 0.4
"""Cost of the cuts per character, up to which a column looks as its transcript says."""
LIKELY_HEIGHT = 0.35
"""Standard deviation of the logarithm of heights in the confidence; wider than in the search."""


@dataclass(frozen=True)
class Column:
    """A patch, cut.

    Attributes
    ----------
    ink : (H, W) float32 in [0, 1], without ruling lines.
    cuts : the rows of its n characters.
    """

    ink: NDArray[np.float32]
    cuts: Cuts


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


def cut_column(grey: NDArray[np.uint8], transcript: str) -> Column:
    """Cut a patch into the characters of its transcript by its ink alone.

    Parameters
    ----------
    grey : (H, W) uint8, a vertical column, dark on light.
    transcript : n characters, from top to bottom.

    Raises
    ------
    SinonomError
        If the patch is too low for the transcript.
    """
    check_fits(len(grey), len(transcript))
    ink = column_ink(grey)
    radii = np.array(RADII, np.float32) * np.float32(grey.shape[1])
    circles = circle_scores(ink, radii[radii >= LEAST_RADIUS])
    return Column(ink, find_cuts(ink, np.array(expected_heights(transcript)), circles))


def confidences(cuts: Cuts, transcript: str, severed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how sure each character's crop is, in [0, 1].

    The product of: the certainty of its cuts; the likelihood of its height; the share of its ink that is whole; how
    well the column as a whole fits the transcript.
    """
    heights = (cuts.bottoms - cuts.tops) / (np.array(expected_heights(transcript)) * cuts.pitch)
    likely = np.exp(-0.5 * (np.log(heights) / LIKELY_HEIGHT) ** 2)
    fit = np.exp(-max(0.0, cuts.cost / len(transcript) - ORDINARY_COST))
    return cuts.certainty * likely * np.clip(1 - 4 * severed, 0.1, 1) * fit


@dataclass(frozen=True)
class CropColumn:
    """The work on one patch: `out` is the image set, `size` the side of its pictures."""

    out: Path
    size: int

    def __call__(self, item: Item) -> list[dict[str, str]]:
        line: Line = item.data
        if line.fault:
            raise SinonomError(line.fault)
        column = cut_column(load_picture(item.path), line.transcript)
        crops = crop_all(column, self.size)
        severed = np.array([found.severed if found else 0.0 for found in crops])
        sure = confidences(column.cuts, line.transcript, severed)
        return write_crops(self.out, item.key, line, crops, sure)


def crop_all(column: Column, size: int) -> list[Crop | None]:
    """Return the crop of each character of a column; None where there is no ink."""
    owner = owners(column.ink, column.cuts.tops, column.cuts.bottoms)
    spans = zip(column.cuts.tops, column.cuts.bottoms, strict=True)
    return [crop(column.ink, owner, k, top, bottom, size) for k, (top, bottom) in enumerate(spans)]


def write_crops(
    out: Path, key: str, line: Line, crops: list[Crop | None], sure: NDArray[np.float64]
) -> list[dict[str, str]]:
    """Write the pictures of one patch and return their rows.

    Raises
    ------
    SinonomError
        If no legible character has any ink: the patch is blank.
    """
    rows = []
    legible = [(k, char) for k, char in enumerate(line.transcript) if char not in ILLEGIBLE]
    for k, written in legible:
        found, char = crops[k], repair(written)
        if found is None:
            continue
        label = label_of(char)
        name = f"images/{label}/{line.slug}-{k}.png"
        save_png(out / name, found.picture)
        box = " ".join(map(str, found.box))
        rows.append(
            {
                "file_name": name,
                "label": label,
                "char": char,
                "source": f"{key}#{k}",
                "box": box,
                "confidence": f"{sure[k]:.3f}",
            }
        )
    if legible and not rows:
        raise SinonomError("there is no ink in the patch", "give a scan that shows the characters")
    return rows
