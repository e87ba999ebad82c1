"""Cut one column by its transcript, and write its files and rows of the image set: one item of the batch."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sinonom_cli.characters import label_of, repair
from sinonom_cli.crops.column_pages import Found, look
from sinonom_cli.crops.columns import check_fits, crop_all, cut_column, judge
from sinonom_cli.crops.confidence import whole_share
from sinonom_cli.crops.crops import Crop, crop_in_box, enlarged, reduced, reduction
from sinonom_cli.crops.label_check import Likeness, read_reader
from sinonom_cli.crops.regions import Region, load_region
from sinonom_cli.crops.transcripts import ILLEGIBLE, NAMELESS, Line
from sinonom_cli.errors import SinonomError
from sinonom_cli.layout.detector import read_localizer
from sinonom_cli.storage.atomic import cached_by_file, save_png
from sinonom_cli.storage.inputs import Item

LEAST_INSIDE = 0.5
"""Smallest share of a box's area inside the picture. A box with more was drawn a little too wide, one with less
belongs to another picture."""
NO_INK, OUTSIDE = "no ink", "the box lies outside the picture"


@dataclass(frozen=True)
class Piece:
    """One character cut from a column; `Judged` and `Column` explain its numbers, `Likeness` explains `looks_like`."""

    char: str
    crop: Crop | None
    confidence: float
    reason: str
    agreement: float | None
    looks_like: str = ""


@dataclass(frozen=True)
class Done:
    """A column and the characters cut from it.

    Attributes
    ----------
    grey : (H, W) uint8, the column, dark on light.
    corner : (x, y) of the column's upper left corner, pixels of the picture.
    pieces : characters from top to bottom.
    edges : rows of `grey` where the column was cut.
    """

    grey: NDArray[np.uint8]
    corner: tuple[int, int]
    pieces: list[Piece]
    edges: list[int]


@dataclass(frozen=True)
class CropColumn:
    """Callable that cuts one column and writes its crops.

    Attributes
    ----------
    out : folder of the image set.
    size : side of the crops' pictures, pixels.
    localizer : ONNX file of a detector that is used besides the ink; None: the ink alone.
    doubtful_below : confidence, in [0, 1], below which a crop is doubtful.
    keep_doubtful : whether doubtful crops are written too, with a mark.
    check : whether crops that look like another character become doubtful.
    """

    out: Path
    size: int
    localizer: Path | None
    doubtful_below: float
    keep_doubtful: bool
    check: bool = False

    def __call__(self, item: Item) -> list[dict[str, str]]:
        done = self.cut(item)
        line: Line = item.data
        rows = []
        for k, piece in enumerate(done.pieces):
            if piece.char in ILLEGIBLE:
                continue
            row = {"source": f"{line.picture}#{line.first + k}", "confidence": f"{piece.confidence:.3f}"}
            if piece.agreement is not None:
                row["agreement"] = f"{piece.agreement:.3f}"
            rows.append(self._written(piece, f"{line.slug}-{line.first + k}", done.corner, row))
        if rows and all(row["box"] == "" for row in rows):
            if any(row["reason"] == OUTSIDE for row in rows):
                raise SinonomError("all boxes lie outside the picture", "give the picture that they are for")
            raise SinonomError("there is no ink in the patch", "give a scan that shows the characters")
        return rows

    def outputs(self, item: Item) -> list[str]:
        """Return the files that the item can give, relative to the image set; doubtful crops may have none."""
        line: Line = item.data
        chars = enumerate(line.transcript, line.first)
        return [_file_name(label_of(repair(char)), f"{line.slug}-{k}") for k, char in chars if char != NAMELESS]

    def cut(self, item: Item) -> Done:
        """Cut a column and judge its pieces, but write nothing.

        Raises
        ------
        SinonomError
            If the column cannot be read, or is too low for the characters of its transcript.
        """
        line: Line = item.data
        if line.fault:
            raise SinonomError(line.fault)
        grey, corner = load_region(line.region)
        spots = np.array(line.spots, np.float64).reshape(-1, 4) - np.tile(corner, 2)
        if line.read:
            certain = {k for k, spot in enumerate(line.spots) if spot in line.checked}
            return self._checked(_taken(grey, corner, spots, line.transcript, self.size), certain)
        check_fits(len(grey), len(line.transcript))
        found = None
        if len(spots):
            found = Found(np.clip(spots[:, [1, 3]], 0, len(grey)), np.ones(len(spots)))
        elif self.localizer is not None:
            found = look_at_page(self.localizer, line.page)[line.place]
        side = min(grey.shape[1], len(grey) / len(line.transcript))
        factor = reduction(side, self.size)
        if found:
            found = replace(found, spans=found.spans / factor)
        column = cut_column(reduced(grey, factor), line.transcript, found)
        crops = [enlarged(one, factor, grey.shape) for one in crop_all(column, self.size)]
        judged = judge(column, line.transcript, crops)
        seen = [None] * len(crops) if column.agreement is None else column.agreement.tolist()
        reasons = [reason if one else NO_INK for reason, one in zip(judged.reasons, crops, strict=True)]
        pieces = [
            Piece(*piece)
            for piece in zip(line.transcript, crops, judged.confidence.tolist(), reasons, seen, strict=True)
        ]
        edges = sorted({row * factor for rows in (column.cuts.tops, column.cuts.bottoms) for row in rows.tolist()})
        return self._checked(Done(grey, corner, pieces, edges))

    def _checked(self, done: Done, certain: Collection[int] = ()) -> Done:
        """Lower the confidence of pieces that look like another character than the transcript names.

        Those whose places are `certain` keep theirs: people have looked at them.
        """
        if not self.check:
            return done
        pieces = list(done.pieces)
        known = {k: p for k, p in enumerate(pieces) if k not in certain and p.char not in {*ILLEGIBLE, NAMELESS}}
        shown = {k: piece.crop.picture for k, piece in known.items() if piece.crop}
        seen = read_reader()(list(shown.values()), [pieces[k].char for k in shown])
        for k, likeness in zip(shown, seen, strict=True):
            if likeness:
                pieces[k] = _doubted(pieces[k], likeness)
        return replace(done, pieces=pieces)

    def _written(self, piece: Piece, name: str, corner: tuple[int, int], row: dict[str, str]) -> dict[str, str]:
        """Write the picture of a character unless it must be left out, and return its row."""
        char, crop = repair(piece.char), piece.crop
        label = label_of(char) if char != NAMELESS else ""
        row |= {"label": label, "char": char if label else "", "box": ""}
        if crop is None:
            return {**row, "confidence": "0.000", "reason": piece.reason}
        row["box"] = " ".join(str(side + shift) for side, shift in zip(crop.box, corner * 2, strict=True))
        if not label:
            return {**row, "confidence": "0.000", "reason": "the box has no text"}
        doubtful = piece.confidence < self.doubtful_below
        if self.check and doubtful:
            row["looks_like"] = piece.looks_like
        if doubtful and not self.keep_doubtful:
            return {**row, "reason": piece.reason}
        row["file_name"] = _file_name(label, name)
        save_png(self.out / row["file_name"], crop.picture)
        return {**row, "doubtful": piece.reason if doubtful else ""} if self.keep_doubtful else row


def _file_name(label: str, name: str) -> str:
    return f"images/{label}/{name}.png"


def _doubted(piece: Piece, seen: Likeness) -> Piece:
    doubted = replace(piece, confidence=piece.confidence * seen.factor)
    if seen.factor > piece.confidence:
        return doubted
    return replace(doubted, reason="looks like another character", looks_like=seen.other)


def _taken(grey: NDArray[np.uint8], corner: tuple[int, int], spots: NDArray[np.float64], chars: str, size: int) -> Done:
    """Crop characters by the boxes of an annotation file."""
    pieces = []
    for char, spot in zip(chars, spots, strict=True):
        outside = _share_inside(spot, grey.shape) < LEAST_INSIDE
        crop = None if outside else crop_in_box(grey, spot, size)
        whole = float(whole_share(crop.severed)) if crop else 0.0
        reason = "strokes are cut through" if crop else OUTSIDE if outside else NO_INK
        pieces.append(Piece(char, crop, whole, reason, None))
    return Done(grey, corner, pieces, [])


def _share_inside(box: NDArray[np.float64], shape: tuple[int, ...]) -> float:
    """Return the share in [0, 1] of a box's area that lies inside a picture."""
    low, high = np.maximum(box[:2], 0), np.minimum(box[2:], shape[::-1])
    with np.errstate(over="ignore"):
        sides = box[2:] - box[:2]
    # Each side has its own ratio, because the area of an absurdly large box would overflow.
    return float((np.clip(high - low, 0, None) / sides).prod()) if (sides > 0).all() else 0.0


@cached_by_file(2)
def look_at_page(localizer: Path, page: tuple[tuple[Region, int], ...]) -> list[Found | None]:
    """Return a detector's boxes in each of the columns laid on one page; None for a column that cannot be read.

    One worker mostly gets neighbours in the list one after another, so the cache saves further inferences per page.
    """
    columns: dict[int, tuple[NDArray[np.uint8], int]] = {}
    for place, (region, count) in enumerate(page):
        try:
            grey, _ = load_region(region)
        except SinonomError:
            continue
        columns[place] = grey, count
    found = look(read_localizer(localizer), list(columns.values())) if columns else []
    seen = dict(zip(columns, found, strict=True))
    return [seen.get(place) for place in range(len(page))]
