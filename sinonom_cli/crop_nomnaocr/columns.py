"""One patch and its transcript -> pictures of its characters: the work on one item of the batch."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.characters import label_of, repair
from sinonom_cli.crop_nomnaocr.align import agreement
from sinonom_cli.crop_nomnaocr.circles import circle_scores
from sinonom_cli.crop_nomnaocr.crops import Crop, crop, owners
from sinonom_cli.crop_nomnaocr.cuts import LEAST_HEIGHT, Cuts, find_cuts
from sinonom_cli.crop_nomnaocr.heights import expected_heights
from sinonom_cli.crop_nomnaocr.ink import border_scraps, ruling_lines, soft_ink
from sinonom_cli.crop_nomnaocr.localize import read_localizer
from sinonom_cli.crop_nomnaocr.sheets import Found, look
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
    if found is None:
        return Column(ink, find_cuts(ink, heights, circles))
    return Column(ink, find_cuts(ink, heights, circles, found.spans, found.scores))


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
    """The work on one patch: `out` is the image set, `size` the side of its pictures, `localizer` an ONNX file."""

    out: Path
    size: int
    localizer: Path | None = None

    def __call__(self, item: Item) -> list[dict[str, str]]:
        line: Line = item.data
        if line.fault:
            raise SinonomError(line.fault)
        grey = load_picture(item.path)
        check_fits(len(grey), len(line.transcript))
        found = None if self.localizer is None else look_at_page(self.localizer, line.page)[line.place]
        column = cut_column(grey, line.transcript, found)
        crops = crop_all(column, self.size)
        severed = np.array([one.severed if one else 0.0 for one in crops])
        sure = confidences(column.cuts, line.transcript, severed)
        if found is not None:
            # The detector's word counts half: what it overlooked may still be cut well.
            sure = sure * (0.5 + 0.5 * agreement(found.spans, column.cuts.tops, column.cuts.bottoms))
        return write_crops(self.out, item.key, line, crops, sure)


@lru_cache(maxsize=2)
def look_at_page(localizer: Path, page: tuple[tuple[Path, int], ...]) -> list[Found | None]:
    """Return what a detector sees in each of the columns laid on one page; None for those that cannot be read.

    Neighbours in the list mostly come to the same worker one after another: it looks at their page once.
    """
    columns: dict[int, tuple[NDArray[np.uint8], int]] = {}
    for place, (path, count) in enumerate(page):
        try:
            grey = load_picture(path)
        except SinonomError:
            continue
        columns[place] = grey, count
    found = look(read_localizer(localizer), list(columns.values())) if columns else []
    seen = dict(zip(columns, found, strict=True))
    return [seen.get(place) for place in range(len(page))]


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
