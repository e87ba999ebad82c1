"""One column and its transcript -> files and rows of the set: the work on one item of the batch."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.artifacts.files import save_png
from sinonom_cli.artifacts.inputs import Item
from sinonom_cli.characters import label_of, repair
from sinonom_cli.crop_nomnaocr.columns import check_fits, crop_all, cut_column, judge
from sinonom_cli.crop_nomnaocr.crops import Crop
from sinonom_cli.crop_nomnaocr.localize import read_localizer
from sinonom_cli.crop_nomnaocr.sheets import Found, look
from sinonom_cli.crop_nomnaocr.transcripts import ILLEGIBLE, Line
from sinonom_cli.errors import SinonomError
from sinonom_cli.models.preprocess import load_picture


@dataclass(frozen=True)
class CropColumn:
    """The work on one column.

    Attributes
    ----------
    out : the image set.
    size : side of its pictures, pixels.
    localizer : an ONNX file to ask as well as the ink.
    doubtful_below : confidence below which a crop is doubtful.
    keep_doubtful : write doubtful crops too, marked.
    """

    out: Path
    size: int
    localizer: Path | None
    doubtful_below: float
    keep_doubtful: bool

    def __call__(self, item: Item) -> list[dict[str, str]]:
        line: Line = item.data
        if line.fault:
            raise SinonomError(line.fault)
        grey = load_picture(item.path)
        check_fits(len(grey), len(line.transcript))
        found = None if self.localizer is None else look_at_page(self.localizer, line.page)[line.place]
        column = cut_column(grey, line.transcript, found)
        crops = crop_all(column, self.size)
        found_out = judge(column, line.transcript, crops)
        rows = []
        for k, written in enumerate(line.transcript):
            if written in ILLEGIBLE:
                continue
            row = {"source": f"{item.key}#{k}", "confidence": f"{found_out.confidence[k]:.3f}"}
            if column.agreement is not None:
                row["agreement"] = f"{column.agreement[k]:.3f}"
            rows.append(self._written(repair(written), f"{line.slug}-{k}", crops[k], found_out.reasons[k], row))
        if rows and all(row["box"] == "" for row in rows):
            raise SinonomError("there is no ink in the patch", "give a scan that shows the characters")
        return rows

    def _written(self, char: str, name: str, crop: Crop | None, reason: str, row: dict[str, str]) -> dict[str, str]:
        """Write the picture of a character unless it is to be left out, and return its row."""
        label = label_of(char)
        row |= {"label": label, "char": char, "box": " ".join(map(str, crop.box)) if crop else ""}
        if crop is None:
            return {**row, "confidence": "0.000", "reason": "no ink"}
        doubtful = float(row["confidence"]) < self.doubtful_below
        if doubtful and not self.keep_doubtful:
            return {**row, "reason": reason}
        row["file_name"] = f"images/{label}/{name}.png"
        save_png(self.out / row["file_name"], crop.picture)
        return {**row, "doubtful": reason if doubtful else ""} if self.keep_doubtful else row


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
